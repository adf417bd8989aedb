"""A client of several servers, some of which do not answer: it asks the next one then."""

import http.client
import itertools
import json
import time
import urllib.parse

from conftest import Answer
from journal import UNREACHED
from oracle import TERMINAL
from waiting import pause

LOOK_AGAIN_S = 0.05
OVER_WITHIN_S = 90


class UnsureClient:
    """Each request goes to the next server. Where no answer came, its status is None."""

    def __init__(self, members, timeout_s=3):
        self.turns = itertools.cycle(members)
        self.token, self.timeout_s = members[0].token(), timeout_s

    def connection(self, server=None):
        address = urllib.parse.urlsplit((server or next(self.turns)).url)
        return http.client.HTTPConnection(address.hostname, address.port, timeout=self.timeout_s)

    def request(self, method, path, body=None, server=None):
        connection = self.connection(server)
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"}
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except UNREACHED:
            return Answer(None, {}, b"{}")
        finally:
            connection.close()


class Visitor:
    """One who submits a task and stays with it; each kind of them is a class."""

    def __init__(self, client, journal, observer):
        self.client, self.journal, self.observer = client, journal, observer

    def submitted(self, task, patience):
        exchange = self.journal.submit_until_acknowledged(self.journal.new_key(task), patience)
        return exchange and exchange.task_id

    def look(self, task_id):
        """The task; none where no server tells."""
        end = self.observer.ends.get(task_id)
        answer = self.client.request("GET", f"/api/v1/tasks/{task_id}")
        if not says_something(answer):
            return None
        assert answer.status == 200, answer.body
        self.observer.saw(answer.json, end)
        return answer.json

    def looks(self, task_id, patience):
        """The task, again and again, up to its end."""
        while not patience():
            task = self.look(task_id)
            if task is not None:
                yield task
            if task is not None and task["status"] in TERMINAL:
                return
            pause(LOOK_AGAIN_S)


def says_something(answer):
    return answer.status not in (None, 503)


def patience_of(is_over):
    """Who has begun ends what it does, within a bound, when all is over."""
    ends = []

    def is_at_its_end():
        if is_over() and not ends:
            ends.append(time.monotonic() + OVER_WITHIN_S)
        return bool(ends) and time.monotonic() > ends[0]

    return is_at_its_end
