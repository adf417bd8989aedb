"""Tasks submitted in SQL, in a transaction of the user's own."""

import json
import re
import subprocess
import urllib.parse

import pytest

from conftest import ROOT, Server
from databases import PgBouncer, PostgresServer, fresh_database
from redis_process import Redis
from several_servers import Installation
from waiting import until

ECHO = json.dumps({"job_type": "shell", "script": "echo from SQL"})


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.remove()


class Database:
    """What a superuser's psql says in a server's database."""

    def __init__(self, postgres, url):
        self.postgres, self.name = postgres, urllib.parse.urlsplit(url).path[1:]

    def run(self, text):
        return self.postgres.sql(text, self.name)

    def refused(self):
        rows = self.run("select task_id, refused from tandem.submissions where refused is not null")
        return dict(row.split("|", 1) for row in rows.splitlines())

    def waiting(self):
        return int(self.run("select count(*) from tandem.submissions where refused is null"))


@pytest.fixture
def world(tmp_path, postgres):
    url = fresh_database(postgres)
    server = Server(tmp_path, TANDEM_DATABASE_URL=url).start()
    yield server, Database(postgres, url)
    if server.process.poll() is None:
        server.kill()


def submit(database, payload=ECHO, more=""):
    return database.run(f"select tandem.submit('{payload}'{more})")


def new_client(server, name, scope):
    made = server.request("POST", "/api/v1/clients", {"name": name, "scope": scope}, token="admin")
    assert made.status == 201
    return made.json


def status_of(server, task_id):
    answer = server.request("GET", f"/api/v1/tasks/{task_id}")
    return answer.json["status"] if answer.status == 200 else answer.status


def ended(server, task_id):
    until(lambda: status_of(server, task_id) != 404, "a server has taken it")
    return server.finished(task_id)


def test_it_runs_on_commit(world):
    server, database = world
    task_id = submit(database)
    task = ended(server, task_id)
    assert (task["status"], task["job_type"]) == ("completed", "shell")
    log = server.request("GET", f"/api/v1/tasks/{task_id}/logs", headers={"Accept": "text/plain"})
    assert log.body == b"from SQL\n"
    assert database.run("select count(*) from tandem.submissions") == "0"


def test_a_transaction_decides(world):
    server, database = world
    gone = database.run(f"begin; select tandem.submit('{ECHO}'); rollback").splitlines()[-1]
    psql = subprocess.Popen(
        ["psql", "-XAtq", "-d", database.postgres.url(database.name)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    psql.stdin.write(f"begin;\nselect tandem.submit('{ECHO}');\n")
    psql.stdin.flush()
    open_one = psql.stdout.readline().strip()
    assert ended(server, submit(database))["status"] == "completed", "an open one blocks nobody"
    assert status_of(server, open_one) == 404
    psql.communicate("commit;\n", timeout=30)
    assert ended(server, open_one)["status"] == "completed"
    assert status_of(server, gone) == 404


def test_options_are_those_of_a_submission(world):
    server, database = world
    options = {"queue": "reports", "priority": 5, "labels": {"team": "sales"}, "max_attempts": 3,
               "delay_s": 3600, "assignment": "any", "env": {"COLOUR": "blue"}}
    task_id = submit(database, more=f", options => '{json.dumps(options)}'")
    until(lambda: status_of(server, task_id) == "scheduled", "it is there")
    task = server.request("GET", f"/api/v1/tasks/{task_id}").json
    for name in ("queue", "priority", "labels", "max_attempts"):
        assert task[name] == options[name]


def test_it_is_the_named_clients(world):
    server, database = world
    made = new_client(server, "shop", "tasks")
    task_id = submit(database, more=", 'shop'")
    until(lambda: database.waiting() == 0, "it was taken")
    assert status_of(server, task_id) == 404, "of another client"
    seen = server.request("GET", f"/api/v1/tasks/{task_id}", token="admin")
    assert seen.json["client_id"] == made["client_id"]


@pytest.mark.parametrize("arguments, fault", [
    ("'[]'", "payload must be an object"),
    ("null", "payload must be an object"),
    ("'{}'", "payload.job_type must be a string"),
    ("""'{"job_type": "-x"}'""", "payload.job_type must be a string"),
    ("""'{"job_type": 7}'""", "payload.job_type must be a string"),
    ("""jsonb_build_object('job_type', 'x', 'v', repeat('v', 1048576))""", "at most 1048576 bytes"),
    (f"'{ECHO}', 'nobody'", "there is no client 'nobody'"),
    (f"'{ECHO}', null", "there is no client NULL"),
    (f"'{ECHO}', options => null", "options must be an object"),
    (f"""'{ECHO}', options => '{{"prio": 1}}'""", "there is no option prio"),
    (f"""'{ECHO}', options => '{{"priority": "high"}}'""",
     "the option priority must be of type number"),
    (f"""'{ECHO}', options => '{{"payload": {{}}}}'""", "there is no option payload"),
])
def test_what_is_wrong_ends_the_statement(world, arguments, fault):
    _, database = world
    with pytest.raises(RuntimeError, match=re.escape("tandem.submit: ")) as refused:
        database.run(f"\\set VERBOSITY verbose\nselect tandem.submit({arguments})")
    assert fault in str(refused.value)
    assert "22023" in str(refused.value)


def test_a_client_needs_the_scope(world):
    server, database = world
    new_client(server, "w", "workers")
    with pytest.raises(RuntimeError, match="has not the scope"):
        submit(database, more=", 'w'")


def test_what_only_a_server_sees_stays_with_its_reason(world):
    server, database = world
    wrong = submit(database, more=""", options => '{"priority": 1000, "run_at": "noon"}'""")
    inner = submit(database, more=""", options => '{"callback_url": "http://127.0.0.1:1/"}'""")
    good = submit(database)
    assert ended(server, good)["status"] == "completed", "nothing stands in its way"
    refused = database.refused()
    assert "priority" in refused[wrong] and "run_at" in refused[wrong]
    assert "callback_url" in refused[inner]
    assert status_of(server, wrong) == 404
    database.run(f"""update tandem.submissions set refused = null, body = '{{"payload": {ECHO}}}'
        where task_id = '{wrong}'""")
    assert ended(server, wrong)["status"] == "completed", "it was mended"


def test_a_unique_key_is_one_unfinished_task(world):
    server, database = world
    options = """, options => '{"unique_key": "nightly", "delay_s": 3600}'"""
    first = submit(database, more=options)
    until(lambda: status_of(server, first) == "scheduled", "it is there")
    second = submit(database, more=options)
    until(lambda: second in database.refused(), "it is refused")
    assert first in database.refused()[second]


def test_a_removed_client_and_a_known_id(world):
    server, database = world
    made = new_client(server, "brief", "tasks")
    known = submit(database)
    ended(server, known)
    server.stop()
    orphan = submit(database, more=", 'brief'")
    database.run(f"delete from tandem.clients where client_id = '{made['client_id']}';"
                 " insert into tandem.submissions select task_id, client_id, '{}', 0"
                 f" from tandem.finished_tasks where task_id = '{known}'")
    late = submit(database)
    server.start()
    assert ended(server, late)["status"] == "completed", "nothing stands in its way"
    assert database.refused() == {orphan: "Its client was removed",
                                  known: "There is a task with this id"}


def test_what_waited_for_a_server_is_not_lost(world):
    server, database = world
    server.kill()
    count = database.run(f"""select count(tandem.submit('{ECHO}', options => '{{"delay_s": 3600}}'))
        from generate_series(1, 1000)""")
    assert count == "1000"
    server.start()
    until(lambda: database.waiting() == 0, "all are taken")
    stats = server.request("GET", "/api/v1/tasks/stats").json
    assert stats["statuses"]["scheduled"] == 1000


def test_each_is_taken_by_one_of_several_servers(tmp_path, postgres):
    redis = Redis(tmp_path).start()
    installation = Installation(tmp_path, postgres, redis)
    try:
        one, other = installation.start(), installation.start()
        database = Database(postgres, installation.settings["TANDEM_DATABASE_URL"])
        for _ in range(20):
            database.run(f"""select count(tandem.submit('{ECHO}',
                options => '{{"delay_s": 3600}}')) from generate_series(1, 100)""")
        until(lambda: database.waiting() == 0, "all are taken")
        for server in (one, other):
            stats = server.request("GET", "/api/v1/tasks/stats").json
            assert stats["statuses"]["scheduled"] == 2000
        assert database.refused() == {}
    finally:
        installation.end()
        redis.kill()


def test_behind_a_pooler(tmp_path, postgres):
    pooler = PgBouncer(postgres)
    database = Database(postgres, fresh_database(postgres))
    server = Server(tmp_path, TANDEM_DATABASE_URL=pooler.url(database.name))
    try:
        server.start()
        assert ended(server, submit(database))["status"] == "completed"
    finally:
        server.kill()
        pooler.remove()


def test_every_block_of_the_page_works(world):
    server, database = world
    page = (ROOT / "docs/using/sql.md").read_text()
    blocks = re.findall(r"^```sql\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) >= 4
    database.run("\n".join(blocks))
    until(lambda: database.waiting() == 0, "all are taken")
    stats = server.request("GET", "/api/v1/tasks/stats").json
    assert sum(stats["statuses"].values()) == 102
    task_id = database.run("set role shop; select tandem.submit('{\"job_type\": \"x\"}')")
    until(lambda: status_of(server, task_id) != 404, "whoever was given the right may")
    with pytest.raises(RuntimeError, match="permission denied"):
        database.run("set role shop; select * from tandem.submissions")
    database.run("create role stranger; grant usage on schema tandem to stranger")
    with pytest.raises(RuntimeError, match="permission denied for function submit"):
        database.run(f"set role stranger; select tandem.submit('{ECHO}')")
