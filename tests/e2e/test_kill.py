"""kill -9 of the server under load: promises 1, 2, 3, 6, 9 and 10, judged from outside."""

import concurrent.futures
import random
import time

import pytest

from conftest import Server
from journal import Journal
from ledger import Ledger, noted
from load import Load, Observer, settle
from oracle import gather, violations
from processes import processes_with
from waiting import pause

PORTION = 24


def last_write(path):
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def until_written(path, within_s=1):
    """At once after the next write to the file, without a pause: before what follows it."""
    before, end = last_write(path), time.monotonic() + within_s
    while last_write(path) == before and time.monotonic() < end:
        pass


def at_random(server, ledger):
    end = time.monotonic() + random.uniform(0, 0.3)
    while time.monotonic() < end:
        pause()


def between_commit_and_answer(server, ledger):
    until_written(server.data / "tandem.db-wal")


def as_log_records_are_written(server, ledger):
    until_written(server.data / "logs.db-wal")


def as_a_job_notes_its_start_or_end(server, ledger):
    until_written(ledger.path)


def as_an_attempt_gets_its_directory(server, ledger):
    until_written(server.data / "work")


MOMENTS = [
    at_random,
    between_commit_and_answer,
    as_log_records_are_written,
    as_a_job_notes_its_start_or_end,
    as_an_attempt_gets_its_directory,
]


@pytest.fixture
def world(tmp_path):
    ledger = Ledger(tmp_path)
    server = Server(tmp_path, TANDEM_HANDLERS_DIR=str(ledger.handlers))
    server.start()
    yield server, ledger
    if server.process.poll() is None:
        server.kill()


def test_nothing_is_lost_repeated_or_left_by_kills(world, pytestconfig):
    server, ledger = world
    seed = random.randrange(2**32)
    random.seed(seed)
    print(f"seed {seed}")
    task = noted(count=5, max_attempts=4, retry_delay_s=0)
    journal = Journal(server, "kills", task)
    with Load(journal) as load, Observer(server, journal.run) as observer:
        for round_ in range(pytestconfig.getoption("--kills")):
            load.portion(PORTION)
            MOMENTS[round_ % len(MOMENTS)](server, ledger)
            server.kill()
            server.start()
        load.portion(PORTION)
        settle(server, journal)
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    assert list(observer.violations(tasks, logs)) == []
    assert observer.ends
    assert not any(processes_with(task_id) for task_id in tasks)


def test_a_hundred_repeats_make_one_task(world):
    server, ledger = world
    journal = Journal(server, "repeats", noted())
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        repeats = [pool.submit(journal.submit, "repeats-1") for _ in range(100)]
        between_commit_and_answer(server, ledger)
        server.kill()
        concurrent.futures.wait(repeats)
        server.start()
        again = [pool.submit(journal.submit, "repeats-1") for _ in range(100)]
    answers = {(one.result().status, one.result().task_id) for one in again}
    assert {status for status, _ in answers} <= {200, 201}, answers
    settle(server, journal)
    tasks, logs = gather(server, journal.run)
    assert len(tasks) == 1
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
