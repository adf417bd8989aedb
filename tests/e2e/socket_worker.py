"""A worker on a socket, that does exactly what a test tells it."""

import contextlib

from polling_worker import WORKERS, PollingWorker, update
from raw_websocket import RawWebSocket
from waiting import until


class SocketWorker(PollingWorker):
    """Its requests are those of a worker that polls; `open` gives its socket."""

    def __init__(self, server, queue=None, side=WORKERS, **members):
        super().__init__(server, queue, side, **members)
        self.reader = None

    def open(self, batch=False, **how):
        """Open, welcomed, and known to the dispatcher."""
        socket = WorkerSocket(self, "?batch=true" if batch else "", **how)
        assert socket.upgraded, socket.answer.body
        socket.welcome = socket.expect("welcome")
        return socket

    def until_it_is(self, channel):
        until(lambda: self.seen()["channel"] == channel, f"its channel is {channel}")


class WorkerSocket(RawWebSocket):
    def __init__(self, worker, query="", **how):
        super().__init__(worker.server, f"{worker.side}/ws{query}", worker.token, **how)
        self.heard = self.messages()

    def read(self):
        """The next message; None: closed."""
        return next(self.heard, None)

    def expect(self, kind):
        """The next message, which must be of this kind."""
        message = self.read()
        assert message and message["type"] == kind, (message, self.close_code)
        return message

    def read_up_to(self, kind):
        """The messages until the first of this kind, with it."""
        messages = [self.read()]
        while messages[-1]["type"] != kind:
            messages.append(self.read())
        return messages

    def closed(self):
        """The close code; what comes before it is passed over."""
        while self.read():
            pass
        return self.close_code

    def ready(self, slots=1):
        self.send_json(type="ready", slots_free=slots)

    def job(self, slots=1):
        """Takes one and gets it."""
        self.ready(slots)
        return self.expect("assign")["job"]

    def update(self, job, status, **members):
        """The acknowledgement."""
        self.send_json(type="update", **update(job, status, **members))
        return self.expect("ack")

    def running(self, **members):
        job = self.job()
        assert self.update(job, "running", **members)["status"] == "running"
        return job

    def heartbeat(self, *jobs, **members):
        tasks = [{"task_id": job["task_id"], "attempt": job["attempt"]} | members for job in jobs]
        self.send_json(type="heartbeat", tasks=tasks)

    def settle(self):
        """What the server has to say up to now: an answer to nonsense comes behind it."""
        self.send_json(type="nonsense")
        return self.read_up_to("error")[:-1]


@contextlib.contextmanager
def opened(worker, **how):
    with worker.open(**how) as socket:
        yield socket
