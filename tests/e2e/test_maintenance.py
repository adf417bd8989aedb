"""What the server tidies up by itself, seen from outside: its first round is at its start."""

import shutil
import uuid

from traces import rows_of
from waiting import until


def old_id():
    """A task's id of years ago."""
    return str(uuid.UUID("01890000-0000-7000-8000-" + uuid.uuid4().hex[:12]))


def files_of(server, task_id):
    return server.data / "blobs" / "files" / task_id[-2:] / task_id


def test_retention_takes_row_log_and_files(own_server):
    task = own_server.shell('echo line; echo x > "$TANDEM_OUTPUT_DIR/a.txt"')
    own_server.finished(task["task_id"])
    assert files_of(own_server, task["task_id"]).exists()
    log = own_server.data / "logs.db"
    assert rows_of(log, task["task_id"])
    own_server.stop()
    own_server.settings["TANDEM_RETENTION_DAYS"] = "0.000001"
    own_server.start()
    path = f"/api/v1/tasks/{task['task_id']}"
    until(lambda: own_server.request("GET", path).status == 404, "the task is gone")
    until(lambda: not files_of(own_server, task["task_id"]).exists(), "so are its files")
    until(lambda: not rows_of(log, task["task_id"]), "so is its log")


def test_what_crashes_left_behind_goes_and_what_is_owned_stays(own_server):
    task = own_server.shell('echo x > "$TANDEM_OUTPUT_DIR/a.txt"')
    own_server.finished(task["task_id"])
    own_server.kill()
    orphan = files_of(own_server, old_id())
    orphan.parent.mkdir(exist_ok=True)
    shutil.copytree(files_of(own_server, task["task_id"]), orphan)
    own_server.start()
    until(lambda: not orphan.exists(), "the orphan is gone")
    download = own_server.request("GET", f"/api/v1/tasks/{task['task_id']}/download?name=a.txt")
    assert download.body == b"x\n"


def test_on_an_empty_database_nothing_of_another_one_is_swept(own_server):
    task_id = own_server.shell('echo x > "$TANDEM_OUTPUT_DIR/a.txt"')["task_id"]
    own_server.finished(task_id)
    own_server.stop()
    for file in own_server.data.glob("tandem.db*"):
        file.unlink()
    own_server.start()
    for what in ("files", "logs"):
        sentence = f"The {what} belong to installation "
        until(lambda: sentence in own_server.log(), f"it says that the {what} are another's")
    assert files_of(own_server, task_id).exists()
    own_server.stop()
    assert own_server.log().count("belong to installation") == 2
