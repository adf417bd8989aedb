"""Servers on one database are told where they sign tokens with different secrets."""

import json

import pytest

from conftest import Server
from databases import PostgresServer, fresh_database

OLD, NEW = "old-" + "a" * 32, "new-" + "b" * 32
SENTENCE = "signs tokens with another secret"


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def servers(tmp_path, postgres):
    """Makes servers on one database, each with a directory of its own."""
    url, made = fresh_database(postgres), {}

    def server(name, secret=None, previous=None):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        secrets = {"TANDEM_JWT_SECRET": secret, "TANDEM_JWT_SECRET_PREVIOUS": previous}
        made[name] = Server(directory, TANDEM_DATABASE_URL=url, TANDEM_EMBEDDED_SLOTS="0",
                            **{name: value for name, value in secrets.items() if value})
        return made[name]

    yield server
    for one in made.values():
        if one.process and one.process.poll() is None:
            one.kill()


def is_warned(server):
    """Whether it warns at its start; stopped again."""
    before = server.log().count(SENTENCE) if (server.directory / "server.log").exists() else 0
    server.start().stop()
    return server.log().count(SENTENCE) > before


def complaints(server):
    done = server.tandem("doctor", "--json")
    findings = json.loads(done.stdout)["findings"]
    assert OLD not in done.stdout and NEW not in done.stdout
    return [one["verdict"] for one in findings if SENTENCE in one["sentence"]]


def test_a_server_with_another_secret_is_told_and_so_is_who_asks_the_doctor(servers):
    assert not is_warned(servers("one", OLD))
    assert not is_warned(servers("two", OLD))
    other = servers("three", NEW)
    assert is_warned(other)
    assert is_warned(other)
    assert complaints(other) == ["bad"]
    assert complaints(servers("one", OLD)) == []
    assert OLD not in other.log() and NEW not in other.log()


def test_secrets_that_each_server_made_for_itself_do_not_fit(servers):
    assert not is_warned(servers("one"))
    assert is_warned(servers("two"))
    assert complaints(servers("two")) == ["bad"]


def test_a_secret_is_changed_one_server_after_the_other(servers):
    for secret, previous in [(OLD, None), (OLD, NEW), (NEW, OLD), (NEW, None)]:
        for name in ("one", "two"):
            assert not is_warned(servers(name, secret, previous)), (name, secret, previous)
    assert is_warned(servers("one", OLD))


def test_a_server_alone_may_change_its_secret_without_the_old_one(servers):
    assert not is_warned(servers("one", OLD))
    assert not is_warned(servers("one", NEW))
    assert complaints(servers("one", NEW)) == []
