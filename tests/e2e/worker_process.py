"""A `tandem worker`, with a data directory and handlers of its own."""

import os
import pathlib
import signal
import subprocess

from conftest import BINARY
from waiting import until


class WorkerProcess:
    def __init__(self, directory, config_url, **settings):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "worker-data"
        self.handlers = self.directory / "worker-handlers"
        self.handlers.mkdir(parents=True, exist_ok=True)
        self.settings = {
            "TANDEM_CONFIG_URL": config_url,
            "TANDEM_DATA_DIR": str(self.data),
            "TANDEM_HANDLERS_DIR": str(self.handlers),
            "TANDEM_GRACE_S": "1",
            "TANDEM_DRAIN_TIMEOUT_S": "20",
            "TANDEM_POLL_INTERVAL_S": "0.1",
            "TANDEM_WORKER_MODE": "polling",
            "TANDEM_SLOTS": "2",
        } | settings
        self.process = None

    def handler(self, job_type, script):
        path = self.handlers / job_type
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM_", "TASK_"))}
        return clean | self.settings

    def run(self, *arguments, **settings):
        """To its end, beside the one that was started."""
        return subprocess.run([BINARY, "worker", *arguments], env=self.environment() | settings,
                              capture_output=True, text=True, timeout=60)

    def start(self, *arguments):
        with open(self.directory / "worker.log", "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "worker", *arguments], env=self.environment(), stdout=log, stderr=log
            )
        return self

    def log(self):
        return (self.directory / "worker.log").read_text(errors="replace")

    def logged(self, text, within_s=30):
        return until(lambda: text in self.log(), lambda: text + " not in\n" + self.log(), within_s)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, within_s=60):
        return self.process.wait(timeout=within_s)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.terminate()
            assert self.wait() == 0, self.log()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
