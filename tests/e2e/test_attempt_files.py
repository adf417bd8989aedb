"""Logs, outputs and inputs of an attempt: whole and exact, or not there."""

import base64
import hashlib
import io
import re
import zipfile

import pytest

from conftest import Server
from fleet_server import server  # noqa: F401
from multipart import CONTENT_TYPE, form
from polling_worker import POLLING, PollingWorker, code, log_of, new_queue, record, submit, task_of
from raw_http import RawConnection, request_bytes
from waiting import until

BYTES = bytes(range(256)) * 4
SHA = hashlib.sha256(BYTES).hexdigest()
BAD_NAMES = ["..", "../x", "/x", "a/b", "a\0b", "a\r\nb", "x" * 256, "\x7f", "."]


@pytest.fixture
def worker(server):
    return PollingWorker(server, new_queue())


@pytest.fixture
def job(server, worker):
    submit(server, worker.seen()["queues"][0])
    return worker.running()


def records_of(server, task_id):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs?limit=10000")
    return answer.json["items"]


def outputs(server, job):
    return {file["name"]: file for file in task_of(server, job["task_id"])["outputs"]}


def download(server, job, name):
    return server.request("GET", f"/api/v1/tasks/{job['task_id']}/download?name={name}")


def in_base64(data):
    return record(data_base64=base64.b64encode(data).decode())


def blobs(server):
    """The output files that are there, seen or not; also those on their way."""
    return [path for path in server.data.rglob("*") if path.is_file()
            and re.search(r"/(out(-\d+)?|tmp)/", str(path.relative_to(server.data)))]


def test_a_log_is_kept_byte_by_byte(server, worker, job):
    pieces = [b"plain\n", BYTES, "ä€😀\n".encode(), b"\xff\xfe", b"\x1b[31mred\x1b[0m\r\n"]
    for n, piece in enumerate(pieces, 1):
        answer = worker.log(job, in_base64(piece), first_seq=n)
        assert (answer.status, answer.json) == (202, {"committed": n})
    answer = worker.log(job, record("err\n", "stderr"), record("sys\n", "system"), first_seq=6)
    assert answer.json == {"committed": 7}
    assert worker.update(job, "completed").status == 200
    assert log_of(server, job["task_id"]) == b"".join(pieces) + b"err\n" + b"sys\n"
    kept = records_of(server, job["task_id"])
    assert [one["seq"] for one in kept] == list(range(1, 8))
    assert [one["stream"] for one in kept[4:]] == ["stdout", "stderr", "system"]
    assert {one["ts"] for one in kept} == {"2026-01-01T00:00:00.000Z"}
    assert task_of(server, job["task_id"])["log"] == {
        "records": 7, "bytes": sum(map(len, pieces)) + 8}


def test_a_gap_is_refused_and_told_where_to_go_on(server, worker, job):
    gap = worker.log(job, record(), first_seq=2)
    assert code(gap) == (416, "range_not_satisfiable") and gap.json["committed"] == 0
    assert worker.log(job, *[record(f"{n}\n") for n in range(1, 4)]).json == {"committed": 3}
    gap = worker.log(job, record(), first_seq=5)
    assert code(gap) == (416, "range_not_satisfiable") and gap.json["committed"] == 3
    assert gap.headers["Content-Type"] == "application/problem+json"
    assert worker.log(job, record("4\n"), first_seq=4).json == {"committed": 4}
    assert log_of(server, job["task_id"]) == b"1\n2\n3\n4\n"


def test_repeats_and_rewinds_change_nothing(server, worker, job):
    lines = [record(f"{n}\n") for n in range(1, 11)]
    assert worker.log(job, *lines[:6]).json == {"committed": 6}
    assert worker.log(job, *lines[:6]).json == {"committed": 6}
    assert worker.log(job, *[record("other\n")] * 3, first_seq=2).json == {"committed": 6}
    assert worker.log(job, *lines[3:], first_seq=4).json == {"committed": 10}
    assert log_of(server, job["task_id"]) == b"".join(b"%d\n" % n for n in range(1, 11))
    server_records = records_of(server, job["task_id"])
    assert [one["seq"] for one in server_records] == list(range(1, 11))


@pytest.mark.parametrize("change", [
    {"attempt": 0}, {"attempt": None}, {"first_seq": 0}, {"first_seq": -1}, {"first_seq": None},
    {"records": []}, {"records": None}, {"records": [1]}, {"records": [{}]}, {"surprise": 1},
    {"records": [record(stream="stdin")]}, {"records": [record(ts="yesterday")]},
    {"records": [record(data_base64="!")]}, {"records": [record(surprise=1)]},
    {"records": [{"ts": "2026-01-01T00:00:00.000Z", "stream": "stdout"}]},
    {"records": [record(data_base64="eA==") | {"data": "x"}]},
    {"records": [record("x" * 65_537)]}, {"records": [record()] * 10_001},
], ids=lambda one: str(one)[:40])
def test_what_is_no_log_is_refused(server, worker, job, change):
    body = {"attempt": 1, "first_seq": 1, "records": [record()]} | change
    answer = worker.request("POST", f"/tasks/{job['task_id']}/logs", body)
    assert code(answer) == (422, "validation_failed")
    assert log_of(server, job["task_id"]) == b""


def test_the_end_of_an_attempt_is_seen_behind_its_log(server, worker, job):
    for n in range(1, 51):
        assert worker.log(job, record(f"{n}\n"), first_seq=n).status == 202
    assert worker.update(job, "failed").status == 200
    assert task_of(server, job["task_id"])["log"]["records"] == 50
    assert log_of(server, job["task_id"]).count(b"\n") == 50


def test_a_log_lasts_across_a_restart(tmp_path):
    server = Server(tmp_path, TANDEM_EMBEDDED_SLOTS="0").start()
    worker = PollingWorker(server, "q")
    submit(server, "q")
    job = worker.running()
    assert worker.log(job, record("1\n"), record("2\n")).json == {"committed": 2}
    assert worker.put(job, "kept.txt", b"kept").status == 201
    server.kill()
    server.start()
    assert worker.log(job, record(), first_seq=4).json["committed"] == 2
    assert worker.log(job, record("2\n"), record("3\n"), first_seq=2).json == {"committed": 3}
    assert log_of(server, job["task_id"]) == b"1\n2\n3\n"
    assert worker.update(job, "completed").status == 200
    assert download(server, job, "kept.txt").body == b"kept"
    server.kill()


def test_an_output_is_there_whole(server, worker, job):
    answer = worker.put(job, "data.png", BYTES)
    expected = {"name": "data.png", "size_bytes": len(BYTES), "sha256": SHA,
                "content_type": "image/png"}
    assert (answer.status, answer.json) == (201, expected)
    assert outputs(server, job)["data.png"] == expected
    assert worker.put(job, "empty", b"").json["size_bytes"] == 0
    assert worker.put(job, "ä ö.txt", b"name").json["name"] == "ä ö.txt"
    assert worker.put(job, "data.png", b"second").status == 201  # in place of the first
    without = worker.put(job, "free.txt", b"free", headers={"X-Attempt": "1"})
    assert without.json["sha256"] == hashlib.sha256(b"free").hexdigest()
    assert worker.update(job, "completed").status == 200
    assert set(outputs(server, job)) == {"data.png", "empty", "ä ö.txt", "free.txt"}
    assert download(server, job, "data.png").body == b"second"


def test_a_large_output(server, worker, job):
    large = BYTES * (8 << 10)  # 8 MiB
    assert worker.put(job, "large", large).json["sha256"] == hashlib.sha256(large).hexdigest()
    assert worker.update(job, "completed").status == 200
    assert download(server, job, "large").body == large


def test_an_output_with_another_digest_is_not_there(server, worker, job):
    before = blobs(server)
    for wrong in (hashlib.sha256(b"other").hexdigest(), "x", "0" * 63, SHA[:-1] + "g"):
        assert code(worker.put(job, "bad.txt", BYTES, wrong)) == (422, "validation_failed"), wrong
    assert worker.put(job, "kept.txt", b"kept").status == 201
    assert worker.put(job, "kept.txt", b"other", SHA).status == 422
    assert set(outputs(server, job)) == {"kept.txt"}
    assert worker.update(job, "completed").status == 200
    assert download(server, job, "kept.txt").body == b"kept"
    assert code(download(server, job, "bad.txt")) == (404, "no_output")
    assert len(blobs(server)) == len(before) + 1


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_names_that_are_none(server, worker, job, name):
    assert worker.put(job, name, b"x").status in (400, 404, 422)
    assert outputs(server, job) == {}
    assert worker.input_file(job, name).status in (400, 404, 422)


@pytest.mark.parametrize("headers", [{}, {"X-Attempt": ""}, {"X-Attempt": "x"}, {"X-Attempt": "0"},
                                     {"X-Attempt": "-1"}, {"X-Attempt": "1x"},
                                     {"X-Attempt": "99999999999"}], ids=str)
def test_an_output_says_of_which_attempt_it_is(server, worker, job, headers):
    answer = worker.put(job, "x.txt", b"x", headers=headers | {"X-Sha256": SHA})
    assert code(answer) == (422, "validation_failed")
    assert answer.json["errors"][0]["field"] == "X-Attempt"
    path = f"/tasks/{job['task_id']}/inputs/x.txt"
    for query in ("", "?attempt=", "?attempt=0", "?attempt=x", "?attempt=1&x=1"):
        assert code(worker.request("GET", path + query)) == (422, "validation_failed"), query
    assert outputs(server, job) == {}


@pytest.mark.parametrize("length", [len(BYTES) + 1, 10 << 20])
def test_a_body_that_is_cut_leaves_nothing(server, worker, job, length):
    before = blobs(server)
    path = f"{POLLING}/tasks/{job['task_id']}/outputs/cut.bin"
    whole = request_bytes("PUT", path, worker.token, b"", X_Attempt="1", X_Sha256=SHA,
                          Content_Length=length)
    with RawConnection(server) as connection:
        connection.send(whole + BYTES)
    with RawConnection(server) as connection:  # chunks whose end never comes
        chunked = request_bytes("PUT", path, worker.token, X_Attempt="1", X_Sha256=SHA,
                                Transfer_Encoding="chunked")
        connection.send(chunked + b"%x\r\n" % len(BYTES) + BYTES + b"\r\n")
    until(lambda: blobs(server) == before, "what was cut is gone")
    assert worker.update(job, "completed").status == 200
    assert outputs(server, job) == {}


def test_an_output_in_chunks(server, worker, job):
    path = f"{POLLING}/tasks/{job['task_id']}/outputs/chunked.bin"
    chunked = request_bytes("PUT", path, worker.token, X_Attempt="1", X_Sha256=SHA,
                            Transfer_Encoding="chunked")
    with RawConnection(server) as connection:
        connection.send(chunked + b"%x\r\n" % len(BYTES) + BYTES + b"\r\n0\r\n\r\n")
        assert connection.read_answer().status == 201
    assert outputs(server, job)["chunked.bin"]["sha256"] == SHA


def test_an_attempt_that_ends_meanwhile_adds_no_output(server, worker, job):
    before = blobs(server)
    path = f"{POLLING}/tasks/{job['task_id']}/outputs/late.bin"
    head = request_bytes("PUT", path, worker.token, b"", X_Attempt="1", Content_Length=len(BYTES),
                         Expect="100-continue")
    with RawConnection(server) as connection:
        connection.send(head)
        connection.read_until(b"100 Continue\r\n\r\n")
        assert worker.update(job, "completed").status == 200
        connection.send(BYTES)
        assert code(connection.read_answer()) == (409, "stale_attempt")
    until(lambda: blobs(server) == before, "nothing of it is left")
    assert outputs(server, job) == {}


def test_the_next_attempt_begins_without_outputs(server, worker, job):
    assert worker.put(job, "old.txt", b"old").status == 201
    assert worker.update(job, "released").status == 200
    second = worker.running()
    assert worker.put(second, "new.txt", b"new").status == 201
    assert worker.update(second, "completed").status == 200
    assert set(outputs(server, second)) == {"new.txt"}
    assert code(download(server, second, "old.txt")) == (404, "no_output")


def test_what_an_earlier_attempt_made_is_removed(server, worker, job):
    before = blobs(server)
    assert worker.put(job, "a.txt", b"first").status == 201
    assert worker.put(job, "b.txt", b"first").status == 201
    assert worker.update(job, "released").status == 200
    second = worker.running()
    assert worker.put(second, "a.txt", b"second").status == 201
    assert len(blobs(server)) == len(before) + 1
    assert worker.update(second, "completed").status == 200
    assert download(server, second, "a.txt").body == b"second"


def test_outputs_from_before_each_attempt_had_a_folder_are_found(server, worker, job):
    for name in ("1", "out-1", "a.txt"):  # whatever an output was called
        assert worker.put(job, name, name.encode()).status == 201
    task_id = job["task_id"]
    files = server.data / "blobs/files" / task_id[-2:] / task_id
    (files / "out-1").rename(files / "out")
    assert worker.put(job, "later.txt", b"later").status == 201
    assert worker.update(job, "completed").status == 200
    assert download(server, job, "a.txt").body == b"a.txt"
    whole = server.request("GET", f"/api/v1/tasks/{task_id}/download")
    with zipfile.ZipFile(io.BytesIO(whole.body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "1": b"1", "out-1": b"out-1", "a.txt": b"a.txt", "later.txt": b"later"}
    assert server.request("DELETE", f"/api/v1/tasks/{task_id}").status == 204
    assert not files.exists()


def test_inputs_are_downloaded(server):
    queue = new_queue()
    worker = PollingWorker(server, queue)
    task = {"payload": {"job_type": "x"}, "queue": queue}
    made = server.request("POST", "/api/v1/tasks", form(task, {"in.bin": BYTES, "b.html": b"<b>"}),
                          CONTENT_TYPE)
    assert made.status == 201, made.body
    job = worker.job()
    told = {one["name"]: one for one in job["inputs"]}
    assert told["in.bin"] == {"name": "in.bin", "size_bytes": len(BYTES), "sha256": SHA}
    answer = worker.input_file(job, "in.bin")
    assert (answer.status, answer.body) == (200, BYTES)
    page = worker.input_file(job, "b.html")
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert code(worker.input_file(job, "other")) == (404, "not_found")
    assert code(worker.input_file(job, "in.bin", attempt=2)) == (409, "stale_attempt")
    assert code(PollingWorker(server, queue).input_file(job, "in.bin")) == (409, "stale_attempt")
    assert worker.update(job, "completed").status == 200
    assert code(worker.input_file(job, "in.bin")) == (409, "stale_attempt")
