"""What is promised of workers holds whatever dies: promises 1, 3, 4, 5, 7, 9, 14 and 21."""

import contextlib
import os
import signal
import subprocess

import pytest
from journal import Journal
from ledger import noted
from load import Load, Observer, settle
from oracle import gather, log_of, violations
from processes import processes_with
from waiting import until
from worker_line import SPLIT_TYPE, TICKING_TYPE, holding, uptime_s

LEASE_S = 2
SOON_S = 2  # after a worker is known to be lost; generous, as the machine may be busy
RETRIED = {"max_attempts": 2, "retry_delay_s": 0}
PORTION = 15
DEAD_WITHIN_S = 5  # a job of a worker that was revoked, with its grace of a second
EXIT_REFUSED = 77
SLOTS = 2  # of a worker
LOOPS = 20
DELAY_S = 0.1  # of a network, one way


class Run:
    """Tasks of one kind, and what the oracle says of them in the end."""

    def __init__(self, line, task):
        self.line, self.journal = line, Journal(line.server, "faults", task)

    def submit(self):
        return self.journal.submit_until_acknowledged(self.journal.new_key()).task_id

    def ended(self):
        """Each of its tasks, once all have ended and nothing is found that must not be."""
        settle(self.line.server, self.journal)
        tasks, logs = gather(self.line.server, self.journal.run)
        found = violations(self.journal.exchanges, self.line.ledger.entries(), tasks, logs)
        assert found == [], self.line.logs()
        unlike = [task for task in tasks.values() if task["status"] != "completed"]
        told = [(task["error"], self.line.ledger.events(task["task_id"])) for task in unlike]
        assert not unlike, f"{told}\n{self.line.logs()}"
        assert not any(processes_with("TANDEM_TASK_ID=" + task_id) for task_id in tasks)
        return tasks

    def each_ran_once(self):
        tasks = self.ended()
        ledger = self.line.ledger
        assert all(ledger.events(task_id) == ["start", "end"] for task_id in tasks)
        return tasks


def two_workers(line, run, **of_the_first):
    """The first runs a task, and the second is there for the next."""
    first = line.worker("first", **of_the_first)
    task_id = run.submit()
    line.until_noted(task_id, 1)
    line.worker("second", direct=True)
    line.until_channel("second", "push")
    return first, task_id


def image(line, task_id):
    """All that is told of a task, once it has ended."""
    return {"task": line.server.finished(task_id), "log": log_of(line.server, task_id)}


def until_noted_again(line, task_id):
    """The first entry of an attempt that came after the first."""
    def later():
        entries = line.ledger.entries()
        return next((one for one in entries if one.task_id == task_id and one.attempt > 1), None)

    return until(later, lambda: f"{line.ledger.events(task_id)}\n{line.logs()}")


@pytest.mark.alone
@pytest.mark.parametrize("mode, settings, lost_within_s", [
    ("push", {}, 0),  # a socket's end is seen, long before the lease's
    ("polling", {"TANDEM_LEASE_S": str(LEASE_S)}, LEASE_S)])
def test_task_of_a_killed_worker_runs_elsewhere_soon(make_line, mode, settings, lost_within_s):
    line = make_line(**settings)
    run = Run(line, noted(hold=line.hold, **RETRIED))
    first, task_id = two_workers(line, run, mode=mode)
    killed_at = uptime_s()
    first.kill()
    again = line.until_noted(task_id, 2)
    assert again.at_s - killed_at < lost_within_s + SOON_S
    line.hold.touch()
    assert run.ended()[task_id]["attempt"] == 2
    assert line.ledger.events(task_id) == ["start", "start", "end"]


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["push", "polling"])
def test_stopped_worker_loses_its_task_and_changes_nothing_later(make_line, mode):
    line = make_line(TANDEM_LEASE_S=str(LEASE_S))
    run = Run(line, holding(TICKING_TYPE, line.hold, **RETRIED))
    first, task_id = two_workers(line, run, mode=mode)
    os.kill(first.process.pid, signal.SIGSTOP)
    stopped_at = uptime_s()
    again = line.until_noted(task_id, 2)
    assert again.at_s - stopped_at < LEASE_S + SOON_S
    os.kill(first.process.pid, signal.SIGCONT)
    until(lambda: "is stopped" in first.log() or "ended" in first.log(), line.logs)
    line.until_channel("first", "push" if mode == "push" else "polling")
    line.hold.touch()
    assert run.ended()[task_id]["attempt"] == 2


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_stopped_worker_that_wakes_after_the_end_changes_nothing(make_line, mode):
    line = make_line(TANDEM_LEASE_S=str(LEASE_S))
    run = Run(line, holding(TICKING_TYPE, line.hold, **RETRIED))
    first, task_id = two_workers(line, run, mode=mode)
    os.kill(first.process.pid, signal.SIGSTOP)
    line.until_noted(task_id, 2)
    line.hold.touch()
    ended = image(line, task_id)
    assert (ended["task"]["status"], ended["task"]["attempt"]) == ("completed", 2)
    line.workers[1].stop()
    os.kill(first.process.pid, signal.SIGCONT)
    after = run.submit()  # it has told what it had to tell before it ends this one
    assert line.server.finished(after)["worker_name"] == "first", line.logs()
    assert image(line, task_id) == ended
    assert line.ledger.entries()[-1].task_id == after
    run.ended()


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["push", "polling"])
def test_task_of_a_revoked_worker_runs_elsewhere(make_line, mode):
    line = make_line()
    run = Run(line, noted(hold=line.hold, **RETRIED))
    first, task_id = two_workers(line, run, mode=mode)
    its_own = set(processes_with(task_id))
    revoked_at = uptime_s()
    line.control("first", "revoke")
    again = line.until_noted(task_id, 2)
    assert again.at_s - revoked_at < SOON_S
    until(lambda: not its_own & set(processes_with(task_id)), line.logs, DEAD_WITHIN_S)
    assert first.wait() == EXIT_REFUSED
    line.hold.touch()
    assert run.ended()[task_id]["worker_name"] == "second"
    assert line.ledger.events(task_id) == ["start", "start", "end"]


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["push", "polling"])
def test_cut_off_worker_ends_its_attempt_before_the_lease(make_line, mode):
    line = make_line(TANDEM_LEASE_S=str(LEASE_S))
    run = Run(line, holding(TICKING_TYPE, line.hold, **RETRIED))
    _, task_id = two_workers(line, run, mode=mode)
    line.proxy.hold()
    held_at = uptime_s()
    again = line.until_noted(task_id, 2)
    assert again.at_s - held_at < LEASE_S + SOON_S
    until(lambda: uptime_s() - held_at > 2 * LEASE_S, "twice the lease is over")
    of_first = [entry.at_s for entry in line.ledger.entries() if entry.attempt == 1]
    assert max(of_first) - held_at < LEASE_S
    assert max(of_first) < again.at_s
    line.proxy.heal()
    line.until_channel("first", "push" if mode == "push" else "polling")
    line.hold.touch()
    assert run.ended()[task_id]["attempt"] == 2


@pytest.mark.alone
@pytest.mark.parametrize("direction", ["to_server", "to_worker"])
@pytest.mark.parametrize("mode", ["push", "polling"])
def test_half_open_connection_loses_its_task_to_the_next(make_line, mode, direction):
    # An offer to the first goes nowhere, and must come back soon.
    line = make_line(TANDEM_LEASE_S=str(LEASE_S), TANDEM_ACCEPT_TIMEOUT_S="1")
    run = Run(line, holding(TICKING_TYPE, line.hold, **RETRIED))
    _, task_id = two_workers(line, run, mode=mode, TANDEM_SLOTS="1")
    line.proxy.hold(direction)
    held_at = uptime_s()
    again = until_noted_again(line, task_id)
    # What the server hears it takes for renewals, until the worker gives up: before the lease.
    leases = 2 if direction == "to_worker" else 1
    assert again.at_s - held_at < leases * LEASE_S + SOON_S
    of_first = [entry.at_s for entry in line.ledger.entries() if entry.attempt == 1]
    assert max(of_first) - held_at < LEASE_S
    line.proxy.heal()
    line.until_channel("first", mode)
    line.hold.touch()
    assert run.ended()[task_id]["attempt"] == again.attempt


# A poll that was answered has no next one, while nothing gets through.
@pytest.mark.parametrize("mode, offers", [("push", SLOTS), ("polling", 1)])
def test_cancelled_offers_give_their_slots_back(make_line, mode, offers):
    line = make_line(TANDEM_HEARTBEAT_S="5")  # its silence is not heard
    line.worker("first", mode=mode, TANDEM_SLOTS=str(SLOTS))
    line.until_channel("first", mode)
    run = Run(line, noted(count=1))
    line.proxy.hold("to_server")
    for _ in range(offers):
        path = f"/api/v1/tasks/{run.submit()}"
        until(lambda: line.server.request("GET", path).json["status"] == "assigned", line.logs)
        assert line.server.request("POST", path + "/cancel").status == 200
    line.proxy.heal()
    for _ in range(SLOTS):
        line.until_noted(run.submit(), 1, "end")
    assert len(line.proxy.sockets) == (1 if mode == "push" else 0)


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_slow_network_loses_and_repeats_nothing(make_line, mode):
    line = make_line(TANDEM_RECONNECT_S="5")  # what is tried here is no loss
    line.proxy.delay_s = DELAY_S
    line.worker("first", mode=mode, TANDEM_SLOTS="4")
    run = Run(line, noted(count=5))
    with Load(run.journal) as load:
        load.portion(2 * PORTION)
        until(lambda: len(run.journal.exchanges) >= PORTION, line.logs)
        line.proxy.cut()
        settle(line.server, run.journal)
    tasks = run.each_ran_once()
    assert len(tasks) == 2 * PORTION


def test_dropped_answers_lose_and_repeat_nothing(make_line):
    line = make_line()
    line.worker("first", mode="polling", TANDEM_SLOTS="4")
    run = Run(line, noted(count=5))
    with Load(run.journal) as load:
        for path in ("/polling/claim", "/polling/update", "/logs", "/polling/claim"):
            dropped = line.proxy.dropped
            line.proxy.drop_answers(path, 4)
            load.portion(PORTION)
            until(lambda: line.proxy.dropped >= dropped + 4, line.logs)
        settle(line.server, run.journal)
    tasks = run.each_ran_once()
    assert {task["attempt"] for task in tasks.values()} == {1}


def test_killed_server_finds_what_ran_with_its_whole_log(make_line):
    line = make_line()
    line.worker("first", mode="polling", TANDEM_SLOTS="4")
    run = Run(line, holding(SPLIT_TYPE, line.hold, count=400))
    task_ids = [run.submit() for _ in range(3)]
    for task_id in task_ids:
        line.until_noted(task_id, 1)
    line.server.kill()
    line.hold.touch()
    for task_id in task_ids:
        line.until_noted(task_id, 1, "end")
    line.start_server()
    tasks = run.each_ran_once()
    assert {task["attempt"] for task in tasks.values()} == {1}


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_rolling_restarts_lose_and_repeat_nothing(make_line, mode, pytestconfig):
    rounds = pytestconfig.getoption("--restarts")
    line = make_line()
    for name in ("first", "second"):
        line.worker(name, mode=mode, TANDEM_SLOTS="3")
    run = Run(line, noted(count=3))
    with Load(run.journal) as load, Observer(line.server, run.journal.run) as observer:
        for round_ in range(rounds):
            load.portion(PORTION)
            line.server.stop()
            line.start_server()
            load.portion(PORTION)
            worker = line.workers[round_ % len(line.workers)]
            worker.stop()
            worker.start()
        settle(line.server, run.journal)
    tasks = run.each_ran_once()
    assert len(tasks) == 2 * rounds * PORTION
    assert list(observer.violations(*gather(line.server, run.journal.run))) == []


@contextlib.contextmanager
def busy_loops(count):
    """Programs that want all the time that the machine has."""
    loops = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def test_busy_machine_loses_no_task(make_line):
    line = make_line(TANDEM_LEASE_S=str(LEASE_S))
    run = Run(line, noted(hold=line.hold, **RETRIED))
    workers = {mode: line.worker(mode, mode=mode) for mode in ("push", "polling")}
    task_ids = [run.submit() for _ in range(SLOTS * len(workers))]
    for task_id in task_ids:
        line.until_noted(task_id, 1)
    with busy_loops(LOOPS):
        begin = uptime_s()
        until(lambda: uptime_s() - begin > 3 * LEASE_S, "three leases are over")
        line.hold.touch()
        tasks = run.each_ran_once()
    assert {task["attempt"] for task in tasks.values()} == {1}
    assert {task["worker_name"] for task in tasks.values()} == set(workers)
