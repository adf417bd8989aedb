#!/usr/bin/env python3
"""Runs the example jobs through a real server: `./dev demo`.

Starts `tandem serve` on a free port with a temporary data directory, submits the three examples of
handlers/ with the client commands, shows what they print, the answers given and the files they
made, and stops the server. The exit code is not 0 if anything differed from what it should be.
"""

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
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.server = None

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")}
        environment |= {
            "TANDEM_LISTEN": "127.0.0.1:0",
            "TANDEM_DATA_DIR": str(self.data),
            "TANDEM_HANDLERS_DIR": str(ROOT / "handlers"),
        }
        log = open(self.directory / "server.log", "wb")
        self.server = subprocess.Popen([BINARY, "serve"], env=environment, stdout=log, stderr=log)
        end = time.monotonic() + START_TIMEOUT_S
        while not (self.data / "server.json").exists():
            if self.server.poll() is not None or time.monotonic() > end:
                raise Differs("the server did not start:\n" + self.server_log())
            time.sleep(0.02)
        url = json.loads((self.data / "server.json").read_text())["url"]
        print(f"   {BINARY.name} serve is ready at {url}")

    def server_log(self):
        return (self.directory / "server.log").read_text(errors="replace")

    def tandem(self, *arguments, text_in="", echo=True):
        print("   $ tandem " + " ".join(str(a) for a in arguments), flush=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")}
        environment["TANDEM_DATA_DIR"] = str(self.data)
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            env=environment,
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
        check(task["status"] == "completed", f"task {task['task_id']} is completed")
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
        if self.server is None or self.server.poll() is not None:
            return
        self.server.send_signal(signal.SIGTERM)
        try:
            code = self.server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.server.kill()
            raise Differs("the server did not stop") from None
        check(code == 0, "the server drained and stopped")


def main():
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as directory:
        demo = Demo(directory)
        try:
            say("A server with its worker, on a free port, in a temporary directory")
            demo.start()
            demo.render()
            demo.text_stats()
            demo.interview()
            say("Stopping")
            demo.stop()
        except (Differs, KeyError, OSError, subprocess.TimeoutExpired) as error:
            print(f"\ndemo: {error}\n--- the server's log\n{demo.server_log()}", file=sys.stderr)
            return 1
        finally:
            if demo.server is not None and demo.server.poll() is None:
                demo.server.kill()
                demo.server.wait()
    say("All as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
