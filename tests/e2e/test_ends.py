"""Exit truth: each way in which a task can end is told apart, and a job that kills its worker fails
for good."""

import pytest

ASK = '{"type":"input_request","prompt":"?"}'
TWO_OF_ONE_NAME = 'cd "$TANDEM_OUTPUT_DIR"; echo 1 > a_b; mkdir a; echo 2 > a/b'
ENDS = {
    "exit_status": ("exit 3", {}),
    "signal": ("kill -ABRT $$", {}),
    "timeout": ("sleep 600", {"timeout_s": 0.3}),
    "input_timeout": (f"echo '{ASK}' >&3; read answer <&4", {"input_timeout_s": 0.3}),
    "upload_failed": (TWO_OF_ONE_NAME, {}),
    "rejected": ("true", {"env": {"PYTHONPATH": "/tmp"}}),
    "queue_timeout": ("true", {"requires": ["no-worker-has-this"], "queue_timeout_s": 0.3}),
}


@pytest.mark.parametrize("code", ENDS)
def test_failures_are_told_apart(server, code):
    script, members = ENDS[code]
    done = server.finished(server.shell(script, **members)["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", code), done
    assert done["error"]["message"].rstrip(".")
    assert done["exit_code"] == {"exit_status": 3, "upload_failed": 0}.get(code, done["exit_code"])
    assert (done["signal"] == 6) == (code == "signal")


def test_a_job_type_that_nobody_runs(server):
    done = server.finished(server.submit({"job_type": "nobody-knows"})["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "no_handler")
    for name in ("../handlers/render", ".hidden", "/bin/sh", "a\0b"):
        body = {"payload": {"job_type": name}}
        assert server.request("POST", "/api/v1/tasks", body).status == 422


def test_a_cancel_is_no_failure(server):
    task = server.shell("trap '' TERM; sleep 600 & setsid sleep 600 & wait; sleep 600")
    path = f"/api/v1/tasks/{task['task_id']}"
    assert server.request("POST", path + "/cancel").status in (200, 202)
    done = server.finished(task["task_id"])
    assert (done["status"], done["error"]) == ("cancelled", None)


def test_a_job_that_kills_its_shepherd_has_lost_its_worker(server):
    bystander = server.shell("read line < /dev/null; sleep 1; echo still here")
    done = server.finished(server.shell("kill -9 $PPID; sleep 600")["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "worker_lost")
    assert server.finished(bystander["task_id"])["status"] == "completed"


def test_a_job_that_kills_the_guard_does_not_end_the_service(server):
    kill = "read _ _ _ guard _ < /proc/$PPID/stat; kill -9 $guard; sleep 600"
    done = server.finished(server.shell(kill)["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "worker_lost")
    assert server.finished(server.shell("exit 4")["task_id"])["exit_code"] == 4


def test_a_job_that_kills_its_server_three_times_fails_for_good(own_server):
    file = own_server.data / "server.json"
    script = (
        f"until grep -q pid {file} 2>/dev/null; do sleep 0.05; done; "
        f"kill -9 $(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' {file}); sleep 600"
    )
    task = own_server.shell(script, max_attempts=10, retry_delay_s=3)
    path = f"/api/v1/tasks/{task['task_id']}"
    for _ in range(3):
        own_server.process.wait(timeout=60)
        assert own_server.process.returncode == -9
        own_server.start()
    done = own_server.request("GET", path + "?wait_s=30").json
    assert (done["status"], done["attempt"]) == ("failed", 3)
    assert done["error"]["code"] == "worker_lost"
    assert "has lost 3 workers and is not tried again" in done["error"]["message"]
    after = own_server.finished(own_server.shell("echo served")["task_id"])
    assert after["status"] == "completed"
    assert own_server.process.poll() is None
