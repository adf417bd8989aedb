"""Promise 20: 200 followers that read nothing cost at most 1 MiB each, slow nobody down, and are
told what they have missed."""

import os
import time

import pytest

from conftest import Server
from processes import resident_bytes
from raw_http import RawConnection, request_bytes
from raw_websocket import RawWebSocket
from waiting import until

STALLED = 100  # of each kind
LOG_BYTES = 8_000_000
STALL_S = 2  # as long as this a reader is given to go on, before it gets a gap
MIB = 1 << 20
WAIT = 'until [ -e "$HOLD" ]; do sleep 0.05; done'
WRITE = 'yes "$(printf "%0199d" 7)" | head -c $BYTES'
FLOOD, LATE_FLOOD = f"{WRITE}; {WAIT}", f"{WAIT}; {WRITE}"


@pytest.fixture
def server(tmp_path):
    # Else a sanitizer keeps what was freed, and memory says nothing.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    server = Server(tmp_path, ASAN_OPTIONS=options, TANDEM_EMBEDDED_SLOTS="2").start()
    yield server
    server.stop()


def flood(server, size, hold):
    return server.shell(FLOOD, env={"BYTES": str(size), "HOLD": str(hold)})["task_id"]


def warm_up(server, done):
    """What a first large log costs once: caches, and memory that the allocator keeps."""
    task_id = flood(server, LOG_BYTES, done)
    server.finished(task_id)
    read_whole_log(server, task_id, LOG_BYTES)


def data_bytes(message):
    records = message.get("records", ())
    return sum(len(record["data"]) for record in records if record["stream"] == "stdout")


def read_whole_log(server, task_id, size):
    """A follower that keeps up; the number of records."""
    records = read = 0
    with RawWebSocket(server, f"/ws/{task_id}", server.token()) as socket:
        for message in socket.messages():
            assert message["type"] != "gap"
            read += data_bytes(message)
            records += len(message.get("records", ()))
            if read == size:
                return records
    raise AssertionError(f"closed after {read} bytes")


def time_of_a_quick_follower(server, hold):
    begin = time.monotonic()
    read_whole_log(server, flood(server, 1_000_000, hold), 1_000_000)
    return time.monotonic() - begin


def stalled_readers(server, task_id, count):
    """`count` of each kind, that have read no more than the beginning."""
    path = f"/api/v1/tasks/{task_id}/logs?follow=true"
    sockets, streams = [], []
    for _ in range(count):
        sockets.append(RawWebSocket(server, f"/ws/{task_id}", server.token(), 4096))
        assert sockets[-1].upgraded
        streams.append(RawConnection(server, 4096))
        streams[-1].send(request_bytes("GET", path, server.token()))
        streams[-1].read_until(b": begin")
    return sockets, streams


@pytest.mark.alone
def test_two_hundred_stalled_readers(server, tmp_path):
    hold, done = tmp_path / "hold", tmp_path / "done"
    done.touch()
    warm_up(server, done)
    alone_s = min(time_of_a_quick_follower(server, done) for _ in range(3))
    task_id = flood(server, LOG_BYTES, hold)
    before = resident_bytes(server.process.pid)
    sockets, streams = stalled_readers(server, task_id, STALLED)
    records = read_whole_log(server, task_id, LOG_BYTES)
    stalled_at = time.monotonic()
    beside_s = min(time_of_a_quick_follower(server, done) for _ in range(3))
    assert beside_s < 2 * alone_s + 0.2, f"{beside_s:.2f} s, alone {alone_s:.2f} s"
    grown = resident_bytes(server.process.pid) - before
    assert grown < 2 * STALLED * MIB, f"{grown / MIB:.0f} MiB for {2 * STALLED} readers"
    until(lambda: time.monotonic() - stalled_at > STALL_S + 0.5, "they have stalled")
    check_gap(server, task_id, sockets[0], records)
    check_events(streams[0], records)
    hold.touch()
    assert server.finished(task_id)["status"] == "completed"
    for connection in sockets + streams:
        connection.close()


def test_those_who_stall_over_what_was_there_before(server, tmp_path):
    done = tmp_path / "done"
    done.touch()
    warm_up(server, done)
    task_id = flood(server, LOG_BYTES, done)
    server.finished(task_id)
    before = resident_bytes(server.process.pid)
    sockets, streams = stalled_readers(server, task_id, STALLED)
    read_whole_log(server, task_id, LOG_BYTES)  # behind them: by now they have what they are given
    grown = resident_bytes(server.process.pid) - before
    assert grown < 2 * STALLED * MIB, f"{grown / MIB:.0f} MiB for {2 * STALLED} readers"
    for connection in sockets + streams:
        connection.close()


def test_one_stalled_reader_does_not_keep_a_large_log_in_memory(server, tmp_path):
    hold = tmp_path / "hold"
    env = {"BYTES": str(5 * LOG_BYTES), "HOLD": str(hold)}
    grown = []
    for stalled in (1, 1, 1):  # the first ones fill the caches of all
        hold.unlink(missing_ok=True)
        task_id = server.shell(LATE_FLOOD, env=env)["task_id"]
        sockets, streams = stalled_readers(server, task_id, stalled)
        before = resident_bytes(server.process.pid)
        hold.touch()
        assert server.finished(task_id)["log"]["bytes"] == 5 * LOG_BYTES
        grown.append(resident_bytes(server.process.pid) - before)
        for connection in sockets + streams:
            connection.close()
    assert grown[-1] < 2 * LOG_BYTES, [f"{one / MIB:.0f} MiB" for one in grown]


def check_gap(server, task_id, socket, records):
    """What came before the gap, the gap itself, and what it names make the whole log."""
    last = 0
    for message in socket.messages():
        for record in message.get("records", ()):
            assert record["seq"] == last + 1
            last += 1
        if message["type"] == "gap":
            assert message["from"] == f"1-{last}"
            assert message["to"] == f"1-{records}"
            break
    query = f"after=1-{last}"
    while query:
        page = server.request("GET", f"/api/v1/tasks/{task_id}/logs?{query}").json
        assert [item["seq"] for item in page["items"]] == list(
            range(last + 1, last + 1 + len(page["items"])))
        last += len(page["items"])
        query = page["next_cursor"] and "cursor=" + page["next_cursor"]
    assert last == records


def check_events(stream, records):
    """Server-sent events wait for their reader: all of them come, in order."""
    for seq in range(1, records + 1):
        stream.read_until(f"id: 1-{seq}\n".encode())
