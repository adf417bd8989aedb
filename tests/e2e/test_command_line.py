"""The commands, as a user types them."""

import io
import json
import re
import socket
import stat
import zipfile

import pytest

USAGE, UNREACHABLE, NOT_ALLOWED, SETTINGS, FAILED = 64, 69, 77, 78, 1
ABSENT = "01890000-0000-7000-8000-000000000000"


def one_sentence(done, exit_code, *words):
    """It failed with this code and said so in one line, without a trace or an empty phrase."""
    assert done.returncode == exit_code, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("tandem: "), done.stderr
    for word in words:
        assert word in lines[0], (word, lines[0])
    assert done.stdout == ""


def submit_and_wait(server, script, *more):
    done = server.tandem("submit", "shell", script, "--wait", "--json", *more)
    return json.loads(done.stdout)


# submit


def test_submit_waits_and_ends_with_the_jobs_exit_code(server):
    done = server.tandem(
        "submit", "shell", "--payload", '{"script": "echo hello; exit 7"}', "--wait"
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout == "hello\n"
    assert "failed" in done.stderr


@pytest.mark.parametrize(
    "script, code",
    [("exit 0", 0), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_exit_codes_are_the_jobs(server, script, code):
    assert server.tandem("submit", "shell", script, "--wait").returncode == code


def test_a_job_that_never_ran_is_a_failure(server):
    done = server.tandem("submit", "nobody-knows", "--wait")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "no_handler" in done.stderr


def test_submit_prints_the_id_alone(server):
    done = server.tandem("submit", "shell", "true")
    assert re.fullmatch(r"[0-9a-f-]{36}\n", done.stdout) and done.stderr == ""


def test_streams_are_kept_apart(server):
    done = server.tandem("submit", "shell", "echo out; echo err >&2", "--wait")
    assert done.stdout == "out\n"
    assert "err\n" in done.stderr


def test_wait_with_json_gives_the_task_on_stdout_and_the_log_on_stderr(server):
    done = server.tandem("submit", "shell", "echo out; exit 3", "--wait", "--json")
    task = json.loads(done.stdout)
    assert (done.returncode, task["status"], task["exit_code"]) == (3, "failed", 3)
    assert "out\n" in done.stderr


@pytest.mark.parametrize(
    "arguments, text_in",
    [
        (["exec", "--", "printf", "%s", "a b"], ""),
        (["shell", "printf 'a b'"], ""),
        (['{"job_type": "shell", "script": "printf \'a b\'"}'], ""),
        (["-"], '{"job_type": "exec", "argv": ["printf", "a b"]}'),
        (["shell", "--payload-file", "-"], '{"script": "printf \'a b\'"}'),
        (["shell", "--set", "script=printf 'a b'"], ""),
    ],
)
def test_a_payload_can_be_given_in_many_ways(server, arguments, text_in):
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    rest = arguments[len(words) :]
    done = server.tandem("submit", *words, "--wait", *rest, text_in=text_in)
    assert (done.returncode, done.stdout) == (0, "a b"), done.stderr


def test_a_payload_from_a_file(server, tmp_path):
    (tmp_path / "payload.json").write_text('{"script": "echo from a file"}')
    done = server.tandem(
        "submit", "shell", "--payload-file", tmp_path / "payload.json", "--wait"
    )
    assert done.stdout == "from a file\n"


def test_input_files_go_with_a_task(server, tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name + "\n")
    done = server.tandem(
        "submit", "shell", 'cat "$TANDEM_INPUT_DIR"/*', "--wait",
        "--file", tmp_path / "one.txt", "--file", tmp_path / "two.txt",
    )  # fmt: skip
    assert done.stdout == "one.txt\ntwo.txt\n"


def test_options_reach_the_task(server):
    done = server.tandem(
        "submit", "shell", "true", "--queue", "slow", "--priority", "7", "--label", "team=vision",
        "--max-attempts", "3", "--timeout", "2.5", "--delay", "3600", "--json",
    )  # fmt: skip
    task = json.loads(done.stdout)
    assert (task["queue"], task["priority"], task["labels"]) == ("slow", 7, {"team": "vision"})
    assert (task["max_attempts"], task["timeout_s"], task["status"]) == (3, 2.5, "scheduled")


def test_an_idempotency_key_makes_one_task(server):
    first, again = (
        server.tandem("submit", "shell", "true", "--idempotency-key", "cli-once").stdout
        for _ in range(2)
    )
    assert first == again


# Looking


def test_status(server):
    task = submit_and_wait(server, "echo x; exit 4")
    text = server.tandem("status", task["task_id"])
    assert text.returncode == 0
    assert task["task_id"] in text.stdout and re.search(r"exit code +4", text.stdout)
    assert json.loads(server.tandem("status", task["task_id"], "--json").stdout) == task


def test_status_waits_for_the_end(server):
    task_id = server.tandem("submit", "shell", "sleep 0.5").stdout.strip()
    done = server.tandem("status", task_id, "--wait", "60", "--json")
    assert json.loads(done.stdout)["status"] == "completed"


def test_logs_with_and_without_following(server):
    task_id = server.tandem("submit", "shell", "echo one; sleep 0.3; echo two").stdout.strip()
    assert server.tandem("logs", "-f", task_id).stdout == "one\ntwo\n"
    assert server.tandem("logs", task_id).stdout == "one\ntwo\n"
    assert server.tandem("logs", task_id, "--after", "1-1").stdout == "two\n"
    lines = server.tandem("logs", task_id, "--json").stdout.splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["one\n", "two\n"]


def test_ls_finds_it(server):
    server.tandem("submit", "shell", "true", "--label", "which=this", "--wait")
    done = server.tandem("ls", "--label", "which=this", "--json")
    assert [task["job_type"] for task in json.loads(done.stdout)["items"]] == ["shell"]
    text = server.tandem("ls", "--label", "which=this").stdout.splitlines()
    assert len(text) == 2 and "completed" in text[1]


# Doing


def test_cancel_and_retry(server):
    task_id = server.tandem("submit", "shell", "echo up; sleep 600").stdout.strip()
    assert server.tandem("cancel", task_id).returncode == 0
    ended = server.tandem("status", task_id, "--wait", "60", "--json")
    assert json.loads(ended.stdout)["status"] == "cancelled"
    again = server.tandem("cancel", task_id)
    one_sentence(again, FAILED, "already")
    assert json.loads(server.tandem("retry", task_id, "--json").stdout)["task_id"] == task_id
    one_sentence(server.tandem("retry", task_id), FAILED)
    assert server.tandem("cancel", task_id, "--json").returncode == 0


def test_download(server, tmp_path):
    task = submit_and_wait(
        server, 'cd "$TANDEM_OUTPUT_DIR"; printf one > a.txt; printf two > "b c.txt"'
    )
    folder, archive = tmp_path / "out", tmp_path / "all.zip"
    folder.mkdir()
    assert server.tandem("download", task["task_id"], "-o", folder).returncode == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "a.txt": "one", "b c.txt": "two",
    }  # fmt: skip
    assert server.tandem("download", task["task_id"], "-o", archive).returncode == 0
    assert sorted(zipfile.ZipFile(archive).namelist()) == ["a.txt", "b c.txt"]
    piped = server.tandem("download", task["task_id"], "--name", "b c.txt", "-o", "-")
    assert piped.stdout == "two"
    whole = server.tandem_bytes("download", task["task_id"], "-o", "-")
    assert zipfile.ZipFile(io.BytesIO(whole.stdout)).read("a.txt") == b"one"
    told = server.tandem("download", task["task_id"], "-o", folder, "--json")
    assert [file["size_bytes"] for file in json.loads(told.stdout)["files"]] == [3, 3]
    one_sentence(
        server.tandem("download", task["task_id"], "--name", "no", "-o", tmp_path / "no"), FAILED
    )
    assert not (tmp_path / "no").exists()


def test_clients_are_made_listed_rotated_and_removed(server):
    made = json.loads(server.tandem("client", "create", "carol", "--json").stdout)
    assert made["client_secret"].startswith("tds_")
    as_carol = ["--client-id", made["client_id"], "--client-secret"]
    assert server.tandem("ls", *as_carol, made["client_secret"]).returncode == 0
    assert "carol" in server.tandem("client", "ls").stdout
    rotated = json.loads(server.tandem("client", "rotate", made["client_id"], "--json").stdout)
    one_sentence(server.tandem("ls", *as_carol, made["client_secret"]), NOT_ALLOWED)
    assert server.tandem("ls", *as_carol, rotated["client_secret"]).returncode == 0
    not_admin = server.tandem("client", "ls", *as_carol, rotated["client_secret"])
    one_sentence(not_admin, NOT_ALLOWED)
    secret = server.tandem("client", "callback-secret", *as_carol, rotated["client_secret"])
    assert re.fullmatch(r"tdh_[\w-]{43}\n", secret.stdout)
    assert server.tandem("client", "rm", made["client_id"]).returncode == 0
    one_sentence(server.tandem("ls", *as_carol, rotated["client_secret"]), NOT_ALLOWED)


def test_token_is_good_for_curl(server):
    token = server.tandem("token").stdout.strip()
    server.tokens["printed"] = token
    assert server.request("GET", "/api/v1/tasks", token="printed").status == 200
    assert json.loads(server.tandem("token", "--json").stdout)["server"] == server.url


# Looking after an installation


def test_version_needs_no_server(server):
    assert re.fullmatch(r"tandem \d+\.\d+\.\d+\n", server.tandem("version").stdout)
    assert json.loads(server.tandem("version", "--json").stdout)["version"]
    assert server.tandem("--version").stdout == server.tandem("version").stdout


def test_doctor_finds_all_well_and_what_is_not(server):
    fine = server.tandem("doctor")
    assert fine.returncode == 0 and "is well" in fine.stdout
    findings = json.loads(server.tandem("doctor", "--json").stdout)["findings"]
    assert all(finding["verdict"] != "bad" for finding in findings)
    server.data.chmod(0o755)
    try:
        bad = server.tandem("doctor")
    finally:
        server.data.chmod(0o700)
    assert bad.returncode == FAILED and "chmod 700" in bad.stdout


def test_migrate_makes_a_database_and_leaves_a_running_server_alone(server, tmp_path):
    done = server.tandem("migrate", "--data-dir", tmp_path / "new")
    assert done.returncode == 0 and "up to date" in done.stdout
    assert stat.S_IMODE((tmp_path / "new" / "tandem.db").stat().st_mode) == 0o600
    again = server.tandem("migrate", "--data-dir", tmp_path / "new", "--json")
    assert json.loads(again.stdout) == {"status": "ok"}
    one_sentence(server.tandem("migrate"), FAILED, "Another server works on")


def test_every_command_has_help_that_tells_its_flags(server):
    commands = re.findall(r"^  ([a-z]+) ", server.tandem("--help").stdout, re.M)
    assert {"serve", "submit", "attach", "login", "doctor"} <= set(commands)
    for command in commands:
        done = server.tandem(command, "--help")
        assert done.returncode == 0 and "Usage" in done.stdout, command
        assert done.stderr == ""


# Mistakes


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["sumbit", "shell", "true"], ["sumbit", "submit"]),
        (["statsu", ABSENT], ["statsu", "status"]),
        (["xyzzy"], ["xyzzy", "--help"]),
        ([], ["--help"]),
        (["client"], ["--help"]),
        (["status"], ["task_id"]),
        (["submit", "shell", "true", "--wiat"], ["--wiat", "--wait"]),
        (["status", ABSENT, "--frobnicate"], ["--frobnicate"]),
        (["status", ABSENT, "--wait", "soon"], ["--wait"]),
        (["submit", "shell", "true", "--priority", "high"], ["--priority"]),
        (["submit", "shell", "--payload", "{oops"], ["JSON"]),
        (["submit", "shell", "--payload", "[1]"], ["object"]),
        (["submit", "shell", "true", "--file", "/no/such/file"], ["/no/such/file"]),
        (["submit", "shell", "--payload-file", "/no/such/file"], ["/no/such/file"]),
        (["submit", "shell", "true", "--label", "nonsense"], ["nonsense"]),
        (["submit", "shell", "one", "two"], ["words"]),
    ],
)
def test_wrong_usage_is_one_helpful_sentence(server, arguments, words):
    one_sentence(server.tandem(*arguments), USAGE, *words)


def test_what_is_not_there_is_told(server):
    for command in ("status", "logs", "attach", "cancel", "retry", "download"):
        one_sentence(server.tandem(command, ABSENT), FAILED, "no such task")
        one_sentence(server.tandem(command, "no-id"), FAILED)


def test_what_the_server_refuses_names_the_field(server):
    done = server.tandem("submit", "shell", "true", "--priority", "101")
    assert done.returncode == FAILED
    assert "priority" in done.stderr and "100" in done.stderr


def test_a_server_that_is_not_there(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        for command in (["ls"], ["status", ABSENT], ["attach", ABSENT], ["submit", "shell", "x"]):
            one_sentence(server.tandem(*command, "--server", url), UNREACHABLE, url)


def test_no_server_is_known(server, tmp_path):
    done = server.tandem("ls", "--data-dir", tmp_path / "empty", XDG_CONFIG_HOME=str(tmp_path))
    one_sentence(done, UNREACHABLE, "tandem serve", "--server")


def test_a_wrong_secret(server):
    client = server.client()
    wrong = client["client_secret"][:-1] + ("A" if client["client_secret"][-1] != "A" else "B")
    for secret in (wrong, "nonsense"):
        one_sentence(
            server.tandem("ls", "--client-id", client["client_id"], "--client-secret", secret),
            NOT_ALLOWED,
        )


def test_nobody_to_ask_as(server, tmp_path):
    done = server.tandem(
        "ls", "--server", server.url, "--data-dir", tmp_path / "empty",
        XDG_CONFIG_HOME=str(tmp_path),
    )  # fmt: skip
    one_sentence(done, NOT_ALLOWED, "tandem login", "--client-id")


def test_all_wrong_settings_are_told_at_once(server):
    done = server.tandem("serve", "--lease-s", "never", "--listen", "nowhere")
    assert done.returncode == SETTINGS
    assert "lease" in done.stderr.lower() and "listen" in done.stderr.lower()


def test_engines_that_are_not_there_are_refused_not_ignored(server):
    done = server.tandem("serve", "--database-url", "sqlite://x", "--logs-url", "redis://x/y")
    assert done.returncode == SETTINGS
    assert "TANDEM_DATABASE_URL" in done.stderr and "TANDEM_LOGS_URL" in done.stderr


def test_a_wrong_setting_of_a_client_command(server):
    one_sentence(server.tandem("ls", "--server", "ftp://x"), SETTINGS, "--server", "http")
