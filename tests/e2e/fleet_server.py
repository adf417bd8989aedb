"""A server that leaves its tasks to workers of the network, for a file of tests, and queues."""

import pytest

from conftest import Server
from polling_worker import new_queue


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("fleet"), TANDEM_EMBEDDED_SLOTS="0").start()
    yield server
    server.stop()


@pytest.fixture
def queue():
    return new_queue()
