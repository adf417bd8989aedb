"""Clients that have files made, and download them as soon as they are said to be there."""

import hashlib

from ledger import NOTE
from unsure_client import Visitor, patience_of, says_something
from waiting import pause

JOB_TYPE = "making"
FILES, BYTES = 2, 150_000

HANDLER = NOTE + f"""note start
for number in $(seq {FILES}); do
  yes "file $number of attempt $TANDEM_ATTEMPT of $TANDEM_TASK_ID" |
    head -c {BYTES} > "$TANDEM_OUTPUT_DIR/made-$number"
done
note end
"""


def expected_file(number, task):
    line = f"file {number} of attempt {task['attempt']} of {task['task_id']}\n".encode()
    return (line * (BYTES // len(line) + 1))[:BYTES]


class Maker(Visitor):
    def __init__(self, *parts, ledger):
        super().__init__(*parts)
        self.found = []
        self.downloads = 0
        ledger.add_handler(JOB_TYPE, HANDLER.format(ledger=ledger.path))

    def act(self, is_over):
        patience = patience_of(is_over)
        task_id = self.submitted({"payload": {"job_type": JOB_TYPE, "count": 0},
                                  "max_attempts": 20, "retry_delay_s": 0.2}, patience)
        for task in self.looks(task_id, patience):
            if task["status"] == "completed":
                self.found += broken_outputs(task)
                self._download(task, patience)

    def _download(self, task, patience):
        for number in range(1, FILES + 1):
            answer = self.client.request("GET", path_of(task, number))
            while not says_something(answer) and not patience():
                pause()
                answer = self.client.request("GET", path_of(task, number))
            if says_something(answer):
                self.downloads += 1
                self.found += broken_download(task, number, answer)

    def violations(self, members, tasks):
        yield from self.found
        for task in tasks.values():
            if task["job_type"] != JOB_TYPE or task["status"] != "completed":
                continue
            yield from broken_outputs(task)
            for member in members:
                for number in range(1, FILES + 1):
                    answer = member.request("GET", path_of(task, number))
                    yield from broken_download(task, number, answer)


def path_of(task, number):
    return f"/api/v1/tasks/{task['task_id']}/download?name=made-{number}"


def broken_outputs(task):
    told = {(one["name"], one["size_bytes"], one["sha256"]) for one in task["outputs"]}
    made = {(f"made-{number}", BYTES, hashlib.sha256(expected_file(number, task)).hexdigest())
            for number in range(1, FILES + 1)}
    if told != made:
        yield f"{task['task_id']}: its files are said to be {told}"


def broken_download(task, number, answer):
    who = f"{task['task_id']}: file {number} of attempt {task['attempt']}"
    expected = expected_file(number, task)
    if answer.status != 200:
        yield f"{who} is not to be had: {answer.status} {answer.body!r}"
    elif answer.body != expected:
        yield f"{who} is another one: {len(answer.body)} bytes, {answer.body[:100]!r}"
    elif answer.headers["ETag"].strip('"') != hashlib.sha256(expected).hexdigest():
        yield f"{who} is whole, and has the tag {answer.headers['ETag']}"
