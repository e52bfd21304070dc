#!/usr/bin/python3
"""Compares our header blocks with Debian's python3-hpack: random ones and damaged ones. Prints TAP.

The C sources are compiled into a shared library in a temporary folder and called through ctypes.
`hpack_diff.py [SEED [COUNT]]`; the same seed gives the same blocks. COUNT is of connections, each of some blocks.

Differences that are right:
- limits: we stop at 128 fields, 64 KiB, names of 1 KiB, strings of 64 KiB (-EMSGSIZE, or -EBADMSG by nghttp2); it at 64 KiB.
- integers: nghttp2 refuses one that is written with more bytes than 32 bits need; it takes any.
"""
import ctypes
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = "base/obj base/str wire/hpack".split()
EBADMSG, EMSGSIZE = 74, 90
UNKNOWN = (1 << 32) - 1
TABLE = 4096
NAMES = [b":method", b":path", b":status", b":authority", b"content-type", b"x-api-key", b"cookie", b"accept", b"a", b"", b"x" * 60]
VALUES = [b"GET", b"POST", b"/", b"200", b"404", b"application/json", b"", b"v" * 200, b"\xff\x00\x80", b"a" * 3000]


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]


KEEP = ctypes.CFUNCTYPE(ctypes.c_bool, Str)
FN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, Str, Str, ctypes.c_bool)


def build(folder):
    lib = os.path.join(folder, "hpack.so")
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-I" + ROOT + "/include"]
                   + [f"{ROOT}/user/{s}.c" for s in SOURCES] + ["-o", lib, "-lnghttp2"], check=True)
    c = ctypes.CDLL(lib)
    c.hpack_new.argtypes = [ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    c.hpack_feed.argtypes = [ctypes.c_void_p, Str, ctypes.c_bool, FN, ctypes.c_void_p]
    c.hpack_resize.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    c.hpack_resize.restype = None
    c.hpack_rest.argtypes = [ctypes.c_void_p, KEEP]
    c.hpack_lost.argtypes = [ctypes.c_void_p]
    c.hpack_lost.restype = None
    c.hpack_free.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    c.hpack_free.restype = None
    return c


class Ours:
    """Fields as (name, value), None: unknown."""

    def __init__(self, c, rng, joined=False, table=TABLE):
        self.c, self.rng, self.h = c, rng, ctypes.c_void_p()
        assert c.hpack_new(joined, None, ctypes.byref(self.h)) == 0
        c.hpack_resize(self.h, table)

    def decode(self, block):
        told = []

        def note(_, name, value, unknown):
            told.append(None if unknown else (ctypes.string_at(name.p, name.n), ctypes.string_at(value.p, value.n)))
            return 0
        fn = FN(note)
        cuts = sorted(self.rng.randrange(len(block) + 1) for _ in range(self.rng.choice([0, 0, 1, 3, len(block)])))
        ends = cuts + [len(block)]
        for i, (start, end) in enumerate(zip([0] + cuts, ends), 1):
            part = ctypes.create_string_buffer(block[start:end], end - start or 1)
            r = self.c.hpack_feed(self.h, Str(ctypes.addressof(part), end - start), i == len(ends), fn, None)
            if r:
                break
        if r == 0 and self.rng.random() < 0.2:
            r = self.c.hpack_rest(self.h, KEEP(lambda name: True))
        return r, told

    def lost(self):
        self.c.hpack_lost(self.h)

    def close(self):
        self.c.hpack_free(ctypes.byref(self.h))


class Theirs:
    def __init__(self, hpack, table=TABLE):
        self.hpack, self.d = hpack, hpack.Decoder()
        self.d.max_allowed_table_size = table

    def decode(self, block):
        """The fields; None: refused; False: a limit."""
        try:
            return [(bytes(f[0]), bytes(f[1])) for f in self.d.decode(block, raw=True)]
        except self.hpack.OversizedHeaderListError:
            return False
        except (self.hpack.HPACKError, UnicodeDecodeError):
            return None


def random_fields(rng):
    def text(pool):
        return rng.choice(pool) if rng.random() < 0.8 else bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    fields = []
    for _ in range(rng.randrange(1, 12)):
        name, value = text(NAMES), text(VALUES[:-1] if rng.random() < 0.95 else VALUES)
        fields.append((name, value, rng.random() < 0.1))
    return fields


def damage(rng, block):
    b = bytearray(block)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(b) + 1)
        piece = bytes([rng.choice([0, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbe, 0xff, rng.randrange(256)])])
        b[at:at + rng.randrange(2)] = piece
    return bytes(b)


def padded_integer(block):
    """Could an integer in here be written with too many bytes for nghttp2? Then it may refuse what they take."""
    run = 0
    for byte in block:
        run = run + 1 if byte & 0x80 else 0
        if run >= 4:
            return True
    return False


def same_test(c, hpack, rng, count):
    """Whole connections: the same fields, or both refuse."""
    good = bad = 0
    for _ in range(count):
        encoder, table = hpack.Encoder(), rng.choice([TABLE, TABLE, 0, 100, 65536])
        mine, his = Ours(c, rng, table=table), Theirs(hpack, max(table, TABLE))
        if table != TABLE:
            encoder.header_table_size = table
        for _ in range(rng.randrange(1, 10)):
            block = encoder.encode(random_fields(rng), huffman=rng.random() < 0.6)
            if rng.random() < 0.15:
                block = damage(rng, block)
            want, (r, got) = his.decode(block), mine.decode(block)
            if r == -EMSGSIZE or want is False:
                break
            if (r == 0) != (want is not None) or r not in (0, -EBADMSG):
                if r == -EBADMSG and padded_integer(block):
                    break
                return f"{block.hex()}: result {r}, theirs {want}"
            if r:
                bad += 1
                break
            if got != want:
                return f"{block.hex()}: {got}, theirs {want}"
            good += 1
        mine.close()
    return None if good > count and bad > count / 20 else f"{good} good blocks and {bad} bad ones: a poor mix"


def late_test(c, hpack, rng, count):
    """Joined at any block, blocks lost: what they say, or unknown. Later fields become known."""
    known = unknown = 0
    for _ in range(count):
        encoder, table = hpack.Encoder(), rng.choice([TABLE, 300, 20000, 65536])
        his, late = Theirs(hpack, 65536), rng.randrange(6)
        mine = Ours(c, rng, joined=late > 0, table=UNKNOWN if late else 65536)
        if table != TABLE:
            encoder.header_table_size = table
        for i in range(30):
            fields = [(n, v, s) for n, v, s in random_fields(rng) if n]
            block = encoder.encode(fields, huffman=rng.random() < 0.6)
            want = his.decode(block)
            if i < late:
                continue
            if rng.random() < 0.05:
                mine.lost()
                continue
            r, got = mine.decode(block)
            rest_lost = got and got[-1] is None and len(got) < len(want)
            if r or (len(got) != len(want) and not rest_lost):
                return f"{block.hex()}: result {r}, {got}, theirs {want}"
            for a, b in zip(got, want):
                if a is not None and a != b:
                    return f"{block.hex()}: {a}, theirs {b}"
            known += sum(f is not None for f in got)
            unknown += sum(f is None for f in got)
        mine.close()
    return None if known > 3 * unknown and unknown else f"{known} known, {unknown} unknown: a poor mix"


def noise_test(c, hpack, rng, count):
    """Bytes of chance."""
    good = 0
    for _ in range(count):
        block = bytes(rng.choice([rng.randrange(256), rng.randrange(0x80, 0xc0), 0x20, 0, 1, 2]) for _ in range(rng.randrange(12)))
        mine = Ours(c, rng)
        want, (r, got) = Theirs(hpack).decode(block), mine.decode(block)
        mine.close()
        if (r == 0) != (want is not None) and not (r == -EBADMSG and padded_integer(block)):
            return f"{block.hex()}: result {r}, theirs {want}"
        if r == 0 and got != want:
            return f"{block.hex()}: {got}, theirs {want}"
        good += r == 0
    return None if count / 50 < good < count * 0.9 else f"{good} of {count} are valid: a poor mix"


def main():
    try:
        import hpack
    except ImportError:
        print("1..0 # skip python3-hpack is not installed")
        return 0
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        c = build(folder)
        tests = [("header blocks say what python3-hpack says", lambda rng: same_test(c, hpack, rng, count)),
                 ("joined late they say the same, or unknown", lambda rng: late_test(c, hpack, rng, count // 4)),
                 ("bytes of chance mean the same", lambda rng: noise_test(c, hpack, rng, count * 5))]
        print(f"1..{len(tests)}")
        for i, (name, test) in enumerate(tests, 1):
            problem = test(random.Random(seed))
            failed |= problem is not None
            print(f"{'not ok' if problem else 'ok'} {i} - {name} (seed {seed})")
            if problem:
                print(f"# {problem}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
