"""A server that fetches the jobs of a service of ours: attempts are leased, and accepted before
they run."""

import random
import time
import types

import pytest
from conftest import Server
from played_server import TOKEN
from played_worker import PAGE, played
from registration import config, registered
from upstream_site import Site
from waiting import until

__all__ = ["played"]


@pytest.fixture
def site_of(tmp_path):
    sites = []

    def make(server, **settings):
        service = types.SimpleNamespace(config_url=server.url + "/config", token=TOKEN)
        sites.append(Site(tmp_path, service, **settings))
        return sites[-1]

    yield make
    for site in sites:
        if site.process and site.process.poll() is None:
            site.kill()


def add(server, job_type, name):
    return server.add(job_type, payload={"n": name})


def ended(task, site, status="completed"):
    until(lambda: task.ends and task.status == status, lambda: f"{task.said}\n{site.log()}", 60)


NONSENSE = {
    "page": PAGE,
    "nothing": b"",
    "object": b"{}",
    "list": b"[]",
    "null": b"null",
    "half": b'{"jobs": [{"task_id": "a',
    "jobs": b'{"jobs": {"task_id": "a"}}',
    "attempt": b'{"jobs": [{"task_id": "a", "attempt": "1st", "payload": {"job_type": "greet"}}]}',
    "negative": b'{"jobs": [{"task_id": "a", "attempt": -1, "payload": {"job_type": "greet"}}]}',
    "huge": b'{"jobs": [{"task_id": "a", "attempt": 1e99, "payload": {"job_type": "greet"}}]}',
    "foreign": b'{"updates": [{"task_id": "a", "attempt": 7, "status": "completed", "input": []}]}',
    "bare": b'{"task_id": "a", "attempt": 1, "status": 7}',
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize("asked", ["/config", "/update"])
def test_nonsense_loses_nothing_and_runs_nothing_twice(played, site_of, asked, body):
    server = played()
    site = site_of(server).start()
    held, other = add(server, "wait", "held"), add(server, "greet", "other")
    site.is_running("held")
    ended(other, site)
    server.lose = lambda path: body if path == asked else None
    late = add(server, "greet", "late")
    before = sum(path == asked for _, path in server.requests)
    site.go.touch()
    until(lambda: sum(path == asked for _, path in server.requests) >= before + 3, site.log)
    server.lose = lambda path: None
    ended(held, site)
    ended(late, site)
    for task, name in ((held, "held"), (other, "other"), (late, "late")):
        assert site.ran(name) == 1
        assert (task.attempt, len(task.ends)) == (1, 1)
        assert task.said[0] == "running"
    site.stop()


def test_lost_answers_lose_and_repeat_nothing(played, site_of):
    server = played()
    chance = random.Random(11)
    fates = ["request", "answer", None, None]
    site = site_of(server).start()
    server.lose = lambda path: chance.choice(fates)
    tasks = {f"t{n}": add(server, "greet", f"t{n}") for n in range(8)}
    for name, task in tasks.items():
        ended(task, site)
        assert site.ran(name) == 1
        assert (task.attempt, len(task.ends)) == (1, 1)
    server.lose = lambda path: None
    site.stop()


def test_what_is_no_acceptance_starts_nothing(played, site_of):
    server = played()
    server.lose = lambda path: PAGE if path == "/update" else None
    site = site_of(server).start()
    task = add(server, "greet", "a")
    until(lambda: sum(path == "/update" for _, path in server.requests) >= 4, site.log)
    assert task.said == [] and site.ran("a") == 0
    assert site.request("GET", "/api/v1/tasks", token="admin").json["items"] == []
    server.lose = lambda path: None
    ended(task, site)
    assert site.ran("a") == 1


def test_an_offer_that_is_anothers_by_now_is_not_run(played, site_of):
    server = played()
    server.lose = lambda path: "request" if path == "/update" else None
    site = site_of(server).start()
    task = add(server, "greet", "a")
    until(lambda: sum(path == "/update" for _, path in server.requests) >= 2, site.log)
    with server.changed:
        task.attempt, task.status = task.attempt + 1, "running"  # of another worker
    server.lose = lambda path: None
    site.logged("is given up")
    ended(add(server, "greet", "b"), site)
    assert site.ran("a") == 0


def test_a_stop_gives_back_what_waits(played, site_of):
    server = played()
    site = site_of(server, TANDEM_EMBEDDED_SLOTS="0").start()
    # It has free slots, but is no worker for this job.
    worker = registered(site, job_types=["other"], slots=2)
    assert config(site, worker["worker_token"]).status == 200
    task = add(server, "greet", "a")
    until(lambda: task.said, site.log)
    stats = lambda: site.request("GET", "/api/v1/tasks/stats", token="admin").json
    until(lambda: stats()["statuses"].get("pending"), site.log)
    site.stop()
    assert task.said == ["running", "released"], site.log()


def test_what_a_dead_site_had_not_begun_it_does_not_begin_later(played, site_of):
    server = played(lease_s=3, heartbeat_s=0.3)
    site = site_of(server, TANDEM_EMBEDDED_SLOTS="0").start()
    worker = registered(site, job_types=["other"], slots=2)
    assert config(site, worker["worker_token"]).status == 200
    task = add(server, "greet", "a")
    until(lambda: site.request("GET", "/api/v1/tasks/stats", token="admin")
          .json["statuses"].get("pending"), site.log)
    site.kill()
    killed_at = time.monotonic()
    until(lambda: time.monotonic() > killed_at + 3, "the lease is over")
    with server.changed:
        task.attempt, task.status = task.attempt + 1, "running"  # of another site
    site.settings["TANDEM_EMBEDDED_SLOTS"] = "2"
    site.start()
    ended(add(server, "greet", "b"), site)
    assert site.ran("a") == 0, site.log()


def test_a_task_is_stopped_before_its_lease_is_over_and_given_back(played, site_of):
    server = played(lease_s=3, heartbeat_s=0.3)
    site = site_of(server).start()
    task = add(server, "wait", "a")
    site.is_running("a")
    with server.changed:
        server.is_silent = True
    cancelled = lambda: site.task_of(task.task_id)["status"] == "cancelled"
    until(cancelled, site.log)
    site.logged("was not heard of until its lease was nearly over")
    with server.changed:
        server.is_silent = False
        server.changed.notify_all()
    until(lambda: site.ran("a") == 2, site.log)
    site.go.touch()
    ended(task, site)
    assert "cancelled" not in task.said and task.attempt == 2


def test_the_service_may_be_one_of_ours(service, tmp_path):
    """Its attempts are leased: they are accepted before they run, and renewed while they do."""
    (tmp_path / "above").mkdir()
    above = Server(
        tmp_path / "above",
        TANDEM_EMBEDDED_SLOTS="0",
        TANDEM_LEASE_S="2",
        TANDEM_HEARTBEAT_S="0.5",
        TANDEM_POLL_INTERVAL_S="0.1",
    )
    above.start()
    registration = {"name": "site", "slots": 2, "mode": "polling"}
    made = above.request("POST", "/api/v1/polling/register", registration, token="admin").json
    site = Site(
        tmp_path,
        service,
        TANDEM_UPSTREAM_CONFIG_URL=made["config_url"],
        TANDEM_UPSTREAM_TOKEN=made["worker_token"],
    ).start()
    try:
        paths = {}
        for name in ("a", "b"):
            task_id = above.submit({"job_type": "wait", "n": name})["task_id"]
            paths[name] = f"/api/v1/tasks/{task_id}"
            site.is_running(name)
        held = above.request("GET", paths["a"] + "?wait_s=4").json  # for two leases
        assert (held["status"], held["attempt"]) == ("running", 1), site.log()
        assert above.request("POST", paths["b"] + "/cancel").status == 202
        ended = above.request("GET", paths["b"] + "?wait_s=60").json
        assert (ended["status"], ended["attempt"]) == ("cancelled", 1)
        site.go.touch()
        ended = above.request("GET", paths["a"] + "?wait_s=60").json
        assert (ended["status"], ended["result"]) == ("completed", {"done": True})
    finally:
        site.stop()
        above.stop()
