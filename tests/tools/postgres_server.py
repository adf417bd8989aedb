#!/usr/bin/env python3
"""A real PostgreSQL for tests: a cluster of its own in a temporary directory, on a free port.

    postgres_server.py [name=value …]

makes one with these settings and a PgBouncer before it, prints the URL of each (a superuser's, for
the database `postgres`), and stops and removes both when its input ends. A test in Python uses the
classes.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from ports import free_port

USER, PASSWORD = "tandem", "not-a-secret"
START_TIMEOUT_S, STOP_TIMEOUT_S, LOOK_AGAIN_S = 60, 60, 0.05


def programs():
    """The folder of the newest PostgreSQL on this machine."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed; `./dev setup` does that")
    return found[-1].parent


def as_nobody_special(command):
    """PostgreSQL refuses to run as root. The process ends with this one, however that ends."""
    words = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        words += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    return words + [str(word) for word in command]


class PostgresServer:
    def __init__(self, *settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tandem-postgres-"))
        self.settings = settings
        self.port = free_port()
        self.process = None
        try:
            self._make_cluster()
            self.start()
        except BaseException:
            self.remove()
            raise

    def _make_folder(self):
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
            self.directory.chmod(0o755)

    def _make_cluster(self):
        self._make_folder()
        password = self.directory / "password"
        password.write_text(PASSWORD + "\n")
        subprocess.run(
            as_nobody_special([programs() / "initdb", "-D", self.directory / "data", "-U", USER,
                               "-E", "UTF8", "--locale", "C.UTF-8", "--auth-local", "trust",
                               "--auth-host", "scram-sha-256", "--pwfile", password]),
            check=True, capture_output=True, cwd=self.directory)

    def start(self):
        """Starts it on the same port again; returns when it takes connections."""
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1",
                    f"unix_socket_directories={self.directory}", *self.settings]
        command = [programs() / "postgres", "-D", self.directory / "data"]
        for setting in settings:
            command += ["-c", setting]
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(as_nobody_special(command), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.directory)
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError("PostgreSQL does not start:\n" + self.log())
            threading.Event().wait(LOOK_AGAIN_S)

    def answers(self):
        asked = [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked).returncode == 0

    def log(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self, how=signal.SIGINT):
        """SIGINT cuts off its clients; SIGQUIT is as a crash. Returns when it is gone."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.process.kill()
            self.process = None

    def freeze(self):
        """Stops all of its processes where they are; for thaw()."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        frozen = [self.process.pid, *map(int, children.read_text().split())]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen):
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    def url(self, database="postgres", user=USER, password=PASSWORD, port=None):
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def sql(self, text, database="postgres"):
        """What a superuser's psql prints, without headings."""
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
                              input=text, text=True, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)


class PgBouncer:
    """A pooler before a server, in transaction mode, with fewer connections than clients."""

    def __init__(self, postgres, pool_size=3):
        self.postgres, self.port = postgres, free_port()
        users = postgres.directory / "users.txt"
        users.write_text(f'"{USER}" "{PASSWORD}"\n')
        self.settings = postgres.directory / "pgbouncer.ini"
        self.settings.write_text(f"""[databases]
* = host=127.0.0.1 port={postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_login_retry = 0.2
""")
        self.start()

    def start(self):
        directory = self.postgres.directory
        with open(directory / "pgbouncer.log", "ab") as log:
            command = as_nobody_special([shutil.which("pgbouncer") or "/usr/sbin/pgbouncer",
                                         self.settings])
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=directory)
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while not is_listening(self.port):
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError("PgBouncer does not start:\n" + self.log())
            threading.Event().wait(LOOK_AGAIN_S)

    def log(self):
        return (self.postgres.directory / "pgbouncer.log").read_text(errors="replace")

    def url(self, database="postgres"):
        return self.postgres.url(database, port=self.port)

    def remove(self):
        self.process.kill()
        self.process.wait()


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(settings):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = PostgresServer(*settings)
    try:
        pooler = PgBouncer(server)
        try:
            print(server.url(), pooler.url(), sep="\n", flush=True)
            sys.stdin.read()
        finally:
            pooler.remove()
    finally:
        server.remove()


if __name__ == "__main__":
    main(sys.argv[1:])
