"""Several servers on one database, one Redis and one folder of files."""

import itertools

from conftest import Server
from databases import fresh_database

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
