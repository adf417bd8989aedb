"""What a task's callback_url is told, by a real server to a real one."""

import contextlib
import hashlib
import hmac
import http.server
import json
import queue
import threading

import pytest

from conftest import Server
from waiting import until


class Receiver:
    """Takes callbacks on a free port; `statuses` are the answers, the last one for ever."""

    def __init__(self, *statuses, location=None):
        self.statuses, self.location = list(statuses), location
        self.taken = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                many = len(receiver.statuses) > 1
                status = receiver.statuses.pop(0) if many else receiver.statuses[0]
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.taken.put((self.path, self.headers, body))

            def log_message(self, *arguments):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, host="127.0.0.1", path="/hook"):
        return f"http://{host}:{self.port}{path}"

    def next(self):
        return self.taken.get(timeout=60)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def receiver():
    with contextlib.closing(Receiver(204)) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def calling_server(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("calling"), TANDEM_ALLOW_PRIVATE_HOSTS="127.0.0.1"
    ).start()
    yield server
    server.stop()


def signature_is_good(server, headers, body):
    secret = server.request("GET", "/api/v1/callback-secret").json["callback_secret"]
    parts = dict(part.split("=", 1) for part in headers["Tandem-Signature"].split(","))
    signed = parts["t"].encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == parts["v1"]


@pytest.mark.parametrize(
    "script, status", [("echo done", "completed"), ("exit 3", "failed")]
)
def test_the_end_of_a_task_is_told(calling_server, receiver, script, status):
    task = calling_server.shell(script, callback_url=receiver.url())
    path, headers, body = receiver.next()
    told = json.loads(body)
    assert path == "/hook" and headers["Content-Type"] == "application/json"
    assert (told["task_id"], told["status"]) == (task["task_id"], status)
    assert told == calling_server.finished(task["task_id"])
    assert headers["Tandem-Delivery"].startswith(task["task_id"])
    assert signature_is_good(calling_server, headers, body)
    assert not signature_is_good(calling_server, headers, body + b" ")


def test_a_cancelled_task_is_told_of_too(calling_server, receiver):
    task = calling_server.shell("true", delay_s=3600, callback_url=receiver.url())
    calling_server.request("POST", f"/api/v1/tasks/{task['task_id']}/cancel")
    assert json.loads(receiver.next()[2])["status"] == "cancelled"


def test_each_end_is_told_of_under_its_own_id(calling_server, receiver):
    task = calling_server.shell("exit 1", callback_url=receiver.url())
    first = receiver.next()[1]["Tandem-Delivery"]
    calling_server.request("POST", f"/api/v1/tasks/{task['task_id']}/retry")
    _, headers, body = receiver.next()
    assert headers["Tandem-Delivery"] != first
    assert json.loads(body)["attempt"] == 2


def tries(server, result):
    """How many tries came to that, by the server's own count."""
    metrics = server.request("GET", "/metrics", token="admin").body.decode()
    name = f'tandem_callbacks_total{{result="{result}"}} '
    return sum(int(line.split()[-1]) for line in metrics.splitlines() if line.startswith(name))


def test_a_refusal_is_repeated_under_the_same_id(calling_server):
    before = {result: tries(calling_server, result) for result in ("taken", "failed")}
    with contextlib.closing(Receiver(500, 404, 200)) as receiver:
        calling_server.shell("true", callback_url=receiver.url())
        deliveries = [receiver.next()[1]["Tandem-Delivery"] for _ in range(3)]
        until(lambda: tries(calling_server, "taken") == before["taken"] + 1, "it is counted")
    assert len(set(deliveries)) == 1
    assert tries(calling_server, "failed") == before["failed"] + 2
    assert tries(calling_server, "given_up") == 0


def test_a_redirect_is_not_followed(calling_server, receiver):
    with contextlib.closing(Receiver(302, location=receiver.url())) as first:
        calling_server.shell("true", callback_url=first.url())
        first.next()
        first.next()  # a second try: the first has come to its end
    assert receiver.taken.empty()


def test_what_is_owed_survives_a_kill(tmp_path):
    server = Server(tmp_path, TANDEM_ALLOW_PRIVATE_HOSTS="127.0.0.1").start()
    try:
        with contextlib.closing(Receiver(503)) as receiver:
            task = server.shell("true", callback_url=receiver.url())
            receiver.next()
            server.kill()
            receiver.statuses = [200]
            server.start()
            told = json.loads(receiver.next()[2])
            assert (told["task_id"], told["status"]) == (task["task_id"], "completed")
    finally:
        server.kill()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "LOCALHOST.",
     "x.localhost", "[::1]", "[::ffff:127.0.0.1]", "0", "10.0.0.1", "169.254.169.254",
     "192.168.0.1", "[fe80::1]", "[fc00::1]", "224.0.0.1"],
)
def test_a_private_address_is_refused_in_every_spelling(server, host):
    body = {"payload": {"job_type": "shell", "script": "true"},
            "callback_url": f"http://{host}:8080/hook"}
    answer = server.request("POST", "/api/v1/tasks", body)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["field"] == "callback_url"
    batch = server.request("POST", "/api/v1/tasks/batch", {"tasks": [body]})
    assert batch.json["errors"][0]["field"] == "tasks[0].callback_url"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "http://user:word@example.com/", "//example.com/", "example.com"]
)
def test_only_http_without_a_user_is_taken(server, url):
    body = {"payload": {"job_type": "shell", "script": "true"}, "callback_url": url}
    assert server.request("POST", "/api/v1/tasks", body).status == 422
