"""`./dev demo`, which shows the example jobs, says by itself whether all was as it should be."""

import os
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT

WITHIN_S = 180


@pytest.mark.parametrize("mode", [None, "push", "polling", "hybrid"])
def test_the_demo(mode):
    words = ["--mode", mode] if mode else []
    done = subprocess.run(
        [sys.executable, ROOT / "tools/demo.py", *words],
        env=os.environ | {"TANDEM_BIN": str(BINARY)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All as it should be.\n")
    for what in ("a PNG of ", "it counted ", "the answers came back in the result"):
        assert "ok: " + what in done.stdout, done.stdout
    assert done.stdout.count(" is completed") == (4 if mode == "hybrid" else 3)
    assert done.stdout.count("drained and stopped") == (2 if mode else 1)
