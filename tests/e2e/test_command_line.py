"""The commands, as a user types them."""

import json


def test_submit_waits_and_ends_with_the_jobs_exit_code(server):
    done = server.tandem(
        "submit", "shell", "--payload", '{"script": "echo hello; exit 7"}', "--wait"
    )
    assert done.returncode == 7, done.stderr
    assert "hello\n" in done.stdout


def test_ls_finds_it(server):
    server.tandem("submit", "shell", "--payload", '{"script": "true"}', "--wait")
    done = server.tandem("ls", "--limit", "1", "--json")
    assert json.loads(done.stdout)["items"][0]["job_type"] == "shell"


def test_version_needs_no_server(server):
    done = server.tandem("version")
    assert done.returncode == 0 and done.stdout.strip()


def test_all_wrong_settings_are_told_at_once(server):
    done = server.tandem("serve", "--lease-s", "never", "--listen", "nowhere")
    assert done.returncode == 78
    assert "lease" in done.stderr.lower() and "listen" in done.stderr.lower()
