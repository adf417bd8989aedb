"""What is not a good token is refused with 401 everywhere, and changes nothing."""

import base64
import concurrent.futures
import hashlib
import json
import re
import sqlite3
import time

import pytest

import forge
from conftest import Server
from contract import operation, operations
from waiting import until

SECRET = "a secret of 32 bytes, for a test"
OTHER_SECRET = "one of 32 bytes, for another use"
ABSENT = "01890000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tokens"), TANDEM_JWT_SECRET=SECRET,
                    TANDEM_JWT_SECRET_PREVIOUS=OTHER_SECRET).start()
    yield server
    server.stop()


def header(**members):
    return forge.HEADER | members


def without_signature(token):
    return token.rsplit(".", 1)[0]


def altered_scope(token):
    """The claims of an admin under the signature of somebody else's."""
    first, middle, last = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(middle + "=="))
    return ".".join([first, forge.part(claims | {"scope": "admin"}), last])


def last_character_changed(token):
    return token[:-1] + ("A" if token[-1] != "A" else "B")


# Each makes a token that must be refused, of good claims.
BAD = {
    "alg none, signed": lambda good: forge.token(SECRET, good, header(alg="none")),
    "alg none, no signature": lambda good: without_signature(
        forge.token(SECRET, good, header(alg="none"))) + ".",
    "alg None": lambda good: forge.token(SECRET, good, header(alg="None")),
    "alg HS384": lambda good: forge.token(SECRET, good, header(alg="HS384"), hashlib.sha384),
    "alg HS512": lambda good: forge.token(SECRET, good, header(alg="HS512"), hashlib.sha512),
    "alg RS256": lambda good: forge.token(SECRET, good, header(alg="RS256")),
    "signed with SHA-512": lambda good: forge.token(SECRET, good, hash_=hashlib.sha512),
    "typ JWT": lambda good: forge.token(SECRET, good, header(typ="JWT")),
    "no typ": lambda good: forge.token(SECRET, good, {"alg": "HS256"}),
    "kid": lambda good: forge.token(SECRET, good, header(kid="../../../dev/null")),
    "kid, empty key": lambda good: forge.token("", good, header(kid="/dev/null")),
    "jku": lambda good: forge.token(SECRET, good, header(jku="http://127.0.0.1/keys")),
    "jwk": lambda good: forge.token("k", good, header(jwk={"kty": "oct", "k": "aw"})),
    "x5u": lambda good: forge.token(SECRET, good, header(x5u="http://127.0.0.1/")),
    "crit": lambda good: forge.token(SECRET, good, header(crit=["exp"])),
    "another secret": lambda good: forge.token("x" * 32, good),
    "empty secret": lambda good: forge.token("", good),
    "altered claims": lambda good: altered_scope(forge.token(SECRET, good)),
    "altered signature": lambda good: last_character_changed(forge.token(SECRET, good)),
    "truncated signature": lambda good: forge.token(SECRET, good)[:-4],
    "no signature": lambda good: without_signature(forge.token(SECRET, good)) + ".",
    "padded signature": lambda good: forge.token(SECRET, good) + "=",
    "longer signature": lambda good: forge.token(SECRET, good) + "AAAA",
    "two parts": lambda good: without_signature(forge.token(SECRET, good)),
    "four parts": lambda good: forge.token(SECRET, good) + ".x",
    "wrong aud": lambda good: forge.token(SECRET, good | {"aud": "other"}),
    "list of aud": lambda good: forge.token(SECRET, good | {"aud": ["tandem-api"]}),
    "no aud": lambda good: forge.token(SECRET, forge.claims(good["sub"], aud=None)),
    "wrong iss": lambda good: forge.token(SECRET, good | {"iss": "other"}),
    "no iss": lambda good: forge.token(SECRET, forge.claims(good["sub"], iss=None)),
    "no exp": lambda good: forge.token(SECRET, forge.claims(good["sub"], exp=None)),
    "exp is text": lambda good: forge.token(SECRET, good | {"exp": str(good["exp"])}),
    "exp is past": lambda good: forge.token(SECRET, good | {"iat": 1000, "exp": 2000}),
    "no sub": lambda good: forge.token(SECRET, forge.claims(good["sub"], sub=None)),
    "no jti": lambda good: forge.token(SECRET, forge.claims(good["sub"], jti=None)),
    "iat in the future": lambda good: forge.token(SECRET, good | {"iat": good["iat"] + 3600,
                                                                  "exp": good["exp"] + 7200}),
    "unknown scope": lambda good: forge.token(SECRET, good | {"scope": "root"}),
    "unknown client": lambda good: forge.token(
        SECRET, good | {"sub": ABSENT}),
    "a worker's token": lambda good: "tdw_" + "a" * 43,
    "nonsense": lambda good: "nonsense",
    "very long": lambda good: "a" * 9000,
}


def with_token(server, token, method="GET", path="/api/v1/tasks", body=None):
    headers = {"Authorization": f"Bearer {token}"}
    return server.request(method, path, body, headers, token=None)


def task_count(server):
    stats = server.request("GET", "/api/v1/tasks/stats", token="admin").json
    return sum(stats["statuses"].values())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_changes_nothing(server, name):
    token = BAD[name](forge.claims(server.client()["client_id"], scope="tasks"))
    before = task_count(server)
    task = {"payload": {"job_type": "shell", "script": "true"}}
    for answer in (with_token(server, token),
                   with_token(server, token, "POST", "/api/v1/tasks", task),
                   with_token(server, token, "POST", "/api/v1/clients", {"name": "x"})):
        assert answer.status == 401, answer.body
        assert answer.json["code"] in ("token_invalid", "token_expired", "token_revoked")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert task_count(server) == before


# Each gives the Authorization of a kind of credential that no route takes, and the code it gets.
CREDENTIALS = {
    "none": (lambda server: None, "unauthenticated"),
    "empty": (lambda server: "", "unauthenticated"),
    "no token": (lambda server: "Bearer", "unauthenticated"),
    "another scheme": (lambda server: "Basic " + server.token(), "unauthenticated"),
    "nonsense": (lambda server: "Bearer nonsense", "token_invalid"),
    "a refresh token": (lambda server: "Bearer " + log_in(server).json["refresh_token"],
                        "token_invalid"),
    "a client's secret": (lambda server: "Bearer " + server.client()["client_secret"],
                          "token_invalid"),
    "a worker's token": (lambda server: "Bearer tdw_" + "a" * 43, "token_invalid"),
    "an expired token": (lambda server: "Bearer " + forge.token(SECRET, forge.claims(
        server.client()["client_id"], iat=1000, exp=2000)), "token_expired"),
    "a forged token": (lambda server: "Bearer " + last_character_changed(server.token()),
                       "token_invalid"),
    "of nobody": (lambda server: "Bearer " + forge.token(SECRET, forge.claims(ABSENT)),
                  "token_revoked"),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_every_route_with_every_kind_of_credential(server, name):
    make, code = CREDENTIALS[name]
    authorization = make(server)
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in operations():
        if operation(method, path).get("security") == []:
            continue
        target = re.sub(r"\{\w+\}", ABSENT, path)
        answer = server.request(method.upper(), target, headers=headers, token=None)
        assert (answer.status, answer.json["code"]) == (401, code), (method, path)


@pytest.mark.parametrize("path", ["/x/health", "/health/", "//health", "/health%2f", "/Health",
                                  "/health;x", "/./health", "/api/v1/tasks/health", "/token/",
                                  "/token/revoke", "/token/refresh/", "/api/v1/health", "/", ""])
def test_only_the_exact_paths_are_open(server, path):
    for method in ("GET", "POST"):
        answer = server.request(method, path or "/", token=None)
        assert answer.status == 401, (method, path, answer.body)


def test_a_good_one_is_taken(server):
    good = forge.claims(server.client()["client_id"])
    assert with_token(server, forge.token(SECRET, good)).status == 200
    assert with_token(server, forge.token(OTHER_SECRET, good)).status == 200  # the previous secret
    expiring = good | {"exp": good["iat"] - 30}  # within the skew
    assert with_token(server, forge.token(SECRET, expiring | {"iat": 1000})).status == 200


def test_tokens_count_for_their_own_use_only(server):
    login = log_in(server).json
    for misused in (login["refresh_token"], server.client()["client_secret"]):
        answer = with_token(server, misused)
        assert (answer.status, answer.json["code"]) == (401, "token_invalid")
    for misused in (login["access_token"], server.client()["client_secret"], "tdw_" + "a" * 43):
        answer = refresh(server, misused)
        assert (answer.status, answer.json["code"]) == (401, "invalid_grant")
        assert answer.json["error"] == "invalid_grant"


def test_a_token_in_the_url_is_refused_even_beside_a_good_one(server):
    for name in ("access_token", "token", "ACCESS_TOKEN", "jwt"):
        answer = server.request("GET", f"/api/v1/tasks?{name}={server.token()}")
        assert (answer.status, answer.json["code"]) == (401, "token_in_url")


def test_scopes_bound_what_a_token_may(server):
    sub = server.client("admin")["client_id"]
    workers = forge.token(SECRET, forge.claims(sub, scope="workers"))
    answer = with_token(server, workers)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    tasks = forge.token(SECRET, forge.claims(sub, scope="tasks"))
    for path in ("/metrics", "/api/v1/clients"):
        assert with_token(server, tasks, path=path).json["code"] == "forbidden"


def log_in(server, **changes):
    client = server.client()
    form = {"grant_type": "client_credentials", "client_id": client["client_id"],
            "client_secret": client["client_secret"]} | changes
    return server.request("POST", "/token", form, token=None)


def refresh(server, token):
    return server.request("POST", "/token/refresh", {"refresh_token": token}, token=None)


def test_fifty_refreshes_at_once_give_one_successor(server):
    first = log_in(server).json["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: refresh(server, first), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1


def test_logins_that_fail_have_to_wait(own_server):
    wrong = own_server.client("admin")["client_secret"]
    codes = [log_in(own_server, client_secret=wrong).json["code"] for _ in range(8)]
    assert codes[0] == "invalid_client" and codes[-1] == "too_many_requests", codes
    told = log_in(own_server, client_secret=wrong)
    assert told.status == 429 and int(told.headers["Retry-After"]) >= 1
    assert log_in(own_server).status == 429  # a right one tells nothing either


def test_a_flood_of_logins_from_one_address_has_to_wait(own_server):
    def login(number):
        unknown = f"01890000-0000-7000-8000-{number:012d}"
        return log_in(own_server, client_id=unknown, client_secret="tds_wrong").status

    statuses = [login(number) for number in range(300)]
    assert statuses[0] == 401 and statuses[-1] == 429, statuses


@pytest.mark.alone
def test_what_cannot_be_a_token_costs_no_query(tmp_path):
    server = Server(tmp_path).start()
    good = log_in(server).json["refresh_token"]
    other = sqlite3.connect(server.data / "tandem.db", isolation_level=None)
    other.execute("begin immediate")  # who asks the store has to wait and is told so
    begin = time.monotonic()
    for wrong in ("x" + good, "tds_" + good[4:], last_character_changed(good), good[:-1], "tdf_"):
        answer = refresh(server, wrong)
        assert (answer.status, answer.json["code"]) == (401, "invalid_grant")
    secret = server.client("tasks")["client_secret"]
    for wrong in (last_character_changed(secret), secret[:-1], "tdf_" + secret[4:]):
        answer = log_in(server, client_secret=wrong)
        assert (answer.status, answer.json["code"]) == (401, "invalid_client")
    assert time.monotonic() - begin < 0.5
    assert refresh(server, good).status == 503
    assert log_in(server).status == 503
    other.execute("rollback")
    other.close()
    until(lambda: refresh(server, good).status == 200, "it is taken")
    server.stop()


def test_a_dump_of_the_database_holds_no_usable_token(tmp_path):
    server = Server(tmp_path).start()
    login = log_in(server).json
    successor = refresh(server, login["refresh_token"]).json
    made = server.request("POST", "/api/v1/clients", {"name": "new"}, token="admin").json
    rotated = server.request(
        "POST", f"/api/v1/clients/{made['client_id']}/secret", token="admin").json
    secrets = [one[name] for one in (login, successor) for name in
               ("access_token", "refresh_token")]
    secrets += [made["client_secret"], rotated["client_secret"]]
    secrets += [server.client(name)["client_secret"] for name in ("admin", "tasks")]
    server.kill()  # with all that is still in SQLite's own log
    dump = b"".join(path.read_bytes() for path in server.data.glob("*.db*"))
    dump += server.log().encode()  # nor does what the server says of itself
    assert made["client_id"].encode() in dump or b"new" in dump
    for secret in secrets:
        body = secret.split("_", 1)[-1]
        assert secret.encode() not in dump and body.encode() not in dump


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "changeme" * 5, "super-secret" * 4])
def test_a_weak_secret_does_not_start(tmp_path, secret):
    server = Server(tmp_path, TANDEM_JWT_SECRET=secret)
    done = server.tandem("serve")
    assert done.returncode == 78, done.stderr
    assert "TANDEM_JWT_SECRET" in done.stderr
    assert not secret or secret not in done.stderr
    assert not (server.data / "server.json").exists()
