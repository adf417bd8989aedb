"""The configuration that workers read, and the addresses that a mode offers."""

import re

import pytest

from conftest import Server
from contract import operations, path_of
from registration import (
    ABSENT, POLLING, WORKERS, config, is_of_workers, registered, with_token)


def test_the_configuration_of_a_worker_and_of_a_client(server):
    token = registered(server)["worker_token"]
    answer = config(server, token)
    own, polling = server.url, server.url + POLLING
    socket = "ws" + own.removeprefix("http")
    told = answer.json
    assert told["registration_url"] == polling + "/register"
    assert told["polling_url"] == polling + "/config"
    assert told["job_update_url"] == polling + "/update"
    assert told["status_schema_url"] == polling + "/config/statuses"
    assert told["claim_url"] == polling + "/claim"
    assert told["websocket_url"] == socket + POLLING + "/ws"
    assert told["push_url"] == socket + WORKERS + "/ws"
    assert told["authentication"] == {"method": "bearer_token", "header": "Authorization",
                                      "prefix": "Bearer"}
    assert told["poll"] == {"interval_s": 5, "max_wait_s": 30, "lease_s": 30, "heartbeat_s": 10,
                            "accept_timeout_s": 15, "reconnect_s": 1.5}
    assert (told["job"], told["jobs"]) == (None, [])
    assert answer.headers["Cache-Control"] == "no-store"
    assert server.request("GET", POLLING + "/config", token="tasks").json == told
    pushed = config(server, token, WORKERS).json
    for name in ("registration_url", "polling_url", "job_update_url", "status_schema_url"):
        assert pushed[name] == told[name].replace(POLLING, WORKERS)
    for query, status in (("wait_s=0", 200), ("wait_s=61", 422), ("wait_s=-1", 422),
                          ("max=1", 200), ("max=100", 200), ("max=0", 422), ("max=101", 422),
                          ("claim=false", 200), ("claim=x", 422), ("x=1", 422)):
        asked = with_token(server, token, "GET", f"{POLLING}/config?{query}&claim=false"
                           if "claim" not in query else f"{POLLING}/config?{query}")
        assert asked.status == status, (query, asked.body)


def test_the_configurations_etag_is_of_what_it_says(server, tmp_path):
    token = registered(server)["worker_token"]
    first = config(server, token)
    etag = first.headers["ETag"]
    assert etag == f'"{first.json["config_version"]}"'
    assert config(server, token).headers["ETag"] == etag
    assert config(server, token, WORKERS).headers["ETag"] != etag
    known = config(server, token, **{"If-None-Match": etag})
    assert (known.status, known.body, known.headers["ETag"]) == (304, b"", etag)
    assert known.headers["Cache-Control"] == "no-store"
    assert config(server, token, **{"If-None-Match": '"x"'}).status == 200
    other = Server(tmp_path, TANDEM_RECONNECT_S="2.5", TANDEM_LEASE_S="20").start()
    told = config(other, registered(other)["worker_token"])
    assert told.headers["ETag"] != etag
    assert told.json["poll"]["reconnect_s"] == 2.5 and told.json["poll"]["lease_s"] == 20
    other.stop()


def test_the_addresses_are_those_under_which_the_server_was_reached(server):
    token = registered(server)["worker_token"]
    told = config(server, token, Host="tasks.example:99").json
    assert told["polling_url"] == "http://tasks.example:99/api/v1/polling/config"


def test_the_statuses_are_told(server):
    told = with_token(server, registered(server)["worker_token"], "GET",
                      POLLING + "/config/statuses").json
    names = [status["name"] for status in told["statuses"]]
    assert names[-1] == "released" and len(names) == 9
    assert told["schema"]["enum"] == names


def paths_of_workers():
    return [(method.upper(), re.sub(r"\{\w+\}", ABSENT, path))
            for method, path in operations() if path.startswith((POLLING, WORKERS))]


@pytest.mark.parametrize("mode", ["push", "polling", "hybrid"])
def test_a_mode_offers_its_own_addresses_only(tmp_path, mode):
    server = Server(tmp_path, TASK_ASSIGNMENT_MODE=mode).start()
    side = WORKERS if mode == "push" else POLLING
    worker = registered(server, side)
    assert worker["config_url"] == server.url + side + "/config"
    told = config(server, worker["worker_token"], side).json
    polled = {told["claim_url"] is not None, told["websocket_url"] is not None}
    assert polled == {mode != "push"} and (told["push_url"] is not None) == (mode != "polling")
    for method, path in paths_of_workers():
        is_worker_only = "/token" in path
        token = worker["worker_token"] if is_worker_only else server.token("admin")
        if is_worker_only or not is_of_workers(method.lower(), path_of(path)) or \
                path.endswith(("/config", "/statuses")):
            answer = with_token(server, token, method, path)
            expected = not path.startswith(POLLING) if mode == "push" else (
                mode == "hybrid" or not path.startswith(
                    (WORKERS + "/register", WORKERS + "/config", WORKERS + "/ws")))
            is_offered = answer.status != 403 or answer.json["code"] != "mode_disabled"
            assert is_offered == expected, (method, path, answer.body)
    server.stop()
