#!/usr/bin/python3
"""Compares our HTTP/1 decoder with python3-h11 and Node's parser on generated and damaged messages. Prints TAP.

Where ours and theirs both say that a message is whole, it is the same message: its start, its body, and so where it ends.
Where only one of them does, the reason is one of the short lists STRICT and LENIENT below, seen in the bytes themselves.
`http1_diff.py [SEED [COUNT]]`; the same seed gives the same messages. Without Node that half is skipped.
"""
import collections
import ctypes
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import h11

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCES = "wire/http1 wire/http1head base/buf base/obj base/str base/arena".split()
Message = collections.namedtuple("Message", "start body whole at")  # at: where it begins in the stream; None = not told


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]

    def bytes(self):
        return ctypes.string_at(self.p, self.n) if self.p else b""


def header_count():
    with open(ROOT + "/include/tbl/header.h", encoding="utf-8") as f:
        return len(re.findall(r"^HEADER\(", f.read(), re.M))


class Head(ctypes.Structure):
    _fields_ = [("method", Str), ("target", Str), ("status", ctypes.c_uint), ("header", Str * header_count()),
                ("body_less", ctypes.c_bool), ("close_ends", ctypes.c_bool), ("upgraded", ctypes.c_bool)]


HEAD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Head))
BODY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, Str)
END = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class Calls(ctypes.Structure):
    _fields_ = [("head", HEAD), ("body", BODY), ("end", END)]


def build(folder):
    lib = os.path.join(folder, "http1.so")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-I" + ROOT + "/include"]
        + [f"{ROOT}/user/{s}.c" for s in SOURCES] + ["-o", lib], check=True)
    c = ctypes.CDLL(lib)
    handle = ctypes.POINTER(ctypes.c_void_p)
    c.http1_new.argtypes = [ctypes.c_int, ctypes.POINTER(Calls), ctypes.c_void_p, ctypes.c_void_p, handle]
    c.http1_feed.argtypes = [ctypes.c_void_p, Str, ctypes.POINTER(ctypes.c_size_t)]
    c.http1_expect.argtypes = [ctypes.c_void_p, Str]
    c.http1_idle.argtypes = [ctypes.c_void_p]
    c.http1_idle.restype = ctypes.c_bool
    c.http1_eof.argtypes = [ctypes.c_void_p]
    c.http1_free.argtypes = [handle]
    return c


def ours(c, stream, methods, rng):
    """(messages, error): `methods` is None for requests, else what the responses answer."""
    told, open_body, upgraded = [], [], []

    def head(_, h):
        h = h.contents
        start = (h.method.bytes() + b" " + h.target.bytes()).decode("latin-1") if methods is None else str(h.status)
        if methods is None or h.status >= 200 or h.upgraded:
            told.append(Message(start, b"", bool(h.upgraded), begin[0]))
            open_body[:] = []
            upgraded.append(bool(h.upgraded))
        return 0

    def body(_, s):
        open_body.append(s.bytes())
        return 0

    def end(_):
        told[-1] = told[-1]._replace(body=b"".join(open_body), whole=True)
        return 0

    calls = Calls(HEAD(head), BODY(body), END(end))
    handle, used, begin, at, r = ctypes.c_void_p(), ctypes.c_size_t(), [0], 0, 0
    assert c.http1_new(methods is not None, ctypes.byref(calls), None, None, ctypes.byref(handle)) == 0
    keep = ctypes.create_string_buffer(stream, len(stream) or 1)
    step = rng.choice([1, 7, len(stream) or 1])
    while at < len(stream) and r == 0 and not any(upgraded):
        if c.http1_idle(handle):
            begin[0] = at
            method = methods[min(sum(m.whole for m in told), len(methods) - 1)] if methods else b""
            text = ctypes.create_string_buffer(method, len(method) or 1)
            c.http1_expect(handle, Str(ctypes.addressof(text), len(method)))
        r = c.http1_feed(handle, Str(ctypes.addressof(keep) + at, min(step, len(stream) - at)), ctypes.byref(used))
        at += used.value if r == 0 else 0
    if r == 0 and not any(upgraded):
        r = c.http1_eof(handle)
    if told and not told[-1].whole:
        told[-1] = told[-1]._replace(body=b"".join(open_body))
    c.http1_free(ctypes.byref(handle))
    return told, r, begin[0]


# ---- theirs ------------------------------------------------------------------------------------

def h11_requests(stream):
    told, conn = [], h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    try:
        conn.receive_data(stream)
        eof = False
        while True:
            e = conn.next_event()
            if isinstance(e, h11.Request):
                told.append(Message((e.method + b" " + e.target).decode("latin-1"), b"", False, None))
            elif isinstance(e, h11.Data):
                told[-1] = told[-1]._replace(body=told[-1].body + bytes(e.data))
            elif isinstance(e, h11.EndOfMessage):
                told[-1] = told[-1]._replace(whole=True)
                conn.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                conn.send(h11.EndOfMessage())
                if conn.our_state is h11.DONE and conn.their_state is h11.DONE:
                    conn.start_next_cycle()
                else:
                    return told, "closed"
            elif e is h11.NEED_DATA and not eof:
                conn.receive_data(b"")
                eof = True
            else:
                return told, None if isinstance(e, h11.ConnectionClosed) else str(e)
    except h11.RemoteProtocolError as e:
        return told, str(e)


def h11_response(stream, method):
    """The first final response to `method`."""
    told, conn = [], h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    conn.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    conn.send(h11.EndOfMessage())
    try:
        conn.receive_data(stream)
        conn_eof = False
        while True:
            e = conn.next_event()
            if isinstance(e, h11.Response):
                told.append(Message(str(e.status_code), b"", False, None))
            elif isinstance(e, h11.Data):
                told[-1] = told[-1]._replace(body=told[-1].body + bytes(e.data))
            elif isinstance(e, h11.EndOfMessage):
                told[-1] = told[-1]._replace(whole=True)
                return told, "closed"
            elif e is h11.NEED_DATA and not conn_eof:
                conn.receive_data(b"")
                conn_eof = True
            elif isinstance(e, h11.InformationalResponse):
                if e.status_code == 101:
                    return told + [Message("101", b"", True, None)], "closed"
            else:
                return told, None if isinstance(e, h11.ConnectionClosed) else str(e)
    except h11.RemoteProtocolError as e:
        return told, str(e)


def node_all(cases):
    lines = "".join(json.dumps({"bytes": stream.decode("latin-1"), **({"method": methods[0].decode()} if methods else {})}) + "\n"
                    for stream, methods in cases)
    out = subprocess.run(["node", HERE + "/http1_diff.mjs"], input=lines, capture_output=True, text=True, timeout=300, check=True)
    for line in out.stdout.rstrip("\n").split("\n"):
        told = json.loads(line)
        yield ([Message(m["start"], m["body"].encode("latin-1"), m["whole"], None) for m in told["messages"]], told["error"])


# ---- why one may say yes and the other no --------------------------------------------------------

def head_of(raw):
    """Of a message's bytes: the head as the most generous reader would see it, without an empty line before it."""
    return re.match(rb"(?s).*?(\r?\n\r?\n|$)", raw.removeprefix(b"\r\n"))[0]


def fields(raw, name):
    return re.findall(rb"(?im)^" + name + rb"[ \t]*:[ \t]*([^\r\n]*)", head_of(raw))


def tail_of(raw):
    """The chunk-size lines and trailers behind the head, without what is in the chunks."""
    rest = raw.removeprefix(b"\r\n")[len(head_of(raw)):]
    lines = []
    while fields(raw, b"transfer-encoding") and rest:
        line, _, rest = rest.partition(b"\n")
        lines.append(line)
        size = re.match(rb"[0-9a-fA-F]+", line)
        if not size or int(size[0], 16) == 0:
            lines.append(rest.split(b"\r\n\r\n")[0])
            break
        rest = rest[int(size[0], 16):].removeprefix(b"\r\n")
    return b"\n".join(lines)


# We refuse, they read on.
STRICT = [
    ("a bare LF, or a bare CR in a chunk's line",
     lambda raw: re.search(rb"(?<!\r)\n", head_of(raw)) or re.search(rb"(?<!\r)\n|\r(?!\n|$)", tail_of(raw))),
    ("a second empty line before a request, or one before a response", lambda raw: raw.startswith(b"\r\n")),
    ("a request line that is not three words with one blank between them",
     lambda raw: not re.match(rb"[^ ]+ [^ ]+ HTTP/1\.[01]\r\n", head_of(raw))),
    ("a length that is given twice", lambda raw: len(b",".join(fields(raw, b"content-length")).split(b",")) > 1),
    ("a length and a transfer coding", lambda raw: fields(raw, b"content-length") and fields(raw, b"transfer-encoding")),
    ("a transfer coding other than one chunked", lambda raw: fields(raw, b"transfer-encoding")
     and [f.strip().lower() for f in fields(raw, b"transfer-encoding")] != [b"chunked"]),
    ("a transfer coding in HTTP/1.0", lambda raw: fields(raw, b"transfer-encoding") and b"HTTP/1.0" in head_of(raw)),
    ("a control character in a line", lambda raw: re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)", head_of(raw))
     or re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", tail_of(raw))),
    ("a folded line", lambda raw: re.search(rb"\n[ \t]", head_of(raw) + tail_of(raw))),
    ("a blank behind a chunk's size", lambda raw: re.search(rb"(?m)^[0-9a-fA-F]+[ \t]+\r?$", tail_of(raw))),
]

# We read on, they refuse: the message's own bytes, with an empty line before it, and what they say.
LENIENT = [
    ("h11 knows no empty line before a request", lambda raw, said: raw.startswith(b"\r\n") and "no request line" in said),
    ("h11 wants one Host", lambda raw, said: "Host: header" in said and len(fields(raw, b"host")) != 1),
    ("h11 wants an ASCII target", lambda raw, said: "illegal request line" in said
     and re.search(rb"[\x80-\xff]", head_of(raw).split(b"\r\n")[0])),
    ("Node knows fewer methods", lambda raw, said: said == "HPE_INVALID_METHOD"),
    ("Node reads the target", lambda raw, said: said == "HPE_INVALID_URL"),
    ("Node reads chunk extensions", lambda raw, said: said == "HPE_STRICT" and b";" in tail_of(raw)),
    ("Node wants no tab behind a length", lambda raw, said: said == "HPE_INVALID_CONTENT_LENGTH"
     and b"\t" in b"".join(fields(raw, b"content-length"))),
    ("they read the framing among the trailers",
     lambda raw, said: re.search("(?i)content.length|transfer.encoding", said)
     and len(fields(raw, b"content-length") + fields(raw, b"transfer-encoding")) == 1
     and re.search(rb"(?i)content-length|transfer-encoding", tail_of(raw))),
    ("they want no blank before a chunk extension", lambda raw, said: re.search("(?i)chunk.(header|size)", said)
     and re.search(rb"[ \t];", tail_of(raw))),
    ("they stop after the last message of a connection", lambda raw, said: said in ("closed", "HPE_CLOSED_CONNECTION")),
]


seen = collections.Counter()


def reason(rows, *facts):
    for name, test in rows:
        if test(*facts):
            seen[name] += 1
            return True
    return False


def both_whole(mine, theirs):
    for m, t in zip(mine, theirs):
        if not (m.whole and t.whole):
            return
        yield m, t


def judge(stream, mine, error, begin, theirs, said, responses):
    """None, or what is wrong. Of responses only the first final one counts: their clients had asked once."""
    mine, theirs = (mine[:1], theirs[:1]) if responses else (mine, theirs)
    same = 0
    for m, t in both_whole(mine, theirs):
        if (m.start, m.body) != (t.start, t.body):
            return f"message {same}: ours {m}, theirs {t}"
        same += 1
    if same < len(mine) and mine[same].whole:
        start, end = mine[same].at, mine[same + 1].at if same + 1 < len(mine) else len(stream)
        raw = stream[start - 2 if stream[:start].endswith(b"\r\n") else start:end]
        if not reason(LENIENT, raw, said or ""):
            return f"message {same}: ours {mine[same]}, theirs {theirs[same:same + 1]}, who say {said}"
    elif same < len(theirs) and theirs[same].whole and not reason(STRICT, stream[begin:]):
        return f"message {same}: theirs {theirs[same]}, ours {mine[same:same + 1]}, result {error}"
    return None


# ---- messages ------------------------------------------------------------------------------------

TOKENS = [b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\x7f", b"\x80", b"0", b"9", b"a", b"-", b"+", b",", b";", b"\"", b"\r\n", b"\r\n\r\n",
          b"chunked", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
          b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n", b"HTTP/1.0", b"HTTP/1.1 200 OK\r\n\r\n",
          b"GET / HTTP/1.1\r\n\r\n", b"100", b"204", b"304", b"X: y\r\n", b" folded\r\n", b"0x3", b"ffffffffffffffff"]
HEADERS = [b"Accept: */*", b"X-Empty:", b"X-Space: \t a b ", b"Content-Type: text/plain", b"x-request-id: 1",
           b"Cookie: a=b; c=\"d\"", b"X-High: \xe9", b"Authorization: Bearer x"]
EXTENSIONS = [b"", b"", b"", b";a", b";a=b", b";a=\"b\""]


def chunked(rng, body):
    out = b""
    while body:
        n = rng.randrange(1, len(body) + 1)
        size = rng.choice(["%x", "%X", "0%x"]) % n
        out += size.encode() + rng.choice(EXTENSIONS) + b"\r\n" + body[:n] + b"\r\n"
        body = body[n:]
    return out + b"0" + rng.choice(EXTENSIONS) + b"\r\n" + rng.choice([b"", b"", b"T: v\r\n", b"Content-Length: 7\r\n"]) + b"\r\n"


def framed(rng, lines, may_end):
    body = rng.choice([b"", b"x", b"hello world", b"HTTP/1.1 200 OK\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n", bytes(range(256)) * 3])
    how = rng.randrange(4 if may_end else 3)
    lines = lines + rng.sample(HEADERS, rng.randrange(4))
    if how == 0:
        lines.append(rng.choice([b"Content-Length: %d", b"content-length:%d", b"CONTENT-LENGTH: \t%d "]) % len(body))
    elif how == 1:
        lines.append(rng.choice([b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked"]))
        body = chunked(rng, body)
    elif how == 2:
        body = b""
        if may_end:
            lines.append(b"Content-Length: 0")
    if rng.randrange(10) == 0:
        lines.append(rng.choice([b"Content-Length: %d" % len(body), b"Content-Length: 3", b"Transfer-Encoding: chunked",
                                 b"Transfer-Encoding: gzip, chunked"]))
    head, rest = lines[0], lines[1:]
    rng.shuffle(rest)
    return b"\r\n".join([head] + rest) + b"\r\n\r\n" + body


def request(rng):
    method = rng.choice([b"GET", b"POST", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH"])
    target = rng.choice([b"/", b"/v1/x?y=z&a[]=1", b"http://h.test/a", b"*", b"/%20"])
    blank = rng.choice([b""] * 8 + [b"\r\n"])
    return blank + framed(rng, [method + b" " + target + rng.choice([b" HTTP/1.1"] * 6 + [b" HTTP/1.0"]), b"Host: h"], False)


def response(rng, method):
    out = b""
    while rng.randrange(6) == 0:
        out += rng.choice([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"])
    status = rng.choice([b"200 OK"] * 6 + [b"204 No", b"304 Same", b"404", b"404 ", b"500 Oh no \xe9", b"201 A\tB"])
    body = framed(rng, [rng.choice([b"HTTP/1.1 "] * 6 + [b"HTTP/1.0 "]) + status], True)
    if method == b"HEAD" or status[:3] in (b"204", b"304"):
        body = body[:body.index(b"\r\n\r\n") + 4]
    return out + body


def damage(rng, stream):
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
        lines = [m.start() for m in re.finditer(rb"\r\n", stream)]
        at = rng.choice(lines) + rng.randrange(-3, 4) if lines and rng.randrange(3) else rng.randrange(len(stream) + 1)
        at = max(0, min(at, len(stream)))
        kind = rng.randrange(4)
        if kind == 0:
            stream = stream[:at] + stream[at + rng.randrange(1, 4):]
        elif kind == 1:
            stream = stream[:at] + rng.choice(TOKENS) + stream[at + 1:]
        elif kind == 2:
            stream = stream[:at] + rng.choice(TOKENS) + stream[at:]
        else:
            stream = stream[:at]
        if not stream:
            return b"x"
    return stream


def request_case(rng):
    return damage(rng, b"".join(request(rng) for _ in range(rng.choice([1, 1, 2, 3])))), None


def response_case(rng):
    method = rng.choice([b"GET", b"POST", b"POST", b"HEAD"])
    return damage(rng, response(rng, method)), [method]


# ---- the comparisons -------------------------------------------------------------------------------

def compare(c, rng, cases, oracle):
    whole = refused = 0
    for (stream, methods), (theirs, problem) in zip(cases, oracle):
        mine, error, begin = ours(c, stream, methods, rng)
        wrong = judge(stream, mine, error, begin, theirs, problem, methods is not None)
        if wrong:
            return f"{stream!r} {methods}: {wrong}"
        whole += bool(mine) and all(m.whole for m in mine) and error == 0
        refused += error != 0
    if min(whole, refused) < len(cases) / 8:
        return f"{whole} whole and {refused} refused of {len(cases)}: a poor mix"
    print(f"# {len(cases)} streams: {whole} whole, {refused} refused or cut short")
    return None


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        c = build(folder)
        rows = [("h11 reads the same requests", request_case, lambda cases: (h11_requests(s) for s, _ in cases), None),
                ("h11 reads the same responses", response_case, lambda cases: (h11_response(s, m[0]) for s, m in cases), None),
                ("Node reads the same requests", request_case, node_all, "node"),
                ("Node reads the same responses", response_case, node_all, "node")]
        print(f"1..{len(rows)}")
        for i, (name, make, oracle, needs) in enumerate(rows, 1):
            if needs and not shutil.which(needs):
                print(f"ok {i} - {name} # SKIP there is no {needs}")
                continue
            rng = random.Random(seed * 10 + i)
            cases = [make(rng) for _ in range(count)]
            problem = compare(c, rng, cases, oracle(cases))
            failed |= problem is not None
            print(f"{'not ok' if problem else 'ok'} {i} - {name} (seed {seed})")
            if problem:
                print(f"# {problem}")
    for name, count in sorted(seen.items()):
        print(f"# {count} times only one of the two reads on: {name}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
