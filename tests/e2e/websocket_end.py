"""The server's end of a WebSocket that speaks text, blocking, for servers that tests play."""

import base64
import hashlib
import json
import socket
import struct
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocketEnd:
    @classmethod
    def accept(cls, request, subprotocol):
        """Answers the handshake of a BaseHTTPRequestHandler's request."""
        key = request.headers["Sec-WebSocket-Key"].encode()
        request.send_response(101)
        request.send_header("Upgrade", "websocket")
        request.send_header("Connection", "Upgrade")
        request.send_header("Sec-WebSocket-Protocol", subprotocol)
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        request.send_header("Sec-WebSocket-Accept", accept)
        request.end_headers()
        request.wfile.flush()
        return cls(request.connection, request.rfile)

    def __init__(self, connection, reader):
        self.connection, self.reader = connection, reader
        self.lock = threading.Lock()

    def send(self, value, opcode=1):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        length = len(data)
        head = bytes([0x80 | opcode])
        if length < 126:
            head += bytes([length])
        elif length < 65536:
            head += b"\x7e" + struct.pack(">H", length)
        else:
            head += b"\x7f" + struct.pack(">Q", length)
        try:
            with self.lock:
                self.connection.sendall(head + data)
        except OSError:
            pass  # what was sent into a broken connection is lost

    def receive(self):
        """The next message; None at the end."""
        while True:
            head = self.reader.read(2)
            if len(head) < 2:
                return None
            length = head[1] & 0x7F
            if length == 126:
                length = struct.unpack(">H", self.reader.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.reader.read(8))[0]
            mask = self.reader.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.reader.read(length)))
            opcode = head[0] & 0x0F
            if opcode == 8:
                self.send(data[:2], 8)
                return None
            if opcode == 9:
                self.send(data, 10)
            if opcode == 1:
                return json.loads(data)

    def cut(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
