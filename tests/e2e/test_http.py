"""Requests that break HTTP, JSON or the contract: the right status and code, nothing changed."""

import gzip
import json

import pytest

from conftest import Server
from raw_http import conversation, request_bytes

MAX_BODY = 64 * 1024
TASK = b'{"payload":{"job_type":"x"},"delay_s":3600}'
NEXT = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ABSENT = "01890000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("http")
    server = Server(directory, TANDEM_MAX_BODY_BYTES=str(MAX_BODY)).start()
    yield server
    server.stop()


def task_count(server):
    return sum(server.request("GET", "/api/v1/tasks/stats").json["statuses"].values())


def post(server, *fields, body=b"", version=b"1.1"):
    lines = [b"POST /api/v1/tasks HTTP/" + version, b"Host: localhost",
             b"Authorization: Bearer " + server.token().encode(),
             b"Content-Type: application/json", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


LENGTH = b"Content-Length: %d" % len(TASK)
CHUNKED = b"Transfer-Encoding: chunked"
WHOLE = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TASK), TASK)

# By name: what stands behind the usual fields, and the body.
SMUGGLED = {
    "CL and TE": ([LENGTH, CHUNKED], WHOLE),
    "TE and CL": ([CHUNKED, LENGTH], WHOLE),
    "two CLs": ([LENGTH, b"Content-Length: 5"], TASK),
    "the same CL twice": ([LENGTH, LENGTH], TASK),
    "a list of CLs": ([LENGTH + b", %d" % len(TASK)], TASK),
    "CL with a sign": ([b"Content-Length: +%d" % len(TASK)], TASK),
    "CL negative": ([b"Content-Length: -1"], TASK),
    "CL hexadecimal": ([b"Content-Length: 0x2b"], TASK),
    "CL beyond 64 bits": ([b"Content-Length: 18446744073709551617"], TASK),
    "TE gzip, chunked": ([b"Transfer-Encoding: gzip, chunked"], WHOLE),
    "TE with a tab": ([b"Transfer-Encoding:\tchunked, identity"], WHOLE),
    "TE twice": ([CHUNKED, CHUNKED], WHOLE),
    "TE in disguise": ([b"Transfer-Encoding: xchunked"], WHOLE),
    "bare LF": ([LENGTH + b"\nX: y"], TASK),
    "bare CR": ([b"X: y\rContent-Length: 5", LENGTH], TASK),
    "folded": ([b"X: y\r\n z", LENGTH], TASK),
    "folded with a tab": ([b"X: y\r\n\tz", LENGTH], TASK),
    "blank before the colon": ([b"Content-Length : %d" % len(TASK)], TASK),
    "NUL": ([b"X: a\0b", LENGTH], TASK),
    "NUL in a name": ([b"X\0: a", LENGTH], TASK),
    "two Hosts": ([b"Host: other", LENGTH], TASK),
    "chunk of no size": ([CHUNKED], b"\r\n" + TASK),
    "chunk with a sign": ([CHUNKED], b"+2b\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "chunk 0x": ([CHUNKED], b"0x2b\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "chunk beyond 64 bits": ([CHUNKED], b"f" * 17 + b"\r\n" + TASK),
    "chunk with bare LF": ([CHUNKED], WHOLE.replace(b"\r\n", b"\n")),
    "chunk too short": ([CHUNKED], b"2\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "chunk with blanks": ([CHUNKED], b"2b \r\n" + TASK + b"\r\n0\r\n\r\n"),
    "chunk extension without end": ([CHUNKED], b"2b;" + b"x" * 20_000),
    "trailer with bare LF": ([CHUNKED], WHOLE[:-2] + b"X: y\n\r\n"),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_could_smuggle_is_400_and_the_end(server, name):
    fields, body = SMUGGLED[name]
    before = task_count(server)
    answer = conversation(server, post(server, *fields, body=body) + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1, answer  # what followed was not taken for a request
    assert b'"code":"bad_request"' in answer and b"application/problem+json" in answer
    assert task_count(server) == before


@pytest.mark.parametrize("name, first_line, status", [
    ("two blanks", b"GET  /health HTTP/1.1", 400),
    ("no version", b"GET /health", 400),
    ("HTTP/2.0", b"GET /health HTTP/2.0", 400),
    ("NUL in the target", b"GET /hea\0lth HTTP/1.1", 400),
    ("NUL escaped", b"GET /health%00 HTTP/1.1", 400),
    ("not UTF-8", b"GET /%ff HTTP/1.1", 400),
    ("bad escape", b"GET /%zz HTTP/1.1", 400),
    ("fragment", b"GET /health#x HTTP/1.1", 400),
    ("unknown method", b"BREW /health HTTP/1.1", 501),
    ("TRACE", b"TRACE /health HTTP/1.1", 405),
    ("long target", b"GET /" + b"a" * 20_000 + b" HTTP/1.1", 431),
    ("long field", b"GET /health HTTP/1.1\r\nX: " + b"a" * 20_000, 431),
    ("many fields", b"GET /health HTTP/1.1" + b"\r\nX: y" * 4000, 431),
])
def test_broken_heads(server, name, first_line, status):
    answer = conversation(server, first_line + b"\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    code = {400: "bad_request", 501: "not_implemented", 405: "method_not_allowed",
            431: "headers_too_large"}[status]
    assert f'"code":"{code}"'.encode() in answer


BAD_BODIES = {
    "empty": b"",
    "blank": b" ",
    "cut off": TASK[:-1],
    "two values": TASK + TASK,
    "not UTF-8": b'{"payload":{"job_type":"\xff"}}',
    "overlong UTF-8": b'{"payload":{"job_type":"\xc0\xaf"}}',
    "surrogate alone": b'{"payload":{"job_type":"\\ud800"}}',
    "NaN": b'{"payload":{"job_type":"x","n":NaN}}',
    "Infinity": b'{"payload":{"job_type":"x","n":-Infinity}}',
    "depth": b'{"payload":{"job_type":"x","n":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "same name twice": b'{"payload":{"job_type":"x"},"priority":1,"priority":2}',
    "same name twice, deep": b'{"payload":{"job_type":"x","a":[{"b":1,"b":2}]}}',
    "same name escaped": b'{"payload":{"job_type":"x"},"priority":1,"priorit\\u0079":2}',
    "comment": b"{} // x",
    "byte order mark": b"\xef\xbb\xbf" + TASK,
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bodies_that_are_not_json(server, name):
    before = task_count(server)
    for path in ("/api/v1/tasks", "/api/v1/tasks/batch"):
        answer = server.request("POST", path, BAD_BODIES[name] or b"",
                                {"Content-Type": "application/json"})
        assert (answer.status, answer.json["code"]) == (400, "bad_json"), answer.body
    assert task_count(server) == before


def test_depth_of_a_hundred_thousand(tmp_path):
    server = Server(tmp_path).start()
    deep = b'{"payload":{"job_type":"x","n":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    answer = server.request("POST", "/api/v1/tasks", deep, {"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "bad_json")
    server.stop()


@pytest.mark.parametrize("task, field", [
    ({}, "payload"),
    ({"payload": []}, "payload"),
    ({"payload": {"job_type": 7}}, "payload.job_type"),
    ({"payload": {"job_type": ""}}, "payload.job_type"),
    ({"payload": {"job_type": "x"}, "surprise": 1}, "surprise"),
    ({"payload": {"job_type": "x"}, "task_id": ABSENT}, "task_id"),
    ({"payload": {"job_type": "x"}, "status": "completed"}, "status"),
    ({"payload": {"job_type": "x"}, "client_id": ABSENT}, "client_id"),
    ({"payload": {"job_type": "x"}, "attempt": 7}, "attempt"),
    ({"payload": {"job_type": "x"}, "priority": 101}, "priority"),
    ({"payload": {"job_type": "x"}, "priority": 1.5}, "priority"),
    ({"payload": {"job_type": "x"}, "timeout_s": -1}, "timeout_s"),
    ({"payload": {"job_type": "x"}, "max_attempts": 0}, "max_attempts"),
    ({"payload": {"job_type": "x"}, "labels": {"a": 1}}, "labels"),
    ({"payload": {"job_type": "x"}, "run_at": "tomorrow"}, "run_at"),
    ({"payload": {"job_type": "x"}, "callback_url": "file:///etc/passwd"}, "callback_url"),
])
def test_unknown_read_only_and_wrong_members_are_422(server, task, field):
    before = task_count(server)
    for path, body, prefix in (("/api/v1/tasks", task, ""),
                               ("/api/v1/tasks/batch", {"tasks": [task]}, "tasks[0].")):
        answer = server.request("POST", path, body)
        assert (answer.status, answer.json["code"]) == (422, "validation_failed")
        assert any(one["field"].startswith(prefix + field) for one in answer.json["errors"])
    assert task_count(server) == before


def test_bodies_over_the_limit_are_413(server):
    big = b'{"payload":{"job_type":"x","n":"' + b"x" * MAX_BODY + b'"}}'
    before = task_count(server)
    announced = conversation(server, post(server, b"Content-Length: %d" % len(big)))
    assert announced.startswith(b"HTTP/1.1 413 ") and b'"code":"too_large"' in announced
    chunked = conversation(server, post(server, CHUNKED, body=b"%x\r\n%s\r\n" % (len(big), big)))
    assert chunked.startswith(b"HTTP/1.1 413 ")
    assert task_count(server) == before


def test_compressed_bodies_and_other_types_are_415(server):
    before = task_count(server)
    bomb = gzip.compress(b" " * 10_000_000 + TASK)
    json_type = {"Content-Type": "application/json"}
    for body, headers in ((bomb, json_type | {"Content-Encoding": "gzip"}),
                          (TASK, json_type | {"Content-Encoding": "deflate"}),
                          (TASK, json_type | {"Content-Encoding": "br"}),
                          (TASK, {"Content-Type": "text/plain"}),
                          (TASK, {"Content-Type": "application/x-www-form-urlencoded"})):
        answer = server.request("POST", "/api/v1/tasks", body, headers)
        assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert task_count(server) == before


def test_cursors_limits_and_filters_altered_are_422(server):
    for _ in range(3):
        server.shell("true", delay_s=3600)
    cursor = server.request("GET", "/api/v1/tasks?limit=1").json["next_cursor"]
    assert server.request("GET", f"/api/v1/tasks?limit=1&cursor={cursor}").status == 200
    altered = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1:]
               for at in range(len(cursor))]
    queries = [f"cursor={one}" for one in [*altered, cursor[:-1], cursor + "A", "", "x"]]
    queries += ["limit=0", "limit=501", "limit=-1", "limit=1e2", "limit=", "limit=1&limit=1",
                "status=done", "worker_id=x", "created_after=yesterday", "label=x", "surprise=1"]
    for query in queries:
        answer = server.request("GET", "/api/v1/tasks?" + query)
        assert (answer.status, answer.json["code"]) == (422, "validation_failed"), query
    foreign = server.request("GET", f"/api/v1/clients?cursor={cursor}", token="admin")
    assert foreign.status == 422  # a cursor of another list


@pytest.mark.parametrize("bad_id", [
    "1", "x" * 36, ABSENT.upper().replace("0189", "ABCD"), ABSENT.replace("-", ""), ABSENT + "0",
    "%7B" + ABSENT + "%7D", "..%2F..%2Fetc%2Fpasswd", "'%20or%201=1--", ABSENT,
])
def test_ids_of_another_form_are_404(server, bad_id):
    for method, path in (("GET", f"/api/v1/tasks/{bad_id}"),
                         ("GET", f"/api/v1/tasks/{bad_id}/logs"),
                         ("POST", f"/api/v1/tasks/{bad_id}/cancel"),
                         ("DELETE", f"/api/v1/tasks/{bad_id}?force=true")):
        answer = server.request(method, path)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path


def test_wrong_methods_are_405_and_say_which_are_right(server):
    task_id = server.shell("true", delay_s=3600)["task_id"]
    for method, path, allow in (
            ("PUT", "/api/v1/tasks", "POST, GET, HEAD"),
            ("DELETE", "/api/v1/tasks", "POST, GET, HEAD"),
            ("GET", "/api/v1/tasks/batch", "POST"),
            ("POST", f"/api/v1/tasks/{task_id}", "GET, HEAD, DELETE"),
            ("PATCH", f"/api/v1/tasks/{task_id}", "GET, HEAD, DELETE"),
            ("GET", f"/api/v1/tasks/{task_id}/cancel", "POST"),
            ("GET", "/token", "POST"),
            ("POST", "/health", "GET, HEAD")):
        answer = server.request(method, path)
        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed"), path
        assert answer.headers["Allow"] == allow


def test_batches_are_all_or_none(server):
    before = task_count(server)
    good = {"payload": {"job_type": "x"}, "delay_s": 3600}
    for tasks in ([], [good] * 1001, [good, {"payload": {}}], [good, 7]):
        assert server.request("POST", "/api/v1/tasks/batch", {"tasks": tasks}).status == 422
    assert task_count(server) == before


def test_an_idempotency_key_has_its_form(server):
    body = json.loads(TASK)
    for key in ("", " ", "x" * 256, "a b", "\u00e4"):
        answer = server.request("POST", "/api/v1/tasks", body, {"Idempotency-Key": key})
        assert (answer.status, answer.json["code"]) == (422, "validation_failed"), key


def test_errors_tell_nothing_of_the_server(server):
    answers = [server.request("GET", path) for path in
               ("/api/v1/tasks/x", "/nothing", "/api/v1/tasks?limit=x", "/..%2f..%2fetc/passwd")]
    answers.append(server.request("POST", "/api/v1/tasks", b"{", {"Content-Type": "x/y"}))
    for answer in answers:
        text = answer.body.decode().lower()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
        for word in ("sqlite", "select", "/src/", ".cc", str(server.data).lower(), "exception"):
            assert word not in text


def test_request_ids_are_echoed_or_made(server):
    given = server.request("GET", "/health", headers={"X-Request-Id": "my-id.1"}, token=None)
    assert given.headers["X-Request-Id"] == "my-id.1"
    for odd in ("<odd>\t", "x" * 129, ""):
        raw = request_bytes("GET", "/health", X_Request_Id=odd, Connection="close")
        made = conversation(server, raw)
        assert b"X-Request-Id: " in made and b"X-Request-Id: " + odd.encode() + b"\r" not in made
