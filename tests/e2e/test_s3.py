"""Files of tasks in an S3 service: in, out, in parts, over a restart; what it refuses is told."""

import concurrent.futures
import hashlib
import http.client
import io
import threading
import time
import urllib.request
import zipfile

import pytest

from conftest import Server
from fault_proxy import FaultProxy
from multipart import CONTENT_TYPE, form
from polling_worker import PollingWorker, code, submit
from redis_process import Redis
from s3_process import S3
from waiting import until

SETTINGS = 78
LARGE_OUTPUT = 'head -c 40000000 /dev/urandom > "$TANDEM_OUTPUT_DIR/large"'


@pytest.fixture
def s3(tmp_path):
    s3 = S3(tmp_path / "s3").start()
    yield s3
    if s3.process.poll() is None:
        s3.kill()


@pytest.fixture
def server(tmp_path, s3):
    server = Server(tmp_path, **s3.settings).start()
    yield server
    if server.process.poll() is None:
        server.kill()


def submit_with_files(server, script, files):
    task = {"payload": {"job_type": "shell", "script": script}}
    answer = server.request("POST", "/api/v1/tasks", form(task, files), CONTENT_TYPE)
    assert answer.status == 201, answer.body
    return answer.json["task_id"]


def download(server, task_id, query="", **headers):
    return server.request("GET", f"/api/v1/tasks/{task_id}/download{query}", headers=headers)


def test_inputs_and_outputs_live_in_the_bucket(server, s3):
    content = bytes(range(256)) * 4000
    task_id = submit_with_files(
        server, 'cp "$TANDEM_INPUT_DIR/in.bin" "$TANDEM_OUTPUT_DIR/out.bin";'
        'echo hello > "$TANDEM_OUTPUT_DIR/a text.txt"', {"in.bin": content})
    task = server.finished(task_id)
    assert task["status"] == "completed", task
    assert {o["name"]: o["sha256"] for o in task["outputs"]}["out.bin"] == (
        hashlib.sha256(content).hexdigest())
    place = f"tandem/files/{task_id[-2:]}/{task_id}"
    assert s3.keys() == [f"{place}/in/in.bin", f"{place}/out-1/a text.txt",
                         f"{place}/out-1/out.bin"]
    assert not list((server.data / "spool").iterdir())

    def all_is_there():
        assert download(server, task_id, "?name=out.bin").body == content
        part = download(server, task_id, "?name=out.bin", Range="bytes=1000-1999")
        assert (part.status, part.body) == (206, content[1000:2000])
        archive = zipfile.ZipFile(io.BytesIO(download(server, task_id).body))
        assert archive.read("out.bin") == content and archive.read("a text.txt") == b"hello\n"

    all_is_there()
    server.kill()
    server.start()
    all_is_there()
    assert server.request("DELETE", f"/api/v1/tasks/{task_id}").status == 204
    assert s3.keys() == []


class HeldPut(FaultProxy):
    """The first upload for a key that ends so waits until it is let go."""

    def __init__(self, server, key):
        super().__init__(server)
        self.key, self.seen, self.let_go = key, threading.Event(), threading.Event()

    def pass_on(self, data, direction, to):
        line = data.split(b"\r\n", 1)[0]
        if line.startswith(b"PUT ") and self.key in line and not self.seen.is_set():
            self.seen.set()
            assert self.let_go.wait(60)
        super().pass_on(data, direction, to)


def test_an_upload_of_a_lost_attempt_replaces_nothing(tmp_path, s3):
    proxy = HeldPut(s3, b"/result.txt")
    s3.reached_at = proxy.url
    server = Server(tmp_path, **s3.settings, TANDEM_EMBEDDED_SLOTS="0").start()
    try:
        first, second = PollingWorker(server, "q"), PollingWorker(server, "q")
        submit(server, "q")
        job = first.running()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            late = pool.submit(first.put, job, "result.txt", b"of the first")
            assert proxy.seen.wait(60)
            assert first.update(job, "released").status == 200
            again = second.running()
            assert second.put(again, "result.txt", b"of the second").status == 201
            proxy.let_go.set()
            assert code(late.result(60)) == (409, "stale_attempt")
        assert second.update(again, "completed").status == 200
        answer = download(server, job["task_id"], "?name=result.txt")
        assert (answer.status, answer.body) == (200, b"of the second")
    finally:
        server.stop()
        proxy.close()


class CountedLine(FaultProxy):
    """Counts the bytes that come from the server."""

    def __init__(self, server):
        super().__init__(server)
        self.received = 0

    def pass_on(self, data, direction, to):
        if direction == "to_worker":
            self.received += len(data)
        super().pass_on(data, direction, to)


def test_a_large_output_is_fetched_as_it_is_read(tmp_path, s3):
    line = CountedLine(s3)
    s3.reached_at = line.url
    server = Server(tmp_path, **s3.settings).start()
    try:
        task_id = server.shell(LARGE_OUTPUT)["task_id"]
        digest = server.finished(task_id)["outputs"][0]["sha256"]
        line.received = 0
        part = download(server, task_id, "?name=large", Range="bytes=30000000-30000099")
        assert (part.status, len(part.body)) == (206, 100)
        assert line.received < 1_000_000
        whole = download(server, task_id, "?name=large")
        assert hashlib.sha256(whole.body).hexdigest() == digest
        assert whole.body[30000000:30000100] == part.body
        archive = zipfile.ZipFile(io.BytesIO(download(server, task_id).body))
        assert archive.read("large") == whole.body
    finally:
        server.stop()
        line.close()


@pytest.mark.alone
def test_a_download_that_the_service_breaks_does_not_look_whole(server, s3):
    task_id = server.shell(LARGE_OUTPUT)["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    for query in ("?name=large", ""):
        request = urllib.request.Request(
            f"{server.url}/api/v1/tasks/{task_id}/download{query}",
            headers={"Authorization": "Bearer " + server.token()})
        with urllib.request.urlopen(request, timeout=60) as answer:
            s3.kill()
            with pytest.raises((http.client.HTTPException, OSError)):
                answer.read()
        assert download(server, task_id, query).status == 503
        s3.start()


@pytest.mark.alone
def test_while_the_service_is_away_it_is_told_and_comes_back(server, s3):
    task_id = server.shell('echo x > "$TANDEM_OUTPUT_DIR/x"')["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    s3.kill()
    begin = time.monotonic()
    answer = download(server, task_id, "?name=x")
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert time.monotonic() - begin < 2
    health = lambda: server.request("GET", "/health", token=None)
    until(lambda: health().json["files"] == "unavailable", "health says so")
    assert (health().status, health().json["status"]) == (200, "degraded")
    s3.start()
    until(lambda: download(server, task_id, "?name=x").body == b"x\n", "it is back", 5)
    until(lambda: health().json["status"] == "ok", "health says that too")


def test_settings_that_lack_something_are_refused(tmp_path, s3):
    server = Server(tmp_path)
    for settings, named in [
        ({"TANDEM_BLOBS_URL": "s3://bucket"}, "TANDEM_S3_ACCESS_KEY"),
        ({"TANDEM_BLOBS_URL": "s3://b?x=1"} | {"TANDEM_S3_ACCESS_KEY": "a"}, "TANDEM_BLOBS_URL"),
        ({"TANDEM_BLOBS_URL": "http://x"}, "TANDEM_BLOBS_URL"),
    ]:
        done = server.tandem("serve", **settings)
        assert done.returncode == SETTINGS and named in done.stderr, done.stderr


def test_logs_in_redis_are_packed_into_the_bucket(tmp_path, s3):
    redis = Redis(tmp_path / "redis").start()
    server = Server(tmp_path, **s3.settings, TANDEM_LOGS_URL=redis.url).start()
    try:
        task_id = server.shell("seq 1 1000")["task_id"]
        assert server.finished(task_id)["status"] == "completed"
        until(lambda: any(key.endswith("/log/records.zst") for key in s3.keys()), "it is packed")
        text = server.request("GET", f"/api/v1/tasks/{task_id}/logs",
                              headers={"Accept": "text/plain"}).body.decode()
        assert text.split() == [str(i) for i in range(1, 1001)]
    finally:
        server.stop()
        redis.kill()
