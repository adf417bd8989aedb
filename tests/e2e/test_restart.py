"""Promise 21: SIGTERM drains; restarts under load lose nothing and repeat nothing."""

import random
import signal
import socket
import time

from journal import Journal
from ledger import noted
from load import Load, Observer, settle
from oracle import gather, violations
from processes import processes_with
from waiting import until

PORTION = 12


def test_restarts_under_load(world, pytestconfig):
    server, ledger = world
    journal = Journal(server, "restarts", noted(count=2))
    with Load(journal) as load, Observer(server, journal.run) as observer:
        for _ in range(pytestconfig.getoption("--restarts")):
            taken = len(journal.exchanges) + random.randrange(PORTION)
            load.portion(PORTION)
            until(lambda: len(journal.exchanges) > taken, "tasks are submitted")
            server.stop()
            server.start()
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    assert list(observer.violations(tasks, logs)) == []
    assert {task["status"] for task in tasks.values()} == {"completed"}
    # An offer that met a server on its way out is given back: a number is gone, nothing ran.
    assert all(ledger.events(task_id) == ["start", "end"] for task_id in tasks)


def held_job(server, ledger, hold):
    task_id = server.request("POST", "/api/v1/tasks", noted(hold=hold)).json["task_id"]
    until(lambda: ledger.events(task_id) == ["start"], "the job runs")
    return task_id


def test_sigterm_waits_for_what_runs(world):
    server, ledger = world
    hold = ledger.path.parent / "hold"
    task_id = held_job(server, ledger, hold)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "draining" in server.log(), "it says that it drains")
    assert server.process.poll() is None and processes_with(task_id)
    hold.touch()
    assert server.process.wait(timeout=30) == 0
    assert not (server.data / "server.json").exists()
    assert ledger.events(task_id) == ["start", "end"]
    server.start()
    done = server.finished(task_id)
    assert (done["status"], done["attempt"]) == ("completed", 1)


def test_a_second_sigterm_stops_at_once(world):
    server, ledger = world
    task_id = held_job(server, ledger, ledger.path.parent / "never")
    server.process.send_signal(signal.SIGTERM)
    until(lambda: "draining" in server.log(), "it says that it drains")
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    assert time.monotonic() - begin < 10
    assert not (server.data / "server.json").exists()
    assert not processes_with(task_id)
    server.start()
    done = server.finished(task_id)
    assert (done["status"], done["error"]["code"]) == ("failed", "worker_lost")


def test_a_server_that_can_not_listen_changes_nothing(world):
    server, ledger = world
    server.stop()
    server.settings["TANDEM_EMBEDDED_SLOTS"] = "0"
    server.start()
    task = server.request("POST", "/api/v1/tasks", noted()).json
    server.stop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        done = server.tandem("serve", TANDEM_LISTEN=listen, TANDEM_EMBEDDED_SLOTS="2")
    assert done.returncode == 1 and "The port to listen on is in use" in done.stderr, done.stderr
    assert not (server.data / "server.json").exists()
    server.start()
    after = server.request("GET", f"/api/v1/tasks/{task['task_id']}").json
    assert (after["status"], after["attempt"]) == ("pending", 0)
    assert after["updated_at"] == task["updated_at"]
    assert ledger.entries() == []
