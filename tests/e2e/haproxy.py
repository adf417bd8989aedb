"""The sample balancer, as it is deployed, before servers of a test."""

import os
import shutil
import subprocess

from conftest import ROOT
from ports import free_port

SAMPLE = ROOT / "deploy/container/haproxy.cfg"
PROGRAM = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")


def address(url):
    return url.removeprefix("http://")


class HAProxy:
    def __init__(self, directory, members):
        port = free_port()
        text = SAMPLE.read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
        text = text.replace("maxconn 20000", "maxconn 1000")  # what a test may open
        for number, member in enumerate(members, start=1):
            text = text.replace(f"server-{number}:8080", address(member.url))
        self.url = f"http://127.0.0.1:{port}"
        self.log = directory / "haproxy.log"
        file = directory / "haproxy.cfg"
        file.write_text(text)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([PROGRAM, "-db", "-f", file], stdout=log, stderr=log)

    def has_noticed(self, number, state):
        """That a server is UP again or DOWN."""
        return f"Server clients/server-{number} is {state}" in self.log.read_text()

    def end(self):
        self.process.kill()
        self.process.wait()
