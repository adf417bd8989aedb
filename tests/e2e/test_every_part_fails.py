"""Promises 1 to 4 while every part of an installation fails, two at a time, under load.

`--faults N --seed S` makes it longer, and repeats it.
"""

import contextlib

import pytest

from failing_parts import World, fail_two_at_a_time
from journal import Journal
from ledger import noted
from load import Load, settle
from oracle import gather, violations
from several_servers import Balancer

PORTION = 30


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as ends:
        yield World(tmp_path, ends)


def test_nothing_is_lost_or_done_twice(world, pytestconfig):
    journal = Journal(Balancer(world.members), "faults", noted(count=2, max_attempts=20))
    with Load(journal) as load:
        fail_two_at_a_time(world, pytestconfig, lambda: load.portion(PORTION))
    settle(world.members[0], journal)
    tasks, logs = gather(world.members[0], journal.run)
    assert violations(journal.exchanges, world.ledger.entries(), tasks, logs) == []
    assert {task["status"] for task in tasks.values()} == {"completed"}
