"""Promise 12: what is cancelled before it was started never starts. The cancel comes within 5 ms of
the moment at which the task is due, from both sides."""

import datetime
import http.client
import time
import urllib.parse

import pytest
from ledger import noted
from waiting import until
from worker_line import WorkerLine

OFFSETS_MS = [-500, *range(-5, 6), *range(-5, 6), *range(-5, 6)]
APART_S = 0.04
MARGIN_S = 2.0


@pytest.fixture(params=["embedded", "push", "polling"])
def served(request, tmp_path):
    """A server and the ledger, with the worker inside it or one that comes over the network."""
    if request.param == "embedded":
        yield request.getfixturevalue("world")
        return
    line = WorkerLine(tmp_path)
    try:
        line.worker("afar", mode=request.param, direct=True, TANDEM_SLOTS="4")
        line.until_channel("afar", request.param)
        yield line.server, line.ledger
    finally:
        line.close()


class Canceller:
    """One connection, so that a cancel is on its way at once."""

    def __init__(self, server):
        address = urllib.parse.urlsplit(server.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port)
        self.headers = {"Authorization": "Bearer " + server.token()}
        self.answers = {}  # the status, of each task

    def cancel(self, task_id):
        path = f"/api/v1/tasks/{task_id}/cancel"
        self.connection.request("POST", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        self.answers[task_id] = answer.status


def rfc3339(at_s):
    return datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).isoformat()


def test_cancel_within_five_milliseconds_of_the_start(served):
    server, ledger = served
    never = ledger.path.parent / "never"
    begin = time.time() + MARGIN_S
    plan = []
    for number, offset_ms in enumerate(OFFSETS_MS):
        due = begin + number * APART_S
        task = server.request("POST", "/api/v1/tasks", noted(hold=never, run_at=rfc3339(due)))
        assert task.status == 201, task.body
        plan.append((due + offset_ms / 1000, task.json["task_id"]))
    canceller = Canceller(server)
    for at, task_id in plan:
        while time.time() < at:
            pass  # to the millisecond
        canceller.cancel(task_id)
    started = server.request("POST", "/api/v1/tasks", noted(hold=never)).json["task_id"]
    until(lambda: ledger.events(started) == ["start"], server.log)
    canceller.cancel(started)
    answers = canceller.answers
    done = {task_id: server.finished(task_id) for task_id in answers}
    others = [task for task in done.values() if task["status"] != "cancelled"]
    assert not others, [(task["error"], answers[task["task_id"]]) for task in others]
    # Whatever was going to start has started once a later task has run to its end.
    barrier = server.finished(server.request("POST", "/api/v1/tasks", noted()).json["task_id"])
    assert barrier["status"] == "completed"
    never_started = [task_id for task_id, status in answers.items() if status == 200]
    assert [task_id for task_id in never_started if ledger.events(task_id)] == []
    assert all(done[task_id]["started_at"] is None for task_id in never_started)
    assert not any("end" in ledger.events(task_id) for task_id in answers)
    assert answers[plan[0][1]] == 200 and answers[started] == 202
    assert set(answers.values()) == {200, 202}


def test_cancel_while_it_waits_for_another_attempt(served):
    """It has run: 200 would say that it never has."""
    server, ledger = served
    never = ledger.path.parent / "never"
    body = noted(hold=never, timeout_s=1, max_attempts=2, retry_delay_s=3600)
    task_id = server.request("POST", "/api/v1/tasks", body).json["task_id"]
    path = f"/api/v1/tasks/{task_id}"
    until(lambda: server.request("GET", path).json["status"] == "scheduled", "it has failed once")
    answer = server.request("POST", path + "/cancel")
    assert (answer.status, answer.json["status"]) == (202, "cancelled")
    assert ledger.events(task_id) == ["start"]
