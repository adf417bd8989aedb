"""The workers' side of a server, in memory, as docs/protocol.md tells it, for a worker to be tried
against: it can lose answers, fall silent and cut its sockets. It knows one worker."""

import collections
import hashlib
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websocket_end import WebSocketEnd

TOKEN = "tdw_played"


class Task:
    def __init__(self, payload, inputs, members):
        self.task_id = str(uuid.uuid4())
        self.payload, self.inputs, self.members = payload, inputs, members
        self.attempt, self.status, self.lease_until = 0, "pending", None
        self.starts, self.ends, self.log, self.outputs, self.input = [], [], [], {}, []
        self.cancel_requested, self.last = False, {}
        self.said = []  # statuses, as they came

    def job(self):
        files = [
            {"name": n, "size_bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()}
            for n, d in self.inputs.items()
        ]
        return {
            "task_id": self.task_id,
            "attempt": self.attempt,
            "payload": self.payload,
            "job_type": self.payload["job_type"],
            "inputs": files,
        } | self.members

    @property
    def text(self):
        return "".join(record["data"] for record in self.log)


class PlayedServer:
    def __init__(self, **poll):
        self.changed = threading.Condition()
        self.poll = {
            "interval_s": 0.1,
            "max_wait_s": 5,
            "lease_s": 30,
            "heartbeat_s": 0.3,
            "accept_timeout_s": 15,
            "reconnect_s": 1.5,
        } | poll
        self.tasks = collections.OrderedDict()
        self.socket, self.slots, self.frames = None, 0, []
        self.offers_socket, self.knows_claim, self.is_silent = True, True, False
        # "request" or "answer"; bytes: something on the way says them, and the request ends there.
        self.lose = lambda path: None
        self.send_input = lambda data: data  # what comes in its place
        # Of so many records of a batch: how many are kept, and whether the answer is 416.
        self.keep_log = lambda count: (count, False)
        self.is_deaf = False  # to those who would open a socket
        self.ack_beat = lambda ack: ack  # what is said in its place; None: nothing
        self.requests = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.serve(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/api/v1/polling"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        with self.changed:
            self.is_silent = self.is_deaf = False
            self.changed.notify_all()
        self.cut_socket()
        self.http.shutdown()
        self.http.server_close()

    def add(self, job_type, inputs=None, payload=None, **members):
        task = Task({"job_type": job_type} | (payload or {}), inputs or {}, members)
        with self.changed:
            self.tasks[task.task_id] = task
            self.push()
            self.changed.notify_all()
        return task

    def config(self):
        socket_url = self.url.replace("http", "ws") + "/ws"
        return {
            "registration_url": self.url + "/register",
            "polling_url": self.url + "/config",
            "job_update_url": self.url + "/update",
            "status_schema_url": self.url + "/config/statuses",
            "claim_url": self.url + "/claim" if self.knows_claim else None,
            "websocket_url": socket_url,
            "push_url": socket_url,
            "authentication": {
                "method": "bearer_token",
                "header": "Authorization",
                "prefix": "Bearer",
            },
            "poll": self.poll,
            "config_version": "1",
        }

    # What the server does.
    def offer(self, most):
        """Under the lock. Offers that were not accepted are given again."""
        given = [t for t in self.tasks.values() if t.status == "assigned"][:most]
        for task in self.tasks.values():
            if task.status == "pending" and len(given) < most:
                task.status, task.attempt = "assigned", task.attempt + 1
                given.append(task)
        return [task.job() for task in given]

    def push(self):
        for task in self.tasks.values():
            if not self.socket or self.slots <= 0 or task.status != "pending":
                continue
            task.status, task.attempt = "assigned", task.attempt + 1
            self.slots -= 1
            self.socket.send({"type": "assign", "job": task.job()})

    def update(self, said):
        """Under the lock."""
        task = self.tasks.get(said["task_id"])
        now = time.monotonic()
        if task is None or task.attempt != said["attempt"] or task.status == "pending":
            return self.refusal(said, "stale_attempt")
        if task.lease_until and now > task.lease_until:
            task.status, task.lease_until = "pending", None
            return self.refusal(said, "stale_attempt")
        is_final = said["status"] in ("completed", "failed", "cancelled", "released")
        if task.ends and not is_final:
            return self.refusal(said, "stale_attempt")
        if is_final and said["status"] != "released" and not task.ends:
            task.ends.append(len(task.log))
        task.said.append(said["status"])
        task.last = said
        task.status = "pending" if said["status"] == "released" else said["status"]
        task.lease_until = None if is_final else now + self.poll["lease_s"]
        return {
            "task_id": task.task_id,
            "attempt": task.attempt,
            "status": task.status,
            "cancel_requested": task.cancel_requested,
            "lease_expires_at": None,
            "input": task.input,
        }

    @staticmethod
    def refusal(said, code):
        error = {"code": code, "detail": "No."}
        return {"task_id": said["task_id"], "attempt": said["attempt"], "error": error}

    def append(self, task_id, said):
        """(committed, whether there is a gap)"""
        task = self.tasks[task_id]
        if said["first_seq"] > len(task.log) + 1:
            return len(task.log), True
        count, is_refused = self.keep_log(len(said["records"]))
        for i, record in enumerate(said["records"][:count]):
            if said["first_seq"] + i == len(task.log) + 1:
                task.log.append(record)
        return len(task.log), is_refused

    # How it is asked.
    def serve(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = re.sub(r"^.*?/polling", "", request.path.split("?")[0])
        with self.changed:
            self.requests.append((time.monotonic(), path))
            while self.is_silent:
                self.changed.wait(60)
        fate = self.lose(path)
        if fate == "request":
            return self.hang_up(request)
        if isinstance(fate, bytes):
            return self.answer(request, 200, fate, "text/html" if b"<" in fate else "")
        if request.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.answer(request, 401, {"code": "token_revoked", "detail": "It was revoked."})
        if path == "/ws":
            return self.talk(request)
        status, value = self.handle(request, path, body)
        if fate == "answer":
            return self.hang_up(request)
        return self.answer(request, status, value)

    def handle(self, request, path, body):
        with self.changed:
            if path == "/config":
                jobs = [] if "claim=false" in request.path else self.offer(1)
                return 200, self.config() | {"job": None, "jobs": jobs}
            if path == "/claim" and self.knows_claim:
                return 200, self.claim(json.loads(body))
            if path == "/update":
                said = json.loads(body)
                if "updates" in said:
                    return 200, {"updates": [self.update(one) for one in said["updates"]]}
                answer = self.update(said)
                return (409, answer["error"]) if "error" in answer else (200, answer)
        found = re.fullmatch(r"/tasks/([^/]+)/(\w+)(?:/(.*))?", path)
        if not found:
            return 404, {"code": "not_found", "detail": "What?"}
        task_id, what, name = found.groups()
        return self.handle_files(request, body, task_id, what, urllib.parse.unquote(name or ""))

    def handle_files(self, request, body, task_id, what, name):
        task = self.tasks[task_id]
        if what == "logs":
            with self.changed:
                committed, is_gap = self.append(task_id, json.loads(body))
            return (416 if is_gap else 202), {"committed": committed}
        if what == "inputs":
            return 200, self.send_input(task.inputs[name])
        digest = hashlib.sha256(body).hexdigest()
        assert request.headers["X-Sha256"] == digest
        assert request.headers["X-Attempt"] == str(task.attempt)
        task.outputs[name] = body
        return 201, {"name": name, "size_bytes": len(body), "sha256": digest}

    def claim(self, said):
        end = time.monotonic() + said["wait_s"]
        while True:
            jobs = self.offer(said["max"]) if said["max"] else []
            news = [t for t in self.tasks.values() if t.cancel_requested and not t.ends]
            left = end - time.monotonic()
            if jobs or news or left <= 0:
                updates = [{"task_id": t.task_id, "cancel_requested": True} for t in news]
                return {"jobs": jobs, "updates": updates}
            self.changed.wait(left)

    def answer(self, request, status, value, media_type=""):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        request.send_response(status)
        if media_type:
            request.send_header("Content-Type", media_type)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        try:
            request.wfile.write(data)
        except OSError:
            request.close_connection = True

    def hang_up(self, request):
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    def talk(self, request):
        if not self.offers_socket:
            return self.answer(request, 503, {"code": "overloaded", "detail": "No socket now."})
        if self.is_deaf:
            with self.changed:
                self.changed.wait_for(lambda: not self.is_deaf, 60)
            return self.hang_up(request)
        link = WebSocketEnd.accept(request, "tandem.worker.v1")
        with self.changed:
            if self.socket:
                self.socket.send(struct.pack(">H", 4409), 8)
            self.socket, self.slots = link, 0
            link.send({"type": "welcome", "worker_id": "w", "config": self.config()})
        try:
            while (frame := link.receive()) is not None:
                with self.changed:
                    self.frames.append(frame)
                    while self.is_silent:
                        self.changed.wait(60)
                    self.hear(link, frame)
        except OSError:
            pass
        request.close_connection = True
        with self.changed:
            self.socket = None if self.socket is link else self.socket
            self.changed.notify_all()

    def hear(self, link, frame):
        kind = frame["type"]
        if kind == "ready":
            self.slots = frame["slots_free"]
        if kind == "update":
            answers = [self.update(one) for one in frame.get("updates", [frame])]
            link.send({"type": "ack", "for": "update", "updates": answers})
        if kind == "heartbeat" and frame["tasks"]:
            self.renew(link, frame["tasks"])
        if kind == "logs":
            committed, is_gap = self.append(frame["task_id"], frame)
            ack = {"type": "ack", "for": "logs", "committed": committed}
            ack |= {key: frame[key] for key in ("task_id", "attempt")}
            if is_gap:
                ack["error"] = {"code": "range_not_satisfiable", "detail": "A gap."}
            link.send(ack)
        self.push()
        self.changed.notify_all()

    def renew(self, link, tasks):
        now, renewed = time.monotonic(), []
        for said in tasks:
            ids = {key: said[key] for key in ("task_id", "attempt")}
            task = self.tasks[said["task_id"]]
            if task.attempt == said["attempt"] and task.lease_until and now <= task.lease_until:
                task.lease_until = now + self.poll["lease_s"]
                renewed.append(ids)
                if task.cancel_requested:
                    link.send({"type": "cancel", "grace_s": 1} | ids)
            else:
                link.send({"type": "lost"} | ids)
        ack = self.ack_beat({"type": "ack", "for": "heartbeat", "tasks": renewed})
        if ack:
            link.send(ack)

    def beats(self, *named):
        """How many heartbeats have named just these tasks."""
        ids = sorted(task.task_id for task in named)
        beats = [frame["tasks"] for frame in self.frames if frame["type"] == "heartbeat"]
        return sum(sorted(one["task_id"] for one in tasks) == ids for tasks in beats)

    def cut_socket(self):
        with self.changed:
            if self.socket:
                self.socket.cut()
                self.socket = None

    def tell(self, message, opcode=1):
        with self.changed:
            self.socket.send(message, opcode)
