"""Promise 6: terminal states are final. A job's own end, its timeout, a cancel and a delete meet at
about the same moment, or a worker's word and the end of its lease; whatever was seen first as the
end stays the end."""

import concurrent.futures
import itertools
import time

import pytest
from conftest import Server
from load import FINAL
from oracle import TERMINAL
from polling_worker import PollingWorker, new_queue, submit
from waiting import pause

ENDS_S = 0.05
ROUNDS = 6
LEASE_S = 1
# About the end of a lease. The first is surely before it, the last surely behind it.
OFFSETS_MS = [-500, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 1500]


def first_end_seen(server, path):
    """The task's first terminal image, or nothing where it was deleted before."""
    while True:
        answer = server.request("GET", path)
        if answer.status == 404:
            return None
        assert answer.status == 200, answer.body
        if answer.json["status"] in TERMINAL:
            return answer.json
        pause()


def race(server, what):
    members = {"timeout_s": ENDS_S} if "timeout" in what else {}
    script = f"sleep {ENDS_S if 'complete' in what else 60}"
    task_id = server.shell(script, **members)["task_id"]
    path = f"/api/v1/tasks/{task_id}"
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        end = pool.submit(first_end_seen, server, path)
        asked = {}
        while not end.done():
            if server.request("GET", path).json.get("started_at"):
                break
        if "cancel" in what:
            asked["cancel"] = pool.submit(server.request, "POST", path + "/cancel")
        if "delete" in what:
            asked["delete"] = pool.submit(server.request, "DELETE", path + "?force=true")
        seen = end.result()
    return task_id, seen, {name: answer.result() for name, answer in asked.items()}


def test_the_first_end_stays_the_end(server):
    pairs = list(itertools.combinations(("complete", "timeout", "cancel", "delete"), 2))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        races = [(pair, pool.submit(race, server, pair)) for pair in pairs * ROUNDS]
    for pair, one in races:
        task_id, seen, asked = one.result()
        now = server.request("GET", f"/api/v1/tasks/{task_id}")
        if "delete" in pair:
            assert asked["delete"].status == 204 and now.status == 404, pair
            continue
        assert {name: now.json[name] for name in FINAL} == {name: seen[name] for name in FINAL}
        possible = {"complete": "completed", "timeout": "failed", "cancel": "cancelled"}
        assert seen["status"] in {possible[name] for name in pair}, (pair, seen["error"])
        if "cancel" in asked:
            code = asked["cancel"].status
            assert code in (202, 409), asked["cancel"].body


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """Leases are short here."""
    server = Server(tmp_path_factory.mktemp("hasty"), TANDEM_EMBEDDED_SLOTS="0",
                    TANDEM_LEASE_S=str(LEASE_S), TANDEM_HEARTBEAT_S="0.5").start()
    yield server
    server.stop()


class Expiry:
    """A task whose worker falls silent, and what comes at about the end of its lease."""

    def __init__(self, server, offset_ms):
        self.server, queue = server, new_queue()
        self.worker = PollingWorker(server, queue)
        self.task_id = submit(server, queue, max_attempts=1)
        self.job = self.worker.job()
        begin = time.monotonic()
        assert self.worker.update(self.job, "running").status == 200
        renewed_at = (begin + time.monotonic()) / 2
        self.moment = renewed_at + LEASE_S + offset_ms / 1000

    def race(self, act):
        """What was answered, and the first end that was seen."""
        path = f"/api/v1/tasks/{self.task_id}"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            end = pool.submit(first_end_seen, self.server, path)
            while time.monotonic() < self.moment:
                pause()
            return act(self), end.result()

    def complete(self):
        return self.worker.update(self.job, "completed", result=1).status

    def renew_and_complete(self):
        renewed = self.worker.update(self.job, "running").status
        completed = self.complete()
        assert completed == renewed  # a lease that was renewed holds
        return completed

    def cancel(self):
        return self.server.request("POST", f"/api/v1/tasks/{self.task_id}/cancel").status

    def delete(self):
        return self.server.request("DELETE", f"/api/v1/tasks/{self.task_id}?force=true").status

    def image(self):
        answer = self.server.request("GET", f"/api/v1/tasks/{self.task_id}")
        return answer.json if answer.status == 200 else None


def end_of(image):
    return image["status"], (image["error"] or {}).get("code")


COMPLETED, LOST = ("completed", None), ("failed", "worker_lost")
CANCELLED = ("cancelled", "worker_lost")  # by nobody: the lease was over before it was obeyed
# The ends that each answer may mean.
MEANS = {
    Expiry.complete: {200: {COMPLETED}, 409: {LOST}},
    Expiry.renew_and_complete: {200: {COMPLETED}, 409: {LOST}},
    Expiry.cancel: {202: {CANCELLED}, 409: {LOST}},
}


@pytest.mark.parametrize("act", MEANS)
def test_an_expired_lease_and_a_late_word_make_one_end(hasty, act):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def race(offset_ms):
            expiry = Expiry(hasty, offset_ms)
            return (expiry, *expiry.race(act))

        races = list(pool.map(race, OFFSETS_MS))
    for expiry, answer, seen in races:
        now = expiry.image()
        assert end_of(seen) in MEANS[act][answer], (answer, seen)
        assert {name: now[name] for name in FINAL} == {name: seen[name] for name in FINAL}
        other = "failed" if now["status"] == "completed" else "completed"
        late = expiry.worker.update(expiry.job, other).status
        assert late == 409 and expiry.image() == now
    assert [races[0][1], races[-1][1]] == list(MEANS[act])


def test_an_expired_lease_and_a_delete_leave_nothing(hasty):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def race(offset_ms):
            expiry = Expiry(hasty, offset_ms)
            return (expiry, *expiry.race(Expiry.delete))

        races = list(pool.map(race, OFFSETS_MS))
    for expiry, answer, seen in races:
        assert answer == 204 and expiry.image() is None
        assert seen is None or end_of(seen) in (LOST, CANCELLED), seen
        assert expiry.worker.update(expiry.job, "completed").status in (404, 409)
