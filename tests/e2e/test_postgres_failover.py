"""PostgreSQL with a synchronous standby that takes over: nothing that was acknowledged is lost."""

import signal
import subprocess
import urllib.parse

import pytest

from conftest import Server
from databases import PostgresServer
from journal import Journal
from ledger import Ledger, noted
from load import Load, settle
from oracle import gather, violations
from postgres_server import PASSWORD, USER, as_nobody_special, programs
from waiting import until


class Standby(PostgresServer):
    def __init__(self, primary):
        self.primary = primary
        super().__init__()

    def _make_cluster(self):
        self._make_folder()
        source = urllib.parse.urlsplit(self.primary.url())
        subprocess.run(
            as_nobody_special([programs() / "pg_basebackup", "-d", source.geturl(), "-D",
                               self.directory / "data", "-R", "-X", "stream", "-c", "fast"]),
            check=True, capture_output=True, cwd=self.directory)

    def promote(self):
        self.sql("select pg_promote(wait => true)")


@pytest.fixture
def pair():
    primary = PostgresServer()
    standby = None
    try:
        standby = Standby(primary)
        primary.sql("alter system set synchronous_standby_names = '*'")
        primary.sql("select pg_reload_conf()")
        in_step = "select count(*) from pg_stat_replication where sync_state = 'sync'"
        until(lambda: primary.sql(in_step) == "1", standby.log)
        primary.sql("create database pair")
        yield primary, standby
    finally:
        primary.remove()
        if standby:
            standby.remove()


def test_the_standby_takes_over_under_load(tmp_path, pair):
    primary, standby = pair
    ledger = Ledger(tmp_path)
    server = Server(
        tmp_path,
        TANDEM_DATABASE_URL=f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{primary.port},"
                            f"127.0.0.1:{standby.port}/pair?target_session_attrs=read-write",
        TANDEM_HANDLERS_DIR=str(ledger.handlers),
    ).start()
    journal = Journal(server, "failover", noted(count=2))
    try:
        with Load(journal) as load:
            load.portion(20)
            until(lambda: len(journal.exchanges) > 10, "tasks are submitted")
            primary.stop(signal.SIGQUIT)
            standby.promote()
            until(lambda: journal.submit(journal.new_key()).is_acknowledged, server.log)
            load.portion(20)
        settle(server, journal)
        tasks, logs = gather(server, journal.run)
        assert violations(journal.exchanges, ledger.entries(), tasks, logs) == []
    finally:
        server.kill()
