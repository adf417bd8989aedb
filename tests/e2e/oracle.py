"""Compares what clients were told and what jobs wrote down with what the API says afterwards."""

import collections

from ledger import expected_output

TERMINAL = {"completed", "failed", "cancelled"}


def gather(server, run):
    """All tasks of the run and their logs, as the API tells them once each task has ended."""
    tasks, cursor = {}, ""
    while cursor is not None:
        page = server.request("GET", f"/api/v1/tasks?label=run:{run}&limit=500{cursor}").json
        tasks |= {task["task_id"]: task for task in page["items"]}
        cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
    tasks = {task_id: server.finished(task_id) for task_id in tasks}
    return tasks, {task_id: log_of(server, task_id) for task_id in tasks}


def log_of(server, task_id):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs?limit=10000")
    assert answer.status == 200, answer.body
    assert answer.json["next_cursor"] is None
    return answer.json["items"]


def violations(exchanges, entries, tasks, logs):
    """One sentence for each promise that was broken; an empty list where all were kept."""
    found = list(broken_acknowledgements(exchanges, tasks))
    ledger = collections.defaultdict(list)
    for entry in entries:
        ledger[entry.task_id].append(entry)
    found += [f"{task} ran but is not there" for task in ledger if task not in tasks]
    for task_id, task in tasks.items():
        found += [f"{task_id}: {what}" for what in broken_runs(task, ledger[task_id])]
        found += [f"{task_id}: {what}" for what in broken_log(task, logs[task_id])]
    return found


def broken_acknowledgements(exchanges, tasks):
    keys = collections.defaultdict(set)
    for task_id, task in tasks.items():
        keys[task["labels"]["key"]].add(task_id)
    asked = {exchange.key for exchange in exchanges}
    for exchange in exchanges:
        if exchange.is_acknowledged and exchange.task_id not in tasks:
            yield f"{exchange.task_id} was acknowledged and is lost"
        if exchange.is_acknowledged:
            keys[exchange.key].add(exchange.task_id)
    for key, ids in keys.items():
        if len(ids) > 1:
            yield f"the key {key} has made {len(ids)} tasks"
        if key not in asked:
            yield f"nobody asked for {key}"


def broken_runs(task, entries):
    if task["status"] not in TERMINAL:
        yield f"has not ended but is {task['status']}"
    starts = [entry.attempt for entry in entries if entry.event == "start"]
    if len(set(starts)) < len(starts):
        yield f"ran twice for one attempt: {starts}"
    order = [entry.attempt for entry in entries]
    if order != sorted(order):
        yield f"an earlier attempt was alive beside a later one: {order}"
    if order and order[-1] > task["attempt"]:
        yield f"attempt {order[-1]} ran, the task knows {task['attempt']}"
    ended = (task["attempt"], "end") in {(entry.attempt, entry.event) for entry in entries}
    if task["status"] == "completed" and not ended:
        yield "is completed but its job did not end"
    if task["status"] == "failed" and task["error"]["code"] != "worker_lost":
        yield f"failed with {task['error']}"


def broken_log(task, records):
    attempts = collections.defaultdict(list)
    for record in records:
        attempts[record["attempt"]].append(record)
    count = task["payload"]["count"]
    for attempt, part in attempts.items():
        seqs = [record["seq"] for record in part]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"the log of attempt {attempt} is not dense: {seqs[:20]}"
        text = "".join(record["data"] for record in part if record["stream"] == "stdout")
        if not expected_output(count, attempt).startswith(text):
            yield f"the log of attempt {attempt} is not what was written: {text!r}"
    if task["status"] != "completed":
        return
    last = attempts[task["attempt"]]
    text = "".join(record["data"] for record in last if record["stream"] == "stdout")
    if text != expected_output(count, task["attempt"]):
        yield f"is completed but its log ends early: {text!r}"
    if task["log"]["records"] != len(last):
        yield f"counts {task['log']['records']} records and has {len(last)}"
