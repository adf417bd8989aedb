"""A client that sends any bytes, whether they are HTTP or not."""

import socket
import urllib.parse

from conftest import Answer


class RawConnection:
    """`within_s` bounds each read: what does not come in time fails the test."""

    def __init__(self, server, receive_buffer=None, within_s=30):
        address = urllib.parse.urlsplit(server.url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(within_s)
        self.socket.connect((address.hostname, address.port))
        self.held = b""

    def send(self, data):
        """False where the server has closed already."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def receive(self):
        """Some bytes; none where the server has closed."""
        try:
            return self.socket.recv(65536)
        except ConnectionError:
            return b""

    def read_until(self, mark):
        while mark not in self.held:
            more = self.receive()
            assert more, f"closed after {self.held[-500:]!r}"
            self.held += more
        end = self.held.index(mark) + len(mark)
        taken, self.held = self.held[:end], self.held[end:]
        return taken

    def read_exactly(self, count):
        while len(self.held) < count:
            more = self.receive()
            assert more, f"closed after {self.held[-500:]!r}"
            self.held += more
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def read_all(self):
        while more := self.receive():
            self.held += more
        taken, self.held = self.held, b""
        return taken

    def read_answer(self):
        head = self.read_until(b"\r\n\r\n").decode()
        first, *fields = head.strip().split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        body = self.read_exactly(int(headers.get("Content-Length", 0)))
        return Answer(int(first.split()[1]), headers, body)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request_bytes(method, path, token=None, body=b"", **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def conversation(server, data):
    """All that the server says to these bytes until it closes, which it must."""
    with RawConnection(server) as connection:
        connection.send(data)
        return connection.read_all()
