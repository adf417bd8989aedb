"""Promise 19: the machine's wall clock jumps. No timer fires early, no task is lost, and tokens go
on being judged by the time that has really passed."""

import datetime
import pathlib
import re
import subprocess

import pytest

import forge
from conftest import BINARY, Server
from ledger import Ledger, noted
from waiting import until

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
SECRET = "a secret of 32 bytes, for a test"
HOUR_S = 3600


class ShiftedServer(Server):
    """Sees a wall clock that the test moves while it runs; the monotonic one is the machine's."""

    def __init__(self, directory):
        self.ledger = Ledger(directory)
        super().__init__(
            directory,
            TANDEM_JWT_SECRET=SECRET,
            TANDEM_HANDLERS_DIR=str(self.ledger.handlers),
            TANDEM_EMBEDDED_SLOTS="1",
        )
        self.shift_file = self.directory / "shift"
        self.shift(0)

    def shift(self, seconds):
        self.shift_file.write_text(f"{seconds:+d}\n")

    def environment(self):
        return super().environment() | {
            "LD_PRELOAD": self.preloaded(),
            "FAKETIME_TIMESTAMP_FILE": str(self.shift_file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def preloaded(self):
        """A sanitizer's runtime has to be the first, where the binary has one."""
        linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True).stdout
        runtimes = re.findall(r"=> (\S*/lib[at]san\S*)", linked)
        return ":".join([*runtimes, str(LIBRARY)])


@pytest.fixture
def server(tmp_path):
    if not LIBRARY.exists():
        pytest.skip("libfaketime is not installed")
    server = ShiftedServer(tmp_path).start()
    yield server
    if server.process.poll() is None:
        server.kill()


def rfc3339(server_ahead_s):
    at = datetime.datetime.now(datetime.timezone.utc)
    return (at + datetime.timedelta(seconds=server_ahead_s)).isoformat()


def submit(server, body):
    answer = server.request("POST", "/api/v1/tasks", body)
    assert answer.status == 201, answer.body
    return answer.json


def status(server, task):
    return server.request("GET", f"/api/v1/tasks/{task['task_id']}").json["status"]


def seconds_ahead(server):
    """How far the server's wall clock is ahead of the machine's."""
    made = submit(server, noted(delay_s=HOUR_S))["created_at"]
    now = datetime.datetime.now(datetime.timezone.utc)
    return (datetime.datetime.fromisoformat(made.replace("Z", "+00:00")) - now).total_seconds()


def test_a_jump_fires_no_timer_and_ends_no_token(server):
    hold = server.directory / "hold"
    waits = {
        "running": submit(server, noted(hold=hold, timeout_s=600)),
        "pending": submit(server, noted(queue_timeout_s=HOUR_S)),
        "scheduled": submit(server, noted(delay_s=HOUR_S)),
    }
    at_a_time = submit(server, noted(run_at=rfc3339(HOUR_S)))
    until(lambda: status(server, waits["running"]) == "running", "it runs")
    old_token = server.token()
    for seconds in (2 * HOUR_S, -2 * HOUR_S, 400 * 24 * HOUR_S):
        server.shift(seconds)
        for _ in range(20):  # each is a turn of the dispatcher
            submit(server, noted(delay_s=HOUR_S))
        assert {name: status(server, task) for name, task in waits.items()} == {
            name: name for name in waits
        }
        assert status(server, at_a_time) == "scheduled"
        server.tokens.clear()
        assert server.token() != old_token
        client = server.client()["client_id"]
        for good in (server.token(), old_token, forge.token(SECRET, forge.claims(client))):
            server.tokens["tasks"] = good
            answer = server.request("GET", "/api/v1/tasks?limit=1")
            assert answer.status == 200, (answer.body, seconds)
        server.tokens["tasks"] = forge.token(SECRET, forge.claims(client, exp=1_000_000_000))
        assert server.request("GET", "/api/v1/tasks?limit=1").status == 401
        server.tokens["tasks"] = old_token
    hold.touch()
    soon = submit(server, noted(delay_s=0.1))
    assert server.finished(soon["task_id"])["status"] == "completed"
    assert server.finished(waits["running"]["task_id"])["status"] == "completed"
    assert server.finished(waits["pending"]["task_id"])["status"] == "completed"


def test_a_restart_takes_the_clock_as_it_is(server):
    later = submit(server, noted(delay_s=HOUR_S))
    server.kill()
    server.shift(2 * HOUR_S)
    server.start()
    expired = server.request("GET", "/api/v1/tasks")
    assert (expired.status, expired.json["code"]) == (401, "token_expired")
    server.tokens.clear()
    assert abs(seconds_ahead(server) - 2 * HOUR_S) < 60
    assert server.finished(later["task_id"])["status"] == "completed"
    server.stop()
    server.shift(-2 * HOUR_S)
    server.start()
    from_the_future = server.request("GET", "/api/v1/tasks")
    assert (from_the_future.status, from_the_future.json["code"]) == (401, "token_invalid")
    server.tokens.clear()
    assert abs(seconds_ahead(server) + 2 * HOUR_S) < 60
    assert status(server, later) == "completed"
    assert server.finished(submit(server, noted())["task_id"])["status"] == "completed"
    server.stop()


def refresh(server, token):
    return server.request("POST", "/token/refresh", {"refresh_token": token}, token=None)


def test_a_used_refresh_token_ends_its_family_once_the_grace_is_over(server):
    client = server.client()
    form = {"grant_type": "client_credentials", "client_id": client["client_id"],
            "client_secret": client["client_secret"]}
    first = server.request("POST", "/token", form, token=None).json["refresh_token"]
    second = refresh(server, first).json["refresh_token"]
    assert refresh(server, first).json["refresh_token"] == second  # an answer that was lost
    server.kill()
    server.shift(30)
    server.start()
    reused = refresh(server, first)
    assert (reused.status, reused.json["code"]) == (401, "token_reused")
    assert reused.json["error"] == "invalid_grant"
    revoked = refresh(server, second)
    assert (revoked.status, revoked.json["code"]) == (401, "token_revoked")
