"""An installation of several servers whose parts can all be made to fail, two at a time."""

import collections.abc
import dataclasses
import itertools
import random
import signal
import time

from databases import PgBouncer, PostgresServer, fresh_database
from ledger import Ledger
from ports import free_port
from redis_process import Redis
from several_servers import Installation, know_each_other
from waiting import until
from worker_process import WorkerProcess

LONGER_THAN_A_LEASE_S = 7
CHANNELS = ("hybrid", "polling", "push")


def hold(seconds):
    """The load goes on meanwhile."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() > end, "time passes", seconds + 5)


@dataclasses.dataclass(frozen=True)
class Fault:
    part: object
    happen: collections.abc.Callable
    mend: collections.abc.Callable


class World:
    """Servers with a worker inside each, a worker before each, PostgreSQL and Redis."""

    def __init__(self, directory, ends, servers=2):
        """`ends`, an ExitStack, is given what ends each part."""
        self.ledger = Ledger(directory)
        self.postgres = PostgresServer()
        ends.callback(self.postgres.remove)
        self.redis = Redis(directory / "redis").start()
        ends.callback(self.redis.kill)
        installation = Installation(
            directory, self.postgres, self.redis, TANDEM_LEASE_S="5", TANDEM_HEARTBEAT_S="1",
            TANDEM_EMBEDDED_SLOTS="2", TANDEM_HANDLERS_DIR=str(self.ledger.handlers),
            TANDEM_DATABASE_URL=self._database(ends))
        ends.callback(installation.end)
        self.members = [installation.start(TANDEM_LISTEN=f"127.0.0.1:{free_port()}")
                        for _ in range(servers)]
        for one, other in itertools.pairwise(self.members):
            know_each_other(one, other)
        self.workers = [self._worker(directory, number) for number in range(servers)]
        for worker in self.workers:
            ends.callback(worker.kill)

    def _database(self, _ends):
        return fresh_database(self.postgres)

    def _worker(self, directory, number):
        server = self.members[number]
        return WorkerProcess(
            directory / f"worker-{number}", f"{server.url}/api/v1/polling/config",
            TANDEM_WORKER_MODE=CHANNELS[number], TANDEM_WORKER_NAME=f"worker-{number}",
            TANDEM_REGISTRATION_TOKEN=server.token("admin"),
            TANDEM_HANDLERS_DIR=str(self.ledger.handlers)).start()

    def killed_or_stopped(self):
        return *self.members, *self.workers, self.redis

    def faults(self):
        """Each fault that can happen: what fails, and how it is brought about and mended."""
        for part in self.killed_or_stopped():
            yield Fault(part, part.kill, part.start)
            yield Fault(part, lambda part=part: part.process.send_signal(signal.SIGSTOP),
                        lambda part=part: part.process.send_signal(signal.SIGCONT))
        for member in self.members:
            yield Fault(member, member.stop, member.start)
        for how in (signal.SIGINT, signal.SIGQUIT):
            yield Fault(self.postgres, lambda how=how: self.postgres.stop(how), self.postgres.start)
        frozen = []
        yield Fault(self.postgres, lambda: frozen.extend(self.postgres.freeze()),
                    lambda: (self.postgres.thaw(frozen), frozen.clear()))

    def mend(self, faults):
        """A server does not start without its database."""
        for fault in sorted(faults, key=lambda fault: fault.part in self.members):
            fault.mend()


class Pooler(PgBouncer):
    kill = PgBouncer.remove


class PooledWorld(World):
    """Its servers reach the database through PgBouncer, which may fail too."""

    CONNECTIONS = 12

    def _database(self, ends):
        self.pooler = Pooler(self.postgres, self.CONNECTIONS)
        ends.callback(self.pooler.kill)
        return self.pooler.url(super()._database(ends).rsplit("/", 1)[1])

    def killed_or_stopped(self):
        return *super().killed_or_stopped(), self.pooler


def two_at_a_time(faults, chance):
    """For ever; never two of one part."""
    while True:
        pair = chance.sample(faults, 2)
        if pair[0].part is not pair[1].part:
            yield pair


def fail_two_at_a_time(world, config, before_each):
    """As often, and in that way, as `--faults` and `--seed` say."""
    chance = random.Random(config.getoption("--seed"))
    pairs = two_at_a_time(list(world.faults()), chance)
    for pair in itertools.islice(pairs, config.getoption("--faults")):
        for fault in pair:
            before_each()
            fault.happen()
            hold(chance.choice([0, 0.5, 2, LONGER_THAN_A_LEASE_S]))
        world.mend(pair)
        hold(chance.choice([0, 0.5, 3]))
