"""A real `tandem worker` and a real server, in each mode."""

import os
import signal
import subprocess

import pytest
from conftest import BINARY, Server
from multipart import CONTENT_TYPE, form
from processes import processes_with
from waiting import until
from worker_process import WorkerProcess

FILES = 'cat "$TANDEM_INPUT_DIR/in.txt" > "$TANDEM_OUTPUT_DIR/copy of it.txt"; echo read'
LINES = "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done"
ASK = """echo '{"type":"input_request","prompt":"Name?"}' >&3
read -r answer <&4; echo "got $answer" """


class Pair:
    """A server without a worker inside, and one that is registered at it."""

    def __init__(self, directory, mode="hybrid", **settings):
        self.directory, self.mode = directory, mode
        settings = {"TANDEM_EMBEDDED_SLOTS": "0", "TANDEM_HEARTBEAT_S": "0.5"} | settings
        self.server = Server(directory, **settings).start()
        side = "workers" if mode == "push" else "polling"
        url = f"{self.server.url}/api/v1/{side}/config"
        self.worker = WorkerProcess(
            directory,
            url,
            TANDEM_WORKER_MODE=mode,
            TANDEM_REGISTRATION_TOKEN=self.server.token("admin"),
            TANDEM_WORKER_NAME="afar",
        )
        self.worker.handler("files", FILES)
        self.worker.handler("lines", LINES)
        self.worker.handler("ask", ASK)
        self.worker.handler("true", "true")
        begun, go = directory / "begun", directory / "go"
        self.worker.handler("wait", f"touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done")
        self.worker.handler("stay", f"trap '' TERM; touch {begun}; sleep 600 & wait; sleep 600")

    def start(self):
        self.worker.start()
        return self

    def submit(self, job_type, **members):
        return self.server.submit({"job_type": job_type}, **members)["task_id"]

    def task(self, task_id):
        return self.server.request("GET", f"/api/v1/tasks/{task_id}").json

    def ended(self, task_id, status="completed", within_s=60):
        def task():
            found = self.task(task_id)
            return found if found["finished_at"] else None

        found = until(task, lambda: f"{self.task(task_id)}\n{self.worker.log()}", within_s)
        assert found["status"] == status, f"{found}\n{self.worker.log()}"
        return found

    def text(self, task_id):
        path = f"/api/v1/tasks/{task_id}/logs"
        answer = self.server.request("GET", path, headers={"Accept": "text/plain"})
        return answer.body.decode()

    def begun(self):
        until((self.directory / "begun").exists, self.worker.log)

    def registered(self):
        found = self.server.request("GET", "/api/v1/workers", token="admin").json["items"]
        return next((worker for worker in found if worker["name"] == "afar"), None)

    def close(self):
        self.worker.kill()
        if self.server.process.poll() is None:
            self.server.kill()


@pytest.fixture
def pair(tmp_path):
    pairs = []

    def make(**settings):
        pairs.append(Pair(tmp_path, **settings))
        return pairs[-1]

    yield make
    for made in pairs:
        made.close()


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_tasks_run_with_logs(pair, mode):
    pair = pair(mode=mode).start()
    tasks = [pair.submit("lines") for _ in range(8)]
    for task_id in tasks:
        task = pair.ended(task_id)
        assert task["worker_name"] == "afar" and task["attempt"] == 1
        assert pair.text(task_id) == "".join(f"line {i}\n" for i in range(500))
    not_its_own = pair.submit("no-such")
    pair.worker.stop()
    assert pair.task(not_its_own)["status"] == "pending"


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_files_come_and_go(pair, mode):
    pair = pair(mode=mode).start()
    data = os.urandom(300_000)
    body = form({"payload": {"job_type": "files"}}, {"in.txt": data})
    answer = pair.server.request("POST", "/api/v1/tasks", body, CONTENT_TYPE)
    assert answer.status == 201, answer.body
    task = pair.ended(answer.json["task_id"])
    assert [output["name"] for output in task["outputs"]] == ["copy of it.txt"]
    path = f"/api/v1/tasks/{task['task_id']}/download?name=copy%20of%20it.txt"
    assert pair.server.request("GET", path).body == data


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_input_and_cancel(pair, mode):
    pair = pair(mode=mode).start()
    asking = pair.submit("ask")
    until(lambda: pair.task(asking)["status"] == "waiting_for_input", pair.worker.log)
    path = f"/api/v1/tasks/{asking}/input"
    assert pair.server.request("POST", path, {"data": "Ada"}).status == 202
    pair.ended(asking)
    assert "Ada" in pair.text(asking)
    waiting = pair.submit("wait")
    pair.begun()
    pair.server.request("POST", f"/api/v1/tasks/{waiting}/cancel")
    pair.ended(waiting, "cancelled")


def test_idle_worker_is_seen(pair):
    pair = pair(mode="polling").start()
    pair.ended(pair.submit("true"))
    first = until(pair.registered, pair.worker.log)["last_seen_at"]
    until(lambda: pair.registered()["last_seen_at"] > first, pair.worker.log)


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_killed_worker_loses_its_task_to_the_next(pair, mode, tmp_path):
    pair = pair(mode=mode, TANDEM_LEASE_S="2").start()
    task_id = pair.submit("wait", max_attempts=2, retry_delay_s=0)
    pair.begun()
    pair.worker.kill()
    (tmp_path / "go").touch()
    pair.start()
    assert pair.ended(task_id)["attempt"] == 2


def test_stopped_worker_is_dead_before_the_next_attempt(pair):
    pair = pair(mode="polling", TANDEM_LEASE_S="2").start()
    task_id = pair.submit("stay", max_attempts=2, retry_delay_s=0)
    pair.begun()
    os.kill(pair.worker.process.pid, signal.SIGSTOP)
    until(lambda: not processes_with("TANDEM_TASK_ID=" + task_id), pair.worker.log)
    assert pair.task(task_id)["status"] in ("running", "pending", "scheduled")
    os.kill(pair.worker.process.pid, signal.SIGCONT)
    until(lambda: pair.task(task_id)["attempt"] == 2, pair.worker.log)


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_server_that_is_restarted_loses_no_running_task(pair, mode, tmp_path):
    pair = pair(mode=mode)
    port = pair.server.url.rsplit(":", 1)[1]
    pair.start()
    task_id = pair.submit("wait")
    pair.begun()
    pair.server.stop()
    pair.server.settings["TANDEM_LISTEN"] = "127.0.0.1:" + port
    pair.server.start()
    (tmp_path / "go").touch()
    assert pair.ended(task_id)["attempt"] == 1
    pair.ended(pair.submit("true"))


WORKER_FILE = """
[handlers.tell]
command = ["/bin/sh", "-c", 'echo "$REGION $1 $API_KEY"; sleep 600', "sh", "a  b"]
timeout_s = 0.5
env = { REGION = "north" }
secrets = { API_KEY = { env = "TELLERS_KEY" } }
"""


def test_the_workers_file_holds_for_a_worker_afar(pair, tmp_path):
    pair = pair()
    (tmp_path / "worker.toml").write_text(WORKER_FILE)
    pair.worker.settings |= {
        "TANDEM_WORKER_CONFIG": str(tmp_path / "worker.toml"),
        "TELLERS_KEY": "of-the-test",
    }
    pair.start()
    task_id = pair.submit("tell", timeout_s=3600)
    assert pair.ended(task_id, "failed")["error"]["code"] == "timeout"
    told = pair.text(task_id)
    assert told.startswith("north a  b ") and "of-the-test" not in told
    refused = pair.ended(pair.submit("tell", env={"REGION": "south"}), "failed")
    assert refused["error"]["code"] == "rejected"
    pair.ended(pair.submit("true"))  # the directory's handlers are there too
    pair.worker.stop()


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_second_signal_stops_at_once(pair, mode):
    pair = pair(mode=mode).start()
    task_id = pair.submit("stay")
    pair.begun()
    pair.worker.terminate()
    pair.worker.logged("draining")
    assert pair.worker.process.poll() is None and pair.task(task_id)["status"] == "running"
    pair.worker.terminate()
    assert pair.worker.wait() == 0, pair.worker.log()
    assert not processes_with("TANDEM_TASK_ID=" + task_id)
    assert pair.ended(task_id, "failed")["error"]["code"] == "worker_lost"


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_a_task_may_be_longer_than_many_leases(pair, mode):
    pair = pair(mode=mode, TANDEM_LEASE_S="1.5").start()
    pair.worker.handler("long", "sleep 4.5")
    task_id = pair.submit("long", max_attempts=2)
    assert pair.ended(task_id)["attempt"] == 1


def test_revoked_worker_ends_with_a_message(pair):
    pair = pair().start()
    pair.ended(pair.submit("true"))
    worker_id = pair.registered()["worker_id"]
    path = f"/api/v1/workers/{worker_id}/revoke"
    assert pair.server.request("POST", path, {}, token="admin").status == 200
    assert pair.worker.wait() == 77
    assert "revoked" in pair.worker.log()


def test_drained_worker_ends_what_runs_and_gives_the_rest_back(pair, tmp_path):
    pair = pair(mode="push").start()
    running = pair.submit("wait")
    pair.begun()
    pair.worker.terminate()
    pair.worker.logged("draining")
    late = pair.submit("true")
    (tmp_path / "go").touch()
    assert pair.worker.wait() == 0
    pair.ended(running)
    assert pair.task(late)["status"] == "pending"
    done = subprocess.run(
        [BINARY, "worker", "--once"], env=pair.worker.environment(), capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    pair.ended(late)
