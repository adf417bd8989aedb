"""openapi.yaml, as what requests and answers are held against."""

import functools
import pathlib
import re

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What any operation may answer, said once by its `default`.
ANYWHERE = {"400", "408", "413", "415", "431", "503"}
METHODS = ("get", "post", "put", "patch", "delete")


@functools.cache
def document():
    return yaml.safe_load((ROOT / "openapi.yaml").read_text())


def operations():
    """Method and path of each."""
    return [(method, path) for path, item in document()["paths"].items()
            for method in METHODS if method in item]


def operation(method, path):
    return document()["paths"][path][method.lower()]


def resolved(node):
    while "$ref" in node:
        target = document()
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


@functools.cache
def patterns():
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path)
            for path in sorted(document()["paths"], key=lambda path: path.count("{"))]


def path_of(target):
    """The path of the contract that a request's target belongs to, or None."""
    path = target.split("?")[0]
    return next((known for pattern, known in patterns() if pattern.match(path)), None)


def validate(value, schema):
    whole = {"components": document()["components"], **schema}
    jsonschema.Draft202012Validator(whole).validate(value)


def check_answer(method, target, answer):
    """Whether the contract knows this answer. What it does not speak of passes."""
    assert answer.status != 500, answer.body
    path = path_of(target)
    if path is None or method.lower() not in document()["paths"][path]:
        return
    known = operation(method, path)["responses"]
    status = str(answer.status)
    assert status in known or status in ANYWHERE, f"{method} {path} is not known to answer {status}"
    media = (answer.headers["Content-Type"] or "").split(";")[0]
    described = resolved(known.get(status, known["default"])).get("content", {})
    if media.endswith("json"):
        assert media in described, f"{method} {path} is not known to answer {status} with {media}"
        validate(answer.json, described[media]["schema"])
