"""A hybrid worker changes its channel as the network makes it, and its tasks see nothing of it."""

import datetime
import threading
import time

import pytest
from fault_proxy import LONG_POLL
from journal import Journal
from ledger import noted
from oracle import gather, violations
from processes import processes_with
from waiting import until
from worker_line import WorkerLine, uptime_s

CLIENTS = 4
NAME = "afar"
PLAIN_POLL = "/polling/config?max="
TAKE_OVER_S = 0.5  # a poll that was on its way as the socket opened
DELAY_S = 2  # of a start or an end at most


@pytest.fixture
def line(tmp_path):
    # What is tried here is no loss; plain polls come often.
    line = WorkerLine(tmp_path, TANDEM_RECONNECT_S="5", TANDEM_POLL_INTERVAL_S="0.5")
    yield line
    line.close()


class Clients:
    """Each has one task at a time, so that none waits for another's."""

    def __init__(self, line, run):
        self.line, self.journal = line, Journal(line.server, run, noted(count=2))
        self.asked_at, self.ended, self.failures = {}, [], []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self._guarded) for _ in range(CLIENTS)]

    def _guarded(self):
        try:
            self._work()
        except BaseException as error:  # told by __exit__, in the test's own thread
            self.failures.append(error)

    def _work(self):
        while not self.is_over.is_set():
            asked_at = uptime_s()
            task_id = self.journal.submit_until_acknowledged(self.journal.new_key()).task_id
            self.asked_at[task_id] = asked_at
            self.line.server.finished(task_id)
            self.ended.append(task_id)

    def some_more(self, count):
        enough = len(self.ended) + count
        until(lambda: len(self.ended) >= enough or self.failures, self.line.logs)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures

    def waits_s(self, entries):
        """How long each task waited for its start, in the order in which they were asked for."""
        starts = {entry.task_id: entry.at_s for entry in entries if entry.event == "start"}
        return [starts[task_id] - at for task_id, at in self.asked_at.items()]


def one_channel_at_a_time(proxy):
    """What the network has seen of two at once."""
    for before, after in zip(proxy.sockets, proxy.sockets[1:]):
        if before.ended_at is None or before.ended_at > after.opened_at:
            yield f"a socket from {before.opened_at} beside one from {after.opened_at}"
    for socket in proxy.sockets:
        since = socket.opened_at + TAKE_OVER_S
        for at in proxy.asked(LONG_POLL, since) + proxy.asked(PLAIN_POLL, since):
            if socket.ended_at is None or at < socket.ended_at:
                yield f"a poll at {at} beside a socket from {socket.opened_at}"


def down_to_plain_polls(line, how="refuse"):
    since = time.monotonic()
    line.proxy.long_polls = how
    line.proxy.cut()
    until(lambda: line.proxy.asked(PLAIN_POLL, since), line.logs)


def up_to_long_polls(line):
    since = time.monotonic()
    line.proxy.long_polls = "pass"
    until(lambda: line.proxy.asked(LONG_POLL, since), line.logs)


def ends_late_by_s(entries, tasks):
    """From each job's own last word to its end at the server."""
    uptime_to_wall_s = time.time() - uptime_s()
    for entry in entries:
        if entry.event == "end":
            finished_at = datetime.datetime.fromisoformat(tasks[entry.task_id]["finished_at"])
            yield finished_at.timestamp() - uptime_to_wall_s - entry.at_s


@pytest.mark.parametrize("blocked", ["refuse", "close"])
def test_it_polls_where_upgrades_are_blocked_and_comes_back(line, blocked):
    line.proxy.upgrades = blocked
    line.worker(NAME)
    line.until_channel(NAME, "polling")
    assert line.proxy.asked("/polling/claim") and not line.proxy.open_sockets()
    with Clients(line, "blocked") as clients:
        clients.some_more(3)
    line.proxy.upgrades = "pass"
    line.until_channel(NAME, "push")
    assert len(line.proxy.open_sockets()) == 1
    with Clients(line, "allowed") as clients:
        clients.some_more(3)
    assert list(one_channel_at_a_time(line.proxy)) == []


@pytest.mark.parametrize("blocked", ["refuse", "cut"])
def test_it_polls_plainly_where_long_polls_are_blocked_and_comes_back(line, blocked):
    line.worker(NAME, mode="polling")
    line.until_channel(NAME, "polling")
    down_to_plain_polls(line, blocked)
    plain_from = time.monotonic()
    with Clients(line, "plain") as clients:
        clients.some_more(3)
    assert line.proxy.asked(PLAIN_POLL, plain_from)
    up_to_long_polls(line)
    long_from = time.monotonic()
    with Clients(line, "long") as clients:
        clients.some_more(3)
    assert line.proxy.asked(LONG_POLL, long_from) and not line.proxy.asked(PLAIN_POLL, long_from)


@pytest.mark.alone
def test_changes_under_load_lose_repeat_and_delay_nothing(line):
    worker = line.worker(NAME, TANDEM_SLOTS=str(CLIENTS + 2))
    line.until_channel(NAME, "push")
    long_ones = [line.server.request("POST", "/api/v1/tasks", noted(hold=line.hold)).json["task_id"]
                 for _ in range(2)]
    for task_id in long_ones:
        line.until_noted(task_id, 1)
    processes = {task_id: set(processes_with(task_id)) for task_id in long_ones}
    with Clients(line, "changes") as clients:
        clients.some_more(30)
        undisturbed = len(clients.asked_at)
        for blocked in ("refuse", "close", "refuse"):
            line.proxy.upgrades = blocked
            line.proxy.cut_sockets()
            line.until_channel(NAME, "polling")
            clients.some_more(30)
            if blocked == "close":
                down_to_plain_polls(line)
                clients.some_more(30)
                up_to_long_polls(line)
                clients.some_more(30)
            line.proxy.upgrades = "pass"
            until(line.proxy.open_sockets, line.logs)
            clients.some_more(30)
    for task_id in long_ones:
        assert processes[task_id] & set(processes_with(task_id)), worker.log()
    line.hold.touch()
    for task_id in long_ones:
        task = line.server.finished(task_id)
        assert (task["status"], task["attempt"]) == ("completed", 1)
        assert line.ledger.events(task_id) == ["start", "end"]
    tasks, logs = gather(line.server, "changes")
    entries = [entry for entry in line.ledger.entries() if entry.task_id not in long_ones]
    assert violations(clients.journal.exchanges, entries, tasks, logs) == []
    assert {(task["status"], task["attempt"]) for task in tasks.values()} == {("completed", 1)}
    assert all(line.ledger.events(task_id) == ["start", "end"] for task_id in tasks)
    waits_s = clients.waits_s(entries)
    assert max(waits_s[undisturbed:]) < max(waits_s[:undisturbed]) + DELAY_S
    assert max(ends_late_by_s(entries, tasks)) < DELAY_S
    assert list(one_channel_at_a_time(line.proxy)) == []
