"""A server that fetches the jobs of a service that is none of ours, for its own workers."""

import subprocess

import foreign_service
import pytest
from conftest import BINARY
from upstream_site import Site
from waiting import until
from worker_process import WorkerProcess


@pytest.fixture
def site(tmp_path, service):
    site = Site(tmp_path, service)
    yield site
    if site.process and site.process.poll() is None:
        site.kill()


def test_jobs_run_and_are_reported_in_its_words(service, site):
    site.add("order/77 ä", "greet")
    site.add("18", "fail")
    site.add("19", "nobody-can-this")
    site.start()
    assert site.ends("order/77 ä")["result"] == {"done": True}
    failed = site.ends("18", "error")
    assert failed["exit_code"] == 3 and failed["error"]["code"] == "exit_status"
    assert site.ends("19", "error")["error"]["code"] == "no_handler"
    assert service.statuses("order/77 ä") == ["in_progress", "success"]
    for headers in service.seen("/next-job") + service.seen("/report"):
        assert headers["X-Worker-Key"] == "Key " + service.token
    task = site.task_of("18")
    assert task["labels"]["upstream"] == service.config_url.removeprefix("http://")
    assert service.token not in site.log()
    site.stop()


def test_a_fleet_works_behind_one_connection(service, tmp_path):
    site = Site(tmp_path, service, TANDEM_EMBEDDED_SLOTS="0").start()
    for n in range(6):
        site.add(str(n), "greet")
    until(lambda: service.seen("/discover"), site.log)
    assert not service.seen("/next-job")  # there is nobody to run a job
    workers = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        worker = WorkerProcess(
            tmp_path / name,
            site.url + "/api/v1/polling/config",
            TANDEM_REGISTRATION_TOKEN=site.token("admin"),
            TANDEM_WORKER_NAME=name,
        )
        worker.handler("greet", site.scripts["greet"])
        workers.append(worker.start())
    try:
        for n in range(6):
            site.ends(str(n))
            assert service.statuses(str(n)) == ["in_progress", "success"]
            assert site.ran(str(n)) == 1
    finally:
        for worker in workers:
            worker.stop()
        site.stop()


def test_no_more_is_fetched_than_workers_have_room_for(service, site):
    for n in range(6):
        site.add(str(n), "wait")
    site.start()
    until(lambda: site.ran("0") and site.ran("1"), site.log)
    polls = len(service.seen("/next-job"))
    until(lambda: len(service.statuses("0") + service.statuses("1")) == 2, site.log)
    assert len(service.jobs) == 4 and polls == len(service.seen("/next-job")) == 2
    site.go.touch()
    for n in range(6):
        site.ends(str(n))


def test_changed_configuration_is_followed(service, site):
    site.start()
    site.add("a", "greet")
    site.ends("a")
    with service.lock:
        service.header, service.prefix = "Authorization", "Token"
        service.update_path = "/new-report"
        service.words = ["waiting", "running", "finished", "failed"]
        service.config_changes = {"status_schema_url": service.url + "/words?v=2"}
    site.logged("configuration has changed")
    site.add("b", "greet")
    site.ends("b", "finished")
    assert service.seen("/new-report")[-1]["Authorization"] == "Token " + service.token


@pytest.mark.parametrize("path, fault", foreign_service.BAD_ANSWERS)
def test_bad_answers_are_survived(service, site, path, fault):
    service.faults[path] = fault
    site.add("a", "greet")
    site.start()
    until(lambda: len(service.seen(path)) >= 4, site.log)
    site.logged("it is tried again")
    assert site.log().count("it is tried again") < len(service.seen(path))
    assert site.finished(site.submit({"job_type": "greet", "n": "own"})["task_id"])
    service.faults.clear()
    site.ends("a")
    assert service.statuses("a") == ["in_progress", "success"]
    site.stop()


def test_service_is_away_and_comes_back(service, site):
    site.add("a", "wait")
    site.start()
    site.is_running("a")
    service.close()
    site.go.touch()
    site.logged("Asking the service for jobs fails")
    until(lambda: site.task_of("a")["finished_at"], site.log)
    service.open()
    site.ends("a")
    site.add("b", "greet")
    site.ends("b")
    site.logged("works again")


def test_a_job_that_is_no_good_is_refused_and_others_go_on(service, site):
    service.add("x", {"no": "job_type"})
    service.add("y", {"job_type": "greet", "n": "y", "large": "x" * (2 << 20)})
    with service.lock:
        service.jobs += [{"payload": {"job_type": "greet"}}, "a job", {"task_id": {}}]
    site.start()
    assert site.ends("x", "error")["error"]["code"] == "rejected"
    assert "payload" in site.ends("y", "error")["error"]["message"]
    site.logged("no fit task_id")
    site.add("z", "greet")
    site.ends("z")
    assert site.ran("y") == 0


def test_a_job_that_is_given_out_again_runs_once(service, site):
    job = {"task_id": "a", "payload": {"job_type": "greet", "n": "a"}}
    service.faults["/next-job"] = lambda request: foreign_service.answer_json(request, job)
    site.start()
    until(lambda: len(service.seen("/next-job")) >= 6, site.log)
    site.ends("a")
    site.kill()
    site.start()
    polls = len(service.seen("/next-job"))
    until(lambda: len(service.seen("/next-job")) >= polls + 3, site.log)
    assert site.ran("a") == 1
    assert set(service.statuses("a")) == {"in_progress", "success"}


def test_killed_before_the_report_it_comes_after_the_restart(service, site):
    service.faults["/report"] = foreign_service.hangs_up
    for n in range(4):
        site.add(str(n), "greet")
    site.start()
    until(lambda: all(site.ran(str(n)) for n in range(4)), site.log)
    until(lambda: all(site.task_of(str(n))["finished_at"] for n in range(4)), site.log)
    site.kill()
    service.faults.clear()
    site.start()
    for n in range(4):
        site.ends(str(n))
        assert service.statuses(str(n)) == ["in_progress", "success"]
        assert site.ran(str(n)) == 1
    polls = len(service.seen("/next-job"))
    until(lambda: len(service.seen("/next-job")) > polls, site.log)
    site.stop()
    reports = len(service.seen("/report"))
    site.start()
    polls = len(service.seen("/next-job"))
    until(lambda: len(service.seen("/next-job")) > polls, site.log)
    assert len(service.seen("/report")) == reports  # what was taken is not told again


def test_killed_while_a_worker_runs_a_job_it_is_still_reported(service, tmp_path):
    site = Site(tmp_path, service, TANDEM_EMBEDDED_SLOTS="0").start()
    address = site.url.removeprefix("http://")
    worker = WorkerProcess(
        tmp_path,
        site.url + "/api/v1/polling/config",
        TANDEM_REGISTRATION_TOKEN=site.token("admin"),
        TANDEM_WORKER_NAME="one",
    )
    worker.handler("wait", site.scripts["wait"])
    worker.start()
    try:
        site.add("a", "wait")
        site.is_running("a")
        until(lambda: service.statuses("a"), site.log)
        site.kill()
        site.go.touch()
        site.settings["TANDEM_LISTEN"] = address
        site.start()
        assert site.ends("a")["result"] == {"done": True}
        assert site.ran("a") == 1
    finally:
        worker.kill()
        site.stop()


def test_what_clients_do_to_its_tasks_is_told(service, site):
    site.start()
    for task_id in ("cancelled", "deleted"):
        site.add(task_id, "wait")
        site.is_running(task_id)
    path = "/api/v1/tasks/" + site.task_of("cancelled")["task_id"]
    assert site.request("POST", path + "/cancel", token="admin").status == 202
    path = "/api/v1/tasks/" + site.task_of("deleted")["task_id"]
    assert site.request("DELETE", path + "?force=true", token="admin").status == 204
    for task_id in ("cancelled", "deleted"):
        site.ends(task_id, "error")


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_its_service_has_dropped_is_stopped(service, site, status):
    service.faults["/report"] = lambda request: foreign_service.answer(request, status, b"")
    site.add("a", "wait")
    site.start()
    site.is_running("a")
    until(lambda: site.task_of("a")["status"] == "cancelled", site.log)
    site.logged("is cancelled: The service does not know it any more")


def test_a_cancel_of_the_service_is_obeyed(service, site):
    def cancels(request):
        foreign_service.answer_json(request, {"task_id": "a", "cancel_requested": True})

    service.faults["/report"] = cancels
    site.add("a", "wait")
    site.start()
    site.logged("The service has asked for it")
    until(lambda: site.task_of("a")["status"] == "cancelled", site.log)


def test_a_stop_tells_the_ends_first(service, site):
    site.add("a", "wait")
    site.start()
    site.is_running("a")
    site.process.terminate()
    site.logged("draining")
    site.go.touch()
    assert site.process.wait(timeout=60) == 0, site.log()
    assert service.statuses("a") == ["in_progress", "success"]


def test_jobs_may_belong_to_a_client(service, site):
    site.start()
    client_id = site.client("tasks")["client_id"]
    site.stop()
    site.settings["TANDEM_UPSTREAM_CLIENT_ID"] = client_id
    site.settings["TANDEM_UPSTREAM_QUEUE"] = "night"
    site.start()
    site.add("a", "greet")
    site.ends("a")
    task = site.request("GET", "/api/v1/tasks?label=upstream_task:a").json["items"][0]
    assert task["client_id"] == client_id and task["queue"] == "night"


@pytest.mark.parametrize(
    "settings, code, words",
    [
        ({"TANDEM_UPSTREAM_TOKEN": ""}, 78, ["must be set together"]),
        (
            {"TANDEM_UPSTREAM_CLIENT_ID": "me", "TANDEM_UPSTREAM_MAX_JOBS": "0"},
            78,
            ["TANDEM_UPSTREAM_CLIENT_ID", "TANDEM_UPSTREAM_MAX_JOBS"],
        ),
        (
            {"TANDEM_UPSTREAM_CLIENT_ID": "01890000-0000-7000-8000-000000000001"},
            1,
            ["names no client"],
        ),
    ],
)
def test_wrong_settings_are_all_told(service, site, settings, code, words):
    site.settings |= settings
    done = subprocess.run(
        [BINARY, "serve"], env=site.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code
    for word in words:
        assert word in done.stderr
