"""kill -9 of the server: nothing that was acknowledged is lost, and no process of a job stays."""

from processes import processes_with
from waiting import until


def test_acknowledged_tasks_survive(own_server):
    ids = [own_server.shell("true", delay_s=3600)["task_id"] for _ in range(50)]
    own_server.kill()
    own_server.start()
    for task_id in ids:
        assert own_server.request("GET", f"/api/v1/tasks/{task_id}").json["status"] == "scheduled"


def test_no_process_outlives_the_server(own_server):
    task = own_server.shell("setsid sleep 600 & (sleep 600 &) ; trap '' TERM; echo up; sleep 600")
    path = f"/api/v1/tasks/{task['task_id']}"
    raw = {"Accept": "text/plain"}
    until(
        lambda: b"up" in own_server.request("GET", path + "/logs", headers=raw).body,
        "the job says that it is up",
    )
    assert processes_with(task["task_id"])
    own_server.kill()
    until(lambda: not processes_with(task["task_id"]), "all its processes are gone")
    own_server.start()
    done = own_server.finished(task["task_id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "worker_lost")


def test_idempotency_survives_a_kill(own_server):
    body = {"payload": {"job_type": "shell", "script": "true"}}
    key = {"Idempotency-Key": "once"}
    first = own_server.request("POST", "/api/v1/tasks", body, key).json["task_id"]
    own_server.kill()
    own_server.start()
    again = own_server.request("POST", "/api/v1/tasks", body, key)
    assert (again.status, again.json["task_id"]) == (200, first)
