"""The server, its clients and its workers over TLS."""

import contextlib
import socket
import ssl
import time

import pytest

from certificates import certificate
from conftest import Server
from multipart import CONTENT_TYPE, form
from worker_process import WorkerProcess

UNREACHABLE = 69
HEADER_TIMEOUT_S = 15


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    cert, key = certificate(directory)
    server = Server(directory, TANDEM_TLS_CERT=str(cert), TANDEM_TLS_KEY=str(key))
    server.tls = ssl.create_default_context(cafile=cert)
    server.cert = cert
    server.start()
    yield server
    server.stop()


def trusting(server):
    return {"TANDEM_CA_FILE": str(server.cert)}


def test_the_api_speaks_tls_and_nothing_else(tls):
    assert tls.url.startswith("https://")
    done = tls.finished(tls.shell("echo over tls")["task_id"])
    assert done["status"] == "completed"
    port = int(tls.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1.1" not in plain.recv(4096)


def test_old_versions_of_tls_are_refused(tls):
    port = int(tls.url.rsplit(":", 1)[1])
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            old.wrap_socket(plain)


def test_commands_speak_https_and_wss(tls):
    done = tls.tandem("submit", "shell", "echo hello; exit 7", "--wait", **trusting(tls))
    assert (done.returncode, done.stdout) == (7, "hello\n"), done.stderr
    trusted = ("--ca-file", tls.cert)
    task_id = tls.tandem("submit", "shell", "echo one; echo two", *trusted).stdout.strip()
    done = tls.tandem("logs", "-f", task_id, *trusted)
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n"), done.stderr
    question = """echo '{"type":"input_request","prompt":"Name?"}' >&3; read -r a <&4; echo "$a" """
    task_id = tls.shell(question)["task_id"]
    done = tls.tandem("attach", task_id, text_in="Ada\n", **trusting(tls))
    assert done.returncode == 0 and "Ada" in done.stdout, done.stderr
    done = tls.tandem("doctor", **trusting(tls))
    assert f"The server at {tls.url} is well" in done.stdout


def test_a_certificate_that_is_not_trusted_is_a_sentence(tls, tmp_path):
    other, _ = certificate(tmp_path, "other")
    for trusted in ({}, {"TANDEM_CA_FILE": str(other)}):
        done = tls.tandem("submit", "shell", "true", "--wait", **trusted)
        assert done.returncode == UNREACHABLE
        [line] = done.stderr.splitlines()
        assert "certificate is not trusted" in line and "TANDEM_CA_FILE" in line
        worker = the_worker(tls, tmp_path, TANDEM_WORKER_TOKEN="tdw_none", **trusted)
        try:
            worker.start().logged("certificate is not trusted")
        finally:
            worker.kill()
    done = tls.tandem("ls", TANDEM_CA_FILE=str(tmp_path / "absent.pem"))
    assert done.returncode == 78 and "TANDEM_CA_FILE" in done.stderr, done.stderr


def the_worker(server, directory, mode="hybrid", **settings):
    side = "workers" if mode == "push" else "polling"
    url = f"{server.url}/api/v1/{side}/config"
    return WorkerProcess(directory, url, TANDEM_WORKER_MODE=mode, TANDEM_LABELS="afar", **settings)


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_a_worker_registers_and_works_over_tls(tls, tmp_path, mode):
    """With push there is a WebSocket only; files go over HTTP in all of them."""
    worker = the_worker(tls, tmp_path, mode, TANDEM_WORKER_NAME=f"afar-{mode}",
                        TANDEM_REGISTRATION_TOKEN=tls.token("admin"), **trusting(tls))
    worker.handler("far", 'echo "from afar"; cat "$TANDEM_INPUT_DIR/in" > "$TANDEM_OUTPUT_DIR/out"')
    worker.start()
    try:
        body = form({"payload": {"job_type": "far"}, "requires": ["afar"]}, {"in": b"file"})
        answer = tls.request("POST", "/api/v1/tasks", body, CONTENT_TYPE)
        assert answer.status == 201, answer.body
        task = tls.finished(answer.json["task_id"])
        assert (task["status"], task["worker_name"]) == ("completed", f"afar-{mode}"), worker.log()
        path = f"/api/v1/tasks/{task['task_id']}"
        assert tls.request("GET", path + "/download?name=out").body == b"file"
        log = tls.request("GET", path + "/logs", headers={"Accept": "text/plain"})
        assert log.body == b"from afar\n"
        worker.stop()
    finally:
        worker.kill()


def test_who_connects_and_says_nothing_is_closed_at_the_deadline(tls):
    port = int(tls.url.rsplit(":", 1)[1])
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        silent, halting = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(2)
        )
        halting.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01")  # the begin of a hello
        shaken = tls.tls.wrap_socket(
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)),
            server_hostname="127.0.0.1",
        )
        for peer in (silent, halting, shaken):
            with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
                while peer.recv(4096):
                    pass
            assert HEADER_TIMEOUT_S - 1 < time.monotonic() - begin < HEADER_TIMEOUT_S + 10
    assert tls.request("GET", "/health", token=None).status == 200
