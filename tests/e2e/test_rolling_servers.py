"""Promises 1, 3 and 21 with several servers: each goes and comes back in its turn, under load."""

import itertools

import pytest

from journal import Journal
from ledger import Ledger, noted
from load import Load, settle
from oracle import gather, violations
from several_servers import (Balancer, engines, installation,  # noqa: F401: fixtures
                             know_each_other)
from waiting import until

PORTION = 40


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_each_in_its_turn(installation, tmp_path, pytestconfig, how):
    rounds = pytestconfig.getoption("--restarts") // 2
    ledger = Ledger(tmp_path)
    inside = {"TANDEM_EMBEDDED_SLOTS": "4", "TANDEM_HANDLERS_DIR": str(ledger.handlers),
              "TANDEM_LEASE_S": "5", "TANDEM_HEARTBEAT_S": "1"}
    members = [installation.start(**inside) for _ in range(2)]
    know_each_other(*members)
    journal = Journal(Balancer(members), "rolling", noted(count=2))
    with Load(journal) as load:
        for member in itertools.islice(itertools.cycle(members), rounds):
            taken = len(journal.exchanges) + PORTION // 4
            load.portion(PORTION)
            until(lambda: len(journal.exchanges) > taken, "tasks are submitted")
            getattr(member, how)()
            member.start()
    settle(members[0], journal)
    tasks, logs = gather(members[0], journal.run)
    assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    assert len(tasks) > rounds * PORTION // 4
    if how == "stop":
        assert {task["status"] for task in tasks.values()} == {"completed"}
        assert all(ledger.events(task_id) == ["start", "end"] for task_id in tasks)
