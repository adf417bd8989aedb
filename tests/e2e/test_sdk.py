"""The C++ library as a user has it: installed, found by CMake, and its examples at work."""

import signal
import subprocess

import pytest

from conftest import BINARY, ROOT
from fleet_server import server  # noqa: F401
from waiting import until

BUILD = BINARY.parent
EXAMPLES = ROOT / "sdk" / "cpp" / "examples"


def cache_value(name):
    for line in (BUILD / "CMakeCache.txt").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.partition("=")[2]
    return ""


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Where the example programs are, built against the installed library alone."""
    place = tmp_path_factory.mktemp("sdk")
    run = lambda *words: subprocess.run(words, check=True, capture_output=True, text=True)
    run("cmake", "--install", BUILD, "--component", "sdk", "--prefix", place / "installed")
    flags = cache_value("TANDEM_SANITIZE")
    run("cmake", "-S", EXAMPLES, "-B", place / "build", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={place / 'installed'}",
        f"-DCMAKE_CXX_COMPILER={cache_value('CMAKE_CXX_COMPILER')}",
        f"-DCMAKE_CXX_FLAGS={'-fsanitize=' + flags if flags else ''}")
    run("cmake", "--build", place / "build", "--parallel", "2")
    headers = (place / "installed" / "include").rglob("*.h")
    assert not [path for path in headers if "boost" in path.read_text().lower()]
    return place / "build"


@pytest.fixture(params=["push", "polling", "hybrid"])
def worker(request, examples, server, tmp_path):
    config = f"{server.url}/api/v1/polling/config"
    with open(tmp_path / "worker.log", "ab") as log:
        process = subprocess.Popen(
            [examples / "greet_worker", config, server.token("admin"), request.param],
            stdout=log, stderr=log)
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0, (tmp_path / "worker.log").read_text()


def finished(server, payload):
    answer = server.request("POST", "/api/v1/tasks", {"payload": payload})
    assert answer.status == 201, answer.body
    return server.finished(answer.json["task_id"])


def test_a_function_greets_asks_and_answers(examples, server, worker):
    client = server.client("tasks")
    greeted = subprocess.run(
        [examples / "greet", server.url, client["client_id"], client["client_secret"], "Ada"],
        capture_output=True, text=True, timeout=60)
    assert greeted.returncode == 0, greeted.stderr
    assert "Who is there? Ada" in greeted.stdout
    assert "it is Ada" in greeted.stdout
    assert greeted.stdout.splitlines()[-1] == 'completed {"greeting":"Hello, Ada"}'


def test_what_a_function_throws_fails_its_task(server, worker):
    task = finished(server, {"job_type": "refuse"})
    assert task["status"] == "failed"
    assert task["error"] == {"code": "not_today", "message": "Nobody is greeted today"}


def test_a_function_is_asked_to_stop(server, worker):
    task_id = server.submit({"job_type": "count"})["task_id"]
    task = lambda: server.request("GET", f"/api/v1/tasks/{task_id}").json
    until(lambda: (task()["progress"] or {}).get("message"), task)
    assert server.request("POST", f"/api/v1/tasks/{task_id}/cancel").status == 202
    assert server.finished(task_id)["status"] == "cancelled"
    log = server.request("GET", f"/api/v1/tasks/{task_id}/logs", headers={"Accept": "text/plain"})
    assert log.body == b"asked to stop\n"
    assert finished(server, {"job_type": "echo"})["status"] == "completed"  # its slot is free


def test_quick_functions_need_no_thread(server, worker):
    tasks = [{"payload": {"job_type": "echo", "number": number}} for number in range(200)]
    batch = server.request("POST", "/api/v1/tasks/batch", {"tasks": tasks})
    assert batch.status == 201, batch.body
    for number, task in enumerate(batch.json["tasks"]):
        assert server.finished(task["task_id"])["result"]["number"] == number


def test_what_a_client_is_refused_is_said(examples, server):
    wrong = subprocess.run([examples / "greet", server.url, "nobody", "tds_x", "Ada"],
                           capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 1
    assert "invalid_client" in wrong.stderr
