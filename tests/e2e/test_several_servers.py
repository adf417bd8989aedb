"""Several servers on one database: each task has one holder, and every server answers for all."""

import concurrent.futures
import json
import re
import signal
import time

import pytest

from ledger import Ledger, noted
from polling_worker import PollingWorker, new_queue, record, submit, task_of, waiting
from raw_websocket import RawWebSocket
from several_servers import at, code_of, engines, installation, pair  # noqa: F401: fixtures
from socket_worker import SocketWorker, opened
from waiting import until

REVOKED_WITHIN_S = 5


def bearer_of(server, client):
    """The header with a token that this server grants the client."""
    form = (f"grant_type=client_credentials&client_id={client['client_id']}"
            f"&client_secret={client['client_secret']}").encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    granted = server.request("POST", "/token", form, kind, token=None)
    assert granted.status == 200, granted.body
    return {"Authorization": "Bearer " + granted.json["access_token"]}


def ask(server, method, task_id, verb="", body=None):
    return server.request(method, f"/api/v1/tasks/{task_id}{verb}", body)


def test_what_one_runs_is_seen_answered_and_cancelled_at_the_other(installation):
    ledger = Ledger(installation.directory)
    runner = installation.start(TANDEM_EMBEDDED_SLOTS="4",
                                TANDEM_HANDLERS_DIR=str(ledger.handlers))
    other = installation.start()
    talker = runner.shell('read name; echo "hi $name"; printf out > "$TANDEM_OUTPUT_DIR/o"',
                          interactive=True, timeout_s=60)["task_id"]
    until(lambda: ask(other, "GET", talker).json["status"] == "running", "it runs")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.finished, talker)
        answered = ask(other, "POST", talker, "/input", {"data": "Ada\n"})
        assert answered.status == 202, answered.body
        done = waiting.result(60)
    assert done["status"] == "completed", done
    log = other.request("GET", f"/api/v1/tasks/{talker}/logs",
                        headers={"Accept": "text/plain"})
    assert b"hi Ada" in log.body
    assert ask(other, "GET", talker, "/download?name=o").body == b"out"
    body = noted(hold=installation.directory / "never")
    held = runner.request("POST", "/api/v1/tasks", body).json["task_id"]
    until(lambda: ledger.events(held) == ["start"], "the job runs")
    assert ask(other, "POST", held, "/cancel").status == 202
    assert other.finished(held)["status"] == "cancelled"
    assert ask(runner, "GET", held).json["status"] == "cancelled"


def test_what_waits_at_one_is_cancelled_and_removed_at_the_other(pair):
    one, other = pair
    waits, goes = submit(one, new_queue()), submit(one, new_queue())
    assert ask(other, "POST", waits, "/cancel").json["status"] == "cancelled"
    assert code_of(ask(other, "POST", waits, "/cancel")) == "already_finished"
    assert code_of(ask(other, "DELETE", goes)) == "task_active"
    assert ask(other, "DELETE", goes, "?force=true").status == 204
    assert ask(one, "GET", goes).status == 404
    again = ask(other, "POST", waits, "/retry")
    assert (again.status, again.json["status"]) == (202, "pending")
    assert ask(one, "POST", waits, "/cancel").status == 200


def test_submitted_at_one_taken_at_the_other(pair):
    one, other = pair
    queue = new_queue()
    worker = PollingWorker(other, queue)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(5):
            poll = pool.submit(worker.jobs, 30, max=2)
            worker.until_it_waits()
            task = submit(one, queue)
            (job,) = poll.result(30)
            assert job["task_id"] == task
            assert worker.update(job, "completed").status == 200
            assert ask(one, "GET", task).json["status"] == "completed"


def test_a_backlog_at_one_is_worked_off_at_the_other(pair):
    one, other = pair
    queue = new_queue()
    tasks = {submit(one, queue) for _ in range(60)}
    worker, done = PollingWorker(other, queue), set()
    while done != tasks:
        for job in worker.jobs(20, max=7):
            assert job["task_id"] not in done
            assert worker.update(job, "completed").status == 200
            done.add(job["task_id"])


def test_tasks_follow_their_worker(pair):
    one, other = pair
    queue = new_queue()
    here = PollingWorker(one, queue)
    there = at(other, here)
    task = submit(one, queue)
    job = here.job()
    assert there.update(job, "running").status == 200
    assert there.log(job, record("a\n"), record("b\n")).status == 202
    assert here.log(job, record("b\n"), record("c\n"), first_seq=2).status == 202
    assert there.put(job, "o.txt", b"output").status in (200, 201, 204)
    assert here.update(job, "running", progress={"percent": 50}).status == 200
    asked = there.update(job, "waiting_for_input", input_request={"request_id": "r", "prompt": "?"})
    assert asked.status == 200, asked.body
    assert ask(one, "POST", task, "/input", {"data": "yes\n"}).status == 202
    heard = here.update(job, "running", input_seq=0).json
    assert [piece["data"] for piece in heard["input"]] == ["yes\n"], heard
    assert there.update(job, "completed").status == 200
    assert there.update(job, "completed").status == 200, "a repeat"
    log = one.request("GET", f"/api/v1/tasks/{task}/logs",
                      headers={"Accept": "text/plain"})
    assert log.body == b"a\nb\nc\n"
    done = task_of(one, task)
    assert (done["status"], done["attempt"]) == ("completed", 1)
    assert [output["name"] for output in done["outputs"]] == ["o.txt"]


def test_a_stale_worker_is_refused_at_every_server(pair):
    one, other = pair
    queue = new_queue()
    worker = PollingWorker(one, queue)
    task = submit(one, queue)
    job = worker.running()
    assert worker.update(job, "released").status == 200
    second = worker.running()
    assert second["attempt"] == job["attempt"] + 1 or second["attempt"] == job["attempt"]
    stranger = PollingWorker(one, queue)
    for server in (one, other):
        assert code_of(at(server, stranger).update(second, "completed")) == "stale_attempt"
    assert at(other, worker).update(second, "completed").status == 200
    assert task_of(one, task)["status"] == "completed"


def test_a_cancel_reaches_the_socket_at_the_other_server(pair):
    one, other = pair
    queue = new_queue()
    worker = SocketWorker(other, queue)
    with opened(worker) as socket:
        task = submit(one, queue)
        job = socket.running()
        assert job["task_id"] == task
        assert ask(one, "POST", task, "/cancel").status == 202
        assert socket.expect("cancel")["task_id"] == task
        assert socket.update(job, "cancelled")["status"] == "cancelled"
    assert ask(one, "GET", task).json["status"] == "cancelled"


@pytest.mark.alone
def test_a_revoked_worker_is_out_everywhere(pair):
    one, other = pair
    worker = SocketWorker(one, new_queue())
    with opened(worker) as socket:
        at(other, worker).control("revoke")
        revoked_at = time.monotonic()
        assert socket.closed() == 4401
    for server in (one, other):
        until(lambda: code_of(at(server, worker).claim()) == "token_revoked", "it is refused",
              REVOKED_WITHIN_S)
    assert time.monotonic() - revoked_at < REVOKED_WITHIN_S


def fleet_of(server):
    answer = server.request("GET", "/api/v1/workers?limit=500", token="admin")
    assert answer.status == 200, answer.body
    return {worker["worker_id"]: worker for worker in answer.json["items"]}


def test_every_server_knows_what_all_workers_do(pair):
    one, other = pair
    queue = new_queue()
    pushed, polls, gone = SocketWorker(one, queue), PollingWorker(one, "none"), PollingWorker(one)
    task = submit(one, queue)
    gone.claim(max=0)
    with opened(pushed) as socket, waiting(polls):
        job = socket.running()
        fleet = fleet_of(other)
        assert fleet[pushed.id] == fleet_of(one)[pushed.id] == at(other, pushed).seen()
        assert fleet[pushed.id]["status"] == "connected" and fleet[pushed.id]["channel"] == "push"
        assert fleet[pushed.id]["tasks"] == [
            {"task_id": task, "attempt": job["attempt"], "status": "running"}]
        assert (fleet[polls.id]["status"], fleet[polls.id]["channel"]) == ("connected", "polling")
        assert fleet[gone.id]["status"] == "away" and fleet[gone.id]["last_seen_at"]
        polls.control("revoke")  # ends the poll


def test_of_a_server_that_does_not_answer_nothing_is_known(pair):
    one, other = pair
    there, here = SocketWorker(one), PollingWorker(other, "none")
    with opened(there), waiting(here):
        there.until_it_is("push")
        one.process.send_signal(signal.SIGSTOP)
        try:
            fleet = fleet_of(other)
            assert fleet[there.id]["status"] == "away"
            assert fleet[here.id]["status"] == "connected"
        finally:
            one.process.send_signal(signal.SIGCONT)
        until(lambda: fleet_of(other)[there.id]["status"] == "connected", "it is known again")
        here.control("revoke")


def test_a_key_counts_once_at_all_servers(pair):
    one, other = pair
    servers = [one, other] * 4

    def post(server, number, **how):
        body = {"payload": {"job_type": "shell", "script": "true"}, "delay_s": 3600}
        return server.request("POST", "/api/v1/tasks", body | how.get("members", {}),
                              {"Idempotency-Key": how["key"]} if "key" in how else None)

    with concurrent.futures.ThreadPoolExecutor(len(servers)) as pool:
        for number in range(10):
            key = f"key-{number}"
            made = list(pool.map(lambda server: post(server, number, key=key), servers))
            assert {answer.status for answer in made} <= {200, 201}, [a.body for a in made]
            assert len({answer.json["task_id"] for answer in made}) == 1
            members = {"unique_key": key}
            made = list(pool.map(lambda server: post(server, number, members=members), servers))
            assert len({answer.json["task_id"] for answer in made}) == 1


def test_clients_and_secrets_are_the_same_everywhere(pair):
    one, other = pair
    made = one.request("POST", "/api/v1/clients", {"name": "new", "scope": "tasks"}, token="admin")
    assert made.status == 201, made.body
    client = made.json
    bearer = bearer_of(other, client)

    def status(server):
        return server.request("GET", "/api/v1/tasks", headers=bearer, token=None).status

    until(lambda: status(other) == status(one) == 200, "both let it in")
    gone = one.request("DELETE", f"/api/v1/clients/{client['client_id']}", token="admin")
    assert gone.status == 204
    until(lambda: status(other) == status(one) == 401, "both refuse it")


def test_an_account_of_a_moment_ago_is_let_in_at_every_server(pair):
    """News of it may come later than its first request."""
    one, other = pair
    for number in range(20):
        worker = PollingWorker(one)
        assert at(other, worker).claim(max=0).status == 200
        made = one.request("POST", "/api/v1/clients", {"name": f"new-{number}", "scope": "tasks"},
                           token="admin").json
        assert other.request("GET", "/api/v1/tasks", headers=bearer_of(one, made),
                             token=None).status == 200


def test_every_request_to_another_server(pair):
    """The worst balancer there can be."""
    one, other = pair
    queue = new_queue()
    worker = PollingWorker(one, queue)
    speaks = [at(one, worker), at(other, worker)]
    tasks = [submit((one, other)[number % 2], queue) for number in range(40)]
    ended, turn = set(), 0
    while len(ended) < len(tasks):
        turn += 1
        for job in speaks[turn % 2].jobs(5, max=5):
            turn += 1
            assert speaks[turn % 2].update(job, "running").status == 200
            turn += 1
            assert speaks[turn % 2].log(job, record("line\n")).status == 202
            turn += 1
            assert speaks[turn % 2].update(job, "completed").status == 200
            assert job["task_id"] not in ended
            ended.add(job["task_id"])
    for task_id in tasks:
        done = task_of(other, task_id)
        assert (done["status"], done["log"]["records"]) == ("completed", 1) or done["log"], done
    assert json.dumps(sorted(ended)) == json.dumps(sorted(tasks))


def events_of(server, task_id):
    """The text of the log that a client is given as events, and the status that ends it."""
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs",
                            headers={"Accept": "text/event-stream"})
    events = [(name, json.loads(data)) for name, data
              in re.findall("event: (.*)\ndata: (.*)\n", answer.body.decode())]
    return ("".join(data["data"] for name, data in events if name == "log"),
            [data["status"] for name, data in events if name == "end"])


def messages_of(server, task_id):
    """The same of one with a WebSocket."""
    with RawWebSocket(server, f"/ws/{task_id}", server.token(), within_s=60) as socket:
        messages = list(socket.messages())
    return ("".join(record["data"] for message in messages if message["type"] == "log"
                    for record in message["records"]),
            [message["status"] for message in messages if message["type"] == "end"])


@pytest.mark.parametrize("follow", [events_of, messages_of])
def test_who_follows_elsewhere_gets_what_a_stopped_server_had_kept(installation, engines, follow):
    redis, directory = engines[1], installation.directory
    runner = installation.start(TANDEM_EMBEDDED_SLOTS="1", TANDEM_DRAIN_TIMEOUT_S="1")
    other = installation.start()
    hold, wrote = directory / "hold", directory / "wrote"
    task_id = runner.shell(f"[ $TANDEM_ATTEMPT = 2 ] || exit 1; echo first; "
                           f"while [ ! -e {hold} ]; do sleep 0.02; done; seq 1000; touch {wrote}",
                           max_attempts=2, retry_delay_s=0)["task_id"]
    path = f"/api/v1/tasks/{task_id}/logs"
    until(lambda: other.request("GET", path).json["items"], "it has said something")
    redis.kill()
    hold.touch()
    until(wrote.exists, "it has said the rest")
    runner.stop()
    redis.start()
    assert other.finished(task_id)["status"] == "completed"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        followed = pool.submit(follow, other, task_id)
        with pytest.raises(concurrent.futures.TimeoutError):
            followed.result(1.5)  # the rest is at a server that does not run
        runner.start()
        text, ends = followed.result(60)
    assert (text, ends) == ("first\n" + "".join(f"{i}\n" for i in range(1, 1001)), ["completed"])
