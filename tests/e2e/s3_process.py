"""An S3 server of its own: on a free port, with a bucket, in a directory of its own, ended by the
test. `./dev setup` makes the program; where it is missing the tests are skipped."""

import pathlib
import socket
import subprocess

import pytest

from ports import free_port
from waiting import until

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/tools/versitygw"


class S3:
    BUCKET, ACCESS, SECRET = "files-of-tasks", "an-access-key", "a/secret+key"

    def __init__(self, directory):
        if not PROGRAM.exists():
            pytest.skip("no S3 server here: ./dev setup makes one")
        self.directory = directory
        self.objects = directory / "root" / self.BUCKET
        self.objects.mkdir(parents=True)
        self.port = free_port()
        self.process = None
        self.reached_at = None  # the address that is given out, where it is another

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self):
        endpoint = self.reached_at or self.url
        return {
            "TANDEM_BLOBS_URL": f"s3://{self.BUCKET}/tandem?endpoint={endpoint}",
            "TANDEM_S3_ACCESS_KEY": self.ACCESS,
            "TANDEM_S3_SECRET_KEY": self.SECRET,
        }

    def start(self):
        words = [PROGRAM, "--quiet", "--port", f"127.0.0.1:{self.port}"]
        words += ["--access", self.ACCESS, "--secret", self.SECRET]
        words += ["posix", self.directory / "root"]
        with open(self.directory / "s3.log", "ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        until(self.answers, "the S3 server answers")
        return self

    def answers(self):
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def keys(self):
        """Of what belongs to tasks: without the mark that says whose all is."""
        files = [path for path in self.objects.rglob("*") if path.is_file()]
        found = sorted(str(path.relative_to(self.objects)) for path in files)
        return [key for key in found if key != "tandem/installation"]

    def kill(self):
        self.process.kill()
        self.process.wait()
