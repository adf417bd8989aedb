"""What clients have asked and what they were told. An answer that did not come is unknown."""

import dataclasses
import http.client
import json
import threading
import urllib.parse

from waiting import pause

UNREACHED = (OSError, http.client.HTTPException)


@dataclasses.dataclass(frozen=True)
class Exchange:
    key: str
    status: int | None
    task_id: str | None

    @property
    def is_acknowledged(self):
        return self.status is not None and 200 <= self.status < 300


class Journal:
    """Submits tasks, each under a key of its own, and writes down how that went. Thread-safe."""

    def __init__(self, server, run, task):
        self.server, self.run, self.task = server, run, task
        self.exchanges = []
        self.token = server.token()
        self._lock = threading.Lock()
        self._last_key = 0
        self._others = {}

    def new_key(self, task=None):
        """For one more task; `task`, where it is another one than the journal's."""
        with self._lock:
            self._last_key += 1
            key = f"{self.run}-{self._last_key}"
            self._others |= {key: task} if task else {}
            return key

    def submit(self, key):
        """One try; the exchange."""
        body = self._others.get(key, self.task) | {"labels": {"run": self.run, "key": key}}
        status, answer = post(self.server.url, "/api/v1/tasks", body, self.token, key)
        exchange = Exchange(key, status, (answer or {}).get("task_id"))
        with self._lock:
            self.exchanges.append(exchange)
        return exchange

    def submit_until_acknowledged(self, key, is_over=lambda: False):
        while not is_over():
            exchange = self.submit(key)
            if exchange.is_acknowledged:
                return exchange
            assert exchange.status in (None, 503), exchange
            pause()
        return None

    def unknown_keys(self):
        with self._lock:
            acknowledged = {one.key for one in self.exchanges if one.is_acknowledged}
            return {one.key for one in self.exchanges} - acknowledged


def post(url, path, body, token, key=None, timeout=30):
    """Status and answer; None and None where the answer did not come."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except UNREACHED:
        return None, None
    finally:
        connection.close()
