"""A service of somebody else's: it knows the six members of a polling configuration, hands out
plain jobs, and has its own words, header and prefix. It was written from that page alone and knows
nothing of Tandem. It can be told to misbehave."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ForeignService:
    """`jobs` wait to be handed out; `updates` are what was reported, in the order it came."""

    def __init__(self, header="X-Worker-Key", prefix="Key", token="t0ken-of-theirs"):
        self.lock = threading.Lock()
        self.header, self.prefix, self.token = header, prefix, token
        self.registration_token = "may-register"
        self.words = ["queued", "in_progress", "success", "error"]
        self.config_changes = {}
        self.jobs, self.updates, self.registrations = [], [], []
        self.requests = []  # (method, path, headers)
        self.faults = {}  # path → what is done in place of an answer
        self.update_path = "/report"
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.serve(self)

            def do_POST(self):
                service.serve(self)

            def log_message(self, *_):
                pass

        self.handler, self.port = Handler, 0
        self.open()
        self.url = f"http://127.0.0.1:{self.port}"

    def open(self):
        """Listens, again on the port that it had."""
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.is_open = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.is_open = False  # for connections that are kept
        self.server.shutdown()
        self.server.server_close()

    @property
    def config_url(self):
        return self.url + "/discover"

    def config(self):
        return {
            "registration_url": self.url + "/enlist",
            "polling_url": self.url + "/next-job",
            "job_update_url": self.url + self.update_path,
            "status_schema_url": self.url + "/words",
            "authentication": {
                "method": "api_key",
                "header": self.header,
                "prefix": self.prefix,
            },
            "job_response_template": {
                "task_id": "task-789",
                "payload": {"job_type": "image-processing"},
            },
        } | self.config_changes

    def add(self, task_id, payload):
        with self.lock:
            self.jobs.append({"task_id": task_id, "payload": payload})

    def statuses(self, task_id):
        with self.lock:
            return [u["status"] for u in self.updates if u["task_id"] == task_id]

    def last_update(self, task_id):
        with self.lock:
            return next((u for u in reversed(self.updates) if u["task_id"] == task_id), None)

    def seen(self, path):
        with self.lock:
            return [headers for _, p, headers in self.requests if p.split("?")[0] == path]

    def is_allowed(self, request, path):
        if path in ("/discover", "/words"):
            return True
        if path == "/enlist":
            given = request.headers.get("Authorization")
            return given == "Bearer " + self.registration_token
        return request.headers.get(self.header) == (self.prefix + " " + self.token).strip()

    def serve(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        path = request.path.split("?")[0]
        with self.lock:
            self.requests.append((request.command, request.path, dict(request.headers)))
            fault = self.faults.get(path)
        if not self.is_open:
            return hangs_up(request)
        if fault:
            return fault(request)
        if not self.is_allowed(request, path):
            return answer(request, 401, b"who are you?", "text/plain")
        handler = {
            "/discover": lambda: answer_json(request, self.config()),
            "/words": lambda: answer_json(request, {"statuses": self.words}),
            "/next-job": lambda: self.next_job(request),
            "/enlist": lambda: self.enlist(request, body),
            self.update_path: lambda: self.update(request, body),
        }.get(path)
        return handler() if handler else answer(request, 404, b"what?", "text/plain")

    def next_job(self, request):
        with self.lock:
            job = self.jobs.pop(0) if self.jobs else None
        if job is None:
            return answer(request, 204, b"")
        return answer_json(request, job)

    def enlist(self, request, body):
        with self.lock:
            self.registrations.append(json.loads(body))
        return answer_json(request, {"worker_token": self.token}, 201)

    def update(self, request, body):
        update = json.loads(body)
        if update["status"] not in self.words:
            return answer(request, 422, b"no word of ours", "text/plain")
        with self.lock:
            self.updates.append(update)
        return answer(request, 200, b"thanks", "text/plain")


def answer(request, status, body, media_type="application/json", headers=()):
    request.send_response(status)
    request.send_header("Content-Type", media_type)
    if status != 204:
        request.send_header("Content-Length", str(len(body)))
    for name, value in headers:
        request.send_header(name, value)
    request.end_headers()
    if status != 204:
        request.wfile.write(body)


def answer_json(request, value, status=200):
    answer(request, status, json.dumps(value).encode())


# What a service, or something on the way to it, may do in place of an answer.
def breaks(request):
    answer(request, 500, b"oh no", "text/plain")


def shows_a_page(request):
    answer(request, 200, b"<html><body>Please log in</body></html>", "text/html")


def redirects(request):
    answer(request, 302, b"", headers=[("Location", "http://127.0.0.1:1/elsewhere")])


def talks_nonsense(request):
    answer(request, 200, b'[1, "two", {"task_id": [')


def answers_other_json(request):
    answer(request, 200, b'{"weather": "fine", "jobs": "none"}')


def never_stops(request):
    """Says that 10 GB follow, and begins."""
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(10 * 2**30))
    request.end_headers()
    piece = b" " * 65536
    try:
        while True:
            request.wfile.write(piece)
    except OSError:
        request.close_connection = True


def hangs_up(request):
    request.connection.shutdown(socket.SHUT_RDWR)
    request.close_connection = True


def stays_silent(gate):
    """A connection that is open at one end only: no answer until the gate is opened."""

    def fault(request):
        gate.wait(60)
        request.close_connection = True

    return fault


FAILURES = [breaks, redirects, never_stops, hangs_up, shows_a_page]
# Whatever comes with a 200 has taken a report, but for a page: that is not the service's own.
BAD_ANSWERS = [
    (path, fault)
    for path in ("/discover", "/next-job", "/report")
    for fault in FAILURES + ([] if path == "/report" else [talks_nonsense])
]
