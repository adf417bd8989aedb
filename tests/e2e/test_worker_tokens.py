"""A worker's token: changed, revoked, kept as a hash, and good for its own addresses alone."""

import concurrent.futures
import json
import re
import sqlite3
import time

import pytest

from contract import operation, operations
from registration import (
    ABSENT, POLLING, WORKERS, client_token, code, config, control, is_of_workers, register,
    registered, rotate, seen, well_formed, with_token)
from waiting import until
from worker_process import WorkerProcess


@pytest.mark.parametrize("side", [POLLING, WORKERS])
def test_a_changed_token_leaves_the_old_one_good_for_a_while(server, side):
    first = registered(server)["worker_token"]
    before = time.time()
    answer = rotate(server, first, side)
    assert answer.status == 200 and set(answer.json) == {"worker_token", "previous_valid_until"}
    until_text = answer.json["previous_valid_until"]
    left_s = (time.mktime(time.strptime(until_text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
              - before)
    assert 3595 < left_s < 3605
    second = answer.json["worker_token"]
    assert second != first
    assert config(server, first).status == config(server, second).status == 200
    third = rotate(server, second).json["worker_token"]
    assert code(config(server, first)) == (401, "token_invalid")
    assert config(server, second).status == config(server, third).status == 200


def test_a_lost_answer_to_a_change_locks_nobody_out(server):
    first = registered(server)["worker_token"]
    lost = rotate(server, first).json
    again = rotate(server, first).json
    assert again["previous_valid_until"] == lost["previous_valid_until"]
    assert code(config(server, lost["worker_token"])) == (401, "token_invalid")
    for token in (first, again["worker_token"]):
        assert config(server, token).status == 200


def test_many_changes_at_once_leave_what_is_on_disk(own_server):
    first = registered(own_server)["worker_token"]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: rotate(own_server, first), range(40)))
    assert {answer.status for answer in answers} == {200}
    tokens = [first] + [answer.json["worker_token"] for answer in answers]

    def good():
        return [token for token in tokens if config(own_server, token).status == 200]

    before = good()
    assert len(before) == 2 and before[0] == first
    own_server.kill()
    own_server.start()
    assert good() == before


def test_a_change_of_the_token_does_not_outlive_a_revocation(own_server):
    for _ in range(10):
        worker = registered(own_server)
        token, worker_id = worker["worker_token"], worker["worker_id"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            changes = [pool.submit(rotate, own_server, token) for _ in range(4)]
            revoked = pool.submit(control, own_server, worker_id, "revoke")
            changes += [pool.submit(rotate, own_server, token) for _ in range(3)]
        assert revoked.result().status == 200
        answers = [change.result() for change in changes]
        assert {answer.status for answer in answers} <= {200, 401}
        made = [answer.json["worker_token"] for answer in answers if answer.status == 200]
        for one in [token] + made:
            assert config(own_server, one).status == 401
        assert code(config(own_server, token)) == (401, "token_revoked")


def test_tokens_last_across_a_restart(own_server):
    first = registered(own_server)["worker_token"]
    second = rotate(own_server, first).json["worker_token"]
    own_server.kill()
    own_server.start()
    assert config(own_server, first).status == config(own_server, second).status == 200


def test_a_revoked_worker_is_powerless_at_once_and_after_a_restart(own_server):
    server = own_server
    worker = registered(server)
    first = worker["worker_token"]
    second = rotate(server, first).json["worker_token"]
    other = registered(server)
    answer = control(server, worker["worker_id"], "revoke", {"reason": "stolen"})
    assert answer.status == 200 and answer.json["status"] == "revoked"
    assert answer.json["revoke_reason"] == "stolen" and answer.json["revoked_at"]
    named = server.request("POST", POLLING + "/revoke", {"worker_id": other["worker_id"]},
                           token="admin")
    assert named.status == 200 and named.json["revoke_reason"] is None

    def refused():
        for token in (first, second, other["worker_token"]):
            for method, path in (("GET", POLLING + "/config"), ("GET", WORKERS + "/config"),
                                 ("POST", POLLING + "/token"), ("GET", "/api/v1/tasks")):
                answer = with_token(server, token, method, path)
                assert code(answer) == (401, "token_revoked")
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    refused()
    server.kill()
    server.start()
    refused()
    assert seen(server, worker["worker_id"]) == answer.json


def test_a_dump_of_the_database_holds_no_worker_token(own_server):
    worker = registered(own_server, name="dumped")
    tokens = [worker["worker_token"]]
    tokens += [rotate(own_server, tokens[-1]).json["worker_token"] for _ in range(2)]
    own_server.kill()  # with all that is still in SQLite's own log
    dump = b"".join(path.read_bytes() for path in own_server.data.glob("*.db*"))
    dump += own_server.log().encode()
    assert b"dumped" in dump
    for token in tokens:
        assert token.encode() not in dump and token[4:47].encode() not in dump


@pytest.mark.alone
def test_what_cannot_be_a_workers_token_costs_no_query(own_server):
    good = registered(own_server)["worker_token"]
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    other = sqlite3.connect(own_server.data / "tandem.db", isolation_level=None)
    other.execute("begin immediate")  # who asks the store has to wait and is told so
    begin = time.monotonic()
    for wrong in ("tds_" + good[4:], "tdf_" + good[4:], "TDW_" + good[4:], changed, good[:-1],
                  good + "A", good[:20] + "!" + good[21:], "tdw_", well_formed("a" * 43)):
        assert code(config(own_server, wrong)) == (401, "token_invalid"), wrong
    assert config(own_server, good).status == 200  # nor does a good one
    assert time.monotonic() - begin < 2
    assert rotate(own_server, good).status == 503
    other.execute("rollback")
    other.close()
    until(lambda: rotate(own_server, good).status == 200, "its token is changed")


def test_the_store_may_be_away_while_a_worker_is_revoked(own_server):
    worker = registered(own_server)
    other = sqlite3.connect(own_server.data / "tandem.db", isolation_level=None)
    other.execute("begin immediate")
    assert register(own_server).status == 503
    assert control(own_server, worker["worker_id"], "revoke").status == 503
    assert config(own_server, worker["worker_token"]).status == 200  # nothing was changed
    other.execute("rollback")
    other.close()
    until(lambda: control(own_server, worker["worker_id"], "revoke").status == 200, "revoked")
    assert code(config(own_server, worker["worker_token"])) == (401, "token_revoked")


def test_every_route_with_a_workers_token(server):
    token = registered(server)["worker_token"]
    for method, path in operations():
        if operation(method, path).get("security") == [] or is_of_workers(method, path):
            continue
        target = re.sub(r"\{\w+\}", ABSENT, path)
        answer = with_token(server, token, method.upper(), target)
        assert code(answer) == (403, "forbidden"), (method, path)
    assert config(server, token).status == 200


def test_an_access_token_is_no_workers_token(server):
    for name in ("admin", "tasks", client_token(server, "wally", "workers")):
        for side in (POLLING, WORKERS):
            answer = server.request("POST", side + "/token", {}, token=name)
            assert code(answer) == (403, "forbidden")
            for path in ("/config", "/config/statuses"):
                assert server.request("GET", side + path, token=name).status == 200


def test_a_workers_token_in_the_url_is_refused(server):
    token = registered(server)["worker_token"]
    answer = with_token(server, token, "GET", f"{POLLING}/config?token={token}")
    assert code(answer) == (401, "token_in_url")


@pytest.fixture
def worker(server, tmp_path):
    """It has registered."""
    worker = WorkerProcess(tmp_path, f"{server.url}/api/v1/polling/config",
                           TANDEM_REGISTRATION_TOKEN=server.token("admin")).start()
    until(lambda: (worker.data / "worker.json").exists(), worker.log)
    yield worker
    worker.kill()


def kept(worker):
    return json.loads((worker.data / "worker.json").read_text())


def test_a_worker_changes_its_token_while_it_runs(server, worker):
    first = kept(worker)
    done = worker.run("--rotate-token")
    assert done.returncode == 0 and "started again by" in done.stderr
    second = kept(worker)
    assert second["worker_token"] != first["worker_token"]
    assert first | {"worker_token": second["worker_token"]} == second
    assert (worker.data / "worker.json").stat().st_mode & 0o777 == 0o600
    for token in (first["worker_token"], second["worker_token"]):
        assert config(server, token).status == 200
        assert token not in done.stdout + done.stderr
    assert worker.process.poll() is None


def test_what_keeps_a_token_from_being_changed(server, worker):
    before = kept(worker)
    given = worker.run("--rotate-token", TANDEM_WORKER_TOKEN=before["worker_token"])
    assert given.returncode == 78 and "TANDEM_WORKER_TOKEN is set" in given.stderr
    other = worker.run("--rotate-token", TANDEM_CONFIG_URL="http://127.0.0.1:1/config")
    assert other.returncode == 1 and "No token for this service" in other.stderr
    assert control(server, before["worker_id"], "revoke").status == 200
    revoked = worker.run("--rotate-token")
    assert revoked.returncode == 77 and "was revoked" in revoked.stderr
    assert kept(worker) == before
