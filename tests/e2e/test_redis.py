"""Logs in Redis: others can read them there; what happens to Redis is told, and costs no job."""

import signal
import threading
import time
import urllib.request

import pytest

from conftest import Server
from redis_process import Redis
from waiting import until

RAW = {"Accept": "text/plain"}
TOLD_WITHIN_S, BACK_WITHIN_S = 2, 5


@pytest.fixture
def redis(tmp_path):
    redis = Redis(tmp_path / "redis").start()
    yield redis
    if redis.process.poll() is None:
        redis.kill()


@pytest.fixture
def server(tmp_path, redis):
    server = Server(tmp_path, TANDEM_LOGS_URL=redis.url).start()
    yield server
    if server.process.poll() is None:
        server.kill()


def key_of(task_id):
    return "tandem:log:{" + task_id + "}"


def text(server, task_id, query=""):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs{query}", headers=RAW)
    assert answer.status == 200, answer.body
    return answer.body.decode()


def records(server, task_id, query="?limit=1000"):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs{query}")
    assert answer.status == 200, answer.body
    return answer.json["items"]


def held_job(server, hold, before, after):
    """Says something, waits for the file, says something more."""
    wait = f"while [ ! -e {hold} ]; do sleep 0.02; done"
    return server.shell(f"{before}\n{wait}\n{after}")["task_id"]


def numbers(first, last):
    return f"seq {first} {last}"


def lines(first, last):
    return [str(i) for i in range(first, last + 1)]


def health(server):
    return server.request("GET", "/health", token=None)


def packed(redis, task_id):
    return redis.ask("exists", key_of(task_id)) == ["0"]


def test_a_live_log_is_read_with_redis_cli_alone(server, redis, tmp_path):
    hold = tmp_path / "hold"
    task_id = held_job(server, hold, "echo to stdout; echo to stderr >&2", "echo the end")
    key = key_of(task_id)
    until(lambda: redis.ask("xlen", key) == ["2"], "both lines are in the stream")
    assert redis.ask("zrange", "tandem:logs", "0", "-1") == [task_id]
    seen = redis.ask("xrange", key, "-", "+")
    assert seen[0].startswith("1-") and "stream" in seen and "data" in seen
    assert "to stdout" in seen and "to stderr" in seen
    assert redis.cli("xadd", key, "1-1", "data", "again").stdout.startswith(b"ERR")
    hold.touch()
    assert server.finished(task_id)["status"] == "completed"


def test_a_thousand_records_byte_for_byte(server, redis):
    script = "import os\nfor i in range(1000): os.write(1, bytes([i % 256, 255, 0, 10]) * 3)"
    task_id = server.submit({"job_type": "exec", "argv": ["python3", "-c", script]})["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    expected = b"".join(bytes([i % 256, 255, 0, 10]) * 3 for i in range(1000))
    get = lambda: server.request("GET", f"/api/v1/tasks/{task_id}/logs", headers=RAW).body
    assert get() == expected
    until(lambda: packed(redis, task_id), "it is packed")
    assert get() == expected


def test_a_follower_resumes_from_any_place(server, tmp_path):
    hold = tmp_path / "hold"
    task_id = held_job(server, hold, "for i in 1 2 3 4 5; do echo $i; sleep 0.02; done", "echo 6")
    until(lambda: text(server, task_id).splitlines() == lines(1, 5), "five lines")
    places = [f"1-{record['seq']}" for record in records(server, task_id)]
    whole = text(server, task_id)
    seen = {}

    def follow(place):
        request = urllib.request.Request(
            f"{server.url}/api/v1/tasks/{task_id}/logs?follow=true&after={place}",
            headers=RAW | {"Authorization": "Bearer " + server.token()},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            seen[place] = answer.read().decode()

    followers = [threading.Thread(target=follow, args=(place,)) for place in places]
    for follower in followers:
        follower.start()
    hold.touch()
    for follower in followers:
        follower.join()
    kept = {f"1-{record['seq']}": record["data"] for record in records(server, task_id)}
    for number, place in enumerate(places):
        behind = "".join(kept[p] for p in list(kept)[number + 1:])
        assert seen[place] == behind and behind.endswith("6\n")
    assert text(server, task_id) == whole + "6\n"


@pytest.mark.alone
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_redis_away_during_a_job_loses_nothing(server, redis, tmp_path, how):
    hold, last = tmp_path / "hold", tmp_path / "last"
    task_id = held_job(
        server, hold, numbers(1, 100),
        f"{numbers(101, 20000)}; touch {tmp_path}/wrote;"
        f"while [ ! -e {last} ]; do sleep 0.02; done; {numbers(20001, 20100)}")
    until(lambda: text(server, task_id).splitlines() == lines(1, 100), "the job has begun")
    redis.kill() if how == "killed" else redis.send(signal.SIGSTOP)
    hold.touch()
    until((tmp_path / "wrote").exists, "the job goes on")
    begin = time.monotonic()
    answer = server.request("GET", f"/api/v1/tasks/{task_id}/logs")
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert time.monotonic() - begin < TOLD_WITHIN_S
    assert until(lambda: health(server).json["logs"] == "unavailable", "health says so")
    assert health(server).status == 200 and health(server).json["status"] == "degraded"
    redis.start() if how == "killed" else redis.send(signal.SIGCONT)
    until(lambda: health(server).json["logs"] == "ready", "it is back", BACK_WITHIN_S)
    last.touch()
    assert server.finished(task_id)["status"] == "completed"
    assert text(server, task_id).splitlines() == lines(1, 20100)


@pytest.mark.parametrize("ended", [True, False])
def test_a_server_that_stops_while_redis_is_away_keeps_the_log(server, redis, tmp_path, ended):
    server.settings["TANDEM_DRAIN_TIMEOUT_S"] = "1"
    server.stop()
    server.start()
    hold, wrote = tmp_path / "hold", tmp_path / "wrote"
    task_id = held_job(server, hold, numbers(1, 100), f"{numbers(101, 5000)}; touch {wrote};"
                       + ("" if ended else "sleep 600"))
    until(lambda: text(server, task_id).splitlines() == lines(1, 100), "the job has begun")
    redis.send(signal.SIGSTOP)
    hold.touch()
    until(wrote.exists, "the job goes on")
    server.stop()
    redis.send(signal.SIGCONT)
    server.start()
    task = server.finished(task_id)
    assert task["status"] == ("completed" if ended else "failed")
    until(lambda: text(server, task_id).splitlines() == lines(1, 5000), "all of it is there")
    if ended:
        assert task["log"]["records"] == len(records(server, task_id))


def test_what_the_spool_cannot_hold_is_said(server, redis, tmp_path):
    hold, last = tmp_path / "hold", tmp_path / "last"
    task_id = held_job(
        server, hold, "echo begin",
        f"head -c 30000000 /dev/zero | tr '\\0' x; touch {tmp_path}/wrote;"
        f"while [ ! -e {last} ]; do sleep 0.02; done; echo; echo the end")
    until(lambda: text(server, task_id) == "begin\n", "the job has begun")
    redis.kill()
    hold.touch()
    until((tmp_path / "wrote").exists, "the job goes on")
    redis.start()
    last.touch()
    assert server.finished(task_id)["status"] == "completed"
    items, place = [], "1-0"
    while page := records(server, task_id, f"?limit=100&after={place}"):
        items += page
        place = f"1-{page[-1]['seq']}"
    assert [item["seq"] for item in items] == list(range(1, len(items) + 1))
    said = [item["data"] for item in items if item["stream"] == "system"]
    assert len(said) == 1 and said[0].startswith("Records cut here: ")
    cut = int(said[0].split("(")[1].split(" bytes")[0])
    kept = sum(len(item["data"]) for item in items if item["stream"] == "stdout")
    assert kept + cut == len("begin\n") + 30_000_000 + len("\nthe end\n")


def test_flushall_loses_only_what_is_said(server, redis, tmp_path):
    hold = tmp_path / "hold"
    task_id = held_job(server, hold, numbers(1, 50), numbers(51, 100))
    until(lambda: text(server, task_id).splitlines() == lines(1, 50), "the job has begun")
    lost = records(server, task_id)[-1]["seq"]
    redis.ask("flushall")
    hold.touch()
    assert server.finished(task_id)["status"] == "completed"
    first, *rest = records(server, task_id)
    assert (first["seq"], first["stream"]) == (lost, "system")
    said = f"Records missing here: {lost} (1 to {lost}); the log store has lost them.\n"
    assert first["data"] == said
    assert "".join(item["data"] for item in rest).splitlines() == lines(51, 100)


def test_a_finished_log_is_packed_and_read_as_before(server, redis):
    task_id = server.shell(numbers(1, 5000))["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    before = records(server, task_id)
    until(lambda: packed(redis, task_id), "it is packed")
    assert redis.ask("zrange", "tandem:logs", "0", "-1") in ([], [""])
    assert records(server, task_id) == before
    assert text(server, task_id).splitlines() == lines(1, 5000)
    place = before[len(before) // 2]
    assert records(server, task_id, f"?after=1-{place['seq']}&limit=1000") == [
        item for item in before if item["seq"] > place["seq"]]
    redis.kill()  # what is packed needs no Redis
    assert text(server, task_id).splitlines() == lines(1, 5000)
    redis.start()
    until(lambda: health(server).json["logs"] == "ready", "it is back", BACK_WITHIN_S)
    assert server.request("DELETE", f"/api/v1/tasks/{task_id}").status == 204
    assert not [path for path in server.data.rglob("*") if task_id in str(path)]


def test_a_retry_goes_on_behind_what_is_packed(server, redis):
    task_id = server.shell("echo attempt $TANDEM_ATTEMPT; false")["task_id"]
    assert server.finished(task_id)["status"] == "failed"
    until(lambda: packed(redis, task_id), "it is packed")
    assert server.request("POST", f"/api/v1/tasks/{task_id}/retry").status == 202
    until(lambda: server.finished(task_id)["attempt"] == 2, "the second attempt ends")
    assert text(server, task_id) == "attempt 1\nattempt 2\n"
    until(lambda: packed(redis, task_id), "it is packed again")
    assert text(server, task_id) == "attempt 1\nattempt 2\n"


def test_a_server_starts_while_redis_is_away(tmp_path, redis):
    redis.kill()
    server = Server(tmp_path / "late", TANDEM_LOGS_URL=redis.url)
    server.directory.mkdir()
    server.start()
    try:
        assert health(server).json["logs"] == "unavailable"
        assert "logs are away" in server.log()
        task_id = server.shell("echo hello")["task_id"]
        redis.start()
        assert server.finished(task_id)["status"] == "completed"
        assert text(server, task_id) == "hello\n"
    finally:
        server.stop()


def test_a_server_of_another_installation_sweeps_no_log(server, redis, tmp_path):
    hold = tmp_path / "hold"
    task_id = held_job(server, hold, "echo one", "echo two")
    until(lambda: redis.ask("exists", key_of(task_id)) == ["1"], "the log has begun")
    until(lambda: redis.ask("exists", "tandem:installation") == ["1"], "the mark is there")
    (tmp_path / "other").mkdir()
    other = Server(tmp_path / "other", TANDEM_LOGS_URL=redis.url).start()
    until(lambda: "The logs belong to installation " in other.log(), "the other one says so")
    hold.touch()
    assert server.finished(task_id)["status"] == "completed"
    assert text(server, task_id) == "one\ntwo\n"
    other.stop()
