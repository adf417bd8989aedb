"""The page `docs/using/api-by-example.md`, run as it stands."""

import re
import subprocess

from conftest import ROOT


def test_every_block_of_the_page_works(server):
    page = (ROOT / "docs/using/api-by-example.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) >= 8
    client = server.client("tasks")
    environment = server.environment() | {
        "URL": server.url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
    }
    script = "set -euxo pipefail\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
