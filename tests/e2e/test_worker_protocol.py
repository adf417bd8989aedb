"""`tandem worker` against a played server: channels, lost answers, leases, files, orders."""

import os
import random
import signal
import time

import pytest
from played_server import TOKEN, PlayedServer
from processes import processes_with
from waiting import until
from worker_process import WorkerProcess

FILES = """cat "$TANDEM_INPUT_DIR/in.txt" > "$TANDEM_OUTPUT_DIR/copy of it.txt"
echo "$TANDEM_ATTEMPT"
"""
LINES = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done"
ASK = """echo '{"type":"input_request","prompt":"Name?"}' >&3
read -r answer <&4; echo "got $answer" """


@pytest.fixture
def played():
    servers = []

    def play(**poll):
        servers.append(PlayedServer(**poll))
        return servers[-1]

    yield play
    for server in servers:
        server.close()


@pytest.fixture
def work(tmp_path):
    workers = []

    def start(server, **settings):
        settings = {"TANDEM_WORKER_TOKEN": TOKEN, "TANDEM_WORKER_MODE": "hybrid"} | settings
        worker = WorkerProcess(tmp_path, server.url + "/config", **settings)
        worker.handler("files", FILES)
        worker.handler("lines", LINES)
        worker.handler("ask", ASK)
        worker.handler("true", "true")
        waits = f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
        worker.handler("wait", waits)
        worker.handler("stay", f"trap '' TERM; touch {tmp_path}/begun; sleep 600 & wait; sleep 600")
        workers.append(worker)
        return worker.start()

    yield start
    for worker in workers:
        worker.kill()


def ended(task, worker, status="completed", within_s=30):
    until(lambda: task.ends, lambda: f"{task.said}\n{worker.log()}", within_s)
    assert task.last["status"] == status, task.last
    return task.last


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_each_mode_runs_tasks_with_logs_and_files(played, work, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    tasks = [server.add("lines") for _ in range(5)]
    with_files = server.add("files", {"in.txt": b"from far away" * 10_000})
    ended(with_files, worker)
    assert with_files.outputs == {"copy of it.txt": b"from far away" * 10_000}
    assert with_files.text == "1\n"
    for task in tasks:
        ended(task, worker)
        assert task.text == "".join(f"line {i}\n" for i in range(300))
        assert task.ends == [len(task.log)]
        assert task.said[0] == "running" and task.attempt == 1
    worker.stop()


def test_plain_polls_where_there_is_nothing_else(played, work):
    server = played()
    server.knows_claim = server.offers_socket = False
    worker = work(server)
    for task in [server.add("true") for _ in range(3)]:
        ended(task, worker)


def test_channel_changes_disturb_no_running_task(played, work, tmp_path):
    server = played()
    server.offers_socket = False
    worker = work(server)
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    assert any(path == "/claim" for _, path in server.requests)
    server.offers_socket = True
    until(lambda: server.socket, worker.log, 60)
    ended(server.add("true"), worker)
    server.offers_socket = False
    server.cut_socket()
    ended(server.add("true"), worker)
    (tmp_path / "go").touch()
    ended(task, worker)
    assert task.attempt == 1


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_lost_answers_lose_and_repeat_nothing(played, work, mode):
    server = played()
    chance = random.Random(7)
    fates = ["request", "answer", None, None, None]
    server.lose = lambda path: None if path in ("/ws", "/config") else chance.choice(fates)
    worker = work(server, TANDEM_WORKER_MODE=mode)
    tasks = [server.add("lines") for _ in range(6)]
    if mode == "push":
        for _ in range(4):
            until(lambda: server.socket, worker.log, 60)
            server.cut_socket()
    for task in tasks:
        ended(task, worker, within_s=90)
        assert task.text == "".join(f"line {i}\n" for i in range(300))
        assert task.ends == [len(task.log)]


def is_dead(task):
    return not processes_with("TANDEM_TASK_ID=" + task.task_id)


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


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_cancel_and_input_arrive(played, work, tmp_path, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    asking = server.add("ask")
    until(lambda: asking.status == "waiting_for_input", worker.log)
    assert asking.last["input_request"]["prompt"] == "Name?"
    asking.input.append({"seq": 1, "data": "Ada"})
    if mode == "push":
        ids = {"task_id": asking.task_id, "attempt": 1}
        server.tell({"type": "input", "seq": 1, "data": "Ada"} | ids)
        server.tell({"type": "input", "seq": 1, "data": "Ada"} | ids)
    ended(asking, worker)
    assert "Ada" in asking.text
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    with server.changed:
        task.cancel_requested = True
        server.changed.notify_all()
    ended(task, worker, "cancelled")


def test_idle_worker_says_that_it_is_there(played, work):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    until(lambda: sum(f["type"] == "heartbeat" for f in server.frames) >= 4, worker.log)
    ended(server.add("true"), worker)
    assert "socket has ended" not in worker.log()


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
