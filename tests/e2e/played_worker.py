"""`tandem worker` before a played server, with the jobs that its tests need."""

import pytest

from played_server import TOKEN, PlayedServer
from waiting import until
from worker_process import WorkerProcess

PAGE = b"<html><body>Please log in</body></html>"
FILES = """cat "$TANDEM_INPUT_DIR/in.txt" > "$TANDEM_OUTPUT_DIR/copy of it.txt"
echo "$TANDEM_ATTEMPT"
"""
LINES = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done"
COUNT = """echo x >> "$0.starts"; cat "$TANDEM_INPUT_DIR/in.txt" > "$TANDEM_OUTPUT_DIR/copy"
echo one; echo two >&2"""
ASK = """echo '{"type":"input_request","prompt":"Name?"}' >&3
read -r answer <&4; echo "got $answer" """


@pytest.fixture
def played():
    servers = []

    def play(**poll):
        servers.append(PlayedServer(**poll))
        return servers[-1]

    yield play
    for server in servers:
        server.close()


@pytest.fixture
def work(tmp_path):
    workers = []

    def start(server, **settings):
        settings = {"TANDEM_WORKER_TOKEN": TOKEN, "TANDEM_WORKER_MODE": "hybrid"} | settings
        worker = WorkerProcess(tmp_path, server.url + "/config", **settings)
        worker.handler("files", FILES)
        worker.handler("lines", LINES)
        worker.handler("ask", ASK)
        worker.handler("count", COUNT)
        worker.handler("true", "true")
        waits = f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
        worker.handler("wait", waits)
        worker.handler("stay", f"trap '' TERM; touch {tmp_path}/begun; sleep 600 & wait; sleep 600")
        workers.append(worker)
        return worker.start()

    yield start
    for worker in workers:
        worker.kill()


def ended(task, worker, status="completed", within_s=30):
    until(lambda: task.ends, lambda: f"{task.said}\n{worker.log()}", within_s)
    assert task.last["status"] == status, task.last
    return task.last
