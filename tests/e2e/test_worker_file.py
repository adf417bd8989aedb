"""The worker's file: commands, limits, isolation and secrets, on a real server."""

import json
import os
import pathlib
import pwd

import pytest

from conftest import Server

RAW = {"Accept": "text/plain"}
SECRET = 'k3y"of\\the"test'
FILE = """
[defaults]
env = { REGION = "north" }

[handlers.greet]
command = ["/bin/sh", "-c", "echo \\"$0 $1\\" $REGION $MODE", "hello", "a  b; $HOME"]
env = { MODE = "fast" }

[handlers.hungry]
command = ["/usr/bin/python3", "-c", "import os; b = bytearray(os.urandom(1)) * 400_000_000"]
limits = { memory_bytes = 100_000_000 }

[handlers.hungry-child]
command = ["/bin/sh", "-c", "/usr/bin/python3 -c 'b = bytearray(b\\"x\\") * 400_000_000'; exit $?"]
limits = { memory_bytes = 100_000_000 }

[handlers.slow]
command = ["/bin/sleep", "600"]
timeout_s = 0.3

[handlers.busy]
command = ["/bin/sh", "-c", "while :; do :; done"]
limits = { cpu_s = 1 }

[handlers.bomb]
command = ["/usr/bin/python3", "-c", '''
import os, time
made = 0
try:
    while made < 500:
        if os.fork() == 0: os.execv("/bin/sleep", ["sleep", "600"])
        made += 1
except BlockingIOError: pass
print("made", made)
''']
limits = { processes = 40 }

[handlers.talkative]
command = ["/bin/sh", "-c", "i=0; while [ $i -lt 1000 ]; do echo 123456789; i=$((i+1)); done"]
limits = { log_bytes = 1000 }

[handlers.big]
command = ["/bin/sh", "-c", "head -c 5000 /dev/zero > $TANDEM_OUTPUT_DIR/big"]
limits = { output_bytes = 4999 }

[handlers.big-file]
command = ["/usr/bin/python3", "-c", '''
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
open("f", "wb").write(bytes(10000))
''']
limits = { file_bytes = 4096 }

[handlers.shell]
limits = { open_files = 33 }

[handlers.teller]
command = ["/bin/sh", "-c", '''
printf 'it is %.4s' "$API_KEY"; sleep 0.2; printf '%s.\\n' "${API_KEY#????}"
printf '%s\\n' "$API_KEY" >&2
python3 - <<'END'
import json, os
key = os.environ["API_KEY"]
for line in ({"type": "progress", "percent": 50, "message": "with " + key},
             {"type": "result", "value": {"key": key, key: ["a" + key + "b"], "plain": 1}}):
    os.write(3, (json.dumps(line) + "\\n").encode())
END
''']
secrets = { API_KEY = { env = "TELLERS_KEY" } }

[handlers.asker]
command = ["/usr/bin/python3", "-c", '''
import json, os
line = {"type": "input_request", "prompt": "is it " + os.environ["API_KEY"] + "?"}
os.write(3, (json.dumps(line) + "\\n").encode())
os.read(4, 100)
''']
secrets = { API_KEY = { file = "key.txt" } }
"""
ROOT_PART = """
[handlers.who]
command = ["/bin/sh", "-c", "id -un; id -G; echo x > $TANDEM_OUTPUT_DIR/o; cat"]
isolation = { user = "nobody" }

[handlers.alone]
command = ["/usr/bin/python3", "-c", '''
import socket
print([name for _, name in socket.if_nameindex()])
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    socket.create_connection(listener.getsockname()).close()
print("loopback works")
''']
isolation = { network = false }
"""
is_root = os.geteuid() == 0


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("filed")
    base = tmp_path_factory.getbasetemp()  # one process of several has one below that of all
    for folder in [directory, base, base.parent, base.parent.parent]:
        if os.stat(folder).st_uid == os.geteuid() and folder != pathlib.Path("/tmp"):
            folder.chmod(0o755)  # the job of another user must reach its directory
    work = directory / "work"
    work.mkdir()
    work.chmod(0o711)
    (directory / "key.txt").write_text(SECRET + "\n")
    (directory / "worker.toml").write_text(FILE + (ROOT_PART if is_root else ""))
    server = Server(
        directory,
        TANDEM_WORKER_CONFIG=str(directory / "worker.toml"),
        TANDEM_WORK_DIR=str(work),
        TELLERS_KEY=SECRET,
    ).start()
    yield server
    server.stop()


def run(server, job_type, **members):
    return server.finished(server.submit({"job_type": job_type}, **members)["task_id"])


def log_of(server, task, stream="stdout"):
    path = f"/api/v1/tasks/{task['task_id']}/logs"
    records = server.request("GET", path).json["items"]
    return "".join(record["data"] for record in records if record["stream"] == stream)


def end_of(task):
    return task["status"], task["error"]["code"]


def test_an_entry_gives_the_command_and_the_environment(filed):
    done = run(filed, "greet")
    assert log_of(filed, done) == "hello a  b; $HOME north fast\n"


def test_a_task_may_not_set_what_the_entry_sets(filed):
    done = run(filed, "greet", env={"MODE": "slow"})
    assert end_of(done) == ("failed", "rejected")


@pytest.mark.parametrize("job_type", ["hungry", "hungry-child"])
def test_out_of_memory_is_told(filed, job_type):
    if "memory cgroup" in filed.log():
        pytest.skip("no memory cgroup may be written here")
    done = run(filed, job_type)
    assert end_of(done) == ("failed", "out_of_memory")
    assert "100000000 bytes" in done["error"]["message"]


def test_the_entrys_timeout_holds(filed):
    assert end_of(run(filed, "slow")) == ("failed", "timeout")
    assert end_of(run(filed, "slow", timeout_s=3600)) == ("failed", "timeout")


def test_cpu_time_is_bounded(filed):
    done = run(filed, "busy")
    assert end_of(done) == ("failed", "signal")
    assert "CPU time" in done["error"]["message"]


def test_processes_are_bounded(filed):
    if "pids cgroup" in filed.log():
        pytest.skip("no pids cgroup may be written here")
    done = run(filed, "bomb")
    assert done["status"] == "completed"
    assert 30 <= int(log_of(filed, done).split()[1]) < 40


def test_the_log_is_cut_and_says_so(filed):
    done = run(filed, "talkative")
    kept = log_of(filed, done)
    assert done["status"] == "completed" and 0 < len(kept) <= 1000
    said = log_of(filed, done, "system")
    assert "limit of 1000 bytes" in said and f"{10_000 - len(kept)} bytes were cut" in said


def test_outputs_are_bounded(filed):
    done = run(filed, "big")
    assert end_of(done) == ("failed", "upload_failed") and done["outputs"] == []
    grown = run(filed, "big-file")
    assert end_of(grown) == ("failed", "signal") and "4096 bytes" in grown["error"]["message"]


def test_rules_hold_for_built_ins_too(filed):
    done = filed.finished(filed.shell("ulimit -n; echo $REGION")["task_id"])
    assert log_of(filed, done) == "33\nnorth\n"


def test_secrets_are_masked_wherever_the_job_says_them(filed):
    done = run(filed, "teller")
    assert done["status"] == "completed", done
    assert log_of(filed, done) == "it is ***.\n"
    assert log_of(filed, done, "stderr") == "***\n"
    assert done["progress"]["message"] == "with ***"
    assert done["result"] == {"key": "***", "***": ["a***b"], "plain": 1}
    assert json.dumps(SECRET)[1:-1] not in json.dumps(done)


def test_secrets_are_masked_in_prompts(filed):
    task = filed.submit({"job_type": "asker"})
    path = f"/api/v1/tasks/{task['task_id']}"
    seen = task
    while seen["status"] != "waiting_for_input":
        seen = filed.request("GET", path).json
    assert seen["input_request"]["prompt"] == "is it ***?"
    assert filed.request("POST", path + "/input", {"data": "yes"}).status == 202
    assert filed.finished(task["task_id"])["status"] == "completed"


@pytest.mark.skipif(not is_root, reason="only root runs jobs as another user")
def test_a_job_runs_as_its_user(filed):
    done = run(filed, "who")
    nobody = pwd.getpwnam("nobody")
    assert log_of(filed, done).startswith(f"nobody\n{nobody.pw_gid}\n{{"), log_of(filed, done)
    assert [output["name"] for output in done["outputs"]] == ["o"]


@pytest.mark.skipif(not is_root, reason="only root cuts jobs off the network")
def test_a_job_without_network_has_a_loopback_of_its_own(filed):
    done = run(filed, "alone")
    assert log_of(filed, done) == "['lo']\nloopback works\n", log_of(filed, done, "stderr")


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    (tmp_path / "worker.toml").write_text(
        "[defaults]\ntimeout_s = -1\n[handlers.a]\ncommands = []\n"
        "limits = { memory_bytes = 5 }\nsecrets = { K = { env = 'NOT_SET_ANYWHERE' } }\n"
    )
    server = Server(tmp_path, TANDEM_WORKER_CONFIG=str(tmp_path / "worker.toml"))
    done = server.tandem("serve", "--lease-s", "never")
    assert done.returncode == 78
    for part in (
        "worker.toml:2: defaults.timeout_s",
        'worker.toml:4: handlers.a has no key "commands"',
        "worker.toml:5: handlers.a.limits.memory_bytes",
        "worker.toml:6: handlers.a.secrets.K: the variable NOT_SET_ANYWHERE is not set",
        "--lease-s",
    ):
        assert part in done.stderr, done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(not is_root, reason="only root runs jobs as another user")
def test_a_user_that_cannot_reach_its_directory_is_told(tmp_path):
    (tmp_path / "worker.toml").write_text('[handlers.a]\nisolation = { user = "nobody" }\n')
    server = Server(tmp_path, TANDEM_WORKER_CONFIG=str(tmp_path / "worker.toml"))
    done = server.tandem("serve")
    assert done.returncode == 78
    assert "nobody cannot enter the work directory" in done.stderr
    assert "TANDEM_WORK_DIR" in done.stderr
