"""Promise 15: each piece of input reaches the job at most once, in order, and only the attempt that
asked for it."""

import concurrent.futures

import pytest
from ledger import ASKING_TYPE
from waiting import until

RIVALS = 8
QUESTIONS = 8


def question_of(server, task_id, attempt, not_this=None):
    def asked():
        task = server.request("GET", f"/api/v1/tasks/{task_id}").json
        request = task["input_request"]
        is_new = request and task["attempt"] == attempt and request["request_id"] != not_this
        return request["request_id"] if is_new else None

    return until(asked, "it asks the next question")


def answer(server, task_id, request_id, data):
    path = f"/api/v1/tasks/{task_id}/input"
    return server.request("POST", path, {"data": data, "request_id": request_id})


def ask(server, questions, **members):
    payload = {"job_type": ASKING_TYPE, "questions": questions}
    return server.submit(payload, **members)["task_id"]


def notes(ledger, task_id, attempt):
    """What the job has noted, without the names of its questions."""
    return [entry.event.split("=")[-1] for entry in ledger.entries()
            if (entry.task_id, entry.attempt) == (task_id, attempt)]


def test_one_of_many_rivals_answers_each_question(world):
    server, ledger = world
    task_id = ask(server, 10)
    expected, request_id = ["start"], None
    with concurrent.futures.ThreadPoolExecutor(RIVALS) as pool:
        for _ in range(10):
            request_id = question_of(server, task_id, 1, request_id)
            tries = [pool.submit(answer, server, task_id, request_id, str(rival))
                     for rival in range(RIVALS)]
            answers = [one.result() for one in tries]
            taken = [i for i, one in enumerate(answers) if one.status == 202]
            assert len(taken) == 1, [one.body for one in answers]
            codes = {one.json["code"] for one in answers if one.status != 202}
            assert codes <= {"not_waiting", "already_finished"}, codes
            expected.append(f"{request_id}={taken[0]}")
    assert server.finished(task_id)["status"] == "completed"
    assert ledger.events(task_id) == expected + ["end"]


def test_an_answer_to_a_killed_attempt_does_not_reach_the_next(world):
    server, ledger = world
    task_id = ask(server, 3, max_attempts=2, retry_delay_s=0)
    first = question_of(server, task_id, 1)
    assert answer(server, task_id, first, "old-1").status == 202
    second = question_of(server, task_id, 1, first)
    assert answer(server, task_id, second, "old-2").status == 202
    server.kill()
    server.start()
    request_id = None
    for number in range(3):
        request_id = question_of(server, task_id, 2, request_id)
        assert answer(server, task_id, request_id, f"new-{number}").status == 202
    assert server.finished(task_id)["status"] == "completed"
    assert notes(ledger, task_id, 1) in (["start", "old-1"], ["start", "old-1", "old-2"])
    assert notes(ledger, task_id, 2) == ["start", "new-0", "new-1", "new-2", "end"]


def test_a_late_answer_is_not_taken_for_one_to_the_next_attempt(world):
    server, ledger = world
    task_id = ask(server, 1, max_attempts=2, retry_delay_s=0)
    first = question_of(server, task_id, 1)
    server.kill()
    server.start()
    second = question_of(server, task_id, 2)
    late = answer(server, task_id, first, "late")
    assert (late.status, late.json["code"]) == (409, "not_waiting")
    assert answer(server, task_id, second, "in-time").status == 202
    assert server.finished(task_id)["status"] == "completed"
    assert notes(ledger, task_id, 2) == ["start", "in-time", "end"]


def lost_answers(line):
    """Some of them of updates that ask, some of those that say how far the input has come."""
    line.proxy.drop_answers("/polling/update", 2)


def cut_connections(line):
    line.proxy.cut()


@pytest.mark.parametrize("mode, fault", [
    ("polling", lost_answers), ("polling", cut_connections), ("push", cut_connections)])
def test_input_comes_once_and_in_order_over_a_network_that_fails(make_line, mode, fault):
    line = make_line(TANDEM_RECONNECT_S="25")  # what is tried here is no loss
    line.worker("afar", mode=mode)
    task_id = ask(line.server, QUESTIONS)
    expected, request_id = ["start"], None
    for number in range(QUESTIONS):
        fault(line)  # on the way of the question, or of what became of the last answer
        request_id = question_of(line.server, task_id, 1, request_id)
        fault(line)
        assert answer(line.server, task_id, request_id, str(number)).status == 202
        again = answer(line.server, task_id, request_id, "again")
        assert again.status == 409, again.body
        fault(line)
        expected.append(f"{request_id}={number}")
    done = line.server.finished(task_id)
    assert (done["status"], done["attempt"]) == ("completed", 1), line.logs()
    assert line.ledger.events(task_id) == expected + ["end"]
    assert mode == "push" or fault is cut_connections or line.proxy.dropped > QUESTIONS


@pytest.mark.parametrize("mode", ["push", "polling"])
def test_an_answer_to_a_killed_worker_does_not_reach_the_next(make_line, mode):
    line = make_line(TANDEM_LEASE_S="5")
    first = line.worker("first", mode=mode)
    task_id = ask(line.server, 3, max_attempts=2, retry_delay_s=0)
    asked = question_of(line.server, task_id, 1)
    assert answer(line.server, task_id, asked, "old-1").status == 202
    asked = question_of(line.server, task_id, 1, asked)
    first.kill()
    # There is nobody to take it, and the server does not know that yet.
    assert answer(line.server, task_id, asked, "old-2").status in (202, 409)
    line.worker("second", mode=mode)
    asked = None
    for number in range(3):
        asked = question_of(line.server, task_id, 2, asked)
        assert answer(line.server, task_id, asked, f"new-{number}").status == 202
    assert line.server.finished(task_id)["status"] == "completed"
    assert notes(line.ledger, task_id, 1) == ["start", "old-1"]
    assert notes(line.ledger, task_id, 2) == ["start", "new-0", "new-1", "new-2", "end"]
