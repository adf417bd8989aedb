"""Tasks kept in PostgreSQL: all of a task's life, kills, and a database that goes away."""

import json
import os
import shutil
import signal
import subprocess
import urllib.parse

import pytest

from conftest import Server
from databases import PgBouncer, PostgresServer, fresh_database
from journal import Journal
from ledger import Ledger, noted
from load import Load, settle
from oracle import gather, violations
from waiting import soon, until

BACK_WITHIN_S, DISTURBANCES = 5, 5
DISK_BYTES = 32 << 20


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_postgres():
    server = PostgresServer()
    yield server
    server.remove()


def serve(directory, url, **settings):
    ledger = Ledger(directory)
    server = Server(directory, TANDEM_DATABASE_URL=url, TANDEM_HANDLERS_DIR=str(ledger.handlers),
                    **settings)
    return server.start(), ledger


@pytest.fixture
def world(tmp_path, postgres):
    server, ledger = serve(tmp_path, fresh_database(postgres))
    yield server, ledger
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def shaky(tmp_path, own_postgres):
    """A server whose database may be taken away."""
    server, ledger = serve(tmp_path, fresh_database(own_postgres))
    yield server, ledger, own_postgres
    if server.process.poll() is None:
        server.kill()


def test_a_whole_life(world):
    server, _ = world
    script = "echo hello; printf result > $TANDEM_OUTPUT_DIR/out.txt"
    task = server.shell(script, labels={"team": "vision"}, queue="fast", priority=5)
    done = server.finished(task["task_id"])
    assert (done["status"], done["exit_code"], done["attempt"]) == ("completed", 0, 1)
    assert (done["queue"], done["labels"]) == ("fast", {"team": "vision"})
    path = f"/api/v1/tasks/{task['task_id']}"
    log = server.request("GET", path + "/logs", headers={"Accept": "text/plain"})
    assert log.body == b"hello\n"
    assert server.request("GET", path + "/download?name=out.txt").body == b"result"
    again = server.request("POST", path + "/retry")
    assert again.status == 202
    second = until(lambda: (one := server.finished(task["task_id"]))["attempt"] == 2 and one,
                   "the second attempt")
    assert second["status"] == "completed"
    assert server.request("DELETE", path).status == 204
    assert server.request("GET", path).status == 404


def test_cancel_queued_and_running(world):
    server, ledger = world
    later = server.shell("true", delay_s=3600)["task_id"]
    assert server.request("POST", f"/api/v1/tasks/{later}/cancel").status == 200
    running = server.request("POST", "/api/v1/tasks", noted(hold=ledger.path.parent / "never"))
    task_id = running.json["task_id"]
    until(lambda: ledger.events(task_id) == ["start"], "the job runs")
    assert server.request("POST", f"/api/v1/tasks/{task_id}/cancel").status == 202
    assert server.finished(task_id)["status"] == "cancelled"
    assert server.request("GET", f"/api/v1/tasks/{later}").json["status"] == "cancelled"


def listed(server, query):
    answer = server.request("GET", "/api/v1/tasks?" + query)
    assert answer.status == 200, answer.body
    return [task["task_id"] for task in answer.json["items"]], answer.json["next_cursor"]


def test_lists_filters_and_cursors_over_both_tables(world):
    server, _ = world
    finished = [server.shell("true", labels={"n": str(i)})["task_id"] for i in range(3)]
    for task_id in finished:
        server.finished(task_id)
    waiting = [server.shell("echo WORD", delay_s=3600, queue="late")["task_id"] for _ in range(3)]
    newest_first = list(reversed(finished + waiting))
    assert listed(server, "") == (newest_first, None)
    page, cursor = listed(server, "limit=4")
    rest, end = listed(server, "limit=4&cursor=" + urllib.parse.quote(cursor))
    assert (page + rest, end) == (newest_first, None)
    assert listed(server, "status=completed")[0] == finished[::-1]
    assert listed(server, "status=scheduled&status=running")[0] == waiting[::-1]
    assert listed(server, "queue=late&search=word")[0] == waiting[::-1]
    assert listed(server, "label=n:1")[0] == [finished[1]]
    assert listed(server, "label=a%3Db:c")[0] == []
    stats = server.request("GET", "/api/v1/tasks/stats").json
    assert "completed" in json.dumps(stats) and "late" in json.dumps(stats)


def test_kills_under_load_lose_nothing(world):
    server, ledger = world
    journal = Journal(server, "kills", noted(count=2))
    with Load(journal) as load:
        for _ in range(DISTURBANCES):
            taken = len(journal.exchanges) + 6
            load.portion(12)
            until(lambda: len(journal.exchanges) > taken, "tasks are submitted")
            server.kill()
            server.start()
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []


def test_what_waits_is_found_again(world):
    server, _ = world
    later = [server.shell("true", delay_s=3600)["task_id"] for _ in range(20)]
    parked = server.submit({"job_type": "nobody"}, assignment="polling")["task_id"]
    server.kill()
    server.start()
    assert set(listed(server, "status=scheduled")[0]) == set(later)
    assert server.request("GET", f"/api/v1/tasks/{parked}").json["status"] == "pending"
    assert server.finished(server.shell("true")["task_id"])["status"] == "completed"


def health(server):
    return server.request("GET", "/health", token=None)


@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_database_that_goes_away_and_comes_back(shaky, how):
    server, ledger, postgres = shaky
    hold = ledger.path.parent / "hold"
    held = server.request("POST", "/api/v1/tasks", noted(hold=hold)).json["task_id"]
    until(lambda: ledger.events(held) == ["start"], "the job runs")
    journal = Journal(server, "away", noted())
    for _ in range(10):
        assert journal.submit(journal.new_key()).is_acknowledged
    postgres.stop(how)
    for _ in range(3):
        answer = soon(lambda: server.request("POST", "/api/v1/tasks", noted()))
        assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert soon(lambda: server.request("GET", "/api/v1/tasks")).status == 503
    until(lambda: soon(lambda: health(server)).status == 503, "says that it is unwell")
    assert health(server).json["store"] == "unavailable"
    hold.touch()  # the job ends while nobody can write it down
    until(lambda: ledger.events(held)[-1] == "end", "the job ends")
    postgres.start()
    until(lambda: journal.submit(journal.new_key()).is_acknowledged, "takes tasks", BACK_WITHIN_S)
    until(lambda: health(server).status == 200, "is well", BACK_WITHIN_S)
    assert server.finished(held)["status"] == "completed"
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    entries = [entry for entry in ledger.entries() if entry.task_id != held]
    assert violations(journal.exchanges, entries, tasks, logs) == []


def test_crashes_of_the_database_under_load(shaky):
    server, ledger, postgres = shaky
    journal = Journal(server, "crashes", noted(count=2))
    with Load(journal) as load:
        for _ in range(DISTURBANCES):
            taken = len(journal.exchanges) + 6
            load.portion(12)
            until(lambda: len(journal.exchanges) > taken, "tasks are submitted")
            postgres.stop(signal.SIGQUIT)
            postgres.start()
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []


@pytest.mark.alone
def test_a_database_that_stands_still(shaky):
    """Its processes are stopped: connections stay open and nothing answers."""
    server, ledger, postgres = shaky
    journal = Journal(server, "still", noted())
    assert journal.submit(journal.new_key()).is_acknowledged
    frozen = postgres.freeze()
    answer = soon(lambda: server.request("POST", "/api/v1/tasks", noted()))
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert soon(lambda: journal.submit(journal.new_key())).status == 503
    assert soon(lambda: health(server)).status == 503
    postgres.thaw(frozen)
    until(lambda: journal.submit(journal.new_key()).is_acknowledged, "takes tasks", BACK_WITHIN_S)
    until(lambda: health(server).status == 200, "is well", BACK_WITHIN_S)
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []


def refusal(tmp_path, url):
    server = Server(tmp_path, TANDEM_DATABASE_URL=url)
    done = server.tandem("serve", timeout=30)
    assert done.returncode == 1, done.stderr
    assert "not-a-secret" not in done.stderr and "wrong-one" not in done.stderr
    return done.stderr


def test_what_is_wrong_is_told_at_the_start(tmp_path, postgres):
    assert "refuses the user or the password" in refusal(
        tmp_path, postgres.url(password="wrong-one"))
    assert "no database of that name" in refusal(tmp_path, postgres.url("absent"))
    assert "can't be reached" in refusal(tmp_path, postgres.url(port=1))
    postgres.sql("create database latin template template0 encoding 'LATIN1' locale 'C'")
    assert "UTF8" in refusal(tmp_path, postgres.url("latin"))
    postgres.sql("create database locked")
    postgres.sql("alter database locked set default_transaction_read_only = on")
    assert "takes no changes" in refusal(tmp_path, postgres.url("locked"))


def test_migrate_and_doctor(tmp_path, postgres):
    server = Server(tmp_path, TANDEM_DATABASE_URL=fresh_database(postgres))
    unmade = server.tandem("doctor")
    assert "tandem migrate" in unmade.stdout
    assert "up to date" in server.tandem("migrate").stdout
    assert "holds 0 tasks" in server.tandem("doctor").stdout
    assert "not-a-secret" not in server.tandem("doctor", "--json").stdout


@pytest.fixture
def small_disk(tmp_path, own_postgres):
    """A database whose tables lie on a small file system of their own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    place = own_postgres.directory / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us mount a file system")
    shutil.chown(place, "postgres", "postgres")
    own_postgres.sql(f"create tablespace small location '{place}'")
    own_postgres.sql("create database small tablespace small")
    yield own_postgres.url("small"), place / "ballast"
    own_postgres.stop()
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(ballast):
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


@pytest.mark.alone
def test_a_full_disk_of_the_database(tmp_path, small_disk):
    url, ballast = small_disk
    server, ledger = serve(tmp_path, url)
    journal = Journal(server, "full", noted())
    assert journal.submit(journal.new_key()).is_acknowledged
    settle(server, journal)
    fill(ballast)

    def is_refused():
        exchange = soon(lambda: journal.submit(journal.new_key()))
        assert exchange.is_acknowledged or exchange.status == 507, exchange
        return not exchange.is_acknowledged

    until(is_refused, "the disk is full")
    big = noted() | {"payload": {"job_type": "noted", "text": os.urandom(200_000).hex()}}
    answer = soon(lambda: server.request("POST", "/api/v1/tasks", big))
    assert (answer.status, answer.json["code"]) == (507, "disk_full")
    ballast.unlink()
    until(lambda: journal.submit(journal.new_key()).is_acknowledged, "takes tasks", BACK_WITHIN_S)
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    server.stop()


@pytest.mark.alone
def test_behind_a_pooler(tmp_path, postgres):
    url = fresh_database(postgres)
    pooler = PgBouncer(postgres)
    server, ledger = serve(tmp_path, pooler.url(url.rsplit("/", 1)[1]))
    journal = Journal(server, "pooled", noted(count=2))
    with Load(journal) as load:
        load.portion(40)
        until(lambda: len(journal.exchanges) >= 20, "tasks are submitted")
        pooler.remove()
        answer = soon(lambda: server.request("POST", "/api/v1/tasks", noted()))
        assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
        pooler.start()
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    server.stop()
    pooler.remove()
