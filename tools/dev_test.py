"""Tests of what ./dev does where a part of the world is out of reach."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class SetupTest(unittest.TestCase):
    """In a directory of its own, on a machine whose packages are all there."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.place = Path(self.directory.name)
        shutil.copy(ROOT / "dev", self.place)
        self.commands = self.place / "bin"
        self.commands.mkdir()
        self.command("dpkg-query", "printf installed")
        self.command("go", "echo go version go1.19")

    def tearDown(self):
        self.directory.cleanup()

    def command(self, name, script):
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run_dev(self, *arguments):
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0",
                   "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}
        environment = os.environ | nowhere | {"PATH": f"{self.commands}:{os.environ['PATH']}"}
        environment.pop("PIP_FIND_LINKS", None)
        return subprocess.run(["./dev", *arguments], cwd=self.place, env=environment, text=True,
                              capture_output=True, check=False)

    def test_setup_goes_on_without_the_registry_of_python(self):
        done = self.run_dev("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("there is no S3 server; its tests will be skipped", done.stdout)
        self.assertIn("setup: done", done.stdout)

    def test_setup_goes_on_where_go_can_not_build_it(self):
        self.command("go", '[ "$1" = version ] && echo go version go1.24.0')
        done = self.run_dev("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("there is no S3 server", done.stdout)

    def test_setup_says_nothing_of_it_where_it_is_there(self):
        (self.place / "build/tools").mkdir(parents=True)
        shutil.copy("/bin/true", self.place / "build/tools/versitygw")
        done = self.run_dev("setup")
        self.assertEqual((done.returncode, "S3" in done.stdout), (0, False), done.stdout)


if __name__ == "__main__":
    unittest.main()
