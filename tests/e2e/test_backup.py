"""The commands of `docs/operating/backup-and-restore.md` on a running server, and back."""

import re
import shutil
import subprocess

from conftest import ROOT, Server

PAGE = ROOT / "docs/operating/backup-and-restore.md"


def copy_as_the_page_says(server, to):
    script = re.search(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.M | re.S).group(1)
    script, places = re.subn(r"^from=.*\nto=.*$", f"from='{server.data}'\nto='{to}'", script,
                             flags=re.M)
    assert places == 1
    done = subprocess.run(["bash", "-c", "set -euo pipefail\n" + script], capture_output=True,
                          text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_a_copy_of_a_running_server_has_tasks_logs_files_and_clients(server, tmp_path):
    task_id = server.shell('echo kept; echo made > "$TANDEM_OUTPUT_DIR/x"')["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    copy = tmp_path / "copy"
    copy_as_the_page_says(server, copy)
    later = server.shell("echo later")["task_id"]
    server.finished(later)
    assert {path.name for path in copy.iterdir()} == {
        "tandem.db", "logs.db", "blobs", "jwt.secret", "clients.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in copy.iterdir())

    place = tmp_path / "restored"
    place.mkdir()
    shutil.copytree(copy, place / "data")
    restored = Server(place).start()
    try:
        path = f"/api/v1/tasks/{task_id}"
        log = restored.request("GET", path + "/logs", headers={"Accept": "text/plain"})
        assert log.body == b"kept\n"
        assert restored.request("GET", path + "/download?name=x").body == b"made\n"
        assert restored.request("GET", f"/api/v1/tasks/{later}").status == 404
        assert restored.client("tasks") == server.client("tasks")
    finally:
        restored.kill()
