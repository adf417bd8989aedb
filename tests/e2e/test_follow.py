"""Promise 9 for followers: whoever reconnects at the place where the line broke has the whole log,
each record once, whatever happens in between."""

import json
import random

from raw_http import RawConnection, request_bytes
from raw_websocket import RawWebSocket
from waiting import until

LINES = 3000
SCRIPT = "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; done; exec sleep 600" % LINES
EXPECTED = "".join(f"{i}\n" for i in range(1, LINES + 1))


def take(records, seen):
    """Adds new records; the place of the last one."""
    for record in records:
        assert record["seq"] == len(seen) + 1
        seen.append(record)
    return len(seen)


def text_of(seen):
    return "".join(record["data"] for record in seen)


def follow_by_socket(server, task_id, seen):
    with RawWebSocket(server, f"/ws/{task_id}?after={len(seen)}", server.token()) as socket:
        left = random.randrange(1, 4)
        for message in socket.messages():
            take(message.get("records", ()), seen)
            left -= message["type"] == "log"
            if left <= 0 or text_of(seen) == EXPECTED:
                return


def follow_by_events(server, task_id, seen):
    path = f"/api/v1/tasks/{task_id}/logs"
    with RawConnection(server) as stream:
        stream.send(request_bytes("GET", path, server.token(), Accept="text/event-stream",
                                  Last_Event_ID=f"1-{len(seen)}"))
        for _ in range(random.randrange(1, 40)):
            if text_of(seen) == EXPECTED:
                return
            stream.read_until(b"\ndata: ")
            take([json.loads(stream.read_until(b"\n"))], seen)


def test_reconnecting_anywhere_gives_the_whole_log(server):
    for follow in (follow_by_socket, follow_by_events):
        task_id = server.shell(SCRIPT)["task_id"]
        seen = []
        until(lambda f=follow, t=task_id, s=seen: f(server, t, s) or text_of(s) == EXPECTED,
              lambda s=seen: f"{len(s)} records: {text_of(s)[-100:]}")
        assert server.request("POST", f"/api/v1/tasks/{task_id}/cancel").status == 202
        assert server.finished(task_id)["status"] == "cancelled"


def test_a_log_survives_a_kill_as_far_as_it_was_shown(own_server):
    server = own_server
    task_id = server.shell(SCRIPT)["task_id"]
    seen = []
    while not seen:
        follow_by_socket(server, task_id, seen)
    server.kill()
    server.start()
    assert server.finished(task_id)["error"]["code"] == "worker_lost"
    kept = server.request("GET", f"/api/v1/tasks/{task_id}/logs?limit=10000").json["items"]
    assert kept[:len(seen)] == seen
    assert [record["seq"] for record in kept] == list(range(1, len(kept) + 1))
    stdout = "".join(record["data"] for record in kept if record["stream"] == "stdout")
    assert EXPECTED.startswith(stdout)
