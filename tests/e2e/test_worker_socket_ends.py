"""A worker's socket: when it ends, what becomes of its tasks then, and what it may not say."""

import os
import time

import pytest

from conftest import Server
from polling_worker import POLLING, WORKERS, PollingWorker, log_of, record, submit, task_of
from polling_worker import update, waiting
from processes import resident_bytes
from raw_websocket import FIN, TEXT, RawWebSocket, frame
from socket_server import brief, queue, server, socket, status, worker  # noqa: F401
from socket_worker import SocketWorker, opened
from waiting import until

AT_ONCE_S = 1
MAX_MESSAGE = 256 * 1024


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
