"""Promise 18: the disk is full, or another holds the database: told within 2 s, nothing that was
acknowledged is lost, and all is well again within 5 s by itself."""

import os
import pathlib
import sqlite3
import subprocess

import pytest

from conftest import Server
from journal import Journal
from ledger import Ledger, noted
from load import settle
from multipart import CONTENT_TYPE, form
from oracle import gather, violations
from waiting import soon, until

BACK_WITHIN_S = 5
DISK_BYTES = 24 << 20


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own. `fill` takes all of its room, `free` gives it back."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us mount a file system")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", place], check=True)


class Disk:
    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.ballast = self.place / "ballast"

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        self.ballast.unlink()


def serve(directory, data, handlers):
    server = Server(directory, TANDEM_DATA_DIR=str(data), TANDEM_HANDLERS_DIR=str(handlers))
    server.data = data
    return server.start()


def submit_until_refused(journal, status):
    """SQLite may have room left in its log: goes on until that is used up too."""
    for _ in range(5000):
        exchange = soon(lambda: journal.submit(journal.new_key()))
        if not exchange.is_acknowledged:
            assert exchange.status == status, exchange
            return
    raise AssertionError("the disk never was full")


@pytest.mark.alone
def test_a_full_disk_is_told_and_forgotten(tmp_path, disk):
    ledger = Ledger(tmp_path)
    server = serve(tmp_path, disk.place / "data", ledger.handlers)
    hold = tmp_path / "hold"
    journal = Journal(server, "full", noted(hold=hold))
    before = server.request("POST", "/api/v1/tasks", noted(count=2000, hold=hold)).json["task_id"]
    until(lambda: ledger.events(before) == ["start"], "the job runs")
    disk.fill()
    submit_until_refused(journal, 507)
    answer = soon(lambda: server.request("POST", "/api/v1/tasks", noted()))
    assert (answer.status, answer.json["code"]) == (507, "disk_full")
    upload = form(noted(), {"big": bytes(1 << 20)})
    answer = soon(lambda: server.request("POST", "/api/v1/tasks", upload, CONTENT_TYPE))
    assert (answer.status, answer.json["code"]) == (507, "disk_full")
    assert server.request("GET", f"/api/v1/tasks/{before}").json["status"] == "running"
    hold.touch()  # the job's log and end have no room now
    until(lambda: ledger.events(before)[-1] == "end", "the job ends")
    disk.free()
    until(lambda: journal.submit(journal.new_key()).is_acknowledged, "takes tasks", BACK_WITHIN_S)
    done = server.finished(before)
    assert done["status"] == "completed"
    raw = {"Accept": "text/plain"}
    log = server.request("GET", f"/api/v1/tasks/{before}/logs", headers=raw).body.decode()
    assert log.splitlines() == [f"line {i + 1} of attempt 1" for i in range(2000)]
    settle(server, journal)
    server.kill()
    server.start()
    tasks, logs = gather(server, journal.run)
    entries = [entry for entry in ledger.entries() if entry.task_id != before]
    assert violations(journal.exchanges, entries, tasks, logs) == []
    server.stop()


@pytest.mark.alone
def test_a_database_that_another_holds(tmp_path):
    ledger = Ledger(tmp_path)
    server = serve(tmp_path, tmp_path / "data", ledger.handlers)
    journal = Journal(server, "held", noted())
    assert journal.submit(journal.new_key()).status == 201
    other = sqlite3.connect(server.data / "tandem.db", isolation_level=None, timeout=30)
    other.execute("begin immediate")
    for _ in range(3):
        answer = soon(lambda: server.request("POST", "/api/v1/tasks", noted()))
        assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert soon(lambda: journal.submit(journal.new_key())).status == 503
    health = soon(lambda: server.request("GET", "/health", token=None))
    assert (health.status, health.json["store"]) == (503, "unavailable")
    assert soon(lambda: server.request("GET", "/api/v1/tasks")).status == 200
    other.execute("rollback")
    other.close()
    until(lambda: journal.submit(journal.new_key()).is_acknowledged, "takes tasks", BACK_WITHIN_S)
    until(lambda: server.request("GET", "/health", token=None).status == 200, "is well",
          BACK_WITHIN_S)
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    server.stop()
