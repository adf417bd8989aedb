"""Promise 12: what is cancelled before it was started never starts. The cancel comes within 5 ms of
the moment at which the task is due, from both sides."""

import datetime
import http.client
import json
import time
import urllib.parse

from ledger import noted

OFFSETS_MS = [-40, *range(-5, 6), *range(-5, 6), *range(-5, 6), 60]
APART_S = 0.04
MARGIN_S = 1.0


def rfc3339(at_s):
    return datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).isoformat()


def test_cancel_within_five_milliseconds_of_the_start(world):
    server, ledger = world
    never = ledger.path.parent / "never"
    begin = time.time() + MARGIN_S
    plan = []
    for number, offset_ms in enumerate(OFFSETS_MS):
        due = begin + number * APART_S
        task = server.request("POST", "/api/v1/tasks", noted(hold=never, run_at=rfc3339(due)))
        assert task.status == 201, task.body
        plan.append((due + offset_ms / 1000, task.json["task_id"]))
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    headers = {"Authorization": "Bearer " + server.token()}
    answers = {}
    for at, task_id in plan:
        while time.time() < at:
            pass  # to the millisecond
        connection.request("POST", f"/api/v1/tasks/{task_id}/cancel", headers=headers)
        answer = connection.getresponse()
        answers[task_id] = answer.status, json.loads(answer.read())
    done = {task_id: server.finished(task_id) for task_id in answers}
    others = [task for task in done.values() if task["status"] != "cancelled"]
    assert not others, [(task["error"], answers[task["task_id"]][0]) for task in others]
    # Whatever was going to start has started once a later task has run to its end.
    barrier = server.finished(server.request("POST", "/api/v1/tasks", noted()).json["task_id"])
    assert barrier["status"] == "completed"
    never_started = [task_id for task_id, (status, _) in answers.items() if status == 200]
    assert [task_id for task_id in never_started if ledger.events(task_id)] == []
    assert all(done[task_id]["started_at"] is None for task_id in never_started)
    assert not any("end" in ledger.events(task_id) for task_id in answers)
    assert {status for status, _ in answers.values()} == {200, 202}
