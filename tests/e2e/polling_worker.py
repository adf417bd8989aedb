"""A worker that polls, and does exactly what a test tells it."""

import concurrent.futures
import contextlib
import hashlib
import itertools
import urllib.parse

from waiting import until

POLLING = "/api/v1/polling"
WORKERS = "/api/v1/workers"
NUMBERS = itertools.count()

# What a worker is registered with, what a task asks for, and whether it may have the task. However
# it comes for it.
WHO_MAY = [
    ({"labels": {"gpu": "", "zone": "eu"}}, {"requires": ["gpu"]}, True),
    ({"labels": {"gpu": "", "zone": "eu"}}, {"requires": ["gpu", "zone=eu"]}, True),
    ({"labels": {"zone": "us"}}, {"requires": ["zone=eu"]}, False),
    ({}, {"requires": ["gpu"]}, False),
    ({"job_types": ["anything"]}, {}, True),
    ({"job_types": ["other"]}, {}, False),
    ({"queues": ["elsewhere"]}, {}, False),
]


def new_queue():
    """A queue that no other test has."""
    return f"queue-{next(NUMBERS)}"


def submit(server, queue, **members):
    """A task that nobody but the workers of this queue may have."""
    members.setdefault("retry_delay_s", 0)
    return server.submit({"job_type": "anything"}, queue=queue, **members)["task_id"]


def task_of(server, task_id):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}", token="admin")
    assert answer.status == 200, answer.body
    return answer.json


def log_of(server, task_id):
    path = f"/api/v1/tasks/{task_id}/logs"
    return server.request("GET", path, headers={"Accept": "text/plain"}, token="admin").body


def send_input(server, task_id, data, **members):
    answer = server.request("POST", f"/api/v1/tasks/{task_id}/input", {"data": data} | members)
    assert answer.status == 202, answer.body


def cancel(server, task_id):
    assert server.request("POST", f"/api/v1/tasks/{task_id}/cancel").status in (200, 202)


def code(answer):
    return answer.status, answer.json.get("code")


def record(data="line\n", stream="stdout", **members):
    text = {"data": data} if "data_base64" not in members else {}
    return {"ts": "2026-01-01T00:00:00.000Z", "stream": stream} | text | members


class PollingWorker:
    def __init__(self, server, queue=None, side=POLLING, **members):
        self.server, self.side = server, side
        members = {"name": f"poller-{next(NUMBERS)}"} | members
        if queue:
            members["queues"] = [queue]
        answer = server.request("POST", side + "/register", members, token="admin")
        assert answer.status == 201, answer.body
        self.id, self.token = answer.json["worker_id"], answer.json["worker_token"]

    def request(self, method, path, body=None, headers=None):
        headers = {"Authorization": "Bearer " + self.token} | (headers or {})
        return self.server.request(method, self.side + path, body, headers, token=None)

    def claim(self, wait_s=0, **members):
        return self.request("POST", "/claim", {"wait_s": wait_s} | members)

    def jobs(self, wait_s=0, **members):
        answer = self.claim(wait_s, **members)
        assert answer.status == 200, answer.body
        return answer.json["jobs"]

    def job(self, wait_s=30):
        """The only one that there is for it."""
        jobs = self.jobs(wait_s)
        assert len(jobs) == 1, jobs
        return jobs[0]

    def running(self, wait_s=30, **members):
        """A job that it has accepted."""
        job = self.job(wait_s)
        assert self.update(job, "running", **members).status == 200
        return job

    def update(self, job, status, **members):
        return self.request("POST", "/update", update(job, status, **members))

    def log(self, job, *records, first_seq=1, attempt=None):
        body = {"attempt": attempt or job["attempt"], "first_seq": first_seq,
                "records": list(records)}
        return self.request("POST", f"/tasks/{job['task_id']}/logs", body)

    def put(self, job, name, data, sha256=None, headers=None):
        if headers is None:
            digest = sha256 or hashlib.sha256(data).hexdigest()
            headers = {"X-Attempt": str(job["attempt"]), "X-Sha256": digest}
        path = f"/tasks/{job['task_id']}/outputs/{urllib.parse.quote(name, safe='')}"
        return self.request("PUT", path, data, headers)

    def input_file(self, job, name, attempt=None):
        path = f"/tasks/{job['task_id']}/inputs/{urllib.parse.quote(name, safe='')}"
        return self.request("GET", f"{path}?attempt={attempt or job['attempt']}")

    def seen(self):
        answer = self.server.request("GET", f"{WORKERS}/{self.id}", token="admin")
        assert answer.status == 200, answer.body
        return answer.json

    def control(self, verb):
        path = f"{WORKERS}/{self.id}/{verb}"
        assert self.server.request("POST", path, token="admin").status == 200

    def until_it_waits(self):
        until(lambda: self.seen()["channel"] == "polling", "its poll waits")


def update(job, status, **members):
    return {"task_id": job["task_id"], "attempt": job["attempt"], "status": status} | members


@contextlib.contextmanager
def waiting(*workers, wait_s=60, **members):
    """A poll of each worker, that waits by now; as futures of their answers."""
    with concurrent.futures.ThreadPoolExecutor(len(workers)) as pool:
        polls = [pool.submit(worker.claim, wait_s, **members) for worker in workers]
        for worker in workers:
            worker.until_it_waits()
        yield polls
