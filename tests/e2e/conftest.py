"""Real servers for the tests: on a free port, in a directory of their own, ended by the test."""

import json
import os
import pathlib
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from contract import check_answer
from foreign_service import ForeignService
from ledger import Ledger
from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/test/tandem"))
START_TIMEOUT_S = 30


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """One data directory, and the process that works on it; it may die and be started again."""

    def __init__(self, directory, **settings):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.settings = {
            "TANDEM_LISTEN": "127.0.0.1:0",
            "TANDEM_DATA_DIR": str(self.data),
            "TANDEM_HANDLERS_DIR": str(ROOT / "handlers"),
            "TANDEM_GRACE_S": "1",
            "TANDEM_DRAIN_TIMEOUT_S": "10",
        } | settings
        self.process = None
        self.tokens = {}
        self.tls = None  # an SSL context, where it speaks https

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM_", "TASK_"))}
        return clean | self.settings

    def start(self):
        (self.data / "server.json").unlink(missing_ok=True)
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve"], env=self.environment(), stdout=log, stderr=log
            )
        ready = self.data / "server.json"
        until(lambda: ready.exists() or self.process.poll() is not None, self.log, START_TIMEOUT_S)
        assert self.process.poll() is None, self.log()
        self.url = json.loads((self.data / "server.json").read_text())["url"]
        return self

    def log(self):
        return (self.directory / "server.log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(timeout=60) == 0, self.log()

    def client(self, name="tasks"):
        clients = json.loads((self.data / "clients.json").read_text())["clients"]
        return next(client for client in clients if client["name"] == name)

    def token(self, name="tasks"):
        if name not in self.tokens:
            client = self.client(name)
            form = {
                "grant_type": "client_credentials",
                "client_id": client["client_id"],
                "client_secret": client["client_secret"],
            }
            answer = self.request(
                "POST",
                "/token",
                urllib.parse.urlencode(form).encode(),
                {"Content-Type": "application/x-www-form-urlencoded"},
                token=None,
            )
            assert answer.status == 200, answer.body
            self.tokens[name] = answer.json["access_token"]
        return self.tokens[name]

    def request(self, method, path, body=None, headers=None, token="tasks", timeout=90):
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = "Bearer " + self.token(token)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.tls) as taken:
                answer = Answer(taken.status, taken.headers, taken.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers, error.read())
        check_answer(method, path, answer)
        return answer

    def submit(self, payload, **members):
        answer = self.request("POST", "/api/v1/tasks", {"payload": payload} | members)
        assert answer.status == 201, answer.body
        return answer.json

    def shell(self, script, **members):
        return self.submit({"job_type": "shell", "script": script}, **members)

    def finished(self, task_id):
        answer = self.request("GET", f"/api/v1/tasks/{task_id}?wait_s=60")
        assert answer.status == 200, answer.body
        assert answer.json["finished_at"], answer.body
        return answer.json

    def tandem(self, *arguments, text_in="", timeout=90, **more_environment):
        done = self.tandem_bytes(
            *arguments, bytes_in=text_in.encode(), timeout=timeout, **more_environment
        )
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def tandem_bytes(self, *arguments, bytes_in=b"", timeout=90, **more_environment):
        return subprocess.run(
            [BINARY, *map(str, arguments)],
            env=self.environment() | more_environment,
            input=bytes_in,
            capture_output=True,
            timeout=timeout,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    server = Server(tmp_path).start()
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def world(tmp_path):
    """A server of its own whose jobs keep a ledger, and the ledger."""
    ledger = Ledger(tmp_path)
    server = Server(tmp_path, TANDEM_HANDLERS_DIR=str(ledger.handlers)).start()
    yield server, ledger
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def service():
    service = ForeignService()
    yield service
    service.close()


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=15, help="kill -9 of the server under load")
    parser.addoption("--restarts", type=int, default=15, help="restarts under load")
    parser.addoption("--faults", type=int, default=6, help="pairs of faults at once, under load")
    parser.addoption("--seed", type=int, default=1, help="which faults")


@pytest.fixture
def make_line(tmp_path):
    """Servers with a worker of the network before a proxy, as often as a test asks for one."""
    from worker_line import WorkerLine  # which builds on this file

    lines = []

    def make(**settings):
        lines.append(WorkerLine(tmp_path, **settings))
        return lines[-1]

    yield make
    for line in lines:
        line.close()
