"""Files in a directory that servers share (TANDEM_BLOBS_URL=file:///…)."""

import pytest

from conftest import Server
from databases import PostgresServer, fresh_database


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def servers(tmp_path, postgres):
    """Two on one database and one directory."""
    url, made = fresh_database(postgres), []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(Server(tmp_path / name, TANDEM_DATABASE_URL=url,
                           TANDEM_BLOBS_URL=f"file://{tmp_path}/files",
                           TANDEM_JWT_SECRET="the same for both" + "s" * 32).start())
    made[1].tokens["tasks"] = made[0].token()
    yield made
    for server in made:
        server.kill()


def test_what_a_task_of_one_server_made_is_fetched_at_the_other(servers, tmp_path):
    one, two = servers
    script = "printf result > $TANDEM_OUTPUT_DIR/out.txt"
    task_id = one.shell(script)["task_id"]
    assert one.finished(task_id)["status"] == "completed"
    download = f"/api/v1/tasks/{task_id}/download?name=out.txt"
    assert two.request("GET", download).body == b"result"
    assert [path.read_text() for path in (tmp_path / "files").rglob("out.txt")] == ["result"]
    assert not (one.data / "blobs").exists()
    two.kill()
    two.start()  # sweeps what it had begun itself, and nothing of the other
    assert len(list((tmp_path / "files/tmp").iterdir())) == 2
    assert one.request("GET", download).body == b"result"
    assert one.request("DELETE", f"/api/v1/tasks/{task_id}").status == 204
    assert list((tmp_path / "files").rglob("out.txt")) == []


def test_a_directory_without_its_whole_path_is_refused(tmp_path):
    done = Server(tmp_path, TANDEM_BLOBS_URL="file://files").tandem("serve", timeout=30)
    assert done.returncode == 78
    assert "TANDEM_BLOBS_URL must name a whole path" in done.stderr
