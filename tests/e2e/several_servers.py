"""Several servers on one database, one Redis and one folder of files."""

import itertools

import pytest

from conftest import Server
from databases import PostgresServer, fresh_database
from polling_worker import PollingWorker
from redis_process import Redis
from waiting import until

SECRET = "one secret for all servers of the installation"


class Member(Server):
    """One of them; the clients' secrets are where the first one was started."""

    def __init__(self, first, directory, **settings):
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(directory, **settings)
        self.first = first

    def client(self, name="tasks"):
        return super().client(name) if self.first is None else self.first.client(name)


class Installation:
    def __init__(self, directory, postgres, redis, **settings):
        self.directory = directory
        self.settings = {
            "TANDEM_DATABASE_URL": fresh_database(postgres),
            "TANDEM_LOGS_URL": redis.url,
            "TANDEM_BLOBS_URL": (directory / "blobs").as_uri(),
            "TANDEM_JWT_SECRET": SECRET,
            "TANDEM_EMBEDDED_SLOTS": "0",
        } | settings
        self.members = []

    def start(self, **settings):
        """One more server."""
        first = self.members[0] if self.members else None
        directory = self.directory / f"server-{len(self.members)}"
        member = Member(first, directory, **(self.settings | settings))
        self.members.append(member)
        return member.start()

    def turns(self):
        """The servers, each in turn, for ever."""
        return itertools.cycle(self.members)

    def end(self):
        for member in self.members:
            if member.process.poll() is None:
                member.kill()


class Balancer:
    """What clients take for the server: their requests go to all members, in turn."""

    def __init__(self, members):
        self.turns = itertools.cycle(members)

    @property
    def url(self):
        return next(self.turns).url

    def token(self):
        return next(self.turns).token()


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    postgres, redis = PostgresServer(), Redis(tmp_path_factory.mktemp("redis")).start()
    yield postgres, redis
    redis.kill()
    postgres.remove()


@pytest.fixture
def installation(tmp_path, engines):
    made = Installation(tmp_path, *engines)
    yield made
    made.end()


@pytest.fixture
def pair(installation):
    one, other = installation.start(), installation.start()
    know_each_other(one, other)
    return one, other


def know_each_other(one, other):
    """Returns once the news of each comes to the other one."""
    for here, there in ((one, other), (other, one)):
        worker = PollingWorker(here)
        assert at(there, worker).claim(max=0).status == 200
        worker.control("revoke")
        until(lambda: code_of(at(there, worker).claim(max=0)) == "token_revoked", "it has heard")


def code_of(answer):
    return answer.json.get("code")


def at(server, worker):
    """The same worker, that now speaks to this server."""
    moved = object.__new__(type(worker))
    moved.__dict__.update(worker.__dict__, server=server)
    return moved
