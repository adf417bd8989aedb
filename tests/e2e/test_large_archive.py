"""A large archive goes to a slow reader with no more memory than a small one takes."""

import hashlib
import os
import urllib.request
import zipfile

from conftest import Server
from processes import forget_most_resident, most_resident_bytes, resident_bytes
from waiting import pause

MIB = 1 << 20
SIZE = 150 * MIB  # of noise, which does not get smaller
SCRIPT = f'cd "$TANDEM_OUTPUT_DIR"; head -c {SIZE} /dev/urandom | tee noise | sha256sum'


def saved_slowly(server, path, target):
    """What it costs the server at most, in memory; it is read with pauses at the beginning."""
    request = urllib.request.Request(
        server.url + path, headers={"Authorization": "Bearer " + server.token()})
    before = resident_bytes(server.process.pid)
    forget_most_resident(server.process.pid)
    with urllib.request.urlopen(request, timeout=90) as answer, open(target, "wb") as file:
        for portion in range(1 << 30):
            piece = answer.read(MIB)
            if not piece:
                break
            file.write(piece)
            if portion < 50:
                pause()
    return most_resident_bytes(server.process.pid) - before


def test_memory_stays_flat(tmp_path):
    # Else a sanitizer keeps what was freed, and memory says nothing.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    server = Server(tmp_path, ASAN_OPTIONS=options).start()
    try:
        task = server.finished(server.shell(SCRIPT)["task_id"])
        assert task["status"] == "completed", task
        small = server.finished(server.shell('echo x > "$TANDEM_OUTPUT_DIR/x"')["task_id"])
        archive = tmp_path / "archive.zip"
        saved_slowly(server, f"/api/v1/tasks/{small['task_id']}/download", archive)  # warms it up
        grown = saved_slowly(server, f"/api/v1/tasks/{task['task_id']}/download", archive)
        assert grown < 16 * MIB, grown / MIB
        digest = hashlib.sha256()
        with zipfile.ZipFile(archive).open("noise") as noise:
            while piece := noise.read(MIB):
                digest.update(piece)
        said = server.request("GET", f"/api/v1/tasks/{task['task_id']}/logs").json["items"]
        assert said[0]["data"].split()[0] == digest.hexdigest()
        assert archive.stat().st_size > SIZE
    finally:
        server.stop()
