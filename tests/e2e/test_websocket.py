"""A WebSocket that breaks the rules is refused before the upgrade or closed with the right code."""

import time

import pytest

import forge
from conftest import Server
from processes import resident_bytes
from raw_websocket import BINARY, CLOSE, COMPRESSED, CONTINUATION, FIN, PING, TEXT, RawWebSocket
from raw_websocket import frame

SECRET = "a secret of 32 bytes, for a test"
MAX_MESSAGE = 256 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sockets")
    server = Server(directory, TANDEM_JWT_SECRET=SECRET).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def path(server):
    return "/ws/" + server.shell("true", delay_s=3600)["task_id"]


def refused(server, path, **how):
    with RawWebSocket(server, path, **how) as socket:
        assert not socket.upgraded
        return socket.answer.status, socket.answer.json["code"]


def test_refusals_come_before_the_upgrade(server, path):
    assert refused(server, path) == (401, "unauthenticated")
    assert refused(server, path, token="nonsense") == (401, "token_invalid")
    assert refused(server, f"{path}?access_token={server.token()}") == (401, "token_in_url")
    assert refused(server, f"{path}?token={server.token()}", token=server.token()) == (
        401, "token_in_url")
    absent = "/ws/01890000-0000-7000-8000-000000000000"
    assert refused(server, absent, token=server.token()) == (404, "not_found")
    assert refused(server, path + "?after=x", token=server.token()) == (422, "validation_failed")
    assert refused(server, path, token=server.token(), headers={"Upgrade": None}) == (
        426, "upgrade_required")
    assert refused(server, path, token=server.token(), headers={"Sec-WebSocket-Key": "x"}) == (
        400, "bad_request")


def test_a_foreign_origin_is_refused_with_and_without_a_cookie(server, path):
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        headers = {"Origin": origin, "Cookie": "token=" + server.token()}
        assert refused(server, path, token=server.token(), headers=headers) == (
            403, "origin_not_allowed")
        assert refused(server, path, headers=headers)[0] == 401  # a cookie is no token
    own = {"Origin": "http://localhost"}
    with RawWebSocket(server, path, server.token(), headers=own) as socket:
        assert socket.upgraded


def test_a_browser_gives_its_token_as_a_subprotocol(server, path):
    offer = {"Sec-WebSocket-Protocol": f"tandem.v1, bearer.{server.token()}"}
    with RawWebSocket(server, path, headers=offer) as socket:
        assert socket.upgraded
        assert socket.answer.headers["Sec-WebSocket-Protocol"] == "tandem.v1"


BROKEN = {
    "unmasked": ([frame(FIN | TEXT, b"{}", masked=False)], 1002),
    "a reserved opcode": ([frame(FIN | 0x3, b"{}")], 1002),
    "a reserved bit": ([frame(FIN | 0x20 | TEXT, b"{}")], 1002),
    "a continuation of nothing": ([frame(FIN | CONTINUATION, b"{}")], 1002),
    "a ping in fragments": ([frame(PING, b"x")], 1002),
    "a long ping": ([frame(FIN | PING, b"x" * 126)], 1002),
    "a text within a text": ([frame(TEXT, b"{"), frame(FIN | TEXT, b"}")], 1002),
    "a close code that is none": ([frame(FIN | CLOSE, b"\x03\xed")], 1002),
    "binary": ([frame(FIN | BINARY, b"{}")], 1003),
    "not UTF-8": ([frame(FIN | TEXT, b"\xff\xfe")], 1007),
    "not UTF-8 over two fragments": ([frame(TEXT, b"\xc3"), frame(FIN | CONTINUATION, b"x")], 1007),
    "oversize": ([frame(FIN | TEXT, b"x" * (MAX_MESSAGE + 1))], 1009),
    "oversize by its head": ([bytes([FIN | TEXT, 0xFF]) + (1 << 40).to_bytes(8, "big") + bytes(4)],
                             1009),
    "a flood of fragments": ([frame(TEXT, b"x")] + [frame(CONTINUATION, b"x" * 60000)] * 8, 1009),
    "deflated, not agreed on": ([frame(FIN | COMPRESSED | TEXT, b"\xaa\x56\x00")], 1002),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_frames_are_closed_with_their_code(server, path, name):
    frames, code = BROKEN[name]
    with RawWebSocket(server, path, server.token()) as socket:
        for one in frames:
            socket.send(one)
        assert socket.await_close() == code


def test_floods_leave_memory_as_it_was(server, path):
    """Empty fragments, deflated bombs, and messages that nobody may send, for a long time."""
    def flood():
        with RawWebSocket(server, path, server.token()) as socket:
            socket.send(frame(TEXT, b"x") + frame(CONTINUATION) * 20_000)
            socket.send(frame(CONTINUATION, b"x" * 250_000) * 4)
            assert socket.await_close() == 1009

    deflate = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    with RawWebSocket(server, path, server.token(), headers=deflate) as socket:
        assert socket.upgraded
        assert "Sec-WebSocket-Extensions" not in socket.answer.headers
        socket.send(frame(FIN | COMPRESSED | TEXT, b"\xec\xc1\x01\x01" * 50_000))
        assert socket.await_close() == 1002
    flood()
    before = resident_bytes(server.process.pid)
    for _ in range(10):
        flood()
    assert resident_bytes(server.process.pid) - before < 16 << 20


def close_of(socket):
    begin = time.monotonic()
    code = socket.await_close()
    return code, time.monotonic() - begin


@pytest.mark.alone
def test_an_expired_token_closes_within_a_second(server, path):
    now = int(time.time())
    token = forge.token(SECRET, forge.claims(server.client()["client_id"], exp=now + 2))
    with RawWebSocket(server, path, token) as socket:
        assert socket.upgraded
        assert socket.await_close() == 4401
        assert -0.1 < time.time() - (now + 2) < 1


@pytest.mark.alone
def test_a_deleted_clients_socket_closes_within_a_second(server):
    made = server.request("POST", "/api/v1/clients", {"name": "short-lived"}, token="admin").json
    token = forge.token(SECRET, forge.claims(made["client_id"]))
    server.tokens["short-lived"] = token
    task = server.request("POST", "/api/v1/tasks", {
        "payload": {"job_type": "shell", "script": "true"}, "delay_s": 3600}, token="short-lived")
    assert task.status == 201, task.body
    with RawWebSocket(server, "/ws/" + task.json["task_id"], token) as socket:
        assert socket.await_message("status")
        gone = server.request("DELETE", "/api/v1/clients/" + made["client_id"], token="admin")
        assert gone.status == 204
        code, took_s = close_of(socket)
        assert code == 4401 and took_s < 1


def test_a_message_for_another_task_is_refused_and_changes_nothing(server, path):
    other = server.shell("true", delay_s=3600)["task_id"]
    with RawWebSocket(server, path, server.token()) as socket:
        for message in ({"type": "cancel", "task_id": other}, {"type": "cancel", "client_id": "x"},
                        {"type": "input", "data": "x", "task_id": other}, {"type": "dance"},
                        {"type": "cancel", "surprise": 1}, {}, {"type": 7},
                        {"type": "resize", "cols": -1, "rows": 1},
                        {"type": "input", "data": "x" * 70_000}):
            socket.send_json(**message)
            refusal = socket.await_message("error")
            assert refusal["code"] in ("validation_failed", "bad_json", "too_large"), refusal
        for task_id in (other, path.rsplit("/", 1)[1]):
            task = server.request("GET", "/api/v1/tasks/" + task_id).json
            assert task["status"] == "scheduled" and not task["cancel_requested"]
