"""What is given out first: higher priority, then first in, first out."""

from conftest import Server
from ledger import Ledger, noted
from waiting import until


def test_higher_priority_first_then_first_in_first_out(tmp_path):
    ledger = Ledger(tmp_path)
    server = Server(
        tmp_path, TANDEM_HANDLERS_DIR=str(ledger.handlers), TANDEM_EMBEDDED_SLOTS="1"
    ).start()
    try:
        hold = tmp_path / "hold"
        holder = server.submit(**noted(hold=hold))["task_id"]
        until(lambda: ledger.events(holder) == ["start"], "the only slot is taken")
        priorities = [-1, 0, 5, 0, -100, 5, 100]
        ids = [server.submit(**noted(priority=one))["task_id"] for one in priorities]
        expected = [ids[i] for i in sorted(range(len(ids)), key=lambda i: (-priorities[i], i))]
        hold.touch()
        for task_id in ids:
            assert server.finished(task_id)["status"] == "completed"
        started = [entry.task_id for entry in ledger.entries() if entry.event == "start"]
        assert started == [holder, *expected]
    finally:
        server.stop()
