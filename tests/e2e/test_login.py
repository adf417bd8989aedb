"""A login that is kept: `tandem login`, the commands after it, `tandem logout`."""

import concurrent.futures
import contextlib
import json
import stat

import pytest

from conftest import BINARY
from terminal import Terminal

NOT_ALLOWED, UNREACHABLE = 77, 69


class User:
    """Somebody on another machine: no data directory, a configuration directory of their own."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.file = folder / "config" / "tandem" / "login.json"
        self.variables = {
            "TANDEM_DATA_DIR": str(folder / "nothing"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    def tandem(self, *arguments, **more):
        return self.server.tandem(*arguments, **(self.variables | more))

    def log_in(self, name="tasks"):
        client = self.server.client(name)
        return self.tandem(
            "login", "--server", self.server.url, "--client-id", client["client_id"],
            text_in=client["client_secret"] + "\n",
        )  # fmt: skip

    def saved(self):
        return json.loads(self.file.read_text())

    def change(self, **members):
        self.file.write_text(json.dumps(self.saved() | members))


@pytest.fixture
def user(server, tmp_path):
    return User(server, tmp_path)


def test_a_login_is_used_by_later_commands(user):
    assert user.tandem("ls").returncode == UNREACHABLE
    done = user.log_in()
    assert done.returncode == 0 and "Logged in" in done.stderr, done.stderr
    assert user.tandem("ls").returncode == 0
    assert user.tandem("submit", "shell", "echo hi", "--wait").stdout == "hi\n"
    assert user.tandem("ls", "--server", user.server.url).returncode == 0


def test_it_is_kept_for_the_user_alone_and_without_the_secret(user):
    user.log_in()
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(user.file.parent.stat().st_mode) == 0o700
    assert user.server.client("tasks")["client_secret"] not in user.file.read_text()
    user.file.chmod(0o644)
    done = user.tandem("ls", "--server", user.server.url)
    assert done.returncode == NOT_ALLOWED and "chmod 600" in done.stderr


def test_the_secret_is_asked_for_and_not_shown(user):
    client = user.server.client("tasks")
    arguments = [BINARY, "login", "--server", user.server.url, "--client-id", client["client_id"]]
    terminal = Terminal(arguments, user.server.environment() | user.variables)
    with contextlib.closing(terminal):
        terminal.wait_for("Client secret: ")
        terminal.send(client["client_secret"] + "\r")
        terminal.wait_for("Logged in")
        assert terminal.exit_code() == 0
    assert client["client_secret"].encode() not in terminal.shown


@pytest.mark.alone
def test_ctrl_c_at_the_question_leaves_the_terminal_as_it_was(user):
    arguments = [BINARY, "login", "--server", user.server.url, "--client-id", "x"]
    shell = ["/bin/sh", "-c", 'trap : INT; "$@"; stty -a', "sh", *arguments]
    terminal = Terminal(shell, user.server.environment() | user.variables)
    with contextlib.closing(terminal):
        terminal.wait_for("Client secret: ")
        assert not terminal.is_plain()
        terminal.send(b"\x03")
        assert terminal.wait_for(r" (-?)echo ").group(1) == b""


def test_a_wrong_secret_saves_nothing(user):
    client = user.server.client("tasks")
    done = user.tandem(
        "login", "--server", user.server.url, "--client-id", client["client_id"],
        text_in="tds_nonsense\n",
    )  # fmt: skip
    assert done.returncode == NOT_ALLOWED
    assert not user.file.exists()


def test_flags_and_clients_json_come_first(user):
    user.log_in("tasks")
    admin = user.server.client("admin")
    done = user.tandem(
        "client", "ls", "--client-id", admin["client_id"],
        "--client-secret", admin["client_secret"],
    )  # fmt: skip
    assert done.returncode == 0
    assert user.tandem("client", "ls").returncode == NOT_ALLOWED
    assert user.tandem("client", "ls", "--data-dir", user.server.data).returncode == 0


def test_the_login_is_not_shown_to_another_server(user):
    user.log_in()
    done = user.tandem("ls", "--server", "http://127.0.0.1:9")
    assert done.returncode == NOT_ALLOWED and "Say who asks" in done.stderr


def test_a_token_that_ran_out_is_renewed(user):
    user.log_in()
    before = user.saved()
    user.change(access_expires_at="2020-01-01T00:00:00.000Z")
    assert user.tandem("ls").returncode == 0
    after = user.saved()
    assert after["refresh_token"] != before["refresh_token"]
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    user.change(access_token="not.a.token")  # the server says no: renewed too
    assert user.tandem("ls").returncode == 0
    assert user.saved()["refresh_token"] != after["refresh_token"]


def test_commands_at_once_renew_it_once(user):
    user.log_in()
    for _ in range(3):
        user.change(access_expires_at="2020-01-01T00:00:00.000Z")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda _: user.tandem("token"), range(8)))
        assert {one.returncode for one in done} == {0}, [one.stderr for one in done]
        assert len({one.stdout for one in done}) == 1
    assert user.tandem("ls").returncode == 0


def test_a_login_that_has_ended_says_what_to_do(user):
    user.log_in()
    user.change(refresh_token="tdf_nonsense", access_token="")
    done = user.tandem("ls")
    assert done.returncode == NOT_ALLOWED and "tandem login" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_logout_revokes_and_forgets(user):
    user.log_in()
    saved = user.saved()
    done = user.tandem("logout")
    assert done.returncode == 0 and not user.file.exists()
    answer = user.server.request(
        "POST", "/token/refresh", {"refresh_token": saved["refresh_token"]}, token=None
    )
    assert answer.status == 401
    assert user.tandem("ls").returncode == UNREACHABLE
    assert user.tandem("logout").returncode == 0


def test_logout_forgets_also_where_the_server_is_away(user):
    user.log_in()
    user.change(server="http://127.0.0.1:9")
    assert user.tandem("logout").returncode == UNREACHABLE
    assert not user.file.exists()
