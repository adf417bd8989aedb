"""Promise 15: each piece of input reaches the job at most once, in order, and only the attempt that
asked for it."""

import concurrent.futures

from ledger import ASKING_TYPE
from waiting import until

RIVALS = 8


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


def test_one_of_many_rivals_answers_each_question(world):
    server, ledger = world
    task_id = server.submit({"job_type": ASKING_TYPE, "questions": 10})["task_id"]
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
    payload = {"job_type": ASKING_TYPE, "questions": 3}
    task_id = server.submit(payload, max_attempts=2, retry_delay_s=0)["task_id"]
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
    notes = {attempt: [entry.event.split("=")[-1] for entry in ledger.entries()
                       if entry.task_id == task_id and entry.attempt == attempt]
             for attempt in (1, 2)}
    assert notes[1] in (["start", "old-1"], ["start", "old-1", "old-2"])
    assert notes[2] == ["start", "new-0", "new-1", "new-2", "end"]
