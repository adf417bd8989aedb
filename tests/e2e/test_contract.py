"""openapi.yaml agrees with the route table and with itself, and no error code goes untested. That
answers agree with it is checked wherever a test asks for one (`check_answer`)."""

import re

import pytest

import contract
from contract import ROOT, document, operation, operations, resolved, validate

ROUTE = re.compile(r'Route\{"(\w+)", "([^"]*)", (k\w+), (k\w+), (\w+), \w+\}')


def route_table():
    """Method, path, access, body and kind of each route, as the server has them."""
    return ROUTE.findall((ROOT / "src/api/routes.cc").read_text())


def plain(path):
    return re.sub(r"\{\w+_id\}", "{id}", path).lstrip("/")


def test_the_contract_has_every_route_and_no_other():
    routes = {(method.lower(), path) for method, path, *_ in route_table()}
    assert len(routes) == (ROOT / "src/api/routes.cc").read_text().count("    Route{")
    assert {(method, plain(path)) for method, path in operations()} == routes


def expected_statuses(access, body, kind, path):
    expected = {"default"}
    expected |= {"401"} if access != "kOpen" else set()
    expected |= {"403"} if access != "kOpen" else set()
    expected |= {"404"} if "{id}" in path else set()
    expected |= {"400", "413", "415", "422"} if body != "kNone" else set()
    expected |= {"101", "426"} if kind == "websocket" else {"200", "201", "202", "204"}
    return expected


@pytest.mark.parametrize("method, path", operations(), ids=lambda part: part)
def test_each_operation_tells_its_statuses(method, path):
    routes = {(verb.lower(), pattern): rest for verb, pattern, *rest in route_table()}
    expected = expected_statuses(*routes[method, plain(path)], plain(path))
    told = set(operation(method, path)["responses"])
    successes = {"200", "201", "202", "204"}
    assert not (expected - successes) - told
    assert expected & successes & told or "101" in told
    assert operation(method, path)["operationId"]
    is_open = operation(method, path).get("security") == []
    assert is_open == ("401" not in expected or path in ("/token", "/token/refresh"))


def test_operations_have_names_of_their_own():
    names = [operation(method, path)["operationId"] for method, path in operations()]
    assert len(set(names)) == len(names)


def nodes(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    if isinstance(node, list):
        for value in node:
            yield from nodes(value)


def test_references_lead_somewhere_and_examples_are_valid():
    for node in nodes(document()):
        if "$ref" in node:
            assert resolved(node)
    schemas = document()["components"]["schemas"]
    examples = [schema for schema in schemas.values() if "example" in schema]
    assert len(examples) >= 3
    for schema in examples:
        validate(schema["example"], schema)


def test_a_task_has_the_members_of_the_contract(server):
    task = server.finished(server.shell("true")["task_id"])
    known = set(document()["components"]["schemas"]["Task"]["properties"])
    assert set(task) == known


def test_an_answer_that_the_contract_does_not_know_is_found(server):
    """The check that every other test relies on can fail."""
    answer = server.request("GET", "/api/v1/tasks?limit=1")
    answer.status = 418
    with pytest.raises(AssertionError):
        contract.check_answer("GET", "/api/v1/tasks", answer)
    answer.status, answer.body = 200, b'{"items": 7, "next_cursor": null}'
    with pytest.raises(Exception, match="7 is not of type"):
        contract.check_answer("GET", "/api/v1/tasks", answer)


def error_codes():
    return re.findall(r'ErrorRow\{Errc::(\w+),', (ROOT / "src/base/error.cc").read_text())


def test_every_error_code_is_named_by_a_test():
    everywhere = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("*.cc"),
                  *(ROOT / "src").rglob("*_test.cc")]
    tables = {"test_contract.py", "error_test.cc", "list_json_test.cc"}  # they name all of them
    text = "\n".join(path.read_text() for path in everywhere if path.name not in tables)
    codes = error_codes()
    assert len(codes) > 40
    named = {code for code in codes if re.search(rf'"{code}\\?"|Errc::{code}\b', text)}
    assert set(codes) - named == set()
