"""Clients that submit without a pause, and one that looks whether what has ended stays so."""

import threading

from journal import UNREACHED
from oracle import TERMINAL, log_of
from waiting import pause, until

# What never changes any more, once a task is in a terminal status.
FINAL = ("status", "attempt", "finished_at", "exit_code", "error", "result", "log")


class Load:
    """`clients` threads that submit through a journal, in portions: `portion()` lets them make
    some tasks more, so that a long test makes no more of them than it needs.

    `act(is_over)`, where given, is what a client does for each of these tasks instead."""

    def __init__(self, journal, clients=4, act=None):
        self.journal = journal
        self.act = act or self._submit_one
        self.permits = threading.Semaphore(0)
        self.is_over = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self._guarded) for _ in range(clients)]

    def _guarded(self):
        try:
            self._work()
        except BaseException as error:  # told by __exit__, in the test's own thread
            self.failures.append(error)

    def _work(self):
        while not self.is_over.is_set():
            if self.permits.acquire(timeout=0.05):
                self.act(self.is_over.is_set)

    def _submit_one(self, is_over):
        self.journal.submit_until_acknowledged(self.journal.new_key(), is_over)

    def portion(self, tasks):
        for _ in range(tasks):
            self.permits.release()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures


class Observer:
    """Reads each task's end as soon as it is visible, with its log, and holds the server to it."""

    def __init__(self, server, run):
        self.server, self.run = server, run
        self.ends, self.logs, self.changes = {}, {}, []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.is_over.is_set():
            try:
                self._look()
            except (*UNREACHED, AssertionError):
                pass  # the server was killed
            pause()

    def _look(self):
        ended = dict(self.ends)
        page = self.server.request("GET", f"/api/v1/tasks?label=run:{self.run}&limit=20")
        assert page.status == 200, page.body
        for task in page.json["items"]:
            self.saw(task, ended.get(task["task_id"]))
            if task["status"] in TERMINAL and task["task_id"] not in self.logs:
                self.logs[task["task_id"]] = log_of(self.server, task["task_id"])

    def saw(self, task, end):
        """The task as a client was told it, and its end where that was known when it asked."""
        if task["status"] in TERMINAL:
            end = self.ends.setdefault(task["task_id"], task)
        self.changes += differences(task, end) if end else []

    def violations(self, tasks, logs):
        yield from self.changes
        for task_id, end in self.ends.items():
            yield from differences(tasks[task_id], end)
        for task_id, log in self.logs.items():
            if log != logs[task_id]:
                yield f"{task_id}: its log went on after its end"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def differences(task, end):
    return [f"{task['task_id']}: {member} was {end[member]}, is {task[member]}"
            for member in FINAL if task[member] != end[member]]


def settle(server, journal):
    """Repeats what has no answer yet, and waits until nothing of the run is unfinished."""
    for key in sorted(journal.unknown_keys()):
        journal.submit_until_acknowledged(key)
    unfinished = "&".join(f"status={status}" for status in
                          ("scheduled", "pending", "assigned", "running", "waiting_for_input"))
    path = f"/api/v1/tasks?label=run:{journal.run}&{unfinished}&limit=1"
    until(lambda: not server.request("GET", path).json["items"], "all tasks have ended", 60)
