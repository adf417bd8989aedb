"""A redis-server of its own: on a free port, in a directory of its own, ended by the test."""

import signal
import subprocess

from ports import free_port
from waiting import until


class Redis:
    PASSWORD = "a secret of its own"

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"redis://:{self.PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/2"

    def start(self):
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        words += ["--dir", str(self.directory), "--requirepass", self.PASSWORD]
        words += ["--appendonly", "yes", "--appendfsync", "always"]
        with open(self.directory / "redis.log", "ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        until(lambda: self.cli("ping").stdout == b"PONG\n", "redis answers")
        return self

    def cli(self, *words):
        """redis-cli, as an operator has it."""
        command = ["redis-cli", "-p", str(self.port), "-n", "2", *words]
        environment = {"REDISCLI_AUTH": self.PASSWORD, "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=environment, capture_output=True, timeout=30)

    def ask(self, *words):
        done = self.cli(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().splitlines()

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
