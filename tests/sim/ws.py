"""OpenAI Responses over a WebSocket (RFC 6455) with permessage-deflate (RFC 7692), each direction one window from the first
message to the last: what Codex speaks when it may.

Each response.create is answered with the events that the same call would get as a stream; one that says generate:false only
warms the provider up, and is told so by an answer without output."""
import base64
import hashlib
import json
import struct
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAIL = b"\0\0\xff\xff"  # of a sync flush: left out on the wire
MOST = 16 << 20
FINAL, DEFLATED = 0x80, 0x40
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def wanted(req):
    return req.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in req.headers


class Socket:
    """Messages over a connection whose upgrade request was read; `rest` is what came after it."""

    def __init__(self, conn, req):
        self.conn, self.data = conn, bytearray(req.rest)
        self.inflate, self.deflate = zlib.decompressobj(-15), None
        if "permessage-deflate" in req.headers.get("sec-websocket-extensions", ""):
            self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        accept = base64.b64encode(hashlib.sha1(req.headers["sec-websocket-key"].encode() + GUID).digest()).decode()
        conn.sendall(("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                      f"sec-websocket-accept: {accept}\r\n"
                      + ("sec-websocket-extensions: permessage-deflate\r\n" if self.deflate else "") + "\r\n").encode())

    def _take(self, size):
        while len(self.data) < size:
            got = self.conn.recv(65536)
            if not got:
                raise ConnectionError("the client is gone")
            self.data += got
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken

    def _frame(self):
        """(first byte, payload)"""
        first, size = self._take(2)
        if not size & 0x80:
            raise ValueError("a client's frame is masked")
        size &= 0x7f
        if size >= 126:
            size = struct.unpack(*((">H", self._take(2)) if size == 126 else (">Q", self._take(8))))[0]
        if size > MOST:
            raise ValueError("a frame of more than 16 MB")
        mask, payload = self._take(4), self._take(size)
        key = int.from_bytes(mask * (size // 4 + 1), "big") >> 8 * (4 - size % 4)
        return first, (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")

    def receive(self):
        """The next text message; None: the client closed."""
        whole, coded = bytearray(), False
        while True:
            first, payload = self._frame()
            kind = first & 15
            if kind == CLOSE:
                self._put(FINAL | CLOSE, payload)
                return None
            if kind == PING:
                self._put(FINAL | PONG, payload)
            if kind >= CLOSE:
                continue
            coded |= bool(first & DEFLATED)
            whole += payload
            if first & FINAL:
                return self.inflate.decompress(bytes(whole) + TAIL) if coded else bytes(whole)

    def send(self, text):
        if not self.deflate:
            return self._put(FINAL | TEXT, text)
        coded = self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        return self._put(FINAL | DEFLATED | TEXT, coded[:-len(TAIL)])

    def _put(self, first, payload):
        size = len(payload)
        head = bytes([first, size]) if size < 126 else struct.pack(">BBH", first, 126, size) if size < 1 << 16 \
            else struct.pack(">BBQ", first, 127, size)
        self.conn.sendall(head + payload)


def talk(conn, req, turn):
    """Until the client closes. turn(asked, size) are the events that answer one response.create."""
    socket = Socket(conn, req)
    while True:
        text = socket.receive()
        if text is None:
            return
        asked = json.loads(text)
        if asked.get("type") == "response.create":
            for event in turn(asked, len(text)):
                socket.send(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
