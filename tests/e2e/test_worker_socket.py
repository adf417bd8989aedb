"""A worker's socket: what is pushed and when."""

import pytest

from conftest import Server
from polling_worker import POLLING, WHO_MAY, WORKERS, PollingWorker, cancel, log_of, record
from polling_worker import send_input, submit, task_of, update
from raw_websocket import RawWebSocket
from socket_server import brief, queue, server, socket, worker  # noqa: F401
from socket_worker import SocketWorker, opened
from waiting import until


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """Offers go back soon."""
    directory = tmp_path_factory.mktemp("hasty")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_ACCEPT_TIMEOUT_S="0.5").start()
    yield server
    server.stop()


@pytest.mark.parametrize("side", [WORKERS, POLLING])
def test_the_welcome(server, side):
    worker = SocketWorker(server, side=side)
    offer = {"Sec-WebSocket-Protocol": "other, tandem.worker.v1"}
    with opened(worker, headers=offer) as socket:
        assert socket.answer.headers["Sec-WebSocket-Protocol"] == "tandem.worker.v1"
        assert socket.welcome["worker_id"] == worker.id
        told = server.request("GET", side + "/config", token="admin").json
        assert socket.welcome["config"]["job_update_url"].endswith(side + "/update")
        assert socket.welcome["config"]["poll"] == told["poll"]
        worker.until_it_is("push" if side == WORKERS else "polling")
        assert worker.seen()["status"] == "connected"
    worker.until_it_is(None)


def test_who_may_not_open_one(server, worker):
    for token, expected in (("", 401), (server.token(), 403), (server.token("admin"), 403)):
        for side in (WORKERS, POLLING):
            with RawWebSocket(server, side + "/ws", token) as refused:
                assert refused.answer.status == expected
    with RawWebSocket(server, WORKERS + "/ws?batch=x", worker.token) as refused:
        assert refused.answer.status == 422
    assert worker.request("GET", "/ws").status == 426


def test_a_job_from_ready_to_its_end(server, queue, socket):
    task_id = submit(server, queue, env={"A": "b"})
    job = socket.job()
    assert (job["task_id"], job["attempt"], job["env"]) == (task_id, 1, {"A": "b"})
    ack = socket.update(job, "running")
    assert (ack["for"], ack["task_id"], ack["attempt"], ack["status"]) == (
        "update", task_id, 1, "running")
    socket.send_json(type="logs", task_id=task_id, attempt=1, first_seq=1,
                     records=[record("one\n"), record("two\n")])
    assert socket.expect("ack") == {"type": "ack", "for": "logs", "task_id": task_id,
                                    "attempt": 1, "committed": 2}
    socket.send_json(type="logs", task_id=task_id, attempt=1, first_seq=4, records=[record()])
    gap = socket.expect("ack")
    assert (gap["committed"], gap["error"]["code"]) == (2, "range_not_satisfiable")
    socket.heartbeat(job)
    assert socket.expect("ack") == {"type": "ack", "for": "heartbeat",
                                    "tasks": [{"task_id": task_id, "attempt": 1}]}
    assert socket.update(job, "completed", result=7)["status"] == "completed"
    assert task_of(server, task_id)["result"] == 7
    assert log_of(server, task_id) == b"one\ntwo\n"


def test_lists(server, queue, worker):
    tasks = [submit(server, queue) for _ in range(3)]
    with opened(worker, batch=True) as socket:
        socket.ready(3)
        jobs = []
        while len(jobs) < 3:
            jobs += socket.expect("assign")["jobs"]
        assert [job["task_id"] for job in jobs] == tasks
        stale = update(jobs[0], "running") | {"attempt": 9}
        socket.send_json(type="update", updates=[update(job, "running") for job in jobs] + [stale])
        answers = []
        while len(answers) < 4:
            answers += socket.expect("ack")["updates"]
        assert [one.get("status") for one in answers] == ["running"] * 3 + [None]
        assert answers[3]["error"]["code"] == "stale_attempt"


def test_slots_are_never_exceeded(server, queue, socket):
    for _ in range(10):
        submit(server, queue)
    assert socket.settle() == []
    socket.ready(2)
    jobs = [socket.expect("assign")["job"] for _ in range(2)]
    socket.ready(2)  # said before it knew of the two, or without having accepted them
    assert socket.settle() == []
    socket.ready(3)
    jobs.append(socket.expect("assign")["job"])
    assert socket.settle() == []
    for job in jobs:
        assert socket.update(job, "running")["status"] == "running"
    assert socket.settle() == []
    socket.ready(0)
    assert socket.update(jobs[0], "completed")["status"] == "completed"
    assert socket.settle() == []
    assert socket.job()["task_id"] not in [job["task_id"] for job in jobs]
    assert socket.settle() == []


def test_ready_keeps_no_offer(brief, queue):
    """A worker that goes on saying that it is ready has still not accepted."""
    with opened(SocketWorker(brief, queue)) as socket:
        submit(brief, queue)
        job = socket.job()
        heard = []

        def is_lost():
            socket.ready(0)
            heard.extend(socket.settle())
            return heard

        assert until(is_lost, "it goes back", 10)[0] == {
            "type": "lost", "task_id": job["task_id"], "attempt": 1}


@pytest.mark.parametrize("side, taken", [(WORKERS, {"push", "any"}), (POLLING, {"polling", "any"})])
def test_who_takes_what(server, queue, side, taken):
    tasks = {submit(server, queue, assignment=how): how for how in ("push", "polling", "any")}
    with opened(SocketWorker(server, queue, side)) as socket:
        socket.ready(3)
        given = {tasks[socket.expect("assign")["job"]["task_id"]] for _ in taken}
        assert given == taken
        assert socket.settle() == []


@pytest.mark.parametrize("side", [WORKERS, POLLING])
@pytest.mark.parametrize("members, asked, fits", WHO_MAY, ids=str)
def test_who_may_have_a_task(server, queue, side, members, asked, fits):
    worker = SocketWorker(server, side=side, **{"queues": [queue]} | members)
    with opened(worker) as socket:
        socket.ready(1)
        task_id = submit(server, queue, **asked)
        if fits:
            assert socket.expect("assign")["job"]["task_id"] == task_id
        assert socket.settle() == []
        assert task_of(server, task_id)["status"] == ("assigned" if fits else "pending")


def test_what_a_push_worker_does_not_accept_a_poller_gets(hasty, queue):
    task_id = submit(hasty, queue, max_attempts=1)
    poller = PollingWorker(hasty, queue)
    with opened(SocketWorker(hasty, queue)) as socket:
        offer = socket.job()
        job = poller.job()
        assert socket.expect("lost") == {"type": "lost", "task_id": task_id, "attempt": 1}
        assert (job["task_id"], job["attempt"]) == (task_id, 2)
        assert socket.update(offer, "running")["error"]["code"] == "stale_attempt"
        assert poller.update(job, "running").status == 200
    assert poller.update(job, "completed").status == 200
    assert task_of(hasty, task_id)["worker_id"] == poller.id


def test_what_a_poller_does_not_accept_is_pushed(hasty, queue):
    task_id = submit(hasty, queue, max_attempts=1)
    poller, worker = PollingWorker(hasty, queue), SocketWorker(hasty, queue)
    offer = poller.job()
    with opened(worker) as socket:
        job = socket.job()
        assert (job["task_id"], job["attempt"]) == (task_id, 2)
        assert poller.update(offer, "running").status == 409
        assert socket.update(job, "running")["status"] == "running"
        assert socket.update(job, "completed")["status"] == "completed"
    assert task_of(hasty, task_id)["worker_id"] == worker.id


def test_input_and_cancel_and_resize_are_pushed(server, queue, socket):
    submit(server, queue, interactive=True)
    job = socket.running()
    ref = {"task_id": job["task_id"], "attempt": 1}
    send_input(server, job["task_id"], "one\n")
    assert socket.expect("input") == {"type": "input", **ref, "seq": 1, "data": "one\n"}
    send_input(server, job["task_id"], "", eof=True)
    assert socket.expect("input") == {"type": "input", **ref, "seq": 2, "data": "", "eof": True}
    with RawWebSocket(server, f"/ws/{job['task_id']}", server.token()) as client:
        client.send_json(type="resize", cols=100, rows=50)
        assert socket.expect("resize") == {"type": "resize", **ref, "cols": 100, "rows": 50}
    socket.heartbeat(job, input_seq=1)
    assert socket.expect("ack")["for"] == "heartbeat"
    assert socket.expect("input")["seq"] == 2
    cancel(server, job["task_id"])
    assert socket.expect("cancel") == {"type": "cancel", **ref, "grace_s": 1}
    ack = socket.update(job, "running", input_seq=2)
    assert ack["cancel_requested"] is True and ack["input"] == []
    assert socket.update(job, "cancelled")["status"] == "cancelled"


def test_a_cancelled_offer_is_lost(server, queue, socket):
    submit(server, queue)
    job = socket.job()
    cancel(server, job["task_id"])
    assert socket.expect("lost") == {"type": "lost", "task_id": job["task_id"], "attempt": 1}
    assert socket.update(job, "running")["error"]["code"] == "stale_attempt"


def test_a_heartbeat_tells_what_is_lost(server, queue, socket):
    for _ in range(2):
        submit(server, queue)
    kept, gone = socket.running(), socket.running()
    assert socket.update(gone, "released")["status"] == "pending"
    absent = {"task_id": "01890000-0000-7000-8000-000000000000", "attempt": 1}
    socket.heartbeat(gone, kept, absent)
    *lost, ack = socket.read_up_to("ack")
    assert lost == [{"type": "lost", "task_id": one["task_id"], "attempt": 1}
                    for one in (gone, absent)]
    assert ack["tasks"] == [{"task_id": kept["task_id"], "attempt": 1}]
    socket.heartbeat(gone)
    assert [one["type"] for one in socket.read_up_to("ack")] == ["lost", "ack"]
    socket.heartbeat()
    assert socket.settle() == []


def test_a_heartbeat_accepts_no_offer(server, queue, socket):
    submit(server, queue)
    offer = socket.job()
    socket.heartbeat(offer)
    assert socket.expect("ack")["tasks"] == []
    assert socket.update(offer, "running")["status"] == "running"


def test_a_heartbeat_for_an_older_attempt_loses_that_one_alone(server, queue, socket):
    submit(server, queue)
    old = socket.running()
    assert socket.update(old, "released")["status"] == "pending"
    new = socket.running()
    assert (new["task_id"], new["attempt"]) == (old["task_id"], 2)
    before = task_of(server, old["task_id"])
    socket.heartbeat(old)
    assert socket.expect("lost") == {"type": "lost", "task_id": old["task_id"], "attempt": 1}
    assert not socket.expect("ack").get("tasks")
    assert task_of(server, old["task_id"]) == before
    socket.heartbeat(new)
    renewed = {"task_id": new["task_id"], "attempt": 2}
    assert socket.expect("ack")["tasks"] == [renewed]
    assert socket.update(new, "completed")["status"] == "completed"
