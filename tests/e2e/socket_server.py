"""For tests of workers' sockets: their servers, a worker of its own queue, and its socket."""

import pytest

from conftest import Server
from fleet_server import queue, server  # noqa: F401
from polling_worker import task_of
from socket_worker import SocketWorker


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Everything that waits waits briefly, but for the lease."""
    directory = tmp_path_factory.mktemp("brief")
    server = Server(directory, TANDEM_EMBEDDED_SLOTS="0", TANDEM_HEARTBEAT_S="0.4",
                    TANDEM_RECONNECT_S="0.4", TANDEM_ACCEPT_TIMEOUT_S="1").start()
    yield server
    server.stop()


@pytest.fixture
def worker(server, queue):
    return SocketWorker(server, queue)


@pytest.fixture
def socket(worker):
    with worker.open() as socket:
        yield socket


def status(server, job):
    return task_of(server, job["task_id"])["status"]
