#!/usr/bin/python3
"""The calls of common.py as turns over a WebSocket, framed here: OpenAI Responses, or Realtime with --apis realtime.

--gzip 1 is permessage-deflate, one window a direction. --parallel N: lanes of one socket, N at a time, each named by a
stream_id. --keep 0: a socket for each turn. --warm 1: before the first turn one that only warms the provider up, as Codex does."""
import base64
import hashlib
import json
import os
import random
import socket
import ssl
import struct
import zlib

import common

opts = common.options("ws", warm=0)
GUID, TAIL = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", b"\0\0\xff\xff"
LAST = {"response.completed", "response.done"}
realtime = opts.apis == "realtime"
rng = random.Random(opts.tag)
random_cuts = "random" in opts.sim


class Socket:
    def __init__(self, host):
        context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        self.conn = context.wrap_socket(socket.create_connection((host, 443)), server_hostname=host)
        self.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(rng.randbytes(16)).decode()
        path = "/v1/realtime?model=gpt-realtime" if realtime else "/v1/responses"
        head = {"host": host, "authorization": "Bearer sk-test-0000", "x-test-tag": opts.tag + "/0", "connection": "Upgrade",
                "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": key,
                **({"sec-websocket-extensions": "permessage-deflate; client_max_window_bits"} if opts.gzip else {}),
                **({"x-sim": opts.sim} if opts.sim else {})}
        self.conn.sendall((f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n").encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self._more()
        answer, _, self.data = self.data.partition(b"\r\n\r\n")
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
        if not answer.startswith(b"HTTP/1.1 101 ") or accept not in answer:
            raise OSError(f"no upgrade: {answer!r}")
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15) if b"permessage-deflate" in answer else None
        self.inflate = zlib.decompressobj(-15)

    def _more(self):
        got = self.conn.recv(65536)
        if not got:
            raise OSError("the server is gone")
        self.data += got

    def _put(self, first, payload):
        size, key = len(payload), rng.randbytes(4)
        head = bytes([first, 0x80 | size]) if size < 126 else struct.pack(">BBH", first, 0x80 | 126, size) if size < 1 << 16 \
            else struct.pack(">BBQ", first, 0x80 | 127, size)
        mask = (key * (size // 4 + 1))[:size]
        self.conn.sendall(head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big"))

    def send(self, value):
        data, first = json.dumps(value).encode(), 1
        if self.deflate:
            data, first = (self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH))[:-len(TAIL)], 0x41
        while random_cuts and rng.random() < 0.5:
            size = rng.randrange(len(data) + 1)
            self._put(first, data[:size])
            self._put(0x89, b"in between")
            first, data = 0, data[size:]
        self._put(0x80 | first, data)

    def _take(self, size):
        while len(self.data) < size:
            self._more()
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def receive(self):
        """The next message."""
        whole, coded = b"", False
        while True:
            first, size = self._take(2)
            size = struct.unpack(">H", self._take(2))[0] if size == 126 else struct.unpack(">Q", self._take(8))[0] if size == 127 else size
            payload = self._take(size)
            if first & 15 == 9:
                self._put(0x8a, payload)
            if first & 15 >= 8:
                continue
            coded |= bool(first & 0x40)
            whole += payload
            if first & 0x80:
                return json.loads(self.inflate.decompress(whole + TAIL) if coded else whole)

    def close(self):
        self._put(0x88, b"\x03\xe8")
        while True:
            first, size = self._take(2)
            self._take(size)
            if first & 15 == 8:
                self.conn.close()
                return


def answers(s, turns):
    """Sends all of `turns`, [(tag, lane)], and reads until each has got its last event."""
    for i, (_, lane) in enumerate(turns):
        said = {"type": "response.create"}
        if not realtime:
            said.update(model=common.MODELS["responses"][i % 3], input=[{"role": "user", "content": opts.text}], stream=True)
        s.send({**said, **({} if lane is None else {"stream_id": lane})})
    left = {lane: tag for tag, lane in turns}
    ids = {}
    while left:
        event = s.receive()
        lane = event.get("stream_id")
        if event.get("response"):
            ids[lane] = event["response"]["id"]
        if event["type"] in LAST:
            print(json.dumps({"tag": left.pop(lane), "id": ids.pop(lane), "status": 101, "whole": True}), flush=True)


def main():
    s, made = None, 0
    while made < opts.calls:
        s = s or Socket("api.openai.com")
        if opts.warm and not made:
            s.send({"type": "response.create", "model": "gpt-5.5", "generate": False, "input": []})
            while s.receive()["type"] not in LAST:
                pass
        count = min(opts.parallel, opts.calls - made)
        answers(s, [(f"{opts.tag}/{made + i}", f"lane-{i}" if opts.parallel > 1 else None) for i in range(count)])
        made += count
        if not opts.keep:
            s = s.close()
    if s:
        s.close()


main()
