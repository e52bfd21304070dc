#!/usr/bin/python3
"""Compares our WebSocket decoder with python3-wsproto: conversations that it encodes, and damaged ones. Prints TAP.

What wsproto sends, ours reads whole, whatever was negotiated (its own handshake says what) and however the bytes are cut. Of
damaged bytes, what both read before one of them gives up is the same; where only one gives up, the reason is one of those in
excused(). `ws_diff.py [SEED [COUNT]]`; the same seed gives the same bytes.
"""
import collections
import ctypes
import itertools
import os
import random
import subprocess
import sys
import tempfile

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCES = "wire/ws base/obj base/str".split()
EBADMSG = -74
Told = collections.namedtuple("Told", "off data damaged")


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_char_p), ("n", ctypes.c_size_t)]


class Opts(ctypes.Structure):
    _fields_ = [("counters", ctypes.c_void_p), ("dir", ctypes.c_int), ("deflate", ctypes.c_bool), ("fresh", ctypes.c_bool)]


class Run(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]


FN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, Run, ctypes.c_bool, ctypes.c_int)


def build(folder):
    lib = os.path.join(folder, "ws.so")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-I" + ROOT + "/include"]
        + [f"{ROOT}/user/{s}.c" for s in SOURCES] + ["-o", lib, "-lz"], check=True)
    c = ctypes.CDLL(lib)
    handle = ctypes.POINTER(ctypes.c_void_p)
    c.ws_new.argtypes = [ctypes.POINTER(Opts), FN, ctypes.c_void_p, handle]
    c.ws_feed.argtypes = [ctypes.c_void_p, ctypes.c_uint64, Str]
    c.ws_closed.argtypes = [ctypes.c_void_p]
    c.ws_closed.restype = ctypes.c_bool
    c.ws_free.argtypes = [handle]
    c.ws_extensions.argtypes = [Str, ctypes.POINTER(Opts * 2)]
    c.ws_extensions.restype = ctypes.c_bool
    return c


def ours(c, answer, side, stream, rng):
    """(messages, "" or why it gave up, closed)"""
    told, parts = [], []

    def run(_, off, data, last, why):
        parts.append(ctypes.string_at(data.p, data.n) if data.n else b"")
        if last:
            told.append(Told(off, b"".join(parts), why != 0))
            parts.clear()
        return 0

    both, handle, at, r = (Opts * 2)(), ctypes.c_void_p(), 0, 0
    text = answer.encode()
    if not c.ws_extensions(Str(text, len(text)), both):
        return [], "the extensions", False
    both[side].dir = side
    call = FN(run)
    assert c.ws_new(both[side], call, None, handle) == 0
    step = rng.choice([1, 7, 100, 1 << 20])
    while at < len(stream) and r == 0:
        piece = stream[at:at + rng.randrange(1, step + 1)]
        r = c.ws_feed(handle, at, Str(piece, len(piece)))
        at += len(piece)
    closed = c.ws_closed(handle)
    c.ws_free(handle)
    assert r in (0, EBADMSG)
    return told, "the frames" if r else "", closed


# ---- wsproto ---------------------------------------------------------------------------------------

class Deflate(PerMessageDeflate):
    """Where wsproto's own is wrong: a control frame between fragments ends decompression, and what follows a final block is
    thrown away (said by `final`, since zlib for Python offers no way to read on)."""
    final = False

    def frame_inbound_header(self, proto, opcode, rsv, payload_length):
        self.under_way = self._inbound_compressed
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto, data):
        out = super().frame_inbound_payload_data(proto, data)
        self.final |= bool(self._decompressor and self._decompressor.eof)
        return out

    def frame_inbound_complete(self, proto, fin):
        control = not self._inbound_is_compressible
        out = super().frame_inbound_complete(proto, fin)
        if control:
            self._inbound_compressed = self.under_way
        return out


def negotiate(rng, windows):
    """(client's extensions, server's, the answer's header)"""
    if rng.randrange(4) == 0:
        return [], [], ""
    client, server = (Deflate(rng.choice([False, takeover]), rng.choice(windows), rng.choice([False, takeover]), rng.choice(windows))
                      for takeover in (True, rng.randrange(2) == 0))
    offer = client.offer()
    accepted = server.accept(PerMessageDeflate.name + ("; " + offer if isinstance(offer, str) else ""))
    if accepted is None:
        return [], [], ""
    answer = PerMessageDeflate.name + ("; " + accepted if isinstance(accepted, str) and accepted else "")
    client.finalize(answer)
    return [client], [server], answer


def payload(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return b""
    if kind == 1:
        return rng.randbytes(rng.randrange(1, 500))
    words = [b'{"type":"response.output_text.delta","delta":"', b'"}', b'"usage":{"input_tokens":', b"12", b" hello ", b"\0\0\xff\xff"]
    return b"".join(rng.choice(words) for _ in range(rng.randrange(1, rng.choice([5, 50, 3000]))))


def conversation(rng, sender):
    """(bytes, messages as ours should tell them); with control frames between fragments"""
    out, want = b"", []
    for _ in range(rng.randrange(1, 12)):
        data, off = payload(rng), len(out)
        want.append(Told(off, data, False))
        first = True
        while first or data:
            n = rng.choice([len(data), rng.randrange(len(data) + 1), 1])
            part, data = data[:n], data[n:]
            out += sender.send_data(part, fin=not data)
            first = False
            while data and rng.randrange(5) == 0:
                out += rng.choice([sender.ping, sender.pong])(rng.randbytes(rng.randrange(126)))
    return out, want


def theirs(receiver, stream):
    """(messages without offsets, "" or why it gave up, closed)"""
    told, parts = [], []
    receiver.receive_bytes(stream)
    try:
        for frame in receiver.received_frames():
            if frame.opcode is Opcode.CLOSE:
                return told, "", True
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION):
                parts.append(frame.payload.encode() if isinstance(frame.payload, str) else bytes(frame.payload))
                if frame.message_finished:
                    told.append(b"".join(parts))
                    parts = []
    except ParseFailed as problem:
        return told, str(problem), False
    return told, "", False


def damage(rng, stream):
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        if not stream:
            return b"\x81"
        at = rng.randrange(min(len(stream), rng.choice([8, 200, 100000])))
        kind = rng.randrange(5)
        if kind == 0:
            stream = stream[:at] + stream[at + rng.randrange(1, 4):]
        elif kind == 1:
            stream = stream[:at] + bytes([stream[at] ^ 1 << rng.randrange(8)]) + stream[at + 1:]
        elif kind == 2:
            stream = stream[:at] + rng.randbytes(rng.randrange(1, 4)) + stream[at:]
        elif kind == 3:
            stream = stream[:at] + bytes([rng.choice([0x80, 0x81, 0xc1, 0x88, 0x89, 0x00, 0x7e, 0x7f, 0xff])]) + stream[at + 1:]
        else:
            stream = stream[:at]
    return stream


def excused(problem, more):
    """wsproto gave up, ours did not: text and codes are not its business, a message that does not inflate is only damaged."""
    return "CLOSE" in problem or "codec" in problem or ("extension" in problem and not more)


# ---- the comparisons -------------------------------------------------------------------------------

def sides(rng, windows):
    client, server, answer = negotiate(rng, windows)
    side = rng.randrange(2)  # 0: what the client sends
    mine, other = (client, server) if side == 0 else (server, client)
    return side, answer, FrameProtocol(side == 0, mine), FrameProtocol(side == 1, other)


def read_all(c, rng, count):
    deflated = 0
    for i in range(count):
        side, answer, sender, _ = sides(rng, [None, 9, 10, 11, 12, 13, 14, 15])
        stream, want = conversation(rng, sender)
        if rng.randrange(2):
            stream += sender.close(1000, "bye")
        got, problem, _ = ours(c, answer, side, stream, rng)
        if problem or got != want:
            return f"{i}: {side} {answer!r} {stream!r}: {problem} {got} instead of {want}"
        deflated += bool(answer)
    print(f"# {count} conversations, {deflated} deflated")
    return None if 0 < deflated < count else "a poor mix"


def read_damaged(c, rng, count):
    agreed = refused = 0
    for i in range(count):
        side, answer, sender, receiver = sides(rng, [15])  # wsproto refuses what reaches back beyond, ours does not
        stream = damage(rng, conversation(rng, sender)[0])
        got, mine, closed = ours(c, answer, side, stream, rng)
        told, problem, ended = theirs(receiver, stream)
        if any(e.final for e in receiver.extensions):
            continue
        damaged = any(m.damaged for m in got)
        right = list(itertools.takewhile(lambda m: not m.damaged, got))
        wrong = any(m.data != t for m, t in zip(right, told))
        if not mine and not problem:
            wrong |= closed != ended or (len(got) != len(told) and not damaged)
        elif problem and not mine:
            wrong |= not excused(problem, len(right) > len(told))
        elif mine and not problem:  # wsproto looks at a head when it is whole
            wrong |= not theirs(receiver, bytes(14))[1]
        if wrong:
            return (f"{i}: ours {mine or closed} {[(m.off, len(m.data), m.damaged) for m in got]}, wsproto {problem or ended} "
                    f"{[len(m) for m in told]}, of {side} {answer!r} {stream!r}")
        agreed += not mine and not problem
        refused += bool(mine and problem)
    print(f"# {count} damaged ones: {agreed} read, {refused} refused by both")
    return None if min(agreed, refused) > count / 10 else "a poor mix"


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 800
    failed = 0
    rows = [("what wsproto sends is read", read_all), ("of damaged bytes the same is read", read_damaged)]
    with tempfile.TemporaryDirectory() as folder:
        c = build(folder)
        print(f"1..{len(rows)}")
        for i, (name, compare) in enumerate(rows, 1):
            problem = compare(c, random.Random(f"{seed} {name}"), count)
            failed += bool(problem)
            if problem:
                print("# " + problem[:2000])
            print(f"{'not ' if problem else ''}ok {i} - {name}")
    return 1 if failed else 0


sys.exit(main())
