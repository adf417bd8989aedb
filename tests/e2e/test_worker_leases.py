"""`tandem worker` against a played server: what keeps an attempt, and what ends it."""

import os
import signal
import time

import pytest

from played_worker import PAGE, ended, played, work  # noqa: F401
from processes import processes_with
from waiting import until


@pytest.mark.alone
@pytest.mark.parametrize("body", [PAGE, b"{}"], ids=["page", "object"])
def test_what_something_on_the_way_answers_renews_no_lease(played, work, tmp_path, body):
    server = played(lease_s=3, heartbeat_s=0.5)
    server.offers_socket = False
    worker = work(server)
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    with server.changed:
        server.lose = lambda path: body if path == "/update" else None
        lease_until = task.lease_until
    until(lambda: is_dead(task), worker.log)
    assert time.monotonic() < lease_until
    worker.logged("lease")


def is_dead(task):
    return not processes_with("TANDEM_TASK_ID=" + task.task_id)


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["polling", "push"])
def test_silent_server_ends_the_task_before_its_lease(played, work, tmp_path, mode):
    server = played(lease_s=3, heartbeat_s=0.5)
    worker = work(server, TANDEM_WORKER_MODE=mode)
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    with server.changed:
        server.is_silent = True
        lease_until = task.lease_until
    until(lambda: is_dead(task), worker.log)
    assert time.monotonic() < lease_until
    with server.changed:
        server.is_silent = False
        task.status, task.lease_until = "pending", None  # it is given away
        server.changed.notify_all()
    until(lambda: task.attempt == 2, worker.log)
    assert not task.ends


@pytest.mark.alone
def test_worker_that_is_stopped_leaves_no_process_beyond_its_lease(played, work, tmp_path):
    server = played(lease_s=3, heartbeat_s=0.5)
    worker = work(server)
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    os.kill(worker.process.pid, signal.SIGSTOP)
    until(lambda: is_dead(task), worker.log)
    assert time.monotonic() < task.lease_until
    os.kill(worker.process.pid, signal.SIGCONT)
    worker.logged("lease")


@pytest.mark.alone
def test_cut_socket_leaves_a_moment_and_an_update_mends_it(played, work, tmp_path):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    server.offers_socket = False
    cut_at = time.monotonic()
    server.cut_socket()
    is_heard = lambda: any(at > cut_at and path == "/update" for at, path in server.requests)
    until(is_heard, worker.log)
    server.offers_socket = True
    until(lambda: server.socket, worker.log, 60)
    assert not is_dead(task)
    with server.changed:
        server.is_silent, server.offers_socket = True, False
    cut_at = time.monotonic()
    server.cut_socket()
    until(lambda: is_dead(task), worker.log)
    assert time.monotonic() - cut_at < server.poll["reconnect_s"]


def test_idle_worker_says_that_it_is_there(played, work):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    until(lambda: sum(f["type"] == "heartbeat" for f in server.frames) >= 4, worker.log)
    ended(server.add("true"), worker)
    assert "socket has ended" not in worker.log()


def test_one_heartbeat_renews_the_leases_of_all_tasks(played, work, tmp_path):
    server = played(lease_s=4, heartbeat_s=1.5)
    worker = work(server, TANDEM_WORKER_MODE="push", TANDEM_SLOTS="3")
    tasks = [server.add("wait") for _ in range(3)]
    until(lambda: server.beats(*tasks) >= 4, worker.log)  # for longer than a lease
    for task in tasks:  # a late answer is made up for by an update
        assert len(task.said) < 4 and set(task.said) == {"running"}
    (tmp_path / "go").touch()
    for task in tasks:
        ended(task, worker)
        assert task.attempt == 1
    until(lambda: server.beats() >= 1, worker.log)


@pytest.mark.parametrize("told", [None, {}, {"tasks": []}], ids=["nothing", "all", "none"])
def test_what_no_heartbeat_renews_is_renewed_by_updates(played, work, tmp_path, told):
    server = played(lease_s=3, heartbeat_s=0.5)
    server.ack_beat = lambda _: told if told is None else {"type": "ack", "for": "heartbeat"} | told
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    until(lambda: len(task.said) >= 8, worker.log)  # for longer than a lease
    assert server.beats(task) == 1 if told is None else server.beats(task) >= 5
    (tmp_path / "go").touch()
    ended(task, worker)
    assert task.attempt == 1 and set(task.said) == {"running", "completed"}
    assert "socket has ended" not in worker.log()


def test_a_heartbeat_tells_what_is_lost(played, work, tmp_path):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    with server.changed:
        task.lease_until = None
    until(lambda: is_dead(task), worker.log)
    ended(server.add("true"), worker)
    assert not task.ends


def test_lost_order_kills_and_tells_nothing(played, work, tmp_path):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("stay")
    until((tmp_path / "begun").exists, worker.log)
    server.tell({"type": "lost", "task_id": task.task_id, "attempt": 1})
    until(lambda: is_dead(task), worker.log)
    ended(server.add("true"), worker)
    assert not task.ends


def test_drain_says_bye_and_ends_what_runs(played, work, tmp_path):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    worker.terminate()
    until(lambda: any(frame["type"] == "bye" for frame in server.frames), worker.log)
    (tmp_path / "go").touch()
    assert worker.wait() == 0, worker.log()
    ended(task, worker)


def test_revoked_token_has_a_message_and_a_code(played, work):
    server = played()
    worker = work(server, TANDEM_WORKER_TOKEN="tdw_another")
    assert worker.wait() == 77
    assert "revoked" in worker.log()
