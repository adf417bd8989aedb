"""Clients do not see, touch or slow down one another."""

import datetime
import itertools
import re
import statistics

import pytest

import forge
from conftest import Server
from contract import operations
from raw_http import conversation, request_bytes
from raw_websocket import RawWebSocket

SECRET = "a secret of 32 bytes, for a test"
ABSENT = "01890000-0000-7000-8000-000000000000"
BACKLOG = 100_000
BATCH = 1000

BODIES = {
    "/api/v1/tasks/{task_id}/input": [b'{"data":"x"}', b'{"eof":true}'],
}
QUERIES = {
    ("get", "/api/v1/tasks/{task_id}"): ["", "?wait_s=1"],
    ("delete", "/api/v1/tasks/{task_id}"): ["", "?force=true"],
    ("get", "/api/v1/tasks/{task_id}/logs"): ["", "?after=1", "?follow=true", "?stream=stdout"],
    ("get", "/api/v1/tasks/{task_id}/download"): ["", "?name=out.txt"],
}
ACCEPTS = ["*/*", "text/plain", "text/event-stream"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tenancy"), TANDEM_JWT_SECRET=SECRET).start()
    yield server
    server.stop()


def add_client(server, name):
    made = server.request("POST", "/api/v1/clients", {"name": name}, token="admin")
    assert made.status == 201, made.body
    server.tokens[name] = forge.token(SECRET, forge.claims(made.json["client_id"]))
    return made.json["client_id"]


def task_requests(task_id, token):
    """Every verb on a task that the contract knows, in all its forms."""
    for method, path in operations():
        if not path.startswith("/api/v1/tasks/{task_id}") or path.endswith("/ws"):
            continue
        for query, body, accept in itertools.product(
                QUERIES.get((method, path), [""]), BODIES.get(path, [b""]), ACCEPTS):
            fields = {"Connection": "close", "X_Request_Id": "same", "Accept": accept}
            if body:
                fields["Content_Type"] = "application/json"
            target = path.replace("{task_id}", task_id) + query
            yield request_bytes(method.upper(), target, token, body, **fields)


def without_date(answer):
    return re.sub(rb"Date: [^\r]*\r\n", b"", answer)


def test_the_task_of_another_is_byte_for_byte_like_one_that_is_not_there(server):
    add_client(server, "mallory")
    task = server.finished(server.shell('echo x | tee "$TANDEM_OUTPUT_DIR/out.txt"')["task_id"])
    waiting = server.shell("true", delay_s=3600)["task_id"]
    running = server.shell("exec sleep 600")["task_id"]
    token = server.tokens["mallory"]
    absent = [conversation(server, one) for one in task_requests(ABSENT, token)]
    assert len(absent) > 20
    others = [one for one in absent if not one.startswith(b"HTTP/1.1 404 ")]
    assert not others
    assert all(b'"code":"not_found"' in one for one in absent)
    for task_id in (task["task_id"], waiting, running):
        theirs = [conversation(server, one) for one in task_requests(task_id, token)]
        assert list(map(without_date, theirs)) == list(map(without_date, absent))
    for path in ("/ws/", "/api/v1/tasks/"):
        tail = "/ws" if path != "/ws/" else ""
        for task_id in (task["task_id"], running):
            with RawWebSocket(server, path + task_id + tail, token) as socket:
                assert (socket.answer.status, socket.answer.json["code"]) == (404, "not_found")
    assert server.request("GET", "/api/v1/tasks", token="mallory").json["items"] == []
    counts = server.request("GET", "/api/v1/tasks/stats", token="mallory").json["statuses"]
    assert not any(counts.values())
    # Nothing of it has changed anything.
    assert server.request("GET", f"/api/v1/tasks/{task['task_id']}").json == task
    assert server.request("GET", f"/api/v1/tasks/{waiting}").json["status"] == "scheduled"
    assert server.request("GET", f"/api/v1/tasks/{running}").json["status"] == "running"
    assert server.request("DELETE", f"/api/v1/tasks/{running}?force=true").status == 204


def test_clients_are_for_admins(server):
    client = add_client(server, "eve")
    for method, path, body in (("GET", "/api/v1/clients", None),
                               ("POST", "/api/v1/clients", {"name": "x"}),
                               ("DELETE", f"/api/v1/clients/{client}", None),
                               ("POST", f"/api/v1/clients/{client}/secret", None)):
        answer = server.request(method, path, body, token="eve")
        assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_idempotency_and_unique_keys_are_each_clients_own(server):
    add_client(server, "carol")
    body = {"payload": {"job_type": "x"}, "delay_s": 3600, "unique_key": "u"}
    mine = server.request("POST", "/api/v1/tasks", body, {"Idempotency-Key": "k"})
    theirs = server.request("POST", "/api/v1/tasks", body, {"Idempotency-Key": "k"}, token="carol")
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.json["task_id"] != theirs.json["task_id"]


def test_a_deleted_clients_token_is_401_everywhere(server):
    client = add_client(server, "dave")
    assert server.request("GET", "/api/v1/tasks", token="dave").status == 200
    assert server.request("DELETE", f"/api/v1/clients/{client}", token="admin").status == 204
    for method, path in operations():
        if path in ("/health", "/token", "/token/refresh"):
            continue
        target = path.replace("{task_id}", ABSENT).replace("{client_id}", client)
        answer = server.request(method.upper(), target, token="dave")
        assert (answer.status, answer.json["code"]) == (401, "token_revoked"), path


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def start_times_ms(server, count=15):
    """How long tasks of another client wait for their start, one after the other."""
    waits = []
    for _ in range(count):
        done = server.finished(server.shell("true")["task_id"])
        waits.append((time_of(done["started_at"]) - time_of(done["created_at"])).total_seconds())
    return statistics.median(waits) * 1000


def submit_backlog(server, count):
    tasks = [{"payload": {"job_type": "shell", "script": "true"}}] * min(count, BATCH)
    for _ in range(count // len(tasks)):
        answer = server.request("POST", "/api/v1/tasks/batch", {"tasks": tasks}, token="greedy")
        assert answer.status == 201, answer.body


def pending(server):
    return server.request("GET", "/api/v1/tasks/stats", token="greedy").json["statuses"]["pending"]


@pytest.mark.alone
def test_the_backlog_of_one_leaves_the_start_of_others_as_it_was(tmp_path):
    server = Server(tmp_path, TANDEM_JWT_SECRET=SECRET).start()
    add_client(server, "greedy")
    submit_backlog(server, BATCH)  # more than enough to keep each slot busy
    beside_few_ms = start_times_ms(server)
    assert pending(server) > 0
    submit_backlog(server, BACKLOG)
    assert pending(server) > BACKLOG / 2
    beside_many_ms = start_times_ms(server)
    print(f"{beside_few_ms:.1f} ms beside {BATCH} tasks, {beside_many_ms:.1f} ms beside {BACKLOG}")
    assert beside_many_ms < 2 * beside_few_ms + 5
    server.kill()
