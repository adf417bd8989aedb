"""Promises 1 to 4, 6, 9, 11, 12, 15 and 16 for clients that cancel, answer, follow and download
while the parts of an installation fail, two at a time.

`--faults N --seed S` makes it longer, and repeats it.
"""

import contextlib
import random

import pytest

from cancelling import Canceller
from failing_parts import PooledWorld, fail_two_at_a_time
from following import Follower
from journal import Journal
from ledger import noted
from load import Load, Observer, settle
from making import Maker
from oracle import gather, violations
from processes import processes_with
from several_servers import Balancer
from talking import Talker
from unsure_client import UnsureClient

SERVERS = 3


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as ends:
        yield PooledWorld(tmp_path, ends, SERVERS)


class Visitors:
    """Some of each kind, and how much each of them does before a part fails."""

    def __init__(self, world, seed):
        self.world = world
        self.journal = Journal(Balancer(world.members), "visits", noted(count=2, max_attempts=20))
        client = UnsureClient(world.members)
        self.observer = Observer(client, self.journal.run)
        parts, chance = (client, self.journal, self.observer), random.Random(seed)
        self.canceller = Canceller(*parts, never=world.ledger.path.parent / "never", chance=chance)
        self.talker = Talker(*parts, chance=chance)
        self.maker = Maker(*parts, ledger=world.ledger)
        self.follower = Follower(*parts, chance=chance)
        self.loads = [(Load(self.journal, 3), 10), (Load(self.journal, 6, self.canceller.act), 8),
                      (Load(self.journal, 4, self.talker.act), 3),
                      (Load(self.journal, 3, self.maker.act), 4),
                      (Load(self.journal, 3, self.follower.act), 2)]

    def portion(self):
        for load, tasks in self.loads:
            load.portion(tasks)

    @contextlib.contextmanager
    def at_work(self):
        """Returns once each of them has done what it had begun."""
        with self.observer, contextlib.ExitStack() as ends:
            for load, _ in self.loads:
                ends.enter_context(load)
            yield

    def violations(self):
        tasks, logs = gather(self.world.members[0], self.journal.run)
        entries = self.world.ledger.entries()
        return [*violations(self.journal.exchanges, entries, tasks, logs),
                *self.observer.violations(tasks, logs),
                *self.canceller.violations(entries, tasks),
                *self.talker.violations(entries),
                *self.maker.violations(self.world.members, tasks),
                *self.follower.violations(tasks, logs),
                *(f"{task_id} is alive" for task_id in tasks if processes_with(task_id))]

    def done(self):
        """How often each of them has done what it is there for."""
        return {"never started": sum(one.status == 200 for one in self.canceller.cancels),
                "stopped": sum(one.status == 202 for one in self.canceller.cancels),
                "answered": sum(one.status == 202 for one in self.talker.pieces),
                "downloaded": self.maker.downloads,
                "followed": self.follower.connections,
                "observed": len(self.observer.ends)}


def test_what_clients_were_told_stays_true(world, pytestconfig):
    visitors = Visitors(world, pytestconfig.getoption("--seed"))
    with visitors.at_work():
        fail_two_at_a_time(world, pytestconfig, visitors.portion)
    settle(world.members[0], visitors.journal)
    assert visitors.violations() == []
    print(visitors.done())
    assert all(visitors.done().values()), visitors.done()
