"""Settings that are wrong are told all at once, before anything is made; exec and shell run where
they are allowed; and what the system lacks is said."""

import json
import pathlib
import subprocess

import pytest

from conftest import Server

SETTINGS = 78
SHELL = {"job_type": "shell", "script": "true"}
EXEC = {"job_type": "exec", "argv": ["/bin/true"]}


def test_faults_of_every_kind_are_told_at_once(tmp_path):
    worker_file = tmp_path / "worker.toml"
    worker_file.write_text("[defaults]\nnonsense = 1\n")
    server = Server(
        tmp_path,
        TANDEM_LOGS_URL="redis://x/y",
        TANDEM_DATABASE_URL="sqlite://x",
        TANDEM_BLOBS_URL="s3://bucket?nonsense=1",
        TANDEM_TLS_CERT=str(tmp_path / "absent.pem"),
        TANDEM_TLS_KEY=str(tmp_path / "absent.key"),
        TANDEM_CA_FILE=str(worker_file),
        TANDEM_WORKER_CONFIG=str(worker_file),
        TANDEM_DATADIR="x",
    )
    done = server.tandem("serve", "--lease-s", "never", "--listen", "example.com:80")
    assert done.returncode == SETTINGS
    lines = done.stderr.splitlines()
    assert all(line.startswith("tandem: ") for line in lines)
    for words in (
        "--lease-s must be a number", "--listen must begin with an IP address", "TANDEM_LOGS_URL",
        "TANDEM_DATABASE_URL", "TANDEM_BLOBS_URL", "TANDEM_TLS_CERT and TANDEM_TLS_KEY",
        "TANDEM_CA_FILE", "nonsense", "TANDEM_DATADIR is not a setting",
    ):
        assert sum(words in line for line in lines) >= 1, (words, done.stderr)
    assert len(lines) == 9, done.stderr
    assert not server.data.exists()


def test_a_refused_url_is_told_once(tmp_path):
    server = Server(tmp_path, TANDEM_LOGS_URL="http://x", TANDEM_UPSTREAM_TOKEN="t",
                    TANDEM_UPSTREAM_CONFIG_URL="ftp://x")
    done = server.tandem("serve")
    assert done.returncode == SETTINGS
    assert len(done.stderr.splitlines()) == 2, done.stderr
    done = server.tandem("worker", TANDEM_CONFIG_URL="ftp://x", TANDEM_UPSTREAM_TOKEN="",
                         TANDEM_UPSTREAM_CONFIG_URL="", TANDEM_LOGS_URL="")
    assert done.returncode == SETTINGS
    assert len(done.stderr.splitlines()) == 1 and "TANDEM_CONFIG_URL" in done.stderr, done.stderr


# exec and shell


def ending(server, payload):
    done = server.finished(server.submit(payload)["task_id"])
    return done["status"], done["error"] and done["error"]["code"]


@pytest.mark.parametrize(
    "listen, allow, may",
    [
        ("127.0.0.1:0", "auto", True),
        ("127.0.0.1:0", "no", False),
        ("0.0.0.0:0", "auto", False),
        ("0.0.0.0:0", "yes", True),
        ("[::]:0", "auto", False),
    ],
)
def test_exec_and_shell_run_where_they_are_allowed(tmp_path, listen, allow, may):
    server = Server(tmp_path, TANDEM_LISTEN=listen, TANDEM_ALLOW_EXEC=allow).start()
    try:
        expected = ("completed", None) if may else ("failed", "rejected")
        assert [ending(server, payload) for payload in (SHELL, EXEC)] == [expected] * 2
    finally:
        server.stop()


# what the system lacks


def may(*capabilities):
    status = pathlib.Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    return all(effective >> capability & 1 for capability in capabilities)


def test_what_the_system_lacks_is_said_at_the_start(own_server):
    can_change_users = may(6, 7)  # CAP_SETGID, CAP_SETUID
    can_leave = subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    said = {
        "This process may not change users": not can_change_users,
        "No network namespaces": not (can_leave and may(21)),  # CAP_SYS_ADMIN
    }
    for words, is_missing in said.items():
        assert (words in own_server.log()) == is_missing, words
    findings = json.loads(own_server.tandem("doctor", "--json").stdout)["findings"]
    sentences = [finding["sentence"] for finding in findings if finding["verdict"] == "note"]
    known = [one for one in sentences if "cgroup" in one or "namespaces" in one or "users" in one]
    warned = [line for line in own_server.log().splitlines() if " warning " in line]
    assert len(warned) == len(known)
    assert all(any(line.endswith(one) for line in warned) for one in known)
