"""Promises 1 to 4 while every part of an installation fails, two at a time, under load.

`--faults N --seed S` makes it longer, and repeats it.
"""

import collections.abc
import contextlib
import dataclasses
import itertools
import random
import signal
import time

import pytest

from databases import PostgresServer
from journal import Journal
from ledger import Ledger, noted
from load import Load, settle
from oracle import gather, violations
from ports import free_port
from redis_process import Redis
from several_servers import Balancer, Installation, know_each_other
from waiting import until
from worker_process import WorkerProcess

PORTION = 30
LONGER_THAN_A_LEASE_S = 7


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
    """Two servers with a worker inside each, a worker before each, PostgreSQL and Redis."""

    def __init__(self, directory, ends):
        """`ends`, an ExitStack, is given what ends each part."""
        self.ledger = Ledger(directory)
        self.postgres = PostgresServer()
        ends.callback(self.postgres.remove)
        self.redis = Redis(directory / "redis").start()
        ends.callback(self.redis.kill)
        installation = Installation(
            directory, self.postgres, self.redis, TANDEM_LEASE_S="5", TANDEM_HEARTBEAT_S="1",
            TANDEM_EMBEDDED_SLOTS="2", TANDEM_HANDLERS_DIR=str(self.ledger.handlers))
        ends.callback(installation.end)
        self.members = [installation.start(TANDEM_LISTEN=f"127.0.0.1:{free_port()}")
                        for _ in range(2)]
        know_each_other(*self.members)
        self.workers = [self._worker(directory, number) for number in range(2)]
        for worker in self.workers:
            ends.callback(worker.kill)

    def _worker(self, directory, number):
        server = self.members[number]
        return WorkerProcess(
            directory / f"worker-{number}", f"{server.url}/api/v1/polling/config",
            TANDEM_WORKER_MODE=("hybrid", "polling")[number],
            TANDEM_WORKER_NAME=f"worker-{number}",
            TANDEM_REGISTRATION_TOKEN=server.token("admin"),
            TANDEM_HANDLERS_DIR=str(self.ledger.handlers)).start()

    def faults(self):
        """Each fault that can happen: what fails, and how it is brought about and mended."""
        for part in (*self.members, *self.workers, self.redis):
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


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as ends:
        yield World(tmp_path, ends)


def two_at_a_time(faults, chance):
    """For ever; never two of one part."""
    while True:
        pair = chance.sample(faults, 2)
        if pair[0].part is not pair[1].part:
            yield pair


def test_nothing_is_lost_or_done_twice(world, pytestconfig):
    chance = random.Random(pytestconfig.getoption("--seed"))
    journal = Journal(Balancer(world.members), "faults", noted(count=2, max_attempts=20))
    pairs = two_at_a_time(list(world.faults()), chance)
    with Load(journal) as load:
        for pair in itertools.islice(pairs, pytestconfig.getoption("--faults")):
            for fault in pair:
                load.portion(PORTION)
                fault.happen()
                hold(chance.choice([0, 0.5, 2, LONGER_THAN_A_LEASE_S]))
            world.mend(pair)
            hold(chance.choice([0, 0.5, 3]))
    settle(world.members[0], journal)
    tasks, logs = gather(world.members[0], journal.run)
    assert violations(journal.exchanges, world.ledger.entries(), tasks, logs) == []
    assert {task["status"] for task in tasks.values()} == {"completed"}
