"""Clients that cancel what they have submitted, until they are told what became of that."""

import dataclasses
import time

from ledger import noted
from processes import processes_with
from unsure_client import LOOK_AGAIN_S, Visitor, patience_of, says_something
from waiting import TOLD_WITHIN_S, pause, until

AFTER_S = (0, 0, 0.002, 0.005, 0.02, 0.1, 0.5, 2)
GRACE_S, DEAD_WITHIN_S = 1, 1


@dataclasses.dataclass(frozen=True)
class Cancel:
    """What the client was told in the end, and when."""

    task_id: str
    status: int
    told_at_s: float
    ends_by_itself: bool
    tries: tuple = ()  # the server, when it was asked, when and what it said


class Canceller(Visitor):
    def __init__(self, *parts, never, chance):
        """`never`: a file that does not come to be."""
        super().__init__(*parts)
        self.never, self.chance = never, chance
        self.cancels, self.survivors = [], []

    def task(self):
        """Some would end by themselves; some are not due yet."""
        delay = self.chance.choice([{}, {}, {"delay_s": 0.05}])
        hold = self.chance.choice([None, self.never, self.never])
        return noted(count=1, hold=hold, max_attempts=20, retry_delay_s=0.5, **delay)

    def act(self, is_over):
        patience = patience_of(is_over)
        body = self.task()
        task_id = self.submitted(body, patience)
        pause(self.chance.choice(AFTER_S))
        tries = []
        answer = self._until_told(f"/api/v1/tasks/{task_id}/cancel", tries, patience)
        if answer is None:
            return
        assert answer.status in (200, 202) or answer.json["code"] == "already_finished", answer.body
        self.cancels.append(Cancel(task_id, answer.status, time.monotonic(),
                                   "HOLD" not in body["env"], tuple(tries)))
        for task in self.looks(task_id, patience):
            if task["status"] == "cancelled":
                self._see_it_dead(task_id)

    def _until_told(self, path, tries, patience):
        while not patience():
            server, asked_at_s = next(self.client.turns), time.monotonic()
            answer = self.client.request("POST", path, server=server)
            tries.append((server.url[-5:], f"{asked_at_s:.2f}", f"{time.monotonic():.2f}",
                          answer.status, answer.json.get("status"), answer.json.get("code")))
            if says_something(answer) and answer.json.get("code") != "conflict":
                return answer
            pause(LOOK_AGAIN_S)
        return None

    def _see_it_dead(self, task_id):
        try:
            until(lambda: not processes_with(task_id), "", GRACE_S + DEAD_WITHIN_S + TOLD_WITHIN_S)
        except AssertionError:
            self.survivors.append(task_id)

    def violations(self, entries, tasks):
        yield from (f"{task_id}: is cancelled and alive" for task_id in self.survivors)
        for cancel in self.cancels:
            mine = [entry for entry in entries if entry.task_id == cancel.task_id]
            task = tasks[cancel.task_id]
            for what in broken_cancel(cancel, mine, task):
                yield f"{cancel.task_id}: {what}; {cancel.tries} {mine} {task}"


def broken_cancel(cancel, entries, task):
    starts = [entry for entry in entries if entry.event == "start"]
    if cancel.status == 200 and starts:
        yield f"was cancelled before its start, and has started: {starts}"
    if cancel.status == 200 and task["started_at"] is not None:
        yield f"was cancelled before its start, and says {task['started_at']}"
    if cancel.status == 200 and task["status"] != "cancelled":
        yield f"was cancelled before its start, and is {task['status']}"
    if any(start.at_s > cancel.told_at_s + TOLD_WITHIN_S for start in starts):
        yield f"has started {starts} after its cancel at {cancel.told_at_s:.2f}"
    if cancel.status == 202 and not cancel.ends_by_itself and task["status"] != "cancelled":
        yield f"was to be stopped, and is {task['status']}"
