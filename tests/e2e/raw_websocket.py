"""A WebSocket client that sends any frames, whether they are allowed or not."""

import json
import struct

from raw_http import RawConnection

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
FIN, COMPRESSED = 0x80, 0x40
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def frame(first, payload=b"", masked=True):
    size = len(payload)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


class RawWebSocket(RawConnection):
    """`upgraded` tells whether the server took it; else `answer` is what it said."""

    def __init__(self, server, path, token="", receive_buffer=None, within_s=30, headers=None):
        super().__init__(server, receive_buffer, within_s)
        fields = HANDSHAKE | (headers or {})
        if token:
            fields["Authorization"] = "Bearer " + token
        lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        self.answer = self.read_answer()
        self.upgraded = self.answer.status == 101
        self.close_code = None

    def send_json(self, **message):
        return self.send(frame(FIN | TEXT, json.dumps(message).encode()))

    def read_frame(self):
        first, size = self.read_exactly(2)
        if size == 126:
            size = struct.unpack("!H", self.read_exactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.read_exactly(8))[0]
        return first & 0xF, self.read_exactly(size)

    def messages(self):
        """The server's messages until it closes."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                yield json.loads(payload)
            if opcode == CLOSE:
                self.close_code = struct.unpack("!H", payload[:2])[0]
                self.send(frame(FIN | CLOSE, payload))
                return

    def await_message(self, kind):
        for message in self.messages():
            if message["type"] == kind:
                return message
        raise AssertionError(f"closed with {self.close_code} before {kind}")

    def await_close(self):
        for _ in self.messages():
            pass
        return self.close_code
