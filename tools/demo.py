#!/usr/bin/env python3
"""Runs the example jobs: `./dev demo [--mode push|polling|hybrid] [--postgres] [--redis]`.

Starts `tandem serve` on a free port with a temporary data directory, submits the three examples of
handlers/ with the client commands, shows what they print, the answers given and the files they
made, and stops the server. With a mode the server runs in it without a worker inside, and a
`tandem worker` comes over the network; in hybrid mode the server is also restarted under it.

--postgres keeps tasks in a PostgreSQL that is made for it, --redis keeps logs in a Redis. With both
there are two servers on them: what is submitted to the first is run by a worker at the second, and
followed, answered and fetched there.

The exit code is not 0 if anything differed from what it should be.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from demo_parts import (BINARY, ROOT, Differs, Server, Services, Worker, check, environment, note,
                        say)

STEP_TIMEOUT_S = 120


class Demo:
    """One server: it is told what to do, and asked."""

    def __init__(self, directory, mode, services):
        self.directory, self.mode, self.services = pathlib.Path(directory), mode, services
        self.settings = services.settings(self.directory)
        if mode:
            self.settings |= {"TASK_ASSIGNMENT_MODE": mode, "TANDEM_EMBEDDED_SLOTS": "0"}
        self.server = Server("server", self.directory)
        self.worker = Worker("worker", self.directory)
        self.programs = [self.worker, self.server]  # in the order in which they are stopped

    def start(self):
        if self.mode:
            say(f"A server in {self.mode} mode, and a worker that comes over the network")
        else:
            say("A server with its worker, on a free port, in a temporary directory")
        self.server.start(self.settings)
        if self.mode:
            self.worker.start(self.server, self.mode, self.token())

    def token(self):
        return self.tandem("token", echo=False).strip()

    def restart(self, server):
        say(f"The {server.name} is killed and started again; the worker finds its way back")
        server.kill()
        server.start(self.settings)
        self.text_stats()

    def tandem(self, *arguments, text_in="", echo=True, server=None):
        """A client command, which knows the first server by its data directory."""
        server = server or self.server
        at = "" if server is self.server else f"   # at the {server.name}"
        note("$ tandem " + " ".join(str(a) for a in arguments) + at)
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            env=environment(TANDEM_DATA_DIR=str(self.server.data), TANDEM_SERVER=server.url),
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

    def where_it_is_kept(self):
        """What the databases themselves say."""
        postgres, redis = self.services.postgres, self.services.redis
        if postgres:
            say("What PostgreSQL holds")
            ask = "select task_id, status, worker_name from tandem.finished_tasks order by task_id"
            rows = postgres.sql(ask).splitlines()
            print("     " + "\n     ".join(rows))
            check(len(rows) >= 3, f"{len(rows)} finished tasks are rows of tandem.finished_tasks")
        if redis:
            say("What Redis holds")
            kept = redis.ask("zcard", "tandem:logs")[0]
            note(f"logs of {kept} tasks; those of finished ones are packed away after some seconds")

    def run(self):
        self.start()
        self.render()
        self.text_stats()
        self.interview()
        self.where_it_is_kept()
        if self.mode == "hybrid":
            self.restart(self.server)
        say("Stopping")
        for program in self.programs:
            program.stop()


class DemoOfTwo(Demo):
    """Two servers on one database: told at the first, run and asked at the second."""

    def __init__(self, directory, mode, services):
        super().__init__(directory, mode or "hybrid", services)
        self.server.name = "first server"
        self.second = Server("second server", self.directory)
        self.programs = [self.worker, self.second, self.server]

    def start(self):
        say(f"Two servers in {self.mode} mode on one database, and a worker at the second")
        self.server.start(self.settings)
        self.second.start(self.settings)
        self.worker.start(self.second, self.mode, self.token())

    def submit(self, *arguments, text_in=""):
        submitted = json.loads(self.tandem("submit", *arguments, "--json", echo=False))
        task_id = submitted["task_id"]
        self.tandem("attach", task_id, text_in=text_in, server=self.second)
        shown = self.tandem("status", task_id, "--json", echo=False, server=self.second)
        task = json.loads(shown)
        check(task["status"] == "completed",
              f"submitted to the first server, run by the {task['worker_name']} at the second")
        logs = [self.tandem("logs", task_id, echo=False, server=one)
                for one in (self.server, self.second)]
        check(logs[0] == logs[1], f"both servers show the same log of {len(logs[0])} bytes")
        return task

    def download(self, task, name):
        path = self.directory / name
        self.tandem("download", task["task_id"], "--name", name, "-o", path, server=self.second)
        return path.read_bytes()

    def restart(self, server):
        super().restart(self.second)


def shown_logs(programs):
    logs = [one.log for one in programs if one.log.exists()]
    return "".join(f"--- {log.name}\n{log.read_text(errors='replace')}" for log in logs)


def play(directory, choice):
    if choice.postgres or choice.redis:
        say("Databases of its own")
    services = Services(pathlib.Path(directory), choice.postgres, choice.redis)
    kind = DemoOfTwo if choice.postgres and choice.redis else Demo
    demo = kind(directory, choice.mode, services)
    try:
        demo.run()
    except (Differs, AssertionError, KeyError, OSError, RuntimeError,
            subprocess.TimeoutExpired) as error:
        print(f"\ndemo: {error}\n{shown_logs(demo.programs)}", file=sys.stderr)
        return 1
    finally:
        for program in demo.programs:
            program.kill()
        services.remove()
    say("All as it should be.")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=["push", "polling", "hybrid"])
    parser.add_argument("--postgres", action="store_true", help="tasks in PostgreSQL")
    parser.add_argument("--redis", action="store_true", help="logs in Redis")
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as directory:
        return play(directory, choice)


if __name__ == "__main__":
    sys.exit(main())
