"""OpenAI Responses and Realtime over a WebSocket (RFC 6455), with permessage-deflate (RFC 7692) for who offers it, each
direction one window from the first message to the last: what Codex speaks when it may.

Each response.create is answered with the events that the same call would get as a stream; one that says generate:false only
warms the provider up, and is told so by an answer without output. Those that name a stream_id are lanes: the events of all
that are asked for at once come mixed."""
import base64
import hashlib
import json
import random
import struct
import zlib

from pace import Gone

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAIL = b"\0\0\xff\xff"  # of a sync flush: left out on the wire
MOST = 16 << 20
FINAL, DEFLATED = 0x80, 0x40
CONTINUED, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10


def wanted(req):
    return req.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in req.headers


class Socket:
    """Messages over a connection whose upgrade request was read; `rest` is what came after it."""

    def __init__(self, conn, req):
        self.conn, self.data = conn, bytearray(req.rest)
        self.inflate, self.deflate = zlib.decompressobj(-15), None
        self.rng = random.Random(req.headers["sec-websocket-key"])
        self.fragments = json.loads(req.headers.get("x-sim", "{}")).get("cut") == "random"
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
                raise Gone("without a close frame")
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
            if kind >= CLOSE:
                self._control(first, payload)
                continue
            coded |= bool(first & DEFLATED)
            whole += payload
            if first & FINAL:
                return self.inflate.decompress(bytes(whole) + TAIL) if coded else bytes(whole)

    def send(self, text):
        """One message, in one frame or in fragments with a ping between them."""
        first = TEXT
        if self.deflate:
            text = (self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH))[:-len(TAIL)]
            first |= DEFLATED
        while self.fragments and len(text) > 1 and self.rng.random() < 0.5:
            size = self.rng.randrange(len(text))
            self._put(first, text[:size])
            self._put(FINAL | PING, b"still there?")
            first, text = CONTINUED, text[size:]
        self._put(FINAL | first, text)

    def _put(self, first, payload):
        size = len(payload)
        head = bytes([first, size]) if size < 126 else struct.pack(">BBH", first, 126, size) if size < 1 << 16 \
            else struct.pack(">BBQ", first, 127, size)
        self.conn.sendall(head + payload)

    def ready(self):
        """Whether another message has begun to come."""
        self.data += self.conn.recv_now(65536) or b""
        while len(self.data) >= 2:
            kind, size = self.data[0] & 15, self.data[1] & 0x7f
            if kind not in (PING, PONG):
                return True
            if len(self.data) < 6 + size:
                return False
            self._control(*self._frame())
        return False

    def _control(self, first, payload):
        if first & 15 == PING:
            self._put(FINAL | PONG, payload)


def mixed(lanes, rng):
    """The events of all lanes, each lane's in order."""
    lanes = list(lanes)
    while lanes:
        lane = rng.choice(lanes)
        event = next(lane, None)
        if event is None:
            lanes.remove(lane)
        else:
            yield event


def talk(conn, req, sim):
    """Until the client closes. sim.greeting(req) is said first; sim.turn(conn, req, asked, size) are the events that
    answer one response.create."""
    socket = Socket(conn, req)
    for event in sim.greeting(req):
        socket.send(json.dumps(event).encode())
    while True:
        lanes = []
        while not lanes or (asked.get("stream_id") is not None and socket.ready()):
            text = socket.receive()
            if text is None:
                return
            asked = json.loads(text)
            if asked.get("type") == "response.create":
                lanes.append(sim.turn(conn, req, asked, len(text)))
        for event in mixed(lanes, socket.rng):
            socket.send(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
