"""What a job sees, what it may not do, and what becomes of what it leaves behind."""

import hashlib
import os
import subprocess

import pytest

from conftest import Server
from traces import blobs_of

RAW = {"Accept": "text/plain"}
SECRET = "jwt-secret-of-this-test-0123456789abcdef"


def log_of(server, task):
    return server.request("GET", f"/api/v1/tasks/{task['task_id']}/logs", headers=RAW).body


def output_names(task):
    return [output["name"] for output in task["outputs"]]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guarded"), TANDEM_JWT_SECRET=SECRET).start()
    yield server
    server.stop()


def python(server, script, **members):
    argv = ["/usr/bin/python3", "-c", script]
    return server.finished(
        server.submit({"job_type": "exec", "argv": argv}, **members)["task_id"]
    )


def test_arguments_are_never_a_shells(server):
    words = ["$HOME", "`id`", "; ls", "*", "a b", "$(id)", "", "x\ny", "'", '"']
    argv = ["/usr/bin/printf", "%s|", *words]
    done = server.finished(server.submit({"job_type": "exec", "argv": argv})["task_id"])
    assert log_of(server, done) == ("|".join(words) + "|").encode()


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_AUDIT", "PATH", "TANDEM_TASK_ID", "A=B", ""])
def test_dangerous_names_in_env_are_refused(server, name):
    body = {"payload": {"job_type": "shell", "script": "true"}, "env": {name: "x"}}
    answer = server.request("POST", "/api/v1/tasks", body)
    assert (answer.status, answer.json["code"]) == (422, "validation_failed")


@pytest.mark.parametrize("value", ["two\nlines", "a\rb", "nul\0", 7])
def test_control_characters_in_env_are_refused(server, value):
    body = {"payload": {"job_type": "shell", "script": "true"}, "env": {"A": value}}
    assert server.request("POST", "/api/v1/tasks", body).status == 422


def test_what_steers_interpreters_is_rejected_by_the_worker(server):
    for name in ("PYTHONPATH", "BASH_ENV", "NODE_OPTIONS"):
        done = server.finished(server.shell("true", env={name: "/tmp"})["task_id"])
        assert (done["status"], done["error"]["code"]) == ("failed", "rejected")
        assert name in done["error"]["message"]


LOOK_AROUND = """
import os
def show(path):
    try: os.write(1, open(path, "rb").read())
    except OSError as error: os.write(1, repr(error).encode())
pids = [os.getpid()]
while pids[-1] > 1:
    stat = open(f"/proc/{pids[-1]}/stat").read().rsplit(")", 1)[1].split()
    pids.append(int(stat[1]))
tandems = [p for p in pids if "tandem" in open(f"/proc/{p}/comm").read()]
for pid in [os.getpid(), *tandems]:
    show(f"/proc/{pid}/environ")
    show(f"/proc/{pid}/cmdline")
fds = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))
links = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds if os.path.exists(f"/proc/self/fd/{fd}")]
print("\\nancestors:", len(tandems))
print("descriptors:", fds[:6], links)
"""


def test_no_secret_of_the_server_reaches_a_job(guarded):
    log = log_of(guarded, python(guarded, LOOK_AROUND)).decode(errors="replace")
    assert "ancestors: 3" in log, log  # its shepherd, the guard, the server
    assert "TANDEM_TASK_ID=" in log
    assert SECRET not in log
    for client in ("admin", "tasks"):
        assert guarded.client(client)["client_secret"] not in log
    assert "descriptors: [0, 1, 2, 3, 4, 5]" in log  # 5: the directory that is read
    for name in ("tandem.db", "logs.db", "clients.json", "socket:", "lock"):
        assert name not in log.split("descriptors:")[1]


def test_links_devices_and_pipes_are_not_taken(server):
    done = server.finished(
        server.shell(
            'cd "$TANDEM_OUTPUT_DIR"; echo good > good.txt; ln -s /etc/passwd link.txt; '
            "ln -s /etc dir; mkfifo pipe; echo 1 > one; ln one two; ln -s good.txt near; "
            "mknod device c 1 5 2>/dev/null; true"
        )["task_id"]
    )
    assert done["status"] == "completed"
    assert output_names(done) == ["good.txt"]
    log = server.request("GET", f"/api/v1/tasks/{done['task_id']}/logs").json["items"]
    said = "".join(record["data"] for record in log if record["stream"] == "system")
    for name in ("link.txt", "dir", "pipe", "one", "two", "near"):
        assert f"The output {name} was left out" in said


def test_names_that_cannot_be_are_left_out_and_bounded(server):
    script = (
        "import os; os.chdir(os.environ['TANDEM_OUTPUT_DIR'])\n"
        "for name in (b'ok', b'a\\nb', b'\\xff\\xfe', b'tab\\there', b'\\x1b[2J'):\n"
        "    open(name, 'w').write('x')\n"
    )
    done = python(server, script)
    assert output_names(done) == ["ok"]
    many = python(
        server,
        "import os\nfor i in range(1001):\n"
        "    open(os.environ['TANDEM_OUTPUT_DIR'] + f'/{i}', 'w').close()",
    )
    assert (many["status"], many["error"]["code"]) == ("failed", "upload_failed")
    assert many["outputs"] == []


def assert_whole_or_absent(server, task):
    path = f"/api/v1/tasks/{task['task_id']}/download"
    for output in task["outputs"]:
        body = server.request("GET", f"{path}?name={output['name']}").body
        assert len(body) == output["size_bytes"]
        assert hashlib.sha256(body).hexdigest() == output["sha256"]
    if not task["outputs"]:
        assert server.request("GET", path).json["code"] == "no_output"


def test_outputs_are_whole_or_not_there_after_a_kill(own_server):
    script = (
        'head -c 60000000 /dev/zero > "$TANDEM_OUTPUT_DIR/big"; '
        'echo small > "$TANDEM_OUTPUT_DIR/small"; echo made'
    )
    for spins in (0, 2, 8):
        task = own_server.shell(script)
        while b"made" not in log_of(own_server, task):
            pass
        for _ in range(spins):
            own_server.request("GET", "/health", token=None)
        own_server.kill()
        own_server.start()
        done = own_server.finished(task["task_id"])
        assert done["status"] == "completed" or done["error"]["code"] == "worker_lost"
        assert_whole_or_absent(own_server, done)
        left = list((own_server.data / "blobs" / "tmp").iterdir())
        assert left == [], "half a file is left"


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], capture_output=True
    ).returncode
    if not mounted:
        pytest.skip("a small tmpfs cannot be mounted here: that takes root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_leaves_no_half_output(small_disk, tmp_path):
    server = Server(small_disk, TANDEM_WORK_DIR=str(tmp_path / "work")).start()
    try:
        full = server.shell('head -c 100000000 /dev/zero > "$TANDEM_OUTPUT_DIR/big"')
        done = server.finished(full["task_id"])
        assert (done["status"], done["error"]["code"]) == ("failed", "upload_failed")
        assert_whole_or_absent(server, done)
        assert not blobs_of(server)
        small = server.finished(
            server.shell('echo fits > "$TANDEM_OUTPUT_DIR/small"')["task_id"]
        )
        assert (small["status"], output_names(small)) == ("completed", ["small"])
        assert_whole_or_absent(server, small)
    finally:
        server.stop()
