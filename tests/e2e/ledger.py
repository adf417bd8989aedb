"""What jobs have really done, written down by themselves outside of the system.

Each event is one line, appended by one write and synced before the job goes on: task, attempt,
event, and the machine's uptime. Nothing of the server has a hand in it.
"""

import dataclasses
import pathlib

JOB_TYPE = "noted"
ASKING_TYPE = "asking"

# What a job in the shell begins with.
NOTE = """#!/bin/sh
note() {{
  read -r now idle < /proc/uptime
  printf '%s %s %s %s\\n' "$TANDEM_TASK_ID" "$TANDEM_ATTEMPT" "$1" "$now" >> '{ledger}'
  sync '{ledger}'
}}
"""

# COUNT: lines that it prints, each after PAUSE seconds. HOLD: a file that it waits for before it
# ends.
HANDLER = NOTE + """note start
i=0
while [ "$i" -lt "${{COUNT:-3}}" ]; do
  i=$((i + 1))
  [ -z "$PAUSE" ] || sleep "$PAUSE"
  echo "line $i of attempt $TANDEM_ATTEMPT"
done
[ -z "$HOLD" ] || until [ -e "$HOLD" ]; do sleep 0.02; done
note end
"""

# Asks payload.questions questions, one after the other, and notes each answer as it comes.
ASKING_HANDLER = """#!/usr/bin/python3 -SE
import json, os

task, attempt = os.environ["TANDEM_TASK_ID"], os.environ["TANDEM_ATTEMPT"]
ledger = os.open("{ledger}", os.O_WRONLY | os.O_APPEND)

def note(event):
    with open("/proc/uptime") as file:
        now = file.read().split()[0]
    os.write(ledger, f"{{task}} {{attempt}} {{event}} {{now}}\\n".encode())
    os.fsync(ledger)

with open(os.environ["TANDEM_PAYLOAD_FILE"]) as file:
    questions = json.load(file)["questions"]
control, answers = os.fdopen(3, "w", buffering=1), os.fdopen(4)
note("start")
for number in range(questions):
    control.write(json.dumps({{"type": "input_request", "prompt": f"{{number}}?"}}) + "\\n")
    answer = json.loads(answers.readline())
    note(answer["request_id"] + "=" + answer["data"])
note("end")
"""


def noted(count=3, hold=None, pause=None, **members):
    """The task whose job prints `count` lines, waits for the file `hold`, and ends."""
    env = {"COUNT": str(count)} | ({"HOLD": str(hold)} if hold else {})
    env |= {"PAUSE": str(pause)} if pause else {}
    return {"payload": {"job_type": JOB_TYPE, "count": count}, "env": env} | members


def expected_output(count, attempt):
    return "".join(f"line {i + 1} of attempt {attempt}\n" for i in range(count))


@dataclasses.dataclass(frozen=True)
class Entry:
    task_id: str
    attempt: int
    event: str
    at_s: float


class Ledger:
    """A ledger, and a directory of handlers with the job `noted` that writes into it."""

    def __init__(self, directory):
        self.path = pathlib.Path(directory) / "ledger"
        self.path.touch()
        self.handlers = pathlib.Path(directory) / "handlers"
        self.handlers.mkdir()
        self.add_handler(JOB_TYPE, HANDLER.format(ledger=self.path))
        self.add_handler(ASKING_TYPE, ASKING_HANDLER.format(ledger=self.path))

    def add_handler(self, name, text):
        handler = self.handlers / name
        handler.write_text(text)
        handler.chmod(0o755)

    def entries(self):
        whole, _, _ = self.path.read_text().rpartition("\n")  # the last line may be under way
        return [Entry(task, int(attempt), event, float(at))
                for task, attempt, event, at in (line.split() for line in whole.splitlines())]

    def events(self, task_id):
        return [entry.event for entry in self.entries() if entry.task_id == task_id]
