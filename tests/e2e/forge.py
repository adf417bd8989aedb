"""Access tokens made by hand, right ones and wrong ones."""

import base64
import hashlib
import hmac
import json
import time
import uuid

HEADER = {"alg": "HS256", "typ": "at+jwt"}


def part(data):
    text = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signature(signed, secret, hash_=hashlib.sha256):
    return part(hmac.new(secret.encode(), signed.encode(), hash_).digest())


def claims(client_id, **changes):
    """Good ones; a change to None leaves the claim out."""
    now = int(time.time())
    good = {"iss": "tandem", "sub": client_id, "aud": "tandem-api", "scope": "tasks", "iat": now,
            "exp": now + 600, "jti": str(uuid.uuid4())}
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(secret, payload, header=HEADER, hash_=hashlib.sha256):
    signed = part(header) + "." + part(payload)
    return signed + "." + signature(signed, secret, hash_)
