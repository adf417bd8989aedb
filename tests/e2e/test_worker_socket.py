"""A worker's socket: what is pushed and when, and what becomes of its tasks when it ends."""

import os
import time

import pytest

from conftest import Server
from polling_worker import POLLING, WHO_MAY, WORKERS, PollingWorker, cancel, log_of, new_queue
from polling_worker import record, send_input, submit, task_of, update, waiting
from processes import resident_bytes
from raw_websocket import FIN, TEXT, RawWebSocket, frame
from socket_worker import SocketWorker, opened
from waiting import until

AT_ONCE_S = 1
MAX_MESSAGE = 256 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("sockets"), TANDEM_EMBEDDED_SLOTS="0").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Everything that waits waits briefly, but for the lease."""
    directory = tmp_path_factory.mktemp("brief")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_HEARTBEAT_S="0.4",
                    TANDEM_RECONNECT_S="0.4", TANDEM_ACCEPT_TIMEOUT_S="1").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """Offers go back soon."""
    directory = tmp_path_factory.mktemp("hasty")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_ACCEPT_TIMEOUT_S="0.5").start()
    yield server
    server.stop()


@pytest.fixture
def queue():
    return new_queue()


@pytest.fixture
def worker(server, queue):
    return SocketWorker(server, queue)


@pytest.fixture
def socket(worker):
    with worker.open() as socket:
        yield socket


def status(server, job):
    return task_of(server, job["task_id"])["status"]


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


@pytest.mark.alone
@pytest.mark.parametrize("second", [WORKERS, POLLING, "poll"])
def test_another_channel_takes_the_place_of_the_first(server, queue, second):
    worker = SocketWorker(server, queue)
    submit(server, queue)
    submit(server, queue)
    with opened(worker) as first:
        held, offer = first.running(), first.job()
        begin = time.monotonic()
        if second == "poll":
            worker.side = POLLING
            [again] = worker.jobs()
            assert first.closed() == 4409
        else:
            worker.side = second
            with opened(worker) as socket:
                assert first.closed() == 4409
                again = socket.expect("assign")["job"]
                assert socket.update(held, "running")["status"] == "running"
        assert time.monotonic() - begin < AT_ONCE_S
        assert (again["task_id"], again["attempt"]) == (offer["task_id"], 1)
    assert status(server, held) == "running"


def test_a_poll_gives_way_to_a_socket(server, queue):
    worker = SocketWorker(server, queue, POLLING)
    with waiting(worker) as (poll,), opened(worker) as socket:
        assert poll.result().json == {"jobs": [], "updates": []}
        submit(server, queue)
        socket.job()


@pytest.mark.alone
def test_a_revoked_workers_socket_closes_within_a_second(server, queue, worker, socket):
    for _ in range(2):
        submit(server, queue, max_attempts=1)
    running, offer = socket.running(), socket.job()
    begin = time.monotonic()
    worker.control("revoke")
    socket.send_json(type="update", **update(running, "completed"))
    assert socket.closed() == 4401
    assert time.monotonic() - begin < AT_ONCE_S
    for job in (running, offer):
        task = task_of(server, job["task_id"])
        assert (task["status"], task["attempt"]) == ("pending", 1)
    with RawWebSocket(server, WORKERS + "/ws", worker.token) as refused:
        assert refused.answer.json["code"] == "token_revoked"


def test_a_draining_worker_is_told_and_given_nothing(server, queue, worker, socket):
    submit(server, queue)
    job = socket.running()
    socket.ready(1)
    worker.control("drain")
    assert socket.expect("drain") == {"type": "drain"}
    submit(server, queue)
    assert socket.settle() == []
    assert socket.update(job, "completed")["status"] == "completed"
    with opened(worker) as again:
        again.ready(1)
        assert again.settle() == []
        worker.control("resume")
        again.expect("assign")


@pytest.mark.alone
def test_silence_closes_after_two_heartbeats(brief, queue):
    with opened(SocketWorker(brief, queue)) as socket:
        begin = time.monotonic()
        assert socket.closed() == 4408
        assert 0.7 < time.monotonic() - begin < 2


def test_any_word_keeps_a_socket_open(brief, queue):
    with opened(SocketWorker(brief, queue)) as socket:
        end = time.monotonic() + 2

        def is_over():
            socket.heartbeat()
            assert socket.settle() == []
            return time.monotonic() > end

        until(is_over, "two silences would have passed")


@pytest.mark.alone
def test_a_broken_socket_loses_what_runs_and_gives_back_offers(brief, queue):
    worker = SocketWorker(brief, queue)
    running_task = submit(brief, queue, max_attempts=1)
    with opened(worker) as socket:
        running = socket.running()
        offer_task = submit(brief, queue, max_attempts=1)
        socket.job()
    begin = time.monotonic()
    task = brief.finished(running_task)
    assert 0.3 < time.monotonic() - begin < 3  # its lease is 30 s
    assert (task["status"], task["error"]["code"]) == ("failed", "worker_lost")
    until(lambda: task_of(brief, offer_task)["status"] == "pending", "the offer is back")
    assert worker.update(running, "completed").status == 409


@pytest.mark.parametrize("how", ["update", "socket"])
def test_a_worker_that_is_heard_of_again_keeps_its_tasks(brief, queue, how):
    worker = SocketWorker(brief, queue)
    submit(brief, queue, max_attempts=1)
    with opened(worker) as socket:
        job = socket.running()
    if how == "socket":
        with opened(worker) as again:
            again.heartbeat(job)
            assert again.expect("ack")["for"] == "heartbeat"
            again.send_json(type="bye")
            again.settle()
    else:
        worker.until_it_is(None)  # a word before that is not heard again
        assert worker.update(job, "running").status == 200
    end = time.monotonic() + 1.5  # more than it has to reconnect
    until(lambda: time.monotonic() > end or status(brief, job) != "running", "time passes")
    assert worker.update(job, "completed").json["status"] == "completed"


def test_after_a_bye_offers_go_back_at_once(server, queue, worker, socket):
    for _ in range(2):
        submit(server, queue, max_attempts=1)
    running, offer = socket.running(), socket.job()
    socket.ready(5)
    socket.send_json(type="bye")
    with opened(SocketWorker(server, queue)) as other:
        again = other.job()
        assert (again["task_id"], again["attempt"]) == (offer["task_id"], 2)
        submit(server, queue)
        socket.ready(5)  # too late
        assert socket.settle() == []
    assert socket.update(running, "completed")["status"] == "completed"


@pytest.mark.parametrize("text, codes", [
    (b"", ("bad_json",)), (b"{", ("bad_json",)), (b"[]", ("bad_json", "validation_failed")),
    (b"{}", ("validation_failed",)), (b'{"type":"dance"}', ("validation_failed",)),
    (b'{"type":7}', ("validation_failed",)), (b'{"type":"ready"}', ("validation_failed",)),
    (b'{"type":"ready","slots_free":-1}', ("validation_failed",)),
    (b'{"type":"ready","slots_free":1001}', ("validation_failed",)),
    (b'{"type":"ready","slots_free":1,"x":1}', ("validation_failed",)),
    (b'{"type":"bye","type":"bye"}', ("bad_json",)), (b'{"type":"update"}', ("validation_failed",)),
    (b'{"type":"update","updates":[]}', ("validation_failed",)),
    (b'{"type":"logs","task_id":"x"}', ("validation_failed",)),
    (b'{"type":"heartbeat","tasks":[1]}', ("validation_failed",)),
    (b"[" * 100_000, ("bad_json",))], ids=lambda one: str(one)[:40])
def test_garbage_is_answered_and_changes_nothing(server, queue, worker, socket, text, codes):
    submit(server, queue)
    socket.send(frame(FIN | TEXT, text))
    assert socket.expect("error")["code"] in codes
    assert worker.seen()["tasks"] == []
    socket.job()


def test_a_message_that_is_too_long_closes(socket):
    socket.send(frame(FIN | TEXT, b" " * (MAX_MESSAGE + 1)))
    assert socket.closed() == 1009


def test_nobody_speaks_for_another(server, queue, socket):
    owner = PollingWorker(server, queue)
    submit(server, queue)
    job = owner.running()
    before = task_of(server, job["task_id"])
    for word in ("running", "waiting_for_input", "completed", "failed", "cancelled", "released"):
        assert socket.update(job, word)["error"]["code"] == "stale_attempt"
    socket.send_json(type="logs", task_id=job["task_id"], attempt=1, first_seq=1,
                     records=[record("foreign\n")])
    refused = socket.expect("ack")
    assert (refused["for"], refused["error"]["code"]) == ("logs", "stale_attempt")
    socket.heartbeat(job)
    assert socket.expect("lost")["task_id"] == job["task_id"]
    assert task_of(server, job["task_id"]) == before and log_of(server, job["task_id"]) == b""


def test_a_worker_that_does_not_read_costs_little_and_is_closed(tmp_path):
    # Else a sanitizer keeps what was freed, and memory says nothing.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    server = Server(tmp_path, TANDEM_EMBEDDED_SLOTS="0", TANDEM_HEARTBEAT_S="1",
                    ASAN_OPTIONS=options).start()
    worker = SocketWorker(server)
    with worker.open(receive_buffer=4096, within_s=1) as socket:
        before = resident_bytes(server.process.pid)
        flood = frame(FIN | TEXT, b'{"type":"x"}') * 1000  # each is answered
        end = time.monotonic() + 30
        while time.monotonic() < end and socket.send(flood):
            assert resident_bytes(server.process.pid) - before < 32 << 20
        worker.until_it_is(None)
    server.stop()
