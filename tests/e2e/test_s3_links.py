"""Downloads that do not pass through the server: a link to the object, good for a while."""

import http.client
import urllib.error
import urllib.parse
import urllib.request

import pytest

from conftest import Server
from test_s3 import s3  # the fixture  # noqa: F401
from waiting import until

CONTENT = "<b>a file</b>\n"
SCRIPT = f"""printf '%s\\n' '{CONTENT.strip()}' > "$TANDEM_OUTPUT_DIR/a page.html\""""


def start(directory, s3, good_for_s):
    url = s3.settings["TANDEM_BLOBS_URL"] + f"&presign_s={good_for_s}"
    return Server(directory, **(s3.settings | {"TANDEM_BLOBS_URL": url})).start()


@pytest.fixture
def server(tmp_path, s3):
    server = start(tmp_path, s3, 60)
    yield server
    server.stop()


def finished(server):
    task_id = server.shell(SCRIPT)["task_id"]
    assert server.finished(task_id)["status"] == "completed"
    return task_id


def asked(server, task_id, query="?name=a%20page.html"):
    """The answer itself, wherever it leads."""
    address = urllib.parse.urlsplit(server.url)
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        line.request("GET", f"/api/v1/tasks/{task_id}/download{query}",
                     headers={"Authorization": "Bearer " + server.token()})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def link_of(server, task_id):
    status, headers, body = asked(server, task_id)
    assert (status, body, headers["Cache-Control"]) == (307, b"", "no-store")
    return headers["Location"]


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_link_needs_no_token(server, s3):
    link = link_of(server, finished(server))
    assert link.startswith(s3.url + "/")
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.read().decode() == CONTENT
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)  # the service may not heed it
    assert query["response-content-type"] == ["text/html; charset=utf-8"]
    assert query["response-content-disposition"][0].startswith("attachment")
    part = urllib.request.Request(link, headers={"Range": "bytes=3-8"})
    with urllib.request.urlopen(part, timeout=60) as answer:
        assert (answer.status, answer.read().decode()) == (206, CONTENT[3:9])


def test_a_link_is_for_one_file_only(server):
    one, other = link_of(server, finished(server)), link_of(server, finished(server))
    path = urllib.parse.urlsplit(other).path
    assert status_of(urllib.parse.urlsplit(one)._replace(path=path).geturl()) == 403
    assert status_of(one.replace("text%2Fhtml", "text%2Fplain")) == 403
    assert status_of(one) == 200


def test_a_link_ends(tmp_path, s3):
    server = start(tmp_path, s3, 1)
    try:
        link = link_of(server, finished(server))
        assert status_of(link) == 200
        until(lambda: status_of(link) == 403, "its time is over")
    finally:
        server.stop()


def test_what_has_no_link_is_answered_as_before(server, s3):
    task_id = finished(server)
    assert asked(server, task_id, "")[0] == 200  # a zip
    assert asked(server, task_id, "?name=other")[0] == 404
    s3.kill()
    assert asked(server, task_id)[0] == 503


def test_the_command_follows_it(server, tmp_path):
    done = server.tandem("download", finished(server), "-o", f"{tmp_path}/here/")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/a page.html").read_text() == CONTENT
