"""File names that would lead out are refused, and nothing stays; what is downloaded is a file and
never a page."""

import pytest

from multipart import BOUNDARY, CONTENT_TYPE, file_part, form, part, task_part
from raw_http import conversation, request_bytes
from traces import blobs_of

TASK = {"payload": {"job_type": "shell", "script": "true"}}
END = f"--{BOUNDARY}--\r\n".encode()


def files_of(server):
    return blobs_of(server)


def upload(server, body, key=None):
    headers = CONTENT_TYPE | ({"Idempotency-Key": key} if key else {})
    return server.request("POST", "/api/v1/tasks", body, headers)


@pytest.mark.parametrize("name", [
    "../x", "..", ".", "/x", "/etc/passwd", "a/b", "a\0b", "a\x01b", "a\x1bb", "a\x7fb",
    "", "x" * 256, "x" * 5000, "\xff",
], ids=repr)
def test_names_that_could_lead_elsewhere_are_422(own_server, name):
    disposition = b'form-data; name="file"; filename="' + name.encode("latin-1") + b'"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: ".encode()
    body = task_part(TASK) + file_part("good", b"1") + head + disposition + b"\r\n\r\nx\r\n" + END
    answer = upload(own_server, body)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed"), answer.body
    assert files_of(own_server) == []
    assert own_server.request("GET", "/api/v1/tasks").json["items"] == []


def test_a_line_end_in_a_name_adds_no_header(own_server):
    name = b'in.txt"\r\nContent-Type: text/html\r\nX: "'
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"".encode()
    body = task_part(TASK) + head + name + b'"\r\n\r\nx\r\n' + END
    answer = upload(own_server, body)
    assert answer.status == 201  # the name is what came before; the rest are headers of the part
    assert [path.name for path in files_of(own_server)] == ["in.txt"]
    own_server.finished(answer.json["task_id"])


@pytest.mark.parametrize("name", ["a\r\nb", "a\r\nX: b", "a\r\n\r\nb", "a\rb", "a\nb"], ids=repr)
def test_a_line_end_within_a_name_is_422(own_server, name):
    answer = upload(own_server, task_part(TASK) + file_part(name, b"x") + END)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed"), answer.body
    assert files_of(own_server) == []
    assert own_server.request("GET", "/api/v1/tasks").json["items"] == []


@pytest.mark.parametrize("body", [
    task_part(TASK) + file_part("a", b"1") + file_part("a", b"2") + END,
    task_part(TASK) + task_part(TASK) + END,
    file_part("a", b"1") + END,
    task_part(TASK) + part('name="other"', b"1") + END,
    task_part(TASK) + b"".join(file_part(f"f{i}", b"") for i in range(101)) + END,
    task_part({"payload": {}}) + file_part("a", b"1") + END,
    task_part(TASK | {"surprise": 1}) + file_part("a", b"1") + END,
], ids=["same name", "two tasks", "no task", "other part", "101 files", "bad task", "unknown"])
def test_forms_that_are_wrong_leave_nothing(own_server, body):
    answer = upload(own_server, body)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed"), answer.body
    assert files_of(own_server) == []


@pytest.mark.parametrize("body", [
    b"", b"x", task_part(TASK), task_part(TASK) + file_part("a", b"1"),
    END, task_part(TASK)[:40] + END, b"--other--\r\n",
], ids=["empty", "no boundary", "no end", "no end, file", "no part", "cut head", "other boundary"])
def test_forms_that_can_not_be_read_leave_nothing(own_server, body):
    answer = upload(own_server, body)
    assert answer.json["code"] in ("bad_multipart", "validation_failed"), answer.body
    assert answer.status in (400, 422)
    assert files_of(own_server) == []


def test_downloads_are_attachments_that_no_browser_runs(server):
    names = ["page.html", "picture.svg", "script.js", "noext", "a b\u00e4'\u2028.xhtml"]
    script = "; ".join(f'printf "<script>x</script>" > "$TANDEM_OUTPUT_DIR/{n}"' for n in names)
    task = server.finished(server.shell(script)["task_id"])
    assert task["status"] == "completed", task
    path = f"/api/v1/tasks/{task['task_id']}/download"
    for output in task["outputs"]:
        query = "".join(f"%{byte:02x}" for byte in output["name"].encode())
        answer = server.request("GET", f"{path}?name={query}")
        assert answer.body == b"<script>x</script>"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    whole = server.request("GET", path)
    assert whole.headers["Content-Disposition"].startswith("attachment")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"


def test_range_abuse(server):
    script = 'printf 0123456789 > "$TANDEM_OUTPUT_DIR/ten"; : > "$TANDEM_OUTPUT_DIR/none"'
    task = server.finished(server.shell(script)["task_id"])
    path = f"/api/v1/tasks/{task['task_id']}/download?name="

    def ranged(value, name="ten"):
        return server.request("GET", path + name, headers={"Range": value})

    for outside in ("bytes=10-", "bytes=99-100", "bytes=-0", "bytes=18446744073709551616-",
                    "bytes=99999999999999999999999-"):
        answer = ranged(outside)
        assert (answer.status, answer.json["code"]) == (416, "range_not_satisfiable"), outside
        assert answer.headers["Content-Range"] == "bytes */10"
    assert ranged("bytes=0-", "none").status == 416
    # What is no single range of bytes is passed over, and the whole file is given once.
    many = "bytes=" + ",".join(["0-"] * 1000)
    for passed_over in ("bytes=5-2", "bytes=a-b", "bytes=", "lines=1-2", "bytes=0-1,4-5", many,
                        "bytes=--1", "bytes=1-2-3"):
        answer = ranged(passed_over)
        assert (answer.status, answer.body) == (200, b"0123456789"), passed_over
    part_ = ranged("bytes=8-18446744073709551615")
    assert (part_.status, part_.body) == (206, b"89")
    raw = request_bytes("GET", path + "ten", server.token(), Range="bytes=1-2", Connection="close")
    twice = raw.replace(b"Range:", b"Range: bytes=0-0\r\nRange:")
    assert b"HTTP/1.1 200" in conversation(server, twice)


def test_downloads_lead_nowhere_else(server):
    task = server.finished(server.shell('echo x > "$TANDEM_OUTPUT_DIR/x"')["task_id"])
    path = f"/api/v1/tasks/{task['task_id']}/download?name="
    for name in ("../x", "..%2f..%2f..%2fclients.json", "%2fetc%2fpasswd", ".", "in%2fx", "X", ""):
        answer = server.request("GET", path + name)
        assert (answer.status, answer.json["code"]) == (404, "no_output"), name
    assert server.request("GET", path + "x%00").status in (400, 404)


def test_terminal_escapes_are_exact_in_the_download(server):
    evil = b"\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\r\x08\x9b1m\n"
    octal = "".join(f"\\{byte:03o}" for byte in evil)
    task = server.finished(server.shell(f"printf '{octal}'")["task_id"])
    path = f"/api/v1/tasks/{task['task_id']}/logs"
    raw = server.request("GET", path, headers={"Accept": "text/plain"})
    assert raw.body == evil
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert b"\x1b" not in server.request("GET", path).body  # JSON escapes it


# The same submission again


HELD = {"payload": {"job_type": "shell", "script": 'cat "$TANDEM_INPUT_DIR"/*'}, "delay_s": 3600}
FILES = {"one": b"1" * 100_000, "two": b"2"}


def is_of(server, task_id):
    """All files that there are, are this task's."""
    paths = files_of(server)
    return sorted(path.name for path in paths) == sorted(FILES) and all(
        task_id in str(path) for path in paths)


def test_a_key_makes_one_task_with_its_files(own_server):
    body = form(HELD, FILES)
    first = upload(own_server, body, "key")
    assert first.status == 201 and is_of(own_server, first.json["task_id"])
    own_server.kill()
    own_server.start()
    for again in (upload(own_server, body, "key"), upload(own_server, body, "key")):
        assert (again.status, again.json["task_id"]) == (200, first.json["task_id"])
        assert again.headers["Idempotent-Replayed"] == "true"
    assert len(own_server.request("GET", "/api/v1/tasks").json["items"]) == 1
    assert is_of(own_server, first.json["task_id"])


@pytest.mark.parametrize("other", [
    form(HELD, FILES | {"two": b"3"}),
    form(HELD, {"one": FILES["one"], "zwei": FILES["two"]}),
    form(HELD, {"one": FILES["one"]}),
    form(HELD | {"priority": 1}, FILES),
], ids=["a byte", "a name", "a file less", "the task"])
def test_a_key_with_another_form_is_refused_and_leaves_nothing(own_server, other):
    first = upload(own_server, form(HELD, FILES), "key")
    answer = upload(own_server, other, "key")
    assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused"), answer.body
    assert is_of(own_server, first.json["task_id"])
    assert len(own_server.request("GET", "/api/v1/tasks").json["items"]) == 1


def test_a_twin_by_unique_key_leaves_the_first_ones_files(own_server):
    first = upload(own_server, form(HELD | {"unique_key": "u"}, FILES))
    twin = upload(own_server, form(HELD | {"unique_key": "u"}, {"other": b"x"}))
    assert (twin.status, twin.json["task_id"]) == (200, first.json["task_id"])
    assert is_of(own_server, first.json["task_id"])
