"""Who a worker is: its registration, and what admins see and do."""

import contextlib
import json
import sqlite3

import pytest

from registration import (
    ABSENT, POLLING, WORKERS, client_token, code, config, control, register, registered, seen,
    with_token)


def test_a_worker_registers_and_is_seen(server):
    members = {"name": "full", "mode": "polling", "labels": {"gpu": "", "zone": "eu"},
               "job_types": ["b", "a"], "queues": ["slow"], "slots": 4, "version": "1.2",
               "host": "box"}
    answer = registered(server, **members)
    assert set(answer) == {"worker_id", "worker_token", "config_url"}
    assert answer["worker_token"].startswith("tdw_")
    assert answer["config_url"] == server.url + POLLING + "/config"
    worker = seen(server, answer["worker_id"])
    expected = members | {"worker_id": answer["worker_id"], "job_types": ["a", "b"],
                          "status": "away", "channel": None, "tasks": [], "last_seen_at": None,
                          "revoked_at": None, "revoke_reason": None}
    assert {name: worker[name] for name in expected} == expected
    assert set(worker) == set(expected) | {"created_at"}
    assert config(server, answer["worker_token"]).status == 200


def test_when_a_worker_was_seen_outlives_a_restart(own_server):
    answer = registered(own_server)
    assert config(own_server, answer["worker_token"]).status == 200  # which polls
    last_seen_at = seen(own_server, answer["worker_id"])["last_seen_at"]
    assert last_seen_at
    own_server.stop()
    own_server.start()
    assert seen(own_server, answer["worker_id"])["last_seen_at"] == last_seen_at


def test_the_two_addresses_differ_in_the_configuration_they_name(server):
    answer = registered(server, WORKERS)
    assert answer["config_url"] == server.url + WORKERS + "/config"
    plain = seen(server, answer["worker_id"])
    defaults = {"mode": "hybrid", "labels": {}, "job_types": [], "queues": [], "slots": 1,
                "version": None, "host": None}
    assert {name: plain[name] for name in defaults} == defaults


# The last that is taken and the first that is not, of each field.
TAKEN = [{"name": "n" * 128}, {"name": "ä ö"}, {"mode": "push"}, {"mode": None}, {"slots": 1},
         {"slots": 1000}, {"job_types": ["t" * 128]}, {"job_types": [f"t{i}" for i in range(64)]},
         {"queues": ["q" * 128]}, {"queues": [f"q{i}" for i in range(64)]}, {"queues": []},
         {"labels": {"k" * 256: "v" * 256}}, {"labels": {f"k{i}": "" for i in range(64)}},
         {"version": "v" * 128}, {"host": "h" * 256}]
REFUSED = [{"name": ""}, {"name": "n" * 129}, {"name": "a\nb"}, {"name": None}, {"name": 7},
           {"mode": "pull"}, {"mode": ""}, {"slots": 0}, {"slots": 1001}, {"slots": 1.5},
           {"slots": "1"}, {"job_types": ["t" * 129]}, {"job_types": ["../x"]},
           {"job_types": "t"}, {"job_types": [f"t{i}" for i in range(65)]},
           {"queues": ["q" * 129]}, {"queues": [""]}, {"queues": [1]},
           {"queues": [f"q{i}" for i in range(65)]}, {"labels": {"k" * 257: ""}},
           {"labels": {"k": "v" * 257}}, {"labels": {"a=b": ""}}, {"labels": {"k": 1}},
           {"labels": []}, {"labels": {f"k{i}": "" for i in range(65)}}, {"version": "v" * 129},
           {"version": ""}, {"host": "h" * 257}, {"host": "a\tb"}, {"worker_id": ABSENT},
           {"unknown": 1}]


@pytest.mark.parametrize("members", TAKEN, ids=lambda one: json.dumps(one)[:40])
def test_fields_within_their_bounds_are_taken(server, members):
    assert register(server, **members).status == 201


@pytest.mark.parametrize("members", REFUSED, ids=lambda one: json.dumps(one)[:40])
@pytest.mark.parametrize("side", [POLLING, WORKERS])
def test_fields_out_of_their_bounds_are_named(server, members, side):
    answer = register(server, side, **members)
    assert code(answer) == (422, "validation_failed")
    field = next(iter(members))
    assert all(error["field"].startswith(field) for error in answer.json["errors"])


def test_bodies_that_cannot_be_read_are_refused(server):
    json_type = {"Content-Type": "application/json"}
    for path, token in ((POLLING + "/register", "admin"), (POLLING + "/revoke", "admin")):
        for body in (b"{", b'{"name":"a","name":"b"}', b"\xff"):
            assert code(server.request("POST", path, body, json_type, token)) == (400, "bad_json")
        assert server.request("POST", path, b"[]", json_type, token).status == 422
        xml = {"Content-Type": "application/xml"}
        assert server.request("POST", path, b"<a/>", xml, token).status == 415
    worker = registered(server)["worker_token"]
    for body, status in ((b"", 200), (b"{}", 200), (b'{"x":1}', 422), (b"[", 400)):
        answer = with_token(server, worker, "POST", POLLING + "/token", body, json_type)
        assert answer.status == status, answer.body
        worker = answer.json["worker_token"] if status == 200 else worker


def test_only_those_with_the_scope_register(server):
    workers = client_token(server, "wally", "workers")
    assert register(server, token=workers).status == 201
    for side in (POLLING, WORKERS):
        assert code(register(server, side, token="tasks")) == (403, "forbidden")
    assert code(register(server, token=None)) == (401, "unauthenticated")
    for path in ("", f"/{ABSENT}"):
        answer = server.request("GET", WORKERS + path, token=workers)
        assert code(answer) == (403, "forbidden")


def test_a_client_registers_so_many_and_no_more(own_server):
    most = 10_000
    worker_id = registered(own_server)["worker_id"]
    own_server.stop()
    with contextlib.closing(sqlite3.connect(own_server.data / "tandem.db")) as database, database:
        columns = [row[1] for row in database.execute("pragma table_info(workers)")]
        own = {"worker_id": "randomblob(16)", "token_sha256": "hex(randomblob(32))"}
        copied = ", ".join(own.get(column, column) for column in columns)
        numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)"
        database.execute(f"{numbers} insert into workers select {copied} from n, workers",
                         [most - 2])
    own_server.start()
    assert register(own_server).status == 201
    for side in (POLLING, WORKERS):
        assert code(register(own_server, side)) == (409, "conflict")
    other = client_token(own_server, "wally", "workers")
    assert register(own_server, token=other).status == 201
    assert control(own_server, worker_id, "revoke").status == 200
    assert register(own_server).status == 201


def test_revoking_again_changes_nothing(server):
    worker = registered(server)["worker_id"]
    first = control(server, worker, "revoke", {"reason": "first"}).json
    assert control(server, worker, "revoke", {"reason": "second"}).json == first
    assert control(server, worker, "revoke").json == first
    for verb in ("drain", "resume"):
        assert code(control(server, worker, verb)) == (409, "conflict")


def test_a_revocation_is_read_strictly(server):
    worker = registered(server)["worker_id"]
    for body in ({"reason": ""}, {"reason": "r" * 257}, {"reason": 1}, {"why": "x"}):
        assert code(control(server, worker, "revoke", body)) == (422, "validation_failed")
        named = {"worker_id": worker} | body
        answer = server.request("POST", POLLING + "/revoke", named, token="admin")
        assert code(answer) == (422, "validation_failed")
    for body in ({}, {"worker_id": "x"}, {"worker_id": worker.upper()}):
        answer = server.request("POST", POLLING + "/revoke", body, token="admin")
        assert code(answer) == (422, "validation_failed")
    assert seen(server, worker)["status"] == "away"


def test_a_worker_that_is_not_there_is_not_found(server):
    assert code(server.request("GET", f"{WORKERS}/{ABSENT}", token="admin")) == (404, "not_found")
    for verb in ("drain", "resume", "revoke"):
        assert code(control(server, ABSENT, verb)) == (404, "not_found")
    answer = server.request("POST", POLLING + "/revoke", {"worker_id": ABSENT}, token="admin")
    assert code(answer) == (404, "not_found")
    assert server.request("GET", WORKERS + "/not-an-id", token="admin").status == 404


def test_draining_is_seen_and_taken_back_and_lasts(own_server):
    worker = registered(own_server)
    assert control(own_server, worker["worker_id"], "drain").json["status"] == "draining"
    assert config(own_server, worker["worker_token"]).status == 200
    own_server.kill()
    own_server.start()
    assert seen(own_server, worker["worker_id"])["status"] == "draining"
    assert control(own_server, worker["worker_id"], "resume").json["status"] == "away"
    assert seen(own_server, worker["worker_id"])["status"] == "away"


def test_the_list_is_read_in_pages(own_server):
    ids = [registered(own_server)["worker_id"] for _ in range(5)]
    control(own_server, ids[1], "revoke")
    whole = own_server.request("GET", WORKERS, token="admin").json
    assert [worker["worker_id"] for worker in whole["items"]] == ids
    assert [worker["status"] for worker in whole["items"]].count("revoked") == 1
    assert whole["next_cursor"] is None
    got, cursor = [], ""
    while cursor is not None:
        page = own_server.request("GET", f"{WORKERS}?limit=2{cursor}", token="admin").json
        got += [worker["worker_id"] for worker in page["items"]]
        cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
    assert got == ids
    some = own_server.request("GET", f"{WORKERS}?limit=1", token="admin").json["next_cursor"]
    clients = own_server.request("GET", "/api/v1/clients?limit=1", token="admin").json
    altered = ("B" if some[0] == "A" else "A") + some[1:]
    for query in ("limit=0", "limit=501", "limit=x", "x=1", "cursor=", f"cursor={some[:-1]}",
                  f"cursor={altered}", f"cursor={clients['next_cursor']}"):
        answer = own_server.request("GET", f"{WORKERS}?{query}", token="admin")
        assert code(answer) == (422, "validation_failed"), query
