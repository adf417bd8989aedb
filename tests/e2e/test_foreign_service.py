"""`tandem worker` for a service that is none of ours: it knows the six members of a polling
configuration and no more."""

import json
import os
import stat
import subprocess
import threading
import time

import foreign_service
import pytest
from conftest import BINARY
from waiting import until
from worker_process import WorkerProcess


GREET = """cat >/dev/null
printf '{"type":"result","value":{"id":"%s"}}\\n' "$TANDEM_TASK_ID" >&3"""
STEPS = """while :; do echo '{"type":"progress","percent":1}' >&3; sleep 0.05; done"""


@pytest.fixture
def worker(tmp_path, service):
    worker = WorkerProcess(tmp_path, service.config_url, TANDEM_WORKER_TOKEN=service.token)
    worker.handler("greet", GREET)
    worker.handler("fail", "exit 3")
    worker.handler("steps", STEPS)
    waits = f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    worker.handler("wait", waits)
    yield worker
    worker.kill()


def ends(service, worker, task_id, status="success", within_s=30):
    def ended():
        update = service.last_update(task_id)
        return update if update and update["status"] == status else None

    return until(ended, lambda: f"{service.statuses(task_id)}\n{worker.log()}", within_s)


def test_jobs_run_and_are_reported_in_its_words(service, worker):
    worker.start()
    service.add("order/77 ä", {"job_type": "greet"})
    service.add("18", {"job_type": "fail"})
    service.add(str(7), {"job_type": "nobody-can-this"})
    update = ends(service, worker, "order/77 ä")
    assert update["result"] == {"id": "order/77 ä"}
    assert "attempt" not in update
    failed = ends(service, worker, "18", "error")
    assert failed["exit_code"] == 3 and failed["error"]["code"] == "exit_status"
    assert ends(service, worker, "7", "error")["error"]["code"] == "no_handler"
    assert service.statuses("order/77 ä") == ["in_progress", "success"]
    for headers in service.seen("/next-job") + service.seen("/report"):
        assert headers["X-Worker-Key"] == "Key " + service.token
    worker.stop()


@pytest.mark.parametrize(
    "words, expected",
    [
        (["PENDING", "PROCESSING", "DONE", "FAILURE"], ["PROCESSING", "DONE"]),
        (["pending", "running", "completed", "failed"], ["running", "completed"]),
        ([{"name": "started"}, {"name": "ok"}, {"name": "failed"}], ["started", "ok"]),
    ],
)
def test_nearest_words(service, worker, words, expected):
    service.words = words
    service.update = lambda request, body: plain_update(service, request, body)
    service.add("a", {"job_type": "greet"})
    worker.start()
    ends(service, worker, "a", expected[-1])
    assert service.statuses("a") == expected


def plain_update(service, request, body):
    with service.lock:
        service.updates.append(json.loads(body))
    foreign_service.answer(request, 204, b"")


def test_job_of_no_known_form_is_refused_once(service, worker):
    service.add("x", {"no": "job_type"})
    worker.start()
    assert ends(service, worker, "x", "error")["error"]["code"] == "rejected"
    service.add("y", {"job_type": "greet"})
    ends(service, worker, "y")


def test_registration_is_made_once_and_kept(service, worker):
    del worker.settings["TANDEM_WORKER_TOKEN"]
    worker.settings["TANDEM_REGISTRATION_TOKEN"] = service.registration_token
    worker.settings["TANDEM_WORKER_NAME"] = "of-the-test"
    service.add("a", {"job_type": "greet"})
    worker.start()
    ends(service, worker, "a")
    worker.stop()
    assert [r["name"] for r in service.registrations] == ["of-the-test"]
    kept = worker.data / "worker.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    del worker.settings["TANDEM_REGISTRATION_TOKEN"]
    service.add("b", {"job_type": "greet"})
    worker.start()
    ends(service, worker, "b")
    assert len(service.registrations) == 1
    assert service.token not in worker.log()


def test_registration_is_refused(service, worker):
    del worker.settings["TANDEM_WORKER_TOKEN"]
    worker.settings["TANDEM_REGISTRATION_TOKEN"] = "wrong"
    worker.start()
    assert worker.wait() == 77
    assert "refuses" in worker.log()


def test_changed_configuration_is_followed(service, worker):
    worker.start()
    service.add("a", {"job_type": "greet"})
    ends(service, worker, "a")
    with service.lock:
        service.header, service.prefix, service.token = "Authorization", "Token", service.token
        service.update_path = "/new-report"
        service.words = ["waiting", "running", "finished", "failed"]
        service.config_changes = {"status_schema_url": service.url + "/words?v=2"}
    worker.logged("configuration has changed")
    service.add("b", {"job_type": "greet"})
    ends(service, worker, "b", "finished")
    assert service.seen("/new-report")[-1]["Authorization"] == "Token " + service.token


@pytest.mark.parametrize("path, fault", foreign_service.BAD_ANSWERS)
def test_bad_answers_are_survived(service, worker, path, fault):
    service.faults[path] = fault
    service.add("a", {"job_type": "greet"})
    worker.start()
    until(lambda: len(service.seen(path)) >= 3, worker.log)
    worker.logged("it is tried again")
    assert worker.process.poll() is None, worker.log()
    service.faults.clear()
    ends(service, worker, "a")
    assert service.statuses("a") == ["in_progress", "success"]
    worker.stop()


@pytest.mark.parametrize(
    "body, media_type",
    [
        (b"", "text/html"),
        (b"ok", "text/html"),
        (b"[1,", "application/json"),
        (b"<ok/>", "text/xml"),
    ],
)
def test_whatever_else_comes_with_a_200_has_taken_a_report(service, worker, body, media_type):
    def take(request, said):
        service.updates.append(json.loads(said))
        foreign_service.answer(request, 200, body, media_type)

    service.update = take
    service.add("a", {"job_type": "greet"})
    worker.start()
    ends(service, worker, "a")
    worker.stop()
    assert service.statuses("a") == ["in_progress", "success"]


def test_a_pause_that_the_service_asks_for_is_kept(service, worker):
    asked = []

    def asks_for_a_pause(request):
        asked.append(time.monotonic())
        foreign_service.answer(request, 429, b"later", "text/plain", [("Retry-After", "3")])

    service.faults["/next-job"] = asks_for_a_pause
    service.add("a", {"job_type": "greet"})
    worker.start()
    until(lambda: len(asked) >= 2, worker.log)
    service.faults.clear()
    assert asked[1] - asked[0] >= 3
    ends(service, worker, "a")
    worker.stop()


def test_words_that_cannot_be_read_are_waited_for(service, worker):
    service.faults["/words"] = foreign_service.breaks
    service.add("a", {"job_type": "greet"})
    worker.start()
    until(lambda: len(service.seen("/words")) >= 3, worker.log)
    service.faults.clear()
    ends(service, worker, "a")
    assert service.statuses("a") == ["in_progress", "success"]


def test_half_open_connections_are_given_up(service, worker):
    gate = threading.Event()
    service.faults["/report"] = foreign_service.stays_silent(gate)
    service.add("a", {"job_type": "greet"})
    worker.start()
    until(lambda: service.seen("/report"), worker.log)
    service.faults.clear()
    ends(service, worker, "a", within_s=60)
    gate.set()


def test_other_json_is_no_job(service, worker):
    service.faults["/next-job"] = foreign_service.answers_other_json
    worker.start()
    until(lambda: len(service.seen("/next-job")) >= 3, worker.log)
    service.faults.clear()
    service.add("a", {"job_type": "greet"})
    ends(service, worker, "a")


def test_once_runs_one_job_and_ends(service, worker):
    for task_id in "abc":
        service.add(task_id, {"job_type": "greet"})
    worker.start("--once")
    assert worker.wait() == 0, worker.log()
    assert service.statuses("a") == ["in_progress", "success"]
    assert service.statuses("b") == [] and len(service.jobs) == 2


def test_first_signal_drains(service, worker, tmp_path):
    service.add("a", {"job_type": "wait"})
    worker.start()
    until((tmp_path / "begun").exists, worker.log)
    worker.terminate()
    worker.logged("draining")
    service.add("late", {"job_type": "greet"})
    assert worker.process.poll() is None
    (tmp_path / "go").touch()
    assert worker.wait() == 0
    assert service.statuses("a") == ["in_progress", "success"]
    assert len(service.jobs) == 1


def test_second_signal_kills(service, worker, tmp_path):
    service.add("a", {"job_type": "wait"})
    worker.start()
    until((tmp_path / "begun").exists, worker.log)
    worker.terminate()
    worker.logged("draining")
    worker.terminate()
    assert worker.wait() == 0
    assert service.last_update("a")["error"]["code"] == "worker_lost"


def test_job_that_is_gone_is_stopped(service, worker, tmp_path):
    service.add("a", {"job_type": "steps"})
    worker.start()
    until(lambda: len(service.statuses("a")) >= 3, worker.log)
    service.faults["/report"] = lambda request: foreign_service.answer(request, 410, b"")
    until(lambda: not processes(worker), worker.log)


def processes(worker):
    found = subprocess.run(
        ["pgrep", "-f", str(worker.handlers / "steps")], capture_output=True, text=True
    )
    return found.stdout.split()


def test_refused_token_ends_it_with_a_code_of_its_own(service, worker):
    worker.start()
    until(lambda: service.seen("/next-job"), worker.log)
    service.token = "another"
    assert worker.wait() == 77
    assert "refuses the worker's token" in worker.log()


def test_wrong_settings_are_all_told(tmp_path):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM_", "TASK_"))}
    done = subprocess.run(
        [BINARY, "worker", "--slots", "0", "--mode", "sideways", "--data-dir", str(tmp_path)],
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    assert "--slots" in done.stderr and "--mode" in done.stderr
    done = subprocess.run(
        [BINARY, "worker", "--data-dir", str(tmp_path)],
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    assert "TANDEM_CONFIG_URL" in done.stderr and "TANDEM_WORKER_TOKEN" in done.stderr
