#!/usr/bin/env python3
"""Runs the example jobs through a real server: `./dev demo [--mode push|polling|hybrid]`.

Starts `tandem serve` on a free port with a temporary data directory, submits the three examples of
handlers/ with the client commands, shows what they print, the answers given and the files they
made, and stops the server. With a mode the server runs in it without a worker inside, and a
`tandem worker` comes over the network; in hybrid mode the server is also restarted under it. The
exit code is not 0 if anything differed from what it should be.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/release/tandem")).resolve()
START_TIMEOUT_S = 15
STEP_TIMEOUT_S = 120


class Differs(Exception):
    """Something was not as it should be."""


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def check(condition, what):
    if not condition:
        raise Differs(what)
    print(f"   ok: {what}", flush=True)


class Demo:
    def __init__(self, directory, mode):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.mode = mode
        self.server = self.worker = self.url = None

    def environment(self, **settings):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TANDEM_", "TASK_"))}
        return clean | {"TANDEM_HANDLERS_DIR": str(ROOT / "handlers")} | settings

    def start(self):
        where = self.url.partition("://")[2] if self.url else "127.0.0.1:0"
        settings = {"TANDEM_LISTEN": where, "TANDEM_DATA_DIR": str(self.data)}
        if self.mode:
            settings |= {"TASK_ASSIGNMENT_MODE": self.mode, "TANDEM_EMBEDDED_SLOTS": "0"}
        with open(self.directory / "server.log", "ab") as log:
            self.server = subprocess.Popen(
                [BINARY, "serve"], env=self.environment(**settings), stdout=log, stderr=log)
        self.wait_for(self.data / "server.json", self.server, "the server did not start")
        self.url = json.loads((self.data / "server.json").read_text())["url"]
        print(f"   {BINARY.name} serve is ready at {self.url}")

    def wait_for(self, path, process, otherwise):
        end = time.monotonic() + START_TIMEOUT_S
        while not path.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise Differs(f"{otherwise}:\n{self.server_log()}")
            time.sleep(0.02)

    def start_worker(self):
        side = "workers" if self.mode == "push" else "polling"
        data = self.directory / "worker"
        settings = {
            "TANDEM_CONFIG_URL": f"{self.url}/api/v1/{side}/config",
            "TANDEM_REGISTRATION_TOKEN": self.tandem("token", echo=False).strip(),
            "TANDEM_DATA_DIR": str(data),
        }
        words = ["worker", "--mode", self.mode, "--name", "elsewhere"]
        print("   $ tandem " + " ".join(words), flush=True)
        with open(self.directory / "worker.log", "ab") as log:
            self.worker = subprocess.Popen(
                [BINARY, *words], env=self.environment(**settings), stdout=log, stderr=log)
        self.wait_for(data / "worker.json", self.worker, "the worker did not register")
        print("   it has registered, and keeps its token in worker.json")

    def restart_server(self):
        say("The server is killed and started again; the worker finds its way back")
        self.server.kill()
        self.server.wait()
        (self.data / "server.json").unlink()
        self.start()
        self.text_stats()

    def server_log(self):
        logs = [self.directory / name for name in ("server.log", "worker.log")]
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def tandem(self, *arguments, text_in="", echo=True):
        print("   $ tandem " + " ".join(str(a) for a in arguments), flush=True)
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            env=self.environment(TANDEM_DATA_DIR=str(self.data)),
            input=text_in,
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_S,
        )
        if echo:
            for line in (done.stdout + done.stderr).splitlines():
                print("     " + line)
        if done.returncode != 0:
            raise Differs(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def submit(self, *arguments, text_in=""):
        """Submits, waits, and answers with the finished task."""
        self.tandem("submit", *arguments, "--wait", text_in=text_in)
        newest = json.loads(self.tandem("ls", "--limit", "1", "--json", echo=False))
        task = newest["items"][0]
        by = f" by {task['worker_name']}" if self.mode else ""
        check(task["status"] == "completed", f"task {task['task_id']} is completed{by}")
        return task

    def download(self, task, name):
        path = self.directory / name
        self.tandem("download", task["task_id"], "--name", name, "-o", path)
        return path.read_bytes()

    def render(self):
        say("render: a job draws a picture and reports its progress")
        task = self.submit("render", "--payload", '{"width": 320, "height": 240}')
        picture = self.download(task, task["outputs"][0]["name"])
        check(picture.startswith(b"\x89PNG\r\n\x1a\n"), f"a PNG of {len(picture)} bytes came back")
        check(len(picture) == task["outputs"][0]["size_bytes"], "its size is the one announced")

    def text_stats(self):
        say("text-stats: an uploaded file goes in, numbers and a table come out")
        text = ROOT / "README.md"
        task = self.submit("text-stats", "--file", text)
        lines = len(text.read_text().splitlines())
        check(task["result"]["lines"] == lines, f"it counted {lines} lines")
        table = self.download(task, "words.csv").decode()
        print("     " + "\n     ".join(table.splitlines()[:4]))
        check(table.count("\n") > 10, "words.csv has its rows")

    def interview(self):
        say("interview: a job asks, we answer")
        answers = ["Ada", "London", "An analytical engine"]
        task = self.submit("interview", text_in="\n".join(answers) + "\n")
        check(answers[0] in json.dumps(task["result"]), "the answers came back in the result")
        transcript = self.download(task, "transcript.txt").decode()
        print("     " + "\n     ".join(transcript.splitlines()))
        check(all(answer in transcript for answer in answers), "the transcript has all the answers")

    def stop(self):
        for name, process in (("worker", self.worker), ("server", self.server)):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                raise Differs(f"the {name} did not stop") from None
            check(code == 0, f"the {name} drained and stopped")

    def kill(self):
        for process in (self.worker, self.server):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def run(self):
        if not self.mode:
            say("A server with its worker, on a free port, in a temporary directory")
        else:
            say(f"A server in {self.mode} mode, and a worker that comes over the network")
        self.start()
        if self.mode:
            self.start_worker()
        self.render()
        self.text_stats()
        self.interview()
        if self.mode == "hybrid":
            self.restart_server()
        say("Stopping")
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=["push", "polling", "hybrid"])
    mode = parser.parse_args().mode
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as directory:
        demo = Demo(directory, mode)
        try:
            demo.run()
        except (Differs, KeyError, OSError, subprocess.TimeoutExpired) as error:
            print(f"\ndemo: {error}\n--- the logs\n{demo.server_log()}", file=sys.stderr)
            return 1
        finally:
            demo.kill()
    say("All as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
