"""What the demo is made of: servers, workers, the databases beside them, and how it speaks."""

import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/release/tandem")).resolve()
START_TIMEOUT_S, STOP_TIMEOUT_S = 15, 30


class Differs(Exception):
    """Something was not as it should be."""


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def note(text):
    print("   " + text, flush=True)


def check(condition, what):
    if not condition:
        raise Differs(what)
    note("ok: " + what)


def environment(**settings):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM_", "TASK_"))}
    return clean | {"TANDEM_HANDLERS_DIR": str(ROOT / "handlers")} | settings


class Program:
    """A `tandem` that runs until it is stopped, with a data directory and a log of its own. It is
    ready when its file `sign` is there."""

    sign = None

    def __init__(self, name, directory):
        self.name, self.data = name, directory / name
        self.log = directory / f"{name}.log"
        self.process = None

    def run(self, words, settings):
        (self.data / self.sign).unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, *words], stdout=log, stderr=log,
                env=environment(TANDEM_DATA_DIR=str(self.data), **settings))
        end = time.monotonic() + START_TIMEOUT_S
        while not (self.data / self.sign).exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Differs(f"the {self.name} did not start")
            time.sleep(0.02)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if not self.is_running():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Differs(f"the {self.name} did not stop") from None
        check(code == 0, f"the {self.name} drained and stopped")

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()


class Server(Program):
    sign = "server.json"
    url = None

    def start(self, settings):
        """At its old address again, where it had one."""
        where = self.url.partition("://")[2] if self.url else "127.0.0.1:0"
        self.run(["serve"], {"TANDEM_LISTEN": where} | settings)
        self.url = json.loads((self.data / self.sign).read_text())["url"]
        note(f"the {self.name} is ready at {self.url}")


class Worker(Program):
    sign = "worker.json"

    def start(self, server, mode, token):
        side = "workers" if mode == "push" else "polling"
        words = ["worker", "--mode", mode, "--name", self.name]
        note("$ tandem " + " ".join(words))
        self.run(words, {"TANDEM_CONFIG_URL": f"{server.url}/api/v1/{side}/config",
                         "TANDEM_REGISTRATION_TOKEN": token})
        note("it has registered, and keeps its token in worker.json")


class Services:
    """A real PostgreSQL and a real Redis, those that are asked for, until remove()."""

    def __init__(self, directory, postgres, redis):
        sys.path[:0] = [str(ROOT / "tests/tools"), str(ROOT / "tests/e2e")]
        self.postgres = self.redis = None
        try:
            if postgres:
                from postgres_server import PostgresServer
                self.postgres = PostgresServer()
                note(f"PostgreSQL listens on port {self.postgres.port}")
            if redis:
                from redis_process import Redis
                self.redis = Redis(directory / "redis").start()
                note(f"Redis listens on port {self.redis.port}")
        except BaseException:
            self.remove()
            raise

    def settings(self, directory):
        """Of servers that share them, the secret for tokens, and a directory for files."""
        found = {}
        if self.postgres:
            found["TANDEM_DATABASE_URL"] = self.postgres.url()
            found["TANDEM_JWT_SECRET"] = secrets.token_hex(32)
            found["TANDEM_BLOBS_URL"] = f"file://{directory / 'files'}"
        if self.redis:
            found["TANDEM_LOGS_URL"] = self.redis.url
        return found

    def remove(self):
        if self.redis and self.redis.process:
            self.redis.kill()
        if self.postgres:
            self.postgres.remove()
