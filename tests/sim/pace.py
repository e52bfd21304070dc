"""When an answer is put on the wire, and in which cuts: the same over HTTP/1.1 and HTTP/2."""
import fcntl
import random
import ssl
import time


class Gone(Exception):
    """The client is gone, or was told to see us gone."""


class Writer:
    """Puts bytes on the wire in the cuts that were asked for, and counts them. `to` has a sendall()."""

    def __init__(self, to, cut, seed, limit):
        self.to, self.cut, self.limit, self.sent = to, cut, limit, 0
        self.rng = random.Random(f"cut{seed}")
        self.held = bytearray()

    def write(self, data):
        if self.cut == "whole":
            self.held += data
        elif self.cut == "bytes":
            for i in range(len(data)):
                self._send(data[i:i + 1])
        elif self.cut == "random":
            self.held += data
            while len(self.held) > 20000:
                self._piece()
        else:
            self._send(data)

    def flush(self):
        if self.cut == "whole" and self.held:
            self._send(bytes(self.held))
            self.held.clear()
        while self.held:
            self._piece()

    def _piece(self):
        size = self.rng.randrange(1, 1 << self.rng.randrange(1, 15))
        self._send(bytes(self.held[:size]))
        del self.held[:size]

    def _send(self, data):
        if self.limit is not None and self.sent + len(data) > self.limit:
            data = data[:self.limit - self.sent]
        try:
            if data:
                self.to.sendall(data)
        except (OSError, ssl.SSLError) as e:
            raise Gone from e
        self.sent += len(data)
        if self.limit is not None and self.sent >= self.limit:
            raise Gone


def paced(pieces, opts):
    """The pieces, each when its time has come."""
    if opts.get("hold") and opts.get("hold_at", "head") == "head":
        hold(opts["hold"])
    for i, piece in enumerate(pieces):
        if opts.get("stall_ms") and i == opts.get("stall_at", 3):
            time.sleep(opts["stall_ms"] / 1000)  # a slow provider: part of the scenario, nothing waits on it
        if opts.get("hold") and opts.get("hold_at") == i:
            hold(opts["hold"])
        yield piece


def hold(path):
    """Says that it waits (one more byte in PATH.arrived), then waits until nobody holds the file's exclusive lock."""
    with open(path + ".arrived", "ab", buffering=0) as f:
        f.write(b".")
    with open(path, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
