"""Workers as they are registered, with what admins and their own tokens may do."""

import base64
import itertools
import zlib

from contract import operation

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


def is_of_workers(method, path):
    """May a worker's token be used there? As the contract says of each address."""
    return "the token of a worker" in operation(method, path).get("description", "")
