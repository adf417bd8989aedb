"""PostgreSQL over TLS: who is not the one that was meant gets no password."""

import os
import pathlib
import shutil
import tempfile

import pytest

from certificates import certificate
from conftest import Server
from databases import PostgresServer, fresh_database

RULES = """local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@pytest.fixture(scope="module")
def folder():
    """One that PostgreSQL's own user may look into."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="tandem-postgres-tls-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def postgres(folder):
    cert, key = certificate(folder)
    rules = folder / "rules"
    rules.write_text(RULES)
    for path in (cert, key, rules):
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")
    server = PostgresServer("ssl=on", f"ssl_cert_file={cert}", f"ssl_key_file={key}",
                            f"hba_file={rules}")
    server.cert = cert
    yield server
    server.remove()


def test_tasks_go_over_tls_alone(tmp_path, postgres):
    url = fresh_database(postgres)
    server = Server(
        tmp_path, TANDEM_DATABASE_URL=f"{url}?sslmode=verify-full&sslrootcert={postgres.cert}"
    ).start()
    try:
        assert server.finished(server.shell("echo hi")["task_id"])["status"] == "completed"
        connections = postgres.sql(
            "select count(*), bool_and(s.ssl) from pg_stat_ssl s "
            f"join pg_stat_activity a using (pid) where a.datname = '{url.rsplit('/', 1)[1]}'")
        count, are_safe = connections.split("|")
        assert int(count) >= 2 and are_safe == "t"
    finally:
        server.stop()


def refusal(directory, url):
    done = Server(directory, TANDEM_DATABASE_URL=url).tandem("serve", timeout=30)
    assert done.returncode == 1, done.stderr
    assert "not-a-secret" not in done.stderr
    return done.stderr


def test_another_certificate_is_not_trusted(tmp_path, postgres, folder):
    other, _ = certificate(folder, "other")
    url = fresh_database(postgres)
    said = refusal(tmp_path, f"{url}?sslmode=verify-full&sslrootcert={other}")
    assert "certificate" in said


def test_another_name_is_not_trusted(tmp_path, postgres):
    url = fresh_database(postgres).replace("127.0.0.1", "127.0.0.2")
    said = refusal(tmp_path, f"{url}?hostaddr=127.0.0.1&sslmode=verify-full"
                             f"&sslrootcert={postgres.cert}")
    assert "certificate" in said


def test_a_database_that_wants_tls_is_told_apart_from_a_wrong_password(tmp_path, postgres):
    said = refusal(tmp_path, fresh_database(postgres) + "?sslmode=disable")
    assert "pg_hba.conf" in said and "TLS" in said
    assert "refuses the user or the password" not in said


def test_a_database_without_tls_is_told_apart_from_one_that_is_away(tmp_path):
    plain = PostgresServer()
    try:
        said = refusal(tmp_path, fresh_database(plain) + "?sslmode=require")
        assert "does not speak TLS" in said
    finally:
        plain.remove()
