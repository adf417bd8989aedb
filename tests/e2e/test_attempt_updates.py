"""What a worker says of an attempt: what it may say when, what it is told, and that nobody else's
word counts."""

import time

import pytest

from conftest import Server
from fleet_server import queue, server  # noqa: F401
from polling_worker import POLLING, WORKERS, PollingWorker, cancel, code, log_of
from polling_worker import record, send_input, submit, task_of, update, waiting
from waiting import until

ABSENT = "01890000-0000-7000-8000-000000000000"
AT_ONCE_S = 2
STALE = (409, "stale_attempt")


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Leases run out soon."""
    directory = tmp_path_factory.mktemp("brief")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_LEASE_S="1",
                    TANDEM_HEARTBEAT_S="0.4").start()
    yield server
    server.stop()


@pytest.fixture
def worker(server, queue):
    return PollingWorker(server, queue)


@pytest.fixture
def job(server, queue, worker):
    submit(server, queue)
    return worker.running()


def batch(worker, *updates):
    return worker.request("POST", "/update", {"updates": list(updates)})


def question(worker, job, request_id="q1"):
    answer = worker.update(job, "waiting_for_input",
                           input_request={"request_id": request_id, "prompt": "Name?"})
    assert answer.status == 200, answer.body


def test_a_job_from_its_offer_to_its_end(server, queue, worker):
    task_id = submit(server, queue)
    job = worker.job()
    answer = worker.update(job, "running", progress={"percent": 40, "message": "half"})
    told = answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert (told["task_id"], told["attempt"], told["status"]) == (task_id, 1, "running")
    assert told["cancel_requested"] is False and told["input"] == []
    assert told["lease_expires_at"] > task_of(server, task_id)["updated_at"]
    task = task_of(server, task_id)
    assert task["status"] == "running" and task["started_at"]
    assert task["progress"] == {"percent": 40, "message": "half"}
    question(worker, job)
    asked = task_of(server, task_id)
    assert asked["status"] == "waiting_for_input"
    assert (asked["input_request"]["request_id"], asked["input_request"]["prompt"]) == (
        "q1", "Name?")
    assert worker.update(job, "running").json["status"] == "running"
    assert task_of(server, task_id)["input_request"] is None
    done = worker.update(job, "completed", result={"n": 1.50}, exit_code=0)
    assert (done.json["status"], done.json["lease_expires_at"]) == ("completed", None)
    task = task_of(server, task_id)
    assert (task["result"], task["exit_code"], task["error"]) == ({"n": 1.5}, 0, None)
    assert task["finished_at"] and worker.seen()["tasks"] == []


@pytest.mark.parametrize("status, members, expected", [
    ("completed", {"result": [1, None, "x"], "exit_code": 0}, {"result": [1, None, "x"]}),
    ("completed", {"message": "fine"}, {"progress": {"percent": None, "message": "fine"}}),
    ("failed", {"error": {"code": "broken", "message": "it broke"}, "exit_code": 3},
     {"error": {"code": "broken", "message": "it broke"}, "exit_code": 3}),
    ("failed", {"signal": 9, "error": {"code": "killed"}}, {"signal": 9}),
    ("failed", {}, {}),
    ("cancelled", {}, {"error": None}),
], ids=str)
@pytest.mark.parametrize("accepted", [True, False])
def test_ends(server, queue, worker, status, members, expected, accepted):
    task_id = submit(server, queue)
    job = worker.running() if accepted else worker.job()
    answer = worker.update(job, status, **members)
    assert answer.status == 200 and answer.json["status"] == status, answer.body
    task = task_of(server, task_id)
    assert task["status"] == status and task["finished_at"] and task["started_at"]
    assert {name: task[name] for name in expected} == expected
    again = worker.update(job, status, **members)
    assert (again.status, again.json) == (200, answer.json)
    assert task_of(server, task_id) == task


@pytest.mark.parametrize("first", ["completed", "failed", "cancelled"])
def test_nothing_follows_an_end(server, worker, job, first):
    assert worker.update(job, first).status == 200
    before = task_of(server, job["task_id"])
    for status in ("running", "waiting_for_input", "completed", "failed", "cancelled", "released"):
        if status != first:
            assert code(worker.update(job, status)) == STALE, status
    assert code(worker.log(job, record())) == STALE
    assert code(worker.put(job, "late.txt", b"late")) == STALE
    assert task_of(server, job["task_id"]) == before


def test_only_what_runs_waits_for_input(server, queue, worker):
    task_id = submit(server, queue)
    job = worker.job()
    refused = worker.update(job, "waiting_for_input", input_request={"prompt": "?"})
    assert code(refused) == (409, "illegal_transition")
    assert task_of(server, task_id)["status"] == "assigned"
    assert worker.update(job, "running").status == 200


@pytest.mark.parametrize("change", [
    {"status": "done"}, {"status": "pending"}, {"status": "assigned"}, {"status": "Running"},
    {"status": ""}, {"status": None}, {"status": 1}, {"attempt": 0}, {"attempt": -1},
    {"attempt": "1"}, {"attempt": 1 << 32}, {"task_id": "x"}, {"task_id": None},
    {"progress": {"percent": 101}}, {"progress": {"percent": -1}}, {"progress": {"x": 1}},
    {"progress": {"message": "m" * 4097}}, {"error": {"message": "no code"}}, {"exit_code": 256},
    {"exit_code": -2}, {"signal": 65}, {"signal": -1}, {"input_seq": -1}, {"surprise": 1},
    {"result": "r" * (1 << 20)}], ids=lambda one: str(one)[:30])
def test_what_is_wrong_is_named_and_changes_nothing(server, worker, job, change):
    before = task_of(server, job["task_id"])
    right = update(job, "running")
    answer = worker.request("POST", "/update", right | change)
    assert code(answer) == (422, "validation_failed")
    field = next(iter(change))
    assert answer.json["errors"][0]["field"].startswith(field)
    listed = batch(worker, right, right | change)
    assert code(listed) == (422, "validation_failed")
    assert listed.json["errors"][0]["field"].startswith("updates[1]." + field)
    assert task_of(server, job["task_id"]) == before


def test_lists_have_bounds(worker, job):
    one = update(job, "running")
    for count, status in ((0, 422), (1, 200), (1000, 200), (1001, 422)):
        assert batch(worker, *[one] * count).status == status
    both = worker.request("POST", "/update", one | {"updates": [one]})
    assert code(both) == (422, "validation_failed")


def test_a_bad_entry_of_a_list_leaves_the_others(server, queue, worker):
    tasks = [submit(server, queue) for _ in range(3)]
    jobs = worker.jobs(max=3)
    stale = {"task_id": tasks[1], "attempt": 7, "status": "completed"}
    absent = {"task_id": ABSENT, "attempt": 1, "status": "running"}
    answer = batch(worker, update(jobs[0], "completed"), stale, absent, update(jobs[2], "running"))
    assert answer.status == 200, answer.body
    told = answer.json["updates"]
    assert [one["task_id"] for one in told] == [tasks[0], tasks[1], ABSENT, tasks[2]]
    assert (told[0]["status"], told[3]["status"]) == ("completed", "running")
    for refused in told[1:3]:
        assert refused["error"]["code"] == "stale_attempt" and refused["error"]["detail"]
    assert [task_of(server, task_id)["status"] for task_id in tasks] == [
        "completed", "assigned", "running"]


def everything(worker, job):
    """All that may be said of an attempt."""
    for status in ("running", "waiting_for_input", "completed", "failed", "cancelled", "released"):
        yield worker.update(job, status)
    yield worker.log(job, record("foreign\n"))
    yield worker.log(job, record("foreign\n"), first_seq=1000)
    yield worker.put(job, "foreign.txt", b"foreign")
    yield worker.put(job, "mine.txt", b"foreign")
    yield worker.input_file(job, "in.txt")


def check_refused(server, worker, job, owner, held):
    """`worker` says all it can of `job`; `owner` goes on with the attempt that it holds."""
    before = task_of(server, job["task_id"])
    for answer in everything(worker, job):
        assert code(answer) == STALE, answer.body
    assert task_of(server, job["task_id"]) == before
    assert log_of(server, job["task_id"]) == b"mine\n"
    more = owner.log(held, record("more\n"), first_seq=2)
    assert (more.status, more.json) == (202, {"committed": 2})
    assert owner.update(held, "completed").status == 200
    assert log_of(server, job["task_id"]).endswith(b"mine\nmore\n")
    task = task_of(server, job["task_id"])
    assert [file["name"] for file in task["outputs"]] == ["mine.txt"]
    path = f"/api/v1/tasks/{job['task_id']}/download?name=mine.txt"
    assert server.request("GET", path).body == b"mine"


def at_work(worker, job):
    assert worker.update(job, "running").status == 200
    assert worker.log(job, record("mine\n")).status == 202
    assert worker.put(job, "mine.txt", b"mine").status == 201
    return job


def test_nobody_speaks_for_another(server, queue, worker):
    submit(server, queue)
    job = at_work(worker, worker.job())
    check_refused(server, PollingWorker(server, queue), job, worker, job)


@pytest.mark.parametrize("attempt", [2, 4_000_000_000])
def test_an_attempt_that_is_not_there_yet(server, queue, worker, attempt):
    submit(server, queue)
    job = at_work(worker, worker.job())
    check_refused(server, worker, job | {"attempt": attempt}, worker, job)


def test_an_attempt_that_is_over(server, queue, worker):
    submit(server, queue, max_attempts=2)
    first = worker.running()
    assert worker.update(first, "failed").status == 200
    second = at_work(worker, worker.job())
    assert second["attempt"] == 2
    check_refused(server, worker, first, worker, second)


def test_what_is_given_back_uses_no_attempt(server, queue, worker):
    task_id = submit(server, queue, max_attempts=1)
    for attempt, accepted in ((1, True), (2, False)):
        job = worker.running() if accepted else worker.job()
        assert job["attempt"] == attempt
        assert worker.update(job, "released").json["status"] == "pending"
        assert code(worker.update(job, "completed")) == STALE
    job = worker.running()
    assert job["attempt"] == 3
    assert worker.update(job, "failed").json["status"] == "failed"
    assert task_of(server, task_id)["status"] == "failed"


def test_a_failed_attempt_is_tried_again(server, queue, worker):
    task_id = submit(server, queue, max_attempts=2)
    for attempt in (1, 2):
        job = worker.running()
        assert job["attempt"] == attempt
        assert worker.update(job, "failed", error={"code": "broken"}).status == 200
    assert task_of(server, task_id)["status"] == "failed"


def test_a_lease_that_runs_out(brief, queue):
    worker, other = PollingWorker(brief, queue), PollingWorker(brief, queue)
    task_id = submit(brief, queue, max_attempts=2)
    first = worker.running()
    second = other.running()  # with the poll that waits: as soon as the first is lost
    assert second["attempt"] == 2
    assert code(worker.update(first, "completed")) == STALE
    task = brief.finished(task_id)  # nobody renews the second either
    assert (task["status"], task["error"]["code"], task["attempt"]) == ("failed", "worker_lost", 2)


def test_each_word_of_an_attempt_keeps_its_lease(brief, queue):
    """Each kind alone, for three times as long as the lease."""
    words = {"update": lambda worker, job, _: worker.update(job, "running"),
             "list": lambda worker, job, _: batch(worker, update(job, "running")),
             "logs": lambda worker, job, n: worker.log(job, record(), first_seq=n),
             "output": lambda worker, job, _: worker.put(job, "o.txt", b"x")}
    held = {}
    for name in words:
        worker = PollingWorker(brief, queue)
        submit(brief, queue)
        held[name] = worker, worker.running()
    end, said = time.monotonic() + 3, 0

    def is_over():
        nonlocal said
        said += 1
        for name, say in words.items():
            assert say(*held[name], said).status < 300, name
        return time.monotonic() > end

    until(is_over, "three leases have passed")
    for worker, job in held.values():
        assert job["attempt"] == 1
        assert worker.update(job, "completed").json["status"] == "completed"


@pytest.mark.alone
def test_a_cancel_reaches_a_waiting_poll_and_each_answer(server, worker, job):
    with waiting(worker, max=0) as (poll,):
        begin = time.monotonic()
        cancel(server, job["task_id"])
        [news] = poll.result().json["updates"]
        assert time.monotonic() - begin < AT_ONCE_S
    assert (news["task_id"], news["attempt"]) == (job["task_id"], 1)
    assert news["cancel_requested"] is True and news["status"] == "running"
    for _ in range(2):
        assert worker.update(job, "running").json["cancel_requested"] is True
    assert worker.claim().json["updates"] == []  # it is told once by a poll
    assert worker.update(job, "cancelled").json["status"] == "cancelled"


def test_a_cancel_between_polls_is_told_by_the_next(server, worker, job):
    cancel(server, job["task_id"])
    [news] = worker.claim(60, max=0).json["updates"]
    assert news["cancel_requested"] is True
    assert worker.update(job, "completed").json["status"] == "completed"


def test_a_cancelled_offer_is_not_given_again(server, queue, worker):
    task_id = submit(server, queue)
    job = worker.job()
    cancel(server, task_id)
    assert worker.jobs() == []
    assert code(worker.update(job, "running")) == STALE
    assert task_of(server, task_id)["status"] == "cancelled"


@pytest.mark.alone
def test_input_reaches_a_waiting_poll_and_each_answer_until_it_is_taken(server, queue, worker):
    submit(server, queue, interactive=True)
    job = worker.running()
    assert job["interactive"] is True
    with waiting(worker, max=0) as (poll,):
        begin = time.monotonic()
        send_input(server, job["task_id"], "one\n")
        [news] = poll.result().json["updates"]
        assert time.monotonic() - begin < AT_ONCE_S
    assert news["input"] == [{"seq": 1, "data": "one\n"}]
    send_input(server, job["task_id"], "two\n")
    send_input(server, job["task_id"], "", eof=True)
    both = [{"seq": 1, "data": "one\n"}, {"seq": 2, "data": "two\n"},
            {"seq": 3, "data": "", "eof": True}]
    assert worker.update(job, "running").json["input"] == both  # it has said of none that it has it
    assert worker.update(job, "running", input_seq=0).json["input"] == both
    assert worker.update(job, "running", input_seq=1).json["input"] == both[1:]
    assert worker.update(job, "running", input_seq=3).json["input"] == []
    assert worker.update(job, "running").json["input"] == []
    assert worker.claim().json["updates"] == []


def test_input_answers_a_question(server, worker, job):
    question(worker, job, "q1")
    send_input(server, job["task_id"], "Ada", request_id="q1")
    assert task_of(server, job["task_id"])["status"] == "running"
    [news] = worker.claim(60, max=0).json["updates"]
    assert (news["status"], news["input"]) == ("running", [{"seq": 1, "data": "Ada"}])
    question(worker, job, "q2")
    send_input(server, job["task_id"], "Bob", request_id="q2")
    answer = worker.update(job, "running", input_seq=1)
    assert answer.json["input"] == [{"seq": 2, "data": "Bob"}]


def test_an_answered_question_that_is_told_again_stays_answered(server, worker, job):
    question(worker, job, "q1")
    send_input(server, job["task_id"], "Ada", request_id="q1")
    told = worker.update(job, "waiting_for_input", input_seq=0,
                         input_request={"request_id": "q1", "prompt": "Name?"}).json
    assert (told["status"], told["input"]) == ("running", [{"seq": 1, "data": "Ada"}])
    path = f"/api/v1/tasks/{job['task_id']}/input"
    second = server.request("POST", path, {"data": "Bob", "request_id": "q1"})
    assert code(second) == (409, "not_waiting")
    assert worker.update(job, "running").json["input"] == [{"seq": 1, "data": "Ada"}]


def test_the_next_attempt_is_given_none_of_the_input(server, queue, worker):
    submit(server, queue, interactive=True)
    first = worker.running()
    send_input(server, first["task_id"], "old")
    assert worker.update(first, "released").status == 200
    second = worker.running()
    assert worker.update(second, "running").json["input"] == []
    send_input(server, second["task_id"], "new")
    assert worker.update(second, "running").json["input"] == [{"seq": 1, "data": "new"}]


def test_input_lasts_across_a_restart(tmp_path):
    server = Server(tmp_path, TANDEM_EMBEDDED_SLOTS="0").start()
    worker = PollingWorker(server, "q")
    submit(server, "q", interactive=True)
    job = worker.running()
    send_input(server, job["task_id"], "one")
    send_input(server, job["task_id"], "two")
    server.kill()
    server.start()
    answer = worker.update(job, "running", input_seq=1)
    assert answer.json["input"] == [{"seq": 2, "data": "two"}]
    send_input(server, job["task_id"], "three")
    answer = worker.update(job, "running", input_seq=2)
    assert answer.json["input"] == [{"seq": 3, "data": "three"}]
    server.kill()


def test_the_two_sides_say_the_same(server, queue):
    worker = PollingWorker(server, queue)
    submit(server, queue)
    job = worker.job()
    for side in (WORKERS, POLLING):
        worker.side = side
        assert worker.update(job, "running").json["status"] == "running"
        assert worker.log(job, record("line\n")).json == {"committed": 1}
        assert worker.put(job, "o.txt", b"x").status == 201
        assert code(worker.input_file(job, "in.txt")) == (404, "not_found")
