"""`tandem worker` against a played server: channels, lost answers, logs, files, input."""

import random
import re
import time

import pytest

from played_worker import PAGE, ended, played, work  # noqa: F401
from waiting import until


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_each_mode_runs_tasks_with_logs_and_files(played, work, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    tasks = [server.add("lines") for _ in range(5)]
    with_files = server.add("files", {"in.txt": b"from far away" * 10_000})
    ended(with_files, worker)
    assert with_files.outputs == {"copy of it.txt": b"from far away" * 10_000}
    assert with_files.text == "1\n"
    for task in tasks:
        ended(task, worker)
        assert task.text == "".join(f"line {i}\n" for i in range(300))
        assert task.ends == [len(task.log)]
        assert task.said[0] == "running" and task.attempt == 1
    worker.stop()


def test_plain_polls_where_there_is_nothing_else(played, work):
    server = played()
    server.knows_claim = server.offers_socket = False
    worker = work(server)
    for task in [server.add("true") for _ in range(3)]:
        ended(task, worker)


def test_channel_changes_disturb_no_running_task(played, work, tmp_path):
    server = played()
    server.offers_socket = False
    worker = work(server)
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    assert any(path == "/claim" for _, path in server.requests)
    server.offers_socket = True
    until(lambda: server.socket, worker.log, 60)
    ended(server.add("true"), worker)
    server.offers_socket = False
    server.cut_socket()
    ended(server.add("true"), worker)
    (tmp_path / "go").touch()
    ended(task, worker)
    assert task.attempt == 1


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_lost_answers_lose_and_repeat_nothing(played, work, mode):
    server = played()
    chance = random.Random(7)
    fates = ["request", "answer", None, None, None]
    server.lose = lambda path: None if path in ("/ws", "/config") else chance.choice(fates)
    worker = work(server, TANDEM_WORKER_MODE=mode)
    tasks = [server.add("lines") for _ in range(6)]
    if mode == "push":
        for _ in range(4):
            until(lambda: server.socket, worker.log, 60)
            server.cut_socket()
    for task in tasks:
        ended(task, worker, within_s=90)
        assert task.text == "".join(f"line {i}\n" for i in range(300))
        assert task.ends == [len(task.log)]


def starts(worker):
    """Of all tasks of the job type `count`."""
    ledger = worker.handlers / "count.starts"
    return len(ledger.read_text().splitlines()) if ledger.exists() else 0


@pytest.mark.parametrize("body", [PAGE, b"{}", b""], ids=["page", "object", "nothing"])
@pytest.mark.parametrize("asked", ["/update", "/logs", "/outputs/"])
def test_what_something_on_the_way_answers_is_no_receipt(played, work, asked, body):
    server = played()
    server.offers_socket = False
    fates = iter([body] * 3)
    server.lose = lambda path: next(fates, None) if asked in path else None
    worker = work(server)
    task = server.add("count", {"in.txt": b"some data"})
    ended(task, worker)
    worker.stop()
    assert next(fates, None) is None  # all of them were met
    assert task.outputs == {"copy": b"some data"}
    assert sorted(task.text.splitlines()) == ["one", "two"]
    assert task.ends == [len(task.log)] and task.said[0] == "running" and task.attempt == 1
    assert starts(worker) == 1
    complaints = re.findall("Reporting fails|Sending logs fails", worker.log())
    assert len(complaints) == (0 if asked == "/outputs/" else 1)


@pytest.mark.parametrize("body", [PAGE, b"{}"], ids=["page", "object"])
def test_nothing_starts_before_the_server_itself_has_accepted_it(played, work, body):
    server = played()
    server.offers_socket = False
    server.lose = lambda path: body if path == "/update" else None
    worker = work(server)
    task = server.add("count", {"in.txt": b""})
    told = lambda: sum(path == "/update" for _, path in server.requests)
    until(lambda: told() >= 4, worker.log)
    assert starts(worker) == 0 and task.said == []
    server.lose = lambda path: None
    ended(task, worker)
    assert starts(worker) == 1


def cut_short(data):
    return data[:-1]


def altered(data):
    return b"X" + data[1:]


def grown(data):
    return data + b"x"


def a_page(_):
    return PAGE * 1000


def fetched(server):
    return [at for at, path in server.requests if "/inputs/" in path]


@pytest.mark.parametrize("damage", [cut_short, altered, grown, a_page])
def test_a_damaged_input_is_fetched_again(played, work, damage):
    server = played()
    damages = iter([damage] * 2)
    server.send_input = lambda data: next(damages, bytes)(data)
    worker = work(server)
    task = server.add("count", {"in.txt": b"far away" * 1000})
    ended(task, worker)
    assert task.outputs == {"copy": b"far away" * 1000}
    assert len(fetched(server)) == 3 and starts(worker) == 1


@pytest.mark.parametrize("damage", [altered, grown])
def test_an_input_that_stays_damaged_fails_its_task(played, work, damage):
    server = played()
    server.send_input = damage
    worker = work(server)
    task = server.add("count", {"in.txt": b"far away"})
    error = ended(task, worker, "failed", within_s=60)["error"]
    assert error["code"] == "inputs_unavailable" and "in.txt" in error["message"]
    at = fetched(server)
    assert len(at) == 8
    for i in range(7):  # each pause is twice as long as the one before, up to 5 s
        assert at[i + 1] - at[i] >= min(0.1 * 2**i, 5)
    assert starts(worker) == 0 and len(task.ends) == 1
    ended(server.add("true"), worker)


@pytest.mark.parametrize(
    "message, opcode, complaint",
    [
        (b"{", 1, "Reading a message fails"),
        (b'{"type":"assign","jobs":[7]}', 1, "Reading a message fails"),
        (b"\x00\xff", 2, "The socket has ended: 1003"),
        (b" " * (9 << 20), 1, "The socket has ended: 1009"),
    ],
    ids=["no JSON", "no job", "binary", "too long"],
)
def test_nonsense_over_the_socket_disturbs_no_task(
    played, work, tmp_path, message, opcode, complaint
):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE="push")
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    socket = server.socket
    ends = "ended" in complaint
    for _ in range(1 if ends else 3):
        server.tell(message, opcode)
    worker.logged(complaint)
    if ends:
        until(lambda: server.socket not in (None, socket), "it comes again")
    ended(server.add("true"), worker)
    (tmp_path / "go").touch()
    ended(task, worker)
    worker.stop()
    assert worker.log().count(complaint) == 1
    assert task.attempt == 1 and len(task.ends) == 1


def test_a_socket_that_is_never_opened_is_given_up_for_polls(played, work):
    server = played()
    server.is_deaf = True
    worker = work(server)
    task = server.add("true")
    ended(task, worker)
    worker.logged("The socket fails")
    ended(server.add("true"), worker)
    with server.changed:
        server.is_deaf = False
        server.changed.notify_all()
    until(lambda: server.socket, worker.log, 60)
    last = server.add("true")
    ended(last, worker)
    worker.stop()
    assert worker.log().count("The socket fails") == 1
    assert task.attempt == last.attempt == 1 and len(task.ends) == len(last.ends) == 1


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_a_log_goes_on_where_the_server_says(played, work, mode):
    server = played()
    chance = random.Random(5)
    server.keep_log = lambda count: (chance.randrange(count + 1), chance.random() < 0.5)
    worker = work(server, TANDEM_WORKER_MODE=mode)
    tasks = [server.add("lines") for _ in range(2)]
    for task in tasks:
        ended(task, worker, within_s=60)
        assert task.text == "".join(f"line {i}\n" for i in range(300))
        assert task.ends == [len(task.log)] and task.attempt == 1


@pytest.mark.parametrize("mode", ["polling", "push"])
@pytest.mark.parametrize("is_refused", [False, True])
def test_a_log_that_does_not_go_on_is_not_sent_without_a_pause(played, work, mode, is_refused):
    server = played()
    asked = []

    def keeps_nothing(count):
        asked.append(time.monotonic())
        return (0, is_refused) if len(asked) <= 6 else (count, False)

    server.keep_log = keeps_nothing
    worker = work(server, TANDEM_WORKER_MODE=mode)
    task = server.add("lines")
    ended(task, worker)
    assert asked[6] - asked[0] >= 6 * 0.04
    assert task.text == "".join(f"line {i}\n" for i in range(300))


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_a_log_that_the_server_has_lost_costs_nothing_but_the_log(played, work, tmp_path, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    worker.handler("both", f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo two")
    task = server.add("both")
    until(lambda: task.log, worker.log)
    with server.changed:
        task.log.clear()
    (tmp_path / "go").touch()
    ended(task, worker)
    assert task.ends == [0] and task.attempt == 1


@pytest.mark.parametrize("mode", ["polling", "push"])
def test_cancel_and_input_arrive(played, work, tmp_path, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    asking = server.add("ask")
    until(lambda: asking.status == "waiting_for_input", worker.log)
    assert asking.last["input_request"]["prompt"] == "Name?"
    asking.input.append({"seq": 1, "data": "Ada"})
    if mode == "push":
        ids = {"task_id": asking.task_id, "attempt": 1}
        server.tell({"type": "input", "seq": 1, "data": "Ada"} | ids)
        server.tell({"type": "input", "seq": 1, "data": "Ada"} | ids)
    ended(asking, worker)
    assert "Ada" in asking.text
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    with server.changed:
        task.cancel_requested = True
        server.changed.notify_all()
    ended(task, worker, "cancelled")


@pytest.mark.parametrize("mode", ["push", "hybrid"])
def test_a_configuration_may_come_at_any_time(played, work, tmp_path, mode):
    server = played()
    worker = work(server, TANDEM_WORKER_MODE=mode)
    task = server.add("wait")
    until((tmp_path / "begun").exists, worker.log)
    server.tell({"type": "config", "config": server.config()})  # nothing new
    with server.changed:
        server.poll["heartbeat_s"] = 0.2
    server.tell({"type": "config", "config": server.config()})
    worker.logged("configuration has changed")
    beats = server.beats(task)
    until(lambda: server.beats(task) >= beats + 3, worker.log)
    (tmp_path / "go").touch()
    ended(task, worker)
    ended(server.add("true"), worker)
    assert worker.log().count("configuration has changed") == 1
    assert "socket has ended" not in worker.log() and task.attempt == 1
