"""The commands at a terminal: attach, questions, the progress bar."""

import contextlib
import json

import pytest

from conftest import BINARY
from terminal import Terminal

SHELL = "PS1='$ ' exec /bin/sh -i"
BAR_JOB = (
    'for i in 25 75; do echo \'{"type":"progress","percent":\'$i\',"message":"half way"}\' >&3; '
    'sleep 0.3; done; echo "the end"'
)


@pytest.fixture
def at_terminal(server):
    with contextlib.ExitStack() as stack:

        def open_terminal(*arguments, cols=80, rows=24):
            terminal = Terminal([BINARY, *arguments], server.environment(), cols, rows)
            return stack.enter_context(contextlib.closing(terminal))

        yield open_terminal


def start_shell(server):
    return server.shell(SHELL, interactive=True)["task_id"]


def test_attach_is_a_terminal_of_the_jobs(server, at_terminal):
    task_id = start_shell(server)
    terminal = at_terminal("attach", task_id, cols=101, rows=31)
    terminal.wait_for(r"Ctrl-\]")
    terminal.wait_for(r"\$ ")
    assert terminal.is_raw()
    terminal.send("stty size; tty | cut -c1-9\r")
    terminal.wait_for(r"31 101\r\n/dev/pts/")
    terminal.send("exit 5\r")
    assert terminal.exit_code() == 5
    assert server.finished(task_id)["exit_code"] == 5


def test_attach_follows_the_size_of_its_window(server, at_terminal):
    terminal = at_terminal("attach", start_shell(server), cols=80, rows=24)
    terminal.wait_for(r"\$ ")
    terminal.send("while :; do stty size; sleep 0.1; done\r")
    terminal.wait_for("24 80")
    terminal.resize(90, 33)
    terminal.wait_for("33 90")
    terminal.send(b"\x03")
    terminal.wait_for(r"\$ ")  # what is typed before it goes with the Ctrl-C
    terminal.send("exit 0\r")
    assert terminal.exit_code() == 0


def test_ctrl_c_goes_to_the_job(server, at_terminal):
    terminal = at_terminal("attach", start_shell(server))
    terminal.wait_for(r"\$ ")
    terminal.send("echo up; sleep 600\r")
    terminal.wait_for(r"\nup\r\n")
    terminal.send(b"\x03")
    terminal.wait_for(r"\$ ")
    terminal.send("echo still he''re\r")
    terminal.wait_for("still here")
    terminal.send(b"\x04")  # Ctrl-D ends a shell
    assert terminal.exit_code() == 0


def test_the_detach_key_leaves_the_job_running_and_the_terminal_as_it_was(server, at_terminal):
    task_id = start_shell(server)
    terminal = at_terminal("attach", task_id)
    terminal.wait_for(r"\$ ")
    terminal.send("kept=yes\r")
    terminal.wait_for(r"\$ ")
    terminal.send(b"\x1d")
    terminal.wait_for("attach")  # it says how to come back
    assert terminal.exit_code() == 0
    assert server.request("GET", f"/api/v1/tasks/{task_id}").json["status"] == "running"
    again = at_terminal("attach", task_id)
    again.wait_for(r"\$ ")
    again.send("echo kept is $kept\r")
    again.wait_for("kept is yes")
    again.send("exit\r")
    assert again.exit_code() == 0


def test_the_terminal_is_as_it_was_after_every_end(server, at_terminal):
    task_id = start_shell(server)
    terminal = at_terminal("attach", task_id)
    terminal.wait_for(r"\$ ")
    assert terminal.is_raw()
    server.request("POST", f"/api/v1/tasks/{task_id}/cancel")
    terminal.wait_for("cancelled")
    assert terminal.is_plain()
    assert terminal.exit_code() == 130


def test_an_attach_of_what_has_ended_says_how(server, at_terminal):
    task_id = server.shell("echo out; exit 3")["task_id"]
    server.finished(task_id)
    terminal = at_terminal("attach", task_id)
    terminal.wait_for("out")
    terminal.wait_for("failed")
    assert terminal.exit_code() == 3


def test_questions_are_asked_and_answered_at_the_terminal(server, at_terminal):
    terminal = at_terminal("submit", "interview", "--wait")
    terminal.wait_for(r"What is your name\? ")
    terminal.send("Ada\r")
    terminal.wait_for("Which city")
    terminal.send("London\r")
    terminal.wait_for("What would you like")
    terminal.send("An engine\r")
    terminal.wait_for("Nice to meet you, Ada!")
    assert terminal.exit_code() == 0


def test_a_password_is_not_shown(server, at_terminal):
    script = (
        'echo \'{"type":"input_request","prompt":"Password?","password":true}\' >&3; '
        'read line <&$TANDEM_INPUT_FD; case "$line" in *open-sesame*) echo right;; esac'
    )
    terminal = at_terminal("submit", "shell", script, "--wait")
    terminal.wait_for(r"Password\?")
    terminal.send("open-sesame\r")
    terminal.wait_for("right")
    assert terminal.exit_code() == 0
    assert b"open-sesame" not in terminal.shown


def test_ctrl_c_while_waiting_cancels_the_task(server, at_terminal):
    terminal = at_terminal("submit", "shell", "echo started; sleep 600", "--wait")
    terminal.wait_for("started")
    terminal.send(b"\x03")
    terminal.wait_for("cancelling")
    terminal.wait_for("cancelled")
    assert terminal.exit_code() == 130


def test_progress_is_a_bar_at_a_terminal(server, at_terminal):
    terminal = at_terminal("submit", "shell", BAR_JOB, "--wait")
    terminal.wait_for(rb"\[#{6} {18}\]  25 %  half way")
    terminal.wait_for(rb"\[#{18} {6}\]  75 %  half way")
    terminal.wait_for(rb"\r\x1b\[Kthe end\r\n")
    assert terminal.exit_code() == 0


def test_progress_is_nothing_where_output_is_piped(server):
    done = server.tandem("submit", "shell", BAR_JOB, "--wait")
    assert (done.returncode, done.stdout) == (0, "the end\n")
    assert "\x1b" not in done.stderr and "%" not in done.stderr


def test_escapes_of_a_log_are_exact_where_it_is_piped(server):
    task_id = server.shell(r"printf '\033[31mred\033[0m\r\n\007\000\377'")["task_id"]
    server.finished(task_id)
    for arguments in (["logs", task_id], ["logs", "-f", task_id], ["attach", task_id]):
        done = server.tandem_bytes(*arguments)
        assert done.stdout == b"\x1b[31mred\x1b[0m\r\n\x07\x00\xff", arguments


def test_an_attach_without_a_terminal_gives_its_stdin_to_the_job(server):
    task_id = server.shell("read a; echo got:$a; cat >/dev/null; exit 4", interactive=True)
    done = server.tandem("attach", task_id["task_id"], text_in="hello\n\x04")
    assert "got:hello" in done.stdout
    assert done.returncode == 4
    status = server.tandem("status", task_id["task_id"], "--json")
    assert json.loads(status.stdout)["exit_code"] == 4
