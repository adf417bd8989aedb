"""Exit truth: each way in which a task can end is told apart, wherever its worker is, and a job
that kills its worker fails for good."""

import pytest
from conftest import Server
from worker_process import WorkerProcess

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
WORKER_FILE = """
[handlers.hungry]
command = ["/usr/bin/python3", "-c", "import os; b = bytearray(os.urandom(1)) * 400_000_000"]
limits = { memory_bytes = 100_000_000 }
"""


class Place:
    """A server with its worker inside, or one that comes over the network."""

    def __init__(self, directory, mode):
        file, self.handlers = directory / "worker.toml", directory / "worker-handlers"
        file.write_text(WORKER_FILE)
        self.handlers.mkdir()
        of_worker = {"TANDEM_WORKER_CONFIG": str(file), "TANDEM_HANDLERS_DIR": str(self.handlers)}
        self.worker = None
        if mode == "embedded":
            self.server = Server(directory, **of_worker).start()
            return
        self.server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_HEARTBEAT_S="0.5").start()
        side = "workers" if mode == "push" else "polling"
        self.worker = WorkerProcess(
            directory,
            f"{self.server.url}/api/v1/{side}/config",
            TANDEM_WORKER_MODE=mode,
            TANDEM_REGISTRATION_TOKEN=self.server.token("admin"),
            TANDEM_ALLOW_EXEC="yes",
            **of_worker,
        )

    def add_handler(self, name):
        handler = self.handlers / name
        handler.write_text("#!/bin/sh\n")
        handler.chmod(0o755)
        return handler

    def log(self):
        """The worker's."""
        return (self.worker or self.server).log()

    def close(self):
        if self.worker:
            self.worker.kill()
        if self.server.process.poll() is None:
            self.server.kill()


@pytest.fixture(scope="module", params=["embedded", "push", "polling"])
def place(request, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp(request.param), request.param)
    try:
        place.add_handler("short-lived")
        if place.worker:
            place.worker.start()
        yield place
    finally:
        place.close()


@pytest.fixture
def at(place):
    """The server that is told."""
    return place.server


def end_of(task):
    return task["status"], task["error"]["code"]


@pytest.mark.parametrize("code", ENDS)
def test_failures_are_told_apart(at, code):
    script, members = ENDS[code]
    done = at.finished(at.shell(script, **members)["task_id"])
    assert end_of(done) == ("failed", code), done
    assert done["error"]["message"].rstrip(".")
    assert done["exit_code"] == {"exit_status": 3, "upload_failed": 0}.get(code, done["exit_code"])
    assert (done["signal"] == 6) == (code == "signal")


def test_a_job_type_that_nobody_runs(server):
    done = server.finished(server.submit({"job_type": "nobody-knows"})["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "no_handler")
    for name in ("../handlers/render", ".hidden", "/bin/sh", "a\0b"):
        body = {"payload": {"job_type": name}}
        assert server.request("POST", "/api/v1/tasks", body).status == 422


def test_a_handler_that_is_gone(place, at):
    handler = place.add_handler("short-lived")
    assert at.finished(at.submit({"job_type": handler.name})["task_id"])["status"] == "completed"
    handler.unlink()
    assert end_of(at.finished(at.submit({"job_type": handler.name})["task_id"])) == (
        "failed", "no_handler")


def test_out_of_memory_is_told(place, at):
    if "memory cgroup" in place.log():
        pytest.skip("no memory cgroup may be written here")
    assert end_of(at.finished(at.submit({"job_type": "hungry"})["task_id"])) == (
        "failed", "out_of_memory")


def test_a_cancel_is_no_failure(at):
    task = at.shell("trap '' TERM; sleep 600 & setsid sleep 600 & wait; sleep 600")
    path = f"/api/v1/tasks/{task['task_id']}"
    assert at.request("POST", path + "/cancel").status in (200, 202)
    done = at.finished(task["task_id"])
    assert (done["status"], done["error"]) == ("cancelled", None)


def test_a_job_that_kills_its_shepherd_has_lost_its_worker(at):
    bystander = at.shell("read line < /dev/null; sleep 1; echo still here")
    done = at.finished(at.shell("kill -9 $PPID; sleep 600")["task_id"])
    assert end_of(done) == ("failed", "worker_lost")
    assert at.finished(bystander["task_id"])["status"] == "completed"


def test_a_job_that_kills_the_guard_does_not_end_the_service(at):
    kill = "read _ _ _ guard _ < /proc/$PPID/stat; kill -9 $guard; sleep 600"
    done = at.finished(at.shell(kill)["task_id"])
    assert end_of(done) == ("failed", "worker_lost")
    assert at.finished(at.shell("exit 4")["task_id"])["exit_code"] == 4


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
