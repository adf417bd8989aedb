"""A network between a worker and its server that can be made to fail."""

import contextlib
import socket
import struct
import threading
import time
import urllib.parse

CHUNK_BYTES = 65536
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNKNOWN = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UPGRADED = b"HTTP/1.1 101"
LONG_POLL = "/polling/claim"
LONGEST_WAIT_S = 1.1  # of a long poll where those are cut


def is_upgrade(request):
    return b"\r\nupgrade: websocket\r\n" in request.lower()


class FaultProxy:
    """Passes bytes on until it is told otherwise. Every switch may be turned at any moment."""

    def __init__(self, server):
        self.target = server.url  # may be set anew: of a server that came back elsewhere
        self.upgrades = "pass"  # or "refuse" (403), "close"
        self.long_polls = "pass"  # or "refuse" (404), "cut" after LONGEST_WAIT_S
        self.delay_s = 0  # of each piece, both ways
        self.connections = set()
        self.sockets = []  # each connection that was upgraded, in order
        self.requests = []  # (when, first line), upgrades and refused ones too
        self.dropped = 0
        self._flows = {direction: threading.Event() for direction in ("to_server", "to_worker")}
        self._drops = {}
        self._lock = threading.Lock()
        self.port = 0
        self.come_back()
        self.heal()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def come_back(self):
        """Also the first time; afterwards on the port that it had."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go_away(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        for connection in self._open():
            connection.cut()

    def cut_sockets(self):
        for connection in self.open_sockets():
            connection.cut()

    def hold(self, *directions):
        """A black hole: what is sent waits, ends of connections too, until heal(). Both ways, or
        those that are named."""
        for direction in directions or self._flows:
            self._flows[direction].clear()

    def heal(self):
        for flow in self._flows.values():
            flow.set()

    def drop_answers(self, path, count=1):
        """The next `count` requests for the path reach the server; their answers are lost."""
        with self._lock:
            self._drops[path] = count

    def open_sockets(self):
        """The connections that the server has upgraded."""
        return [connection for connection in self._open() if connection.is_socket]

    def asked(self, path, since=0.0):
        """When requests for the path were made."""
        return [at for at, line in list(self.requests) if path in line and at >= since]

    def close(self):
        self.go_away()
        self.heal()

    def _open(self):
        with self._lock:
            return list(self.connections)

    def _accept(self, listener):
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, worker_side):
        address = urllib.parse.urlsplit(self.target)
        try:
            server_side = socket.create_connection((address.hostname, address.port))
        except OSError:
            reset(worker_side)
            return
        connection = Connection(self, worker_side, server_side)
        with self._lock:
            self.connections.add(connection)
        connection.run()
        with self._lock:
            self.connections.discard(connection)

    def takes_drop(self, line):
        with self._lock:
            for path, count in self._drops.items():
                if count and path in line:
                    self._drops[path] -= 1
                    return True
        return False

    def pass_on(self, data, direction, to):
        if self.delay_s:
            threading.Event().wait(self.delay_s)
        self._flows[direction].wait()
        if data:
            to.sendall(data)


class Connection:
    def __init__(self, proxy, worker_side, server_side):
        self.proxy, self.worker_side, self.server_side = proxy, worker_side, server_side
        self.asks_upgrade = self.drops_answer = False
        self.longest_wait = None
        self.opened_at = self.ended_at = None  # as a socket

    @property
    def is_socket(self):
        return self.opened_at is not None and self.ended_at is None

    def run(self):
        for side in (self.worker_side, self.server_side):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._guarded, args=(self._to_worker,), daemon=True)
        back.start()
        self._guarded(self._to_server)
        back.join()
        for side in (self.worker_side, self.server_side):
            side.close()

    def cut(self):
        self._note_end()
        reset(self.worker_side)
        reset(self.server_side)

    def _note_end(self):
        self.ended_at = self.ended_at or time.monotonic()

    def _guarded(self, pump):
        try:
            pump()
        except OSError:
            self.cut()

    def _to_server(self):
        while data := self.worker_side.recv(CHUNK_BYTES):
            if self.opened_at is None and not self._look_at(data):
                return
            self.proxy.pass_on(data, "to_server", self.server_side)
        self._note_end()
        self._ended("to_server", self.server_side)

    def _to_worker(self):
        while data := self.server_side.recv(CHUNK_BYTES):
            if self.longest_wait:
                self.longest_wait.cancel()
            if self.drops_answer:
                self.proxy.dropped += 1
                self.cut()
                return
            if self.asks_upgrade and data.startswith(UPGRADED):
                self.opened_at = time.monotonic()
                self.proxy.sockets.append(self)
            self.proxy.pass_on(data, "to_worker", self.worker_side)
        self._note_end()
        self._ended("to_worker", self.worker_side)

    def _ended(self, direction, to):
        self.proxy.pass_on(b"", direction, to)
        to.shutdown(socket.SHUT_WR)

    def _look_at(self, data):
        """At a request's head, which comes in one piece; False: it is not passed on."""
        line = data.split(b"\r\n", 1)[0].decode(errors="replace")
        if not line.endswith(" HTTP/1.1"):
            return True
        self.proxy.requests.append((time.monotonic(), line))
        self.drops_answer = self.proxy.takes_drop(line)
        self.asks_upgrade = is_upgrade(data)
        if self.asks_upgrade:
            return self._look_at_upgrade()
        return LONG_POLL not in line or self._look_at_long_poll()

    def _look_at_upgrade(self):
        if self.proxy.upgrades == "refuse":
            self._refuse(REFUSAL)
        elif self.proxy.upgrades == "close":
            self.cut()
        return self.proxy.upgrades == "pass"

    def _look_at_long_poll(self):
        if self.proxy.long_polls == "refuse":
            self._refuse(UNKNOWN)
            return False
        if self.proxy.long_polls == "cut":
            self.longest_wait = threading.Timer(LONGEST_WAIT_S, self.cut)
            self.longest_wait.daemon = True
            self.longest_wait.start()
        return True

    def _refuse(self, answer):
        self.worker_side.sendall(answer)
        self.worker_side.shutdown(socket.SHUT_WR)
        self.server_side.shutdown(socket.SHUT_RDWR)


def reset(side):
    with contextlib.suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        side.shutdown(socket.SHUT_RDWR)
