"""A task's life over HTTP, against the real binary."""

import hashlib
import io
import json
import zipfile

import pytest


def test_health_needs_no_token(server):
    assert server.request("GET", "/health", token=None).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/x/health",
        "/health/",
        "//health",
        "/api/v1/tasks/health",
        "/api/v1/tasks",
        "/metrics",
        "/api/v1/clients",
    ],
)
def test_everything_else_does(server, path):
    answer = server.request("GET", path, token=None)
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "unauthenticated"


def test_a_task_runs_and_tells_the_truth(server):
    done = server.finished(server.shell("echo out; echo err >&2; exit 3")["task_id"])
    assert (done["status"], done["exit_code"], done["error"]["code"]) == (
        "failed",
        3,
        "exit_status",
    )
    log = server.request("GET", f"/api/v1/tasks/{done['task_id']}/logs").json["items"]
    streams = {
        name: "".join(r["data"] for r in log if r["stream"] == name)
        for name in ("stdout", "stderr")
    }
    assert streams == {"stdout": "out\n", "stderr": "err\n"}


def test_a_signal_is_told_apart_from_an_exit(server):
    done = server.finished(server.shell("kill -SEGV $$")["task_id"])
    assert (done["status"], done["signal"], done["error"]["code"]) == ("failed", 11, "signal")


def test_timeout(server):
    done = server.finished(server.shell("exec sleep 600", timeout_s=0.3)["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "timeout")


def test_no_handler(server):
    done = server.finished(server.submit({"job_type": "nobody-knows"})["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "no_handler")


def test_retries_are_numbered(server):
    done = server.finished(server.shell("exit 1", max_attempts=3, retry_delay_s=0)["task_id"])
    assert (done["status"], done["attempt"]) == ("failed", 3)


def test_logs_are_exact(server):
    script = "import os; os.write(1, bytes(range(256)) * 4096)"
    done = server.finished(
        server.submit({"job_type": "exec", "argv": ["/usr/bin/python3", "-c", script]})["task_id"]
    )
    assert done["status"] == "completed"
    raw = server.request(
        "GET", f"/api/v1/tasks/{done['task_id']}/logs", headers={"Accept": "text/plain"}
    )
    assert raw.body == bytes(range(256)) * 4096


def test_outputs_come_back_whole(server):
    done = server.finished(
        server.shell(
            'printf one > "$TANDEM_OUTPUT_DIR/a.txt"; printf two > "$TANDEM_OUTPUT_DIR/b.txt"'
        )["task_id"]
    )
    assert [(o["name"], o["size_bytes"]) for o in done["outputs"]] == [("a.txt", 3), ("b.txt", 3)]
    assert done["outputs"][0]["sha256"] == hashlib.sha256(b"one").hexdigest()
    path = f"/api/v1/tasks/{done['task_id']}/download"
    archive = zipfile.ZipFile(io.BytesIO(server.request("GET", path).body))
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "a.txt": b"one",
        "b.txt": b"two",
    }
    part = server.request("GET", path + "?name=b.txt", headers={"Range": "bytes=1-"})
    assert (part.status, part.body) == (206, b"wo")


def test_input_files_reach_the_job(server):
    boundary = "frontier"
    spec = {"payload": {"job_type": "shell", "script": 'cat "$TANDEM_INPUT_DIR/in.txt"'}}
    body = (
        f"--{boundary}\r\nContent-Disposition: form-data; name=\"task\"\r\n"
        f"Content-Type: application/json\r\n\r\n{json.dumps(spec)}\r\n"
        f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in.txt\"\r\n"
        f"Content-Type: text/plain\r\n\r\nhello from a file\r\n--{boundary}--\r\n"
    ).encode()
    answer = server.request(
        "POST", "/api/v1/tasks", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    assert answer.status == 201, answer.body
    done = server.finished(answer.json["task_id"])
    raw = server.request(
        "GET", f"/api/v1/tasks/{done['task_id']}/logs", headers={"Accept": "text/plain"}
    )
    assert raw.body == b"hello from a file"


def test_cancel_and_delete(server):
    task = server.shell("trap '' TERM; while :; do sleep 1; done")
    answer = server.request("POST", f"/api/v1/tasks/{task['task_id']}/cancel")
    assert answer.status in (200, 202)
    assert server.finished(task["task_id"])["status"] == "cancelled"
    assert (
        server.request("POST", f"/api/v1/tasks/{task['task_id']}/cancel").json["code"]
        == "already_finished"
    )
    assert server.request("DELETE", f"/api/v1/tasks/{task['task_id']}").status == 204
    assert server.request("GET", f"/api/v1/tasks/{task['task_id']}").status == 404


def test_forced_delete_of_a_running_task(server):
    task = server.shell("sleep 600")
    path = f"/api/v1/tasks/{task['task_id']}"
    assert server.request("DELETE", path).json["code"] == "task_active"
    assert server.request("DELETE", path + "?force=true").status == 204
    assert server.request("GET", path).status == 404


def test_idempotency(server):
    body = {"payload": {"job_type": "shell", "script": "true"}}
    key = {"Idempotency-Key": "same"}
    first = server.request("POST", "/api/v1/tasks", body, key)
    again = server.request("POST", "/api/v1/tasks", body, key)
    assert (first.status, again.status) == (201, 200)
    assert first.json["task_id"] == again.json["task_id"]
    other = server.request("POST", "/api/v1/tasks", body | {"priority": 1}, key)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


UNIQUE = {"payload": {"job_type": "shell", "script": "true"}, "unique_key": "only"}


def test_a_unique_key_is_one_task_until_it_has_ended(own_server):
    first = own_server.request("POST", "/api/v1/tasks", UNIQUE | {"delay_s": 3600})
    other = UNIQUE | {"payload": {"job_type": "shell", "script": "exit 1"}}
    twin = own_server.request("POST", "/api/v1/tasks", other)
    assert (first.status, twin.status) == (201, 200)
    assert twin.json == first.json
    own_server.kill()
    own_server.start()
    path = f"/api/v1/tasks/{first.json['task_id']}"
    assert own_server.request("POST", "/api/v1/tasks", UNIQUE).json["task_id"] == path[-36:]
    assert own_server.request("POST", path + "/cancel").status == 200
    after = own_server.request("POST", "/api/v1/tasks", UNIQUE)
    assert after.status == 201 and after.json["task_id"] != path[-36:]
    done = own_server.finished(after.json["task_id"])
    assert done["status"] == "completed"
    assert own_server.request("POST", "/api/v1/tasks", UNIQUE).status == 201


def test_twins_within_a_batch_are_one_task(own_server):
    held = UNIQUE | {"delay_s": 3600}
    plain = {"payload": {"job_type": "shell", "script": "true"}, "delay_s": 3600}
    batch = own_server.request(
        "POST", "/api/v1/tasks/batch", {"tasks": [held, plain, held | {"priority": 1}]})
    assert batch.status == 201
    ids = [task["task_id"] for task in batch.json["tasks"]]
    assert ids[0] == ids[2] != ids[1]
    assert batch.json["tasks"][2]["priority"] == 0
    assert len(own_server.request("GET", "/api/v1/tasks").json["items"]) == 2
    again = own_server.request("POST", "/api/v1/tasks/batch", {"tasks": [held]})
    assert (again.status, again.json["tasks"][0]["task_id"]) == (200, ids[0])
    metrics = own_server.request("GET", "/metrics", token="admin").body.decode()
    assert "\ntandem_tasks_submitted_total 2\n" in metrics


def test_tasks_of_others_are_not_there(server):
    task = server.request(
        "POST", "/api/v1/tasks", {"payload": {"job_type": "shell", "script": "true"}}, token="admin"
    ).json
    absent = "01890000-0000-7000-8000-000000000000"
    for method, tail in [
        ("GET", ""),
        ("GET", "/logs"),
        ("GET", "/download"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ]:
        theirs = server.request(method, f"/api/v1/tasks/{task['task_id']}{tail}")
        nobodys = server.request(method, f"/api/v1/tasks/{absent}{tail}")
        assert theirs.status == nobodys.status == 404, (method, tail)
        assert theirs.json["code"] == nobodys.json["code"] == "not_found"


@pytest.mark.parametrize(
    "body, field",
    [
        ({"payload": {}}, "payload.job_type"),
        ({"payload": {"job_type": "x"}, "priority": 101}, "priority"),
        ({"payload": {"job_type": "x"}, "surprise": 1}, "surprise"),
        ({"payload": {"job_type": "x"}, "env": {"LD_PRELOAD": "x"}}, "env"),
    ],
)
def test_wrong_tasks_name_the_field(server, body, field):
    answer = server.request("POST", "/api/v1/tasks", body)
    assert answer.status == 422
    assert any(error["field"].startswith(field) for error in answer.json["errors"]), answer.body
