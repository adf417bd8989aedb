"""Promise 17: after a forced delete nothing is left, whatever happens on the way."""

import concurrent.futures

from multipart import CONTENT_TYPE, form
from raw_http import RawConnection, request_bytes
from raw_websocket import RawWebSocket
from traces import blobs_of, traces_of
from waiting import until, until_written

SCRIPT = """
setsid sleep 600 & (sleep 600 &)
trap '' TERM
cp "$TANDEM_INPUT_DIR/in.txt" "$TANDEM_OUTPUT_DIR/out.txt"
head -c 300000 /dev/zero | tr '\\0' x; echo
echo up
sleep 600
"""


def submit_with_file(server, script, **members):
    task = {"payload": {"job_type": "shell", "script": script}} | members
    body = form(task, {"in.txt": b"hello" * 1000})
    answer = server.request("POST", "/api/v1/tasks", body, CONTENT_TYPE)
    assert answer.status == 201, answer.body
    return answer.json["task_id"]


def log_of(server, task_id):
    raw = {"Accept": "text/plain"}
    return server.request("GET", f"/api/v1/tasks/{task_id}/logs", headers=raw).body


def running(server):
    task_id = submit_with_file(server, SCRIPT)
    until(lambda: log_of(server, task_id).endswith(b"up\n"), "the job says that it is up")
    return task_id


def test_a_running_task_goes_with_all_that_belongs_to_it(own_server):
    server = own_server
    task_id = running(server)
    server.request("POST", f"/api/v1/tasks/{task_id}/input", {"data": "x"})
    path = f"/api/v1/tasks/{task_id}"
    socket = RawWebSocket(server, path + "/ws", server.token())
    events = RawConnection(server)
    events.send(request_bytes("GET", path + "/logs?follow=true", server.token()))
    events.read_until(b"event: log")
    assert len(traces_of(server, task_id)) >= 4
    assert server.request("DELETE", path + "?force=true").status == 204
    assert traces_of(server, task_id) == []
    assert [m for m in socket.messages() if m["type"] == "error"][-1]["code"] == "not_found"
    assert socket.close_code == 1000
    events.read_until(b"event: end\ndata: {\"status\":\"deleted\"}")
    assert server.request("GET", path).status == 404
    server.kill()
    server.start()
    assert server.request("GET", path).status == 404
    assert traces_of(server, task_id) == []


def test_a_kill_in_the_middle_leaves_all_or_nothing(own_server):
    server = own_server
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in range(4):
            task_id = submit_with_file(server, "echo done; echo x > $TANDEM_OUTPUT_DIR/x")
            server.finished(task_id)
            path = f"/api/v1/tasks/{task_id}"
            try_ = pool.submit(lambda p=path: server.request("DELETE", p + "?force=true").status)
            until_written(server.data / "tandem.db-wal")
            server.kill()
            outcome = try_.exception() or try_.result()
            server.start()
            is_there = server.request("GET", path).status == 200
            assert not (is_there and outcome == 204)
            if is_there:
                assert server.request("DELETE", path).status == 204
            until(lambda: not traces_of(server, task_id), lambda: str(traces_of(server, task_id)))


def test_an_upload_that_was_cut_off_leaves_nothing(own_server):
    server = own_server
    task = {"payload": {"job_type": "shell", "script": "true"}, "labels": {"cut": "off"}}
    whole = form(task, {"in.txt": b"first", "big": b"y" * 1_000_000})
    head = request_bytes("POST", "/api/v1/tasks", server.token(), **{
        "Content_Length": len(whole), "Content_Type": CONTENT_TYPE["Content-Type"]})

    def files():
        return blobs_of(server)

    for end_it in (lambda connection: connection.close(), lambda connection: server.kill()):
        with RawConnection(server) as connection:
            connection.send(head + whole[:-200_000])
            until(lambda: any("in.txt" in str(path) for path in files()), "the first file is there")
            end_it(connection)
        if server.process.poll() is not None:
            server.start()
        until(lambda: not files(), lambda: str(files()))
    assert server.request("GET", "/api/v1/tasks?label=cut:off").json["items"] == []
