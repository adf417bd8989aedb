"""Polls: who gets which task, when, and that none is lost with an answer that nobody reads."""

import json
import time

import pytest

from conftest import Server
from fleet_server import queue, server  # noqa: F401
from multipart import CONTENT_TYPE, form
from polling_worker import POLLING, WHO_MAY, WORKERS, PollingWorker, code, new_queue, submit
from polling_worker import task_of, update, waiting
from raw_http import RawConnection, request_bytes
from waiting import until

AT_ONCE_S = 2  # and a poll waits for a minute


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """Offers go back soon."""
    directory = tmp_path_factory.mktemp("hasty")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_ACCEPT_TIMEOUT_S="0.3").start()
    yield server
    server.stop()


@pytest.fixture
def own(tmp_path):
    server = Server(tmp_path, TANDEM_EMBEDDED_SLOTS="0").start()
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.mark.alone
def test_a_waiting_poll_is_answered_at_once(server, queue):
    worker = PollingWorker(server, queue)
    with waiting(worker) as (poll,):
        begin = time.monotonic()
        task_id = submit(server, queue, timeout_s=7, env={"A": "b"})
        answer = poll.result()
        assert time.monotonic() - begin < AT_ONCE_S
    [job] = answer.json["jobs"]
    assert answer.json["updates"] == []
    expected = {"task_id": task_id, "attempt": 1, "payload": {"job_type": "anything"},
                "timeout_s": 7, "env": {"A": "b"}, "interactive": False, "inputs": []}
    assert {name: job[name] for name in expected} == expected
    task = task_of(server, task_id)
    assert (task["status"], task["worker_id"]) == ("assigned", worker.id)
    assert worker.seen()["tasks"] == [{"task_id": task_id, "attempt": 1, "status": "assigned"}]


def test_as_many_polls_are_answered_as_there_are_tasks(server, queue):
    workers = [PollingWorker(server, queue) for _ in range(8)]
    with waiting(*workers) as polls:
        tasks = [submit(server, queue) for _ in range(3)]
        until(lambda: sum(poll.done() for poll in polls) == 3, "three are answered")
        connected = [worker for worker in workers if worker.seen()["channel"]]
        assert len(connected) == 5
        given = [job["task_id"] for poll in polls if poll.done()
                 for job in poll.result().json["jobs"]]
        assert sorted(given) == sorted(tasks)
        assert sum(poll.done() for poll in polls) == 3
        for _ in connected:
            tasks.append(submit(server, queue))
        given = [job["task_id"] for poll in polls for job in poll.result().json["jobs"]]
    assert sorted(given) == sorted(tasks)


def test_a_poll_takes_up_to_max(server, queue):
    worker = PollingWorker(server, queue)
    tasks = [submit(server, queue) for _ in range(5)]
    first = worker.jobs(max=3)
    assert [job["task_id"] for job in first] == tasks[:3]
    rest = PollingWorker(server, queue).jobs(max=100)
    assert [job["task_id"] for job in rest] == tasks[3:]


def test_an_offer_is_given_again_where_its_answer_was_lost(server, queue):
    worker = PollingWorker(server, queue)
    task_id = submit(server, queue)
    first = worker.job()
    again = worker.job(wait_s=0)
    by_get = worker.request("GET", "/config").json
    for job in (again, by_get["job"], *by_get["jobs"]):
        assert (job["task_id"], job["attempt"]) == (task_id, 1)
    assert PollingWorker(server, queue).jobs() == []
    assert worker.update(first, "running").status == 200
    assert worker.jobs() == []
    assert worker.request("GET", "/config").json["job"] is None


def test_a_poll_for_news_alone_is_given_no_offer(server, queue):
    worker = PollingWorker(server, queue)
    submit(server, queue)
    assert worker.jobs(max=0) == []
    job = worker.job()
    assert worker.jobs(max=0) == []
    assert worker.update(job, "completed").status == 200


def test_an_offer_that_is_not_accepted_goes_back_and_uses_no_attempt(hasty, queue):
    worker, other = PollingWorker(hasty, queue), PollingWorker(hasty, queue)
    task_id = submit(hasty, queue, max_attempts=1)
    first = worker.job()
    second = other.job()
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert code(worker.update(first, "running")) == (409, "stale_attempt")
    assert other.update(second, "running").status == 200
    assert other.update(second, "completed").status == 200
    assert task_of(hasty, task_id)["status"] == "completed"


@pytest.mark.parametrize("members, asked, fits", [
    *WHO_MAY,
    ({}, {"assignment": "polling"}, True),
    ({}, {"assignment": "any"}, True),
    ({}, {"assignment": "push"}, False),
], ids=str)
def test_who_may_have_a_task(server, queue, members, asked, fits):
    worker = PollingWorker(server, **{"queues": [queue]} | members)
    task_id = submit(server, queue, **asked)
    given = [job["task_id"] for job in worker.jobs(max=100)]
    assert given == ([task_id] if fits else [])
    assert task_of(server, task_id)["status"] == ("assigned" if fits else "pending")


@pytest.mark.parametrize("body", [{"max": -1}, {"max": 101}, {"max": "1"}, {"max": 1.5},
                                  {"wait_s": -1}, {"wait_s": 60.1}, {"wait_s": "1"}, {"x": 1}, []])
def test_bounds_of_a_claim(server, queue, body):
    worker = PollingWorker(server, queue)
    task_id = submit(server, queue)
    assert code(worker.request("POST", "/claim", body)) == (422, "validation_failed")
    assert task_of(server, task_id)["status"] == "pending"


def test_a_claim_needs_no_body_and_json(server, queue):
    worker = PollingWorker(server, queue)
    assert worker.request("POST", "/claim").json == {"jobs": [], "updates": []}
    json_type = {"Content-Type": "application/json"}
    assert code(worker.request("POST", "/claim", b"{", json_type)) == (400, "bad_json")
    assert worker.request("POST", "/claim", b"a=b", {"Content-Type": "text/plain"}).status == 415


def test_what_only_asks_claims_nothing(server, queue):
    worker = PollingWorker(server, queue)
    task_id = submit(server, queue)
    assert worker.request("GET", "/config?claim=false&wait_s=60").json["job"] is None
    assert worker.request("HEAD", "/config?wait_s=60").status == 200
    for client in ("tasks", "admin"):
        told = server.request("GET", POLLING + "/config?wait_s=60&max=100", token=client)
        assert (told.json["job"], told.json["jobs"]) == (None, [])
    assert code(server.request("POST", POLLING + "/claim", {}, token="admin")) == (
        403, "forbidden")
    assert worker.request("GET", "/config?claim=true&max=0").status == 422
    assert task_of(server, task_id)["status"] == "pending"


def test_the_configuration_polls_too(server, queue):
    worker = PollingWorker(server, queue)
    tasks = [submit(server, queue) for _ in range(2)]
    etag = worker.request("HEAD", "/config").headers["ETag"]
    told = worker.request("GET", "/config?max=2", headers={"If-None-Match": etag})
    assert told.status == 200 and told.headers["ETag"] == etag
    assert [job["task_id"] for job in told.json["jobs"]] == tasks
    assert told.json["job"] == told.json["jobs"][0]
    for job in told.json["jobs"]:
        assert worker.update(job, "running").status == 200
    assert worker.request("GET", "/config", headers={"If-None-Match": etag}).status == 304


def test_a_second_poll_ends_the_first(server, queue):
    worker = PollingWorker(server, queue)
    with waiting(worker) as (first,):
        second = worker.claim(0)
        assert first.result().json == second.json == {"jobs": [], "updates": []}


def test_a_poll_whose_client_has_gone_swallows_nothing(server, queue):
    worker, other = PollingWorker(server, queue), PollingWorker(server, queue)
    body = json.dumps({"wait_s": 60}).encode()
    with RawConnection(server) as connection:
        connection.send(request_bytes("POST", POLLING + "/claim", worker.token, body,
                                      Content_Type="application/json"))
        worker.until_it_waits()
    until(lambda: worker.seen()["channel"] is None, "the server has seen it go")
    task_id = submit(server, queue)
    assert other.job(wait_s=0)["task_id"] == task_id


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_what_a_mode_lets_in(tmp_path, mode):
    server = Server(tmp_path, TASK_ASSIGNMENT_MODE=mode, TANDEM_EMBEDDED_SLOTS="0").start()
    disabled = (403, "mode_disabled")
    worker = PollingWorker(server, side=WORKERS if mode == "push" else POLLING)
    worker.side = POLLING
    some = "/tasks/01890000-0000-7000-8000-000000000000"
    for method, path in (("GET", "/config"), ("POST", "/claim"), ("POST", "/update"),
                         ("POST", some + "/logs"), ("PUT", some + "/outputs/x"),
                         ("GET", some + "/inputs/x?attempt=1"), ("GET", "/ws"),
                         ("GET", "/config/statuses"), ("POST", "/token")):
        answer = worker.request(method, path)
        refused = answer.status == 403 and code(answer) == disabled
        assert refused == (mode == "push"), (method, path, answer.body)
    task = {"payload": {"job_type": "x"}}
    single = server.request("POST", "/api/v1/tasks", task)
    batch = server.request("POST", "/api/v1/tasks/batch", {"tasks": [task]})
    assert (code(single) == code(batch) == disabled) == (mode == "polling")
    handed_in = server.request("POST", POLLING + "/jobs", task, token="admin")
    assert (code(handed_in) == disabled) == (mode == "push")
    worker.side = WORKERS
    assert (code(worker.request("GET", "/ws")) == disabled) == (mode == "polling")
    server.stop()


def test_jobs_are_handed_in(server, queue):
    made = server.request("POST", POLLING + "/jobs", {
        "payload": {"job_type": "anything"}, "queue": queue}, token="admin")
    assert made.status == 201 and made.json["assignment"] == "polling"
    worker = PollingWorker(server, queue)
    assert worker.job(wait_s=0)["task_id"] == made.json["task_id"]
    task = {"payload": {"job_type": "anything"}, "queue": queue, "assignment": "polling"}
    filed = server.request("POST", POLLING + "/jobs", form(task, {"a.txt": b"abc"}), CONTENT_TYPE,
                           token="admin")
    assert filed.status == 201, filed.body
    [inputs] = [job["inputs"] for job in worker.jobs(max=2)
                if job["task_id"] == filed.json["task_id"]]
    assert [(one["name"], one["size_bytes"]) for one in inputs] == [("a.txt", 3)]
    pushed = server.request("POST", POLLING + "/jobs", task | {"assignment": "push"},
                            token="admin")
    assert code(pushed) == (422, "validation_failed")
    assert code(server.request("POST", POLLING + "/jobs", task)) == (403, "forbidden")
    twice = [server.request("POST", POLLING + "/jobs", task, {"Idempotency-Key": queue},
                            token="admin") for _ in range(2)]
    assert [answer.status for answer in twice] == [201, 200]
    assert twice[0].json["task_id"] == twice[1].json["task_id"]


def test_a_draining_worker_is_given_nothing_new(server, queue):
    worker = PollingWorker(server, queue)
    held = submit(server, queue)
    job = worker.job()
    with waiting(worker, max=0) as (poll,):
        worker.control("drain")
        submit(server, queue)
        assert worker.jobs(max=2)[0]["task_id"] == held  # offered before
        assert poll.result().json["jobs"] == []
    assert worker.update(job, "running").status == 200
    assert worker.jobs() == []
    assert worker.seen()["status"] == "draining"
    with waiting(worker) as (poll,):
        worker.control("resume")
        assert len(poll.result().json["jobs"]) == 1


def test_a_claim_that_began_before_the_drain_is_given_nothing_new(server, queue):
    worker = PollingWorker(server, queue)
    submit(server, queue)
    body = b'{"wait_s": 0}'
    whole = request_bytes("POST", POLLING + "/claim", worker.token, body,
                          Content_Type="application/json", Expect="100-continue")
    with RawConnection(server) as connection:
        connection.send(whole[:-len(body)])
        connection.read_until(b"100 Continue\r\n\r\n")  # its token was looked at
        worker.control("drain")
        connection.send(body)
        assert connection.read_answer().json["jobs"] == []


def test_a_restart_keeps_leases_and_offers(own):
    queue = new_queue()
    worker, busy = PollingWorker(own, queue), PollingWorker(own, queue)
    ran = submit(own, queue)
    job = busy.running()
    assert job["task_id"] == ran
    submit(own, queue)
    offer = worker.job()
    own.kill()
    own.start()
    assert task_of(own, ran)["status"] == "running"
    again = worker.job(wait_s=0)
    assert (again["task_id"], again["attempt"]) == (offer["task_id"], 1)
    for one, held in ((busy, job), (worker, offer)):
        assert one.update(held, "running").json["status"] == "running"
        assert one.update(held, "completed").json["status"] == "completed"
        assert task_of(own, held["task_id"])["attempt"] == 1


def recorded_requests(worker, running, offer):
    """All that a worker may say of what it holds."""
    return [
        lambda: worker.claim(max=10),
        lambda: worker.request("GET", "/config"),
        lambda: worker.update(running, "running", progress={"percent": 99}),
        lambda: worker.update(offer, "running"),
        lambda: worker.update(running, "completed"),
        lambda: worker.request("POST", "/update", {"updates": [update(running, "failed")]}),
        lambda: worker.log(running, {"ts": "2026-01-01T00:00:00.000Z", "stream": "stdout",
                                     "data": "late"}),
        lambda: worker.put(running, "late.txt", b"late"),
        lambda: worker.input_file(running, "in.txt"),
        lambda: worker.request("POST", "/token", {}),
        lambda: worker.request("GET", "/ws"),
    ]


@pytest.mark.alone
def test_a_revoked_worker_is_powerless(own):
    queue = new_queue()
    worker = PollingWorker(own, queue)
    tasks = [submit(own, queue, max_attempts=1) for _ in range(2)]
    running, offer = worker.jobs(max=2)
    assert worker.update(running, "running").status == 200
    with waiting(worker, max=0) as (poll,):
        begin = time.monotonic()
        worker.control("revoke")
        assert code(poll.result()) == (401, "token_revoked")
        assert time.monotonic() - begin < AT_ONCE_S
    for task_id in tasks:
        assert task_of(own, task_id)["status"] == "pending"

    def replay():
        for say in recorded_requests(worker, running, offer):
            assert code(say()) == (401, "token_revoked")

    before = [task_of(own, task_id) for task_id in tasks]
    replay()
    own.kill()
    own.start()
    replay()
    assert [task_of(own, task_id) for task_id in tasks] == before
    other = PollingWorker(own, queue)
    for job in other.jobs(max=2):
        assert job["attempt"] == 2
        assert other.update(job, "running").json["status"] == "running"
        assert other.update(job, "completed").json["status"] == "completed"
