"""kill -9 of the server under load: promises 1, 2, 3, 6, 9 and 10, judged from outside."""

import concurrent.futures
import random
import time

from journal import Journal
from ledger import noted
from load import Load, Observer, settle
from oracle import gather, violations
from processes import processes_with
from waiting import pause, until_written

PORTION = 24


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
