"""Clients that follow logs as events, at whichever server answers, from the place that they had."""

import json

from journal import UNREACHED
from ledger import noted
from unsure_client import LOOK_AGAIN_S, Visitor, patience_of
from waiting import pause

LINES, PAUSE_S = 60, 0.03


class Follower(Visitor):
    def __init__(self, *parts, chance):
        super().__init__(*parts)
        self.chance = chance
        self.seen, self.ends = {}, {}
        self.connections = 0

    def act(self, is_over):
        patience = patience_of(is_over)
        task_id = self.submitted(
            noted(count=LINES, pause=PAUSE_S, max_attempts=20, retry_delay_s=0.2), patience)
        seen = self.seen[task_id] = []
        while task_id not in self.ends and not patience():
            connection = self.client.connection()
            try:
                self._follow(connection, task_id, seen)
            except UNREACHED:
                pass  # it goes on at the next one
            finally:
                connection.close()
            pause(LOOK_AGAIN_S)

    def _follow(self, connection, task_id, seen):
        headers = {"Authorization": "Bearer " + self.client.token, "Accept": "text/event-stream"}
        if seen:
            headers["Last-Event-ID"] = place_of(seen[-1])
        connection.request("GET", f"/api/v1/tasks/{task_id}/logs", headers=headers)
        answer = connection.getresponse()
        assert answer.status in (200, 503), answer.read()
        self.connections += answer.status == 200
        for _ in range(self.chance.randrange(1, 40)):
            event = next_event(answer) if answer.status == 200 else None
            if event is None:
                return
            data = json.loads(event["data"])
            if event["event"] == "end":
                self.ends[task_id] = data["status"]
                return
            assert event["id"] == place_of(data), event
            seen.append(data)

    def violations(self, tasks, logs):
        for task_id, seen in self.seen.items():
            yield from broken_follow(tasks[task_id], self.ends.get(task_id), seen, logs[task_id])


def place_of(record):
    return f"{record['attempt']}-{record['seq']}"


def next_event(answer):
    """Its fields; none where the stream is over, also in the middle of it."""
    event = {}
    while line := answer.readline():
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if not name and "event" in event:
            return event
        event |= {name: value} if name else {}
    return None


def broken_follow(task, end, seen, log):
    if end != task["status"]:
        yield f"{task['task_id']}: is {task['status']}, and a follower was told {end}"
    if seen != log:
        same = next((i for i, pair in enumerate(zip(seen, log)) if pair[0] != pair[1]),
                    min(len(seen), len(log)))
        yield (f"{task['task_id']}: a follower has {len(seen)} records of {len(log)}; from {same}: "
               f"{seen[same:same + 2]} and not {log[same:same + 2]}")
