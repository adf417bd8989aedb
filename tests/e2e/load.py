"""Clients that submit without a pause, and one that looks whether what has ended stays so."""

import threading

from journal import UNREACHED
from oracle import TERMINAL, log_of
from waiting import pause, until

# What never changes any more, once a task is in a terminal status.
FINAL = ("status", "attempt", "finished_at", "exit_code", "error", "result", "log")


class Load:
    """`clients` threads that submit through a journal, in portions: `portion()` lets them make
    some tasks more, so that a long test makes no more of them than it needs."""

    def __init__(self, journal, clients=4):
        self.journal = journal
        self.permits = threading.Semaphore(0)
        self.is_over = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self._guarded, args=(work,))
                        for work in [self._submit] * clients]

    def _guarded(self, work):
        try:
            work()
        except BaseException as error:  # told by __exit__, in the test's own thread
            self.failures.append(error)

    def _submit(self):
        while not self.is_over.is_set():
            if self.permits.acquire(timeout=0.05):
                self.journal.submit_until_acknowledged(self.journal.new_key(), self.is_over.is_set)

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
        self.ends, self.logs = {}, {}
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
        page = self.server.request("GET", f"/api/v1/tasks?label=run:{self.run}&limit=20").json
        for task in page["items"]:
            if task["status"] in TERMINAL and task["task_id"] not in self.ends:
                log = log_of(self.server, task["task_id"])
                self.ends[task["task_id"]], self.logs[task["task_id"]] = task, log

    def violations(self, tasks, logs):
        for task_id, end in self.ends.items():
            for member in FINAL:
                if tasks[task_id][member] != end[member]:
                    yield f"{task_id}: {member} was {end[member]}, is {tasks[task_id][member]}"
            if self.logs[task_id] != logs[task_id]:
                yield f"{task_id}: its log went on after its end"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def settle(server, journal):
    """Repeats what has no answer yet, and waits until nothing of the run is unfinished."""
    for key in sorted(journal.unknown_keys()):
        journal.submit_until_acknowledged(key)
    unfinished = "&".join(f"status={status}" for status in
                          ("scheduled", "pending", "assigned", "running", "waiting_for_input"))
    path = f"/api/v1/tasks?label=run:{journal.run}&{unfinished}&limit=1"
    until(lambda: not server.request("GET", path).json["items"], "all tasks have ended", 60)
