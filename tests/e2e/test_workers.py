"""Who a worker is: its registration, its tokens, what admins see and do, and the configuration."""

import base64
import concurrent.futures
import itertools
import json
import re
import sqlite3
import time
import zlib

import pytest

from conftest import Server
from contract import operation, operations, path_of
from waiting import until

ABSENT = "01890000-0000-7000-8000-000000000000"
WORKERS = "/api/v1/workers"
POLLING = "/api/v1/polling"
NUMBERS = itertools.count()


def register(server, side=POLLING, token="admin", **members):
    body = {"name": f"worker-{next(NUMBERS)}"} | members
    return server.request("POST", side + "/register", body, token=token)


def registered(server, side=POLLING, **members):
    answer = register(server, side, **members)
    assert answer.status == 201, answer.body
    return answer.json


def with_token(server, token, method, path, body=None, headers=None):
    headers = {"Authorization": "Bearer " + token} | (headers or {})
    return server.request(method, path, body, headers, token=None)


def config(server, token, side=POLLING, **headers):
    return with_token(server, token, "GET", side + "/config", headers=headers)


def code(answer):
    return answer.status, answer.json["code"]


def seen(server, worker_id):
    answer = server.request("GET", f"{WORKERS}/{worker_id}", token="admin")
    assert answer.status == 200, answer.body
    return answer.json


def control(server, worker_id, verb, body=None, token="admin"):
    return server.request("POST", f"{WORKERS}/{worker_id}/{verb}", body, token=token)


def rotate(server, token, side=POLLING):
    return with_token(server, token, "POST", side + "/token", {})


def client_token(server, name, scope):
    """Of a client with this scope; one of each name."""
    if name not in server.tokens:
        made = server.request("POST", "/api/v1/clients", {"name": name, "scope": scope},
                              token="admin").json
        form = {"grant_type": "client_credentials", "client_id": made["client_id"],
                "client_secret": made["client_secret"]}
        server.tokens[name] = server.request("POST", "/token", form, token=None).json[
            "access_token"]
    return name


def well_formed(body):
    """A worker's token with a right checksum."""
    text = "tdw_" + body
    checksum = zlib.crc32(text.encode()).to_bytes(4, "big")
    return text + base64.urlsafe_b64encode(checksum).decode().rstrip("=")


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
    for query in ("limit=0", "limit=501", "limit=x", "x=1", "cursor=", f"cursor={some[:-1]}",
                  f"cursor=A{some[1:]}", f"cursor={clients['next_cursor']}"):
        answer = own_server.request("GET", f"{WORKERS}?{query}", token="admin")
        assert code(answer) == (422, "validation_failed"), query


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


def is_of_workers(method, path):
    """May a worker's token be used there? As the contract says of each address."""
    return "the token of a worker" in operation(method, path).get("description", "")


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
