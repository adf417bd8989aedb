"""Several servers on one database: what one held that died, stands still or was cut off."""

import pathlib
import signal
import time

import pytest

from databases import PostgresServer
from fault_proxy import FaultProxy
from haproxy import HAProxy
from polling_worker import PollingWorker, log_of, new_queue, submit, task_of
from ports import free_port
from several_servers import (Installation, at, engines, installation,  # noqa: F401: fixtures
                             know_each_other, pair)
from socket_worker import SocketWorker, opened
from waiting import until
from worker_process import WorkerProcess

REPAIRED_WITHIN_S = 15  # promised are 10; the machine may be busy


def drained(worker, tasks, within_s):
    """Takes and ends what there is for the worker until all of these have ended."""
    until_s = time.monotonic() + within_s
    while tasks:
        assert time.monotonic() < until_s, f"{len(tasks)} are left"
        for job in worker.jobs(1, max=10):
            assert worker.update(job, "completed").status == 200
            tasks.discard(job["task_id"])


def test_what_a_killed_server_held_is_taken_over(pair):
    one, other = pair
    queue = new_queue()
    here = PollingWorker(one, queue)
    there = at(other, here)
    running = submit(one, queue)
    job = here.running()
    waiting = {submit(one, queue) for _ in range(30)}
    later = submit(one, queue, delay_s=1)
    one.kill()
    answer = until(lambda: (last := there.update(job, "completed")).status == 200 and last,
                   "the worker's task has come", REPAIRED_WITHIN_S)
    assert answer.json["status"] == "completed"
    assert task_of(other, running)["attempt"] == 1
    drained(there, waiting | {later}, REPAIRED_WITHIN_S)


class HeldJob:
    """A job that a `tandem worker` runs, which speaks to its server through `network`."""

    def __init__(self, server, network, directory):
        self.hold = directory / "hold"
        self.worker = WorkerProcess(
            directory / "worker", network.url + "/api/v1/polling/config",
            TANDEM_WORKER_MODE="hybrid", TANDEM_WORKER_NAME="one",
            TANDEM_REGISTRATION_TOKEN=server.token("admin"))
        self.worker.handler("held", f"echo begun; until [ -e {self.hold} ]; do sleep 0.02; done; "
                                    "echo ended")

    def begin(self, server):
        self.worker.start()
        self.task = server.submit({"job_type": "held"})["task_id"]
        until(lambda: log_of(server, self.task) == b"begun\n", self.worker.log)

    def channel(self, server):
        fleet = server.request("GET", "/api/v1/workers", token="admin").json["items"]
        return next(worker["channel"] for worker in fleet if worker["name"] == "one")

    def goes_on(self):
        """For longer than TANDEM_RECONNECT_S, after which a worker that nobody has heard stops
        its jobs."""
        broke_at = time.monotonic()
        until(lambda: time.monotonic() - broke_at > 4, "it would be over")

    def ends(self, server):
        self.hold.touch()
        ended = server.finished(self.task)
        assert (ended["status"], ended["attempt"]) == ("completed", 1), self.worker.log()
        until(lambda: log_of(server, self.task) == b"begun\nended\n", self.worker.log)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_job_outlives_the_server_that_its_worker_spoke_to(pair, tmp_path, how):
    one, other = pair
    other.token()  # while it can be had
    network = FaultProxy(one)
    job = HeldJob(one, network, tmp_path)
    try:
        job.begin(one)
        until(network.open_sockets, job.worker.log)
        network.target = other.url
        one.process.send_signal(how)
        network.cut()
        job.goes_on()
        job.ends(other)
    finally:
        one.process.send_signal(signal.SIGCONT)
        job.worker.kill()
        network.close()


def test_a_job_outlives_each_server_behind_the_sample_balancer(installation, tmp_path):
    members = [installation.start(TANDEM_LISTEN=f"127.0.0.1:{free_port()}") for _ in range(2)]
    know_each_other(*members)
    for member in members:
        member.token()
    balancer = HAProxy(tmp_path, members)
    job = HeldJob(members[0], balancer, tmp_path)
    try:
        job.begin(members[0])
        for number, member in enumerate(members, start=1):
            until(lambda: job.channel(members[0]) == "push", job.worker.log)
            member.kill()
            until(lambda: balancer.has_noticed(number, "DOWN"), "the balancer looks")
            job.goes_on()
            member.start()
            until(lambda: balancer.has_noticed(number, "UP"), "the balancer looks")
        job.ends(members[0])
    finally:
        job.worker.kill()
        balancer.end()


def test_a_server_that_stood_still_gives_way(pair):
    one, other = pair
    queue = new_queue()
    tasks = {submit(one, queue) for _ in range(20)}
    worker = PollingWorker(other, queue)
    one.process.send_signal(signal.SIGSTOP)
    try:
        # What it has given away before is not all; the rest comes when it is dead to the other.
        drained(worker, set(tasks), REPAIRED_WITHIN_S)
    finally:
        one.process.send_signal(signal.SIGCONT)
    for task_id in tasks:
        assert task_of(one, task_id)["status"] == "completed"
    again = submit(one, queue)
    drained(worker, {again}, REPAIRED_WITHIN_S)
    assert task_of(one, again)["attempt"] == 1


@pytest.mark.alone
def test_a_server_that_stood_still_learns_who_may_work(installation):
    patient = {"TANDEM_LEASE_S": "60", "TANDEM_HEARTBEAT_S": "20"}  # with a worker that is silent
    one, other = installation.start(**patient), installation.start(**patient)
    know_each_other(one, other)
    queue = new_queue()
    task = submit(one, queue)
    revoked, draining = SocketWorker(one, "none"), SocketWorker(one, "none")
    with opened(revoked) as closes, opened(draining) as drains:
        one.process.send_signal(signal.SIGSTOP)
        try:
            # Then it is dead to the other one.
            drained(PollingWorker(other, queue), {task}, REPAIRED_WITHIN_S)
            at(other, revoked).control("revoke")
            at(other, draining).control("drain")
        finally:
            one.process.send_signal(signal.SIGCONT)
        assert closes.closed() == 4401
        assert drains.expect("drain")
    assert at(one, draining).seen()["status"] == "draining"


# Tells every 50 ms when it was alive, by the machine's uptime.
ALIVE = """echo "$TANDEM_ATTEMPT" >> {folder}/starts
until [ -e {folder}/end ]; do
  read -r now idle < /proc/uptime
  echo "$now" >> {folder}/alive-$TANDEM_ATTEMPT
  sleep 0.05
done"""


def submit_alive(server, folder):
    folder.mkdir()
    return server.shell(ALIVE.format(folder=folder), max_attempts=3, retry_delay_s=0)["task_id"]


def alive_at(folder, attempt):
    path = folder / f"alive-{attempt}"
    return [float(word) for word in path.read_text().split()] if path.exists() else []


@pytest.mark.alone
def test_a_job_in_a_server_that_stands_still_is_dead_before_it_runs_elsewhere(installation):
    short = {"TANDEM_EMBEDDED_SLOTS": "1", "TANDEM_LEASE_S": "2", "TANDEM_HEARTBEAT_S": "1"}
    folder = installation.directory / "job"
    one = installation.start(**short)
    task = submit_alive(one, folder)
    until(lambda: alive_at(folder, 1), "it runs")
    other = installation.start(**short)
    know_each_other(one, other)
    one.process.send_signal(signal.SIGSTOP)  # and not its job
    try:
        until(lambda: len(alive_at(folder, 2)) > 20, "it runs again", REPAIRED_WITHIN_S + 5)
    finally:
        one.process.send_signal(signal.SIGCONT)
    (folder / "end").touch()
    assert other.finished(task)["attempt"] == 2
    assert alive_at(folder, 1)[-1] < alive_at(folder, 2)[0]
    assert (folder / "starts").read_text() == "1\n2\n"


@pytest.mark.alone
def test_a_job_that_outlived_its_lease_is_not_begun_again(installation, tmp_path):
    postgres = PostgresServer()
    redis_url = installation.settings["TANDEM_LOGS_URL"]
    own = Installation(tmp_path / "own", postgres, type("Known", (), {"url": redis_url}))
    folder, lease = tmp_path / "job", {"TANDEM_LEASE_S": "1", "TANDEM_HEARTBEAT_S": "0.5"}
    try:
        one, other = own.start(TANDEM_EMBEDDED_SLOTS="1", **lease), own.start(**lease)
        know_each_other(one, other)
        other.token()  # while it can be had
        task = submit_alive(one, folder)
        until(lambda: alive_at(folder, 1), "it runs")
        postgres.stop()
        until(lambda: uptime() - alive_at(folder, 1)[-1] > 0.5, "it was killed")
        postgres.start()
        until(lambda: alive_at(folder, 2), "it runs again", REPAIRED_WITHIN_S)
        (folder / "end").touch()
        path = f"/api/v1/tasks/{task}?wait_s=60"
        until(lambda: other.request("GET", path).status == 200, "it is back", REPAIRED_WITHIN_S)
        assert other.finished(task)["attempt"] == 2
        assert (folder / "starts").read_text() == "1\n2\n"
    finally:
        own.end()
        postgres.remove()


def uptime():
    return float(pathlib.Path("/proc/uptime").read_text().split()[0])


def test_a_database_that_was_away_makes_nobody_dead(installation, tmp_path):
    postgres = PostgresServer()
    redis_url = installation.settings["TANDEM_LOGS_URL"]
    own = Installation(tmp_path / "own", postgres, type("Known", (), {"url": redis_url}))
    try:
        one, other = own.start(), own.start()
        know_each_other(one, other)
        queue = new_queue()
        worker = SocketWorker(one, queue)
        task = submit(one, queue)
        with opened(worker) as socket:
            job = socket.running()
            postgres.stop()
            until(lambda: one.request("GET", "/health", token=None).status == 503, "it is seen")
            postgres.start()
            until(lambda: other.request("GET", "/health", token=None).status == 200, "it is back")
            until(lambda: one.request("GET", "/health", token=None).status == 200, "it is back")
            assert until(lambda: socket.update(job, "completed"), "told")["status"] == "completed"
        assert task_of(other, task)["attempt"] == 1
    finally:
        own.end()
        postgres.remove()
