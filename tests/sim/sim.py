#!/usr/bin/python3
"""A provider simulator: answers over TLS as OpenAI and Anthropic do, and keeps a journal of the truth.

    sim.py --dir DIR [--port N] [--netns] [--seed N] [--journal FILE] [--raw]

Prints one line, {"port": N, "pid": N, "ca": FILE, "journal": FILE}, when it listens.  What one call should do is told
with the header `x-sim` (JSON) or the path prefix /sim/KEY=VALUE,.../v1/...: see README.md for the keys.
"""
import argparse
import base64
import ctypes
import fcntl
import itertools
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answer  # noqa: E402
import certs  # noqa: E402
import prices  # noqa: E402
import raw  # noqa: E402
import ws  # noqa: E402

APIS = {  # path -> (api, prefix of the answer's id)
    "/v1/chat/completions": ("chat", "chatcmpl-"),
    "/v1/responses": ("responses", "resp_"),
    "/v1/embeddings": ("embeddings", "embd-"),
    "/v1/messages": ("messages", "msg_"),
}
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 529: "Overloaded"}
IDLE_S = 30  # a kept-alive connection without a request is closed after this long


class Gone(Exception):
    """The client is gone, or was told to see us gone."""


class Writer:
    """Puts bytes on the wire in the cuts that were asked for, and counts them."""

    def __init__(self, conn, cut, seed, limit):
        self.conn, self.cut, self.limit, self.sent = conn, cut, limit, 0
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
                self.conn.sendall(data)
        except (OSError, ssl.SSLError) as e:
            raise Gone from e
        self.sent += len(data)
        if self.limit is not None and self.sent >= self.limit:
            raise Gone


class Request:
    """One request, read from the connection; `rest` is what came after it."""

    def __init__(self, conn, rest):
        self.first = None
        data = bytearray(rest)
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            self._more(conn, data)
        lines = bytes(data[:end]).decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        del data[:end + 4]
        self.size = end + 4
        if self.headers.get("expect", "").lower() == "100-continue":
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self.body = self._chunked(conn, data)
        else:
            want = int(self.headers.get("content-length", 0))
            while len(data) < want:
                self._more(conn, data)
            self.body = bytes(data[:want])
            self.size += want
            del data[:want]
        self.rest = bytes(data)

    def _more(self, conn, data):
        try:
            got = conn.recv(65536)
        except (OSError, ssl.SSLError) as e:
            raise Gone from e
        if not got:
            raise Gone
        self.first = self.first or time.time_ns()
        data += got

    def _chunked(self, conn, data):
        body = bytearray()
        while True:
            while b"\r\n" not in data:
                self._more(conn, data)
            line, _, _ = bytes(data).partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            while len(data) < len(line) + 4 + size:
                self._more(conn, data)
            body += data[len(line) + 2:len(line) + 2 + size]
            self.size += len(line) + 4 + size
            del data[:len(line) + 4 + size]
            if not size:
                return bytes(body)

    def controls(self):
        """x-sim and the path prefix, merged; the target loses its prefix."""
        opts = json.loads(self.headers.get("x-sim", "{}"))
        if self.target.startswith("/sim/"):
            words, _, self.target = self.target[5:].partition("/")
            self.target = "/" + self.target
            for word in words.split(","):
                key, _, value = word.partition("=")
                opts[key] = int(value) if value.isdigit() else {"true": True, "false": False}.get(value, value)
        return opts


class Sim:
    def __init__(self, seed, journal, corpus):
        self.seed, self.corpus = seed, corpus
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.number = itertools.count()
        self.stamp = os.urandom(5).hex()

    def serve(self, conn):
        rest, why = b"", "server"
        try:
            conn.handshake(IDLE_S)
            while True:
                request = Request(conn, rest)
                rest = request.rest
                if not self.answer(conn, request):
                    break
        except (Gone, ValueError, OSError, ssl.SSLError) as e:
            why = f"{type(e).__name__} {e}".strip()
        finally:
            conn.close(why)

    def answer(self, conn, req):
        """One exchange, and its line in the journal.  True: the connection stays open."""
        if ws.wanted(req):
            ws.talk(conn, req, lambda asked, size: self.turn(conn, req, asked, size))
            return False
        opts = req.controls()
        number = next(self.number)
        host = req.headers.get("host", "").split(":")[0]
        path = req.target.split("?")[0]
        provider = "anthropic" if "anthropic" in host or path.startswith("/v1/messages") else "openai"
        asked = {}
        if req.body and req.method == "POST":
            try:
                asked = json.loads(req.body)
            except ValueError:
                opts.setdefault("status", 400)
        line = {"id": None, "number": number, "provider": provider, "path": path, "model": asked.get("model"),
                "stream": False, "gzip": False, "status": opts.get("status", 200), "usage": None, "cost_pico": 0,
                "tag": req.headers.get("x-test-tag"), "ts_start": req.first or time.time_ns(), "completed": False,
                "request_bytes": req.size, "response_bytes": 0, "conn": conn.number}
        reply = self.reply(req, opts, line, asked, provider, path, number)
        keep = req.headers.get("connection", "").lower() != "close" and not opts.get("close")
        out = Writer(conn, opts.get("cut", "event"), opts.get("seed", number), opts.get("abort_after"))
        try:
            send(out, reply, opts, keep, "gzip" in req.headers.get("accept-encoding", ""), line)
            line["completed"] = True
        except Gone:
            keep = False
        line["response_bytes"], line["ts_end"] = out.sent, time.time_ns()
        conn.call(line)
        os.write(self.journal, (json.dumps(line, separators=(",", ":")) + "\n").encode())
        return keep and not opts.get("no_length")

    def turn(self, conn, req, asked, size):
        """One turn over a WebSocket: its events, then its line in the journal."""
        number = next(self.number)
        generate = asked.get("generate", True)
        truth = answer.Truth("responses", asked.get("model", "?"), f"{self.seed}/{number}", f"resp_{self.stamp}{self.seed:04x}{number:08x}")
        line = {"id": truth.ident, "number": number, "provider": "openai", "path": req.target.split("?")[0], "model": truth.model,
                "stream": True, "gzip": False, "status": 101, "usage": truth.leaves if generate else None, "cost_pico": None,
                "tag": req.headers.get("x-test-tag"), "ts_start": time.time_ns(), "completed": True, "request_bytes": size,
                "response_bytes": None, "conn": conn.number, "socket": True, "model_served": truth.served}
        yield from truth.turn(generate)
        line["ts_end"] = time.time_ns()
        conn.call(line)
        os.write(self.journal, (json.dumps(line, separators=(",", ":")) + "\n").encode())

    def reply(self, req, opts, line, asked, provider, path, number):
        """(headers, body or iterator of events); fills in what the journal says."""
        ident = f"{self.stamp}{self.seed:04x}{number:08x}"
        headers = {"content-type": "application/json"}
        headers["request-id" if provider == "anthropic" else "x-request-id"] = line["request_id"] = "req_" + ident
        if opts.get("recorded"):
            return self.recorded(opts["recorded"], headers, line)
        if line["status"] != 200:
            if line["status"] == 429:
                headers["retry-after"] = "1"
            headers["x-should-retry"] = "false"
            return headers, answer.error(provider, line["status"], line["request_id"])
        if path in ("/v1/messages/count_tokens", "/v1/responses/input_tokens"):
            return headers, answer.dump({"input_tokens": 1 + len(req.body) // 4})
        if path == "/v1/models":
            return headers, answer.dump({"object": "list", "data": [
                {"id": m, "object": "model", "created": 1, "owned_by": p} for m, (p, _, _) in prices.MODELS.items()]})
        if path not in APIS:
            line["status"] = 404
            return headers, answer.error(provider, 404, line["request_id"])
        api, prefix = APIS[path]
        truth = answer.Truth(api, asked.get("model", "?"), opts.get("seed", f"{self.seed}/{line['tag'] or number}"), prefix + ident,
                             opts.get("events"))
        line.update(id=None if api == "embeddings" else truth.ident, model_served=truth.served, usage=truth.leaves,
                    cost_pico=prices.cost_pico(truth.model, truth.leaves))
        if not asked.get("stream"):
            return headers, truth.body()
        line["stream"] = True
        headers["content-type"] = "text/event-stream; charset=utf-8"
        line["usage_sent"] = api != "chat" or bool((asked.get("stream_options") or {}).get("include_usage"))
        return headers, truth.stream(line["usage_sent"])

    def recorded(self, ident, headers, line):
        """A recorded exchange's own answer; its truth is what the corpus expects."""
        with open(self.corpus, encoding="utf-8") as f:
            row = next((r for r in map(json.loads, (l for l in f if ident in l[:200])) if r["id"] == ident), None)
        if row is None:
            line["status"] = 404
            return headers, answer.error("openai", 404, "no such recording")
        for name, value in row["response_headers"].items():
            if name.lower() in ("content-type", "content-encoding", "request-id", "x-request-id"):
                headers[name.lower()] = value
        line.update(recorded=ident, expected=row["expected"], status=row["status"], cost_pico=None)
        return headers, base64.b64decode(row["response_body_b64"] or "")


def send(out, reply, opts, keep, may_gzip, line):
    """Head and body, framed and coded as asked."""
    headers, body = reply
    streamed = not isinstance(body, bytes)
    gzip = may_gzip and opts.get("gzip", True) and "content-encoding" not in headers
    line["gzip"] = gzip
    if gzip:
        headers["content-encoding"] = "gzip"
    pieces = list(body) if streamed and opts.get("chunked") is False else body if streamed else [body]
    if gzip:
        pieces = zipped(pieces)
    chunked = not opts.get("no_length") and opts.get("chunked", streamed)
    if chunked:
        headers["transfer-encoding"] = "chunked"
    elif not opts.get("no_length"):
        pieces = [b"".join(pieces)]
        headers["content-length"] = str(len(pieces[0]))
    headers["connection"] = "keep-alive" if keep and not opts.get("no_length") else "close"
    status = line["status"]
    head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\ndate: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}\r\n"
    head += "server: cloudflare\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    head = head.encode("latin-1")
    stall = opts.get("stall_ms", 0) / 1000
    middle = opts.get("stall_at", 3)
    if opts.get("hold") and opts.get("hold_at", "head") == "head":
        hold(opts["hold"])
    for i, piece in enumerate(pieces):
        if stall and i == middle:
            time.sleep(stall)  # a slow provider: part of the scenario, nothing waits on it
        if opts.get("hold") and opts.get("hold_at") == i:
            hold(opts["hold"])
        if chunked:
            piece = b"%x\r\n%s\r\n" % (len(piece), piece)
        out.write(head + piece)
        head = b""
    out.write(head + (b"0\r\n\r\n" if chunked else b""))
    out.flush()


def hold(path):
    """Says that it waits (one more byte in PATH.arrived), then waits until nobody holds the file's exclusive lock."""
    with open(path + ".arrived", "ab", buffering=0) as f:
        f.write(b".")
    with open(path, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_SH)


def zipped(pieces):
    z = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        yield z.compress(piece) + z.flush(zlib.Z_SYNC_FLUSH)
    yield z.flush()


def own_network():
    """A network namespace of our own with nothing but loopback in it: a call cannot leave, and port 443 is free."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as s:
        name = b"lo".ljust(16, b"\0")
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", name, 0x1 | 0x40))  # SIOCSIFFLAGS: up, running


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dir", required=True, help="folder for certificates and the journal")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--netns", action="store_true", help="listen in a network namespace of its own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal")
    parser.add_argument("--raw", action="store_true", help="keep all that goes through each connection in DIR/raw")
    here = os.path.dirname(os.path.abspath(__file__))
    shared = os.environ.get("SUBMETER_SHARED", f"{here}/../../../shared")
    parser.add_argument("--corpus", default=f"{shared}/corpus/dev/exchanges.jsonl")
    args = parser.parse_args()
    journal = args.journal or f"{args.dir}/journal.jsonl"
    certs.make(args.dir)
    if args.netns:
        own_network()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{args.dir}/leaf.pem", f"{args.dir}/leaf.key")
    context.set_alpn_protocols(["http/1.1"])
    connection = raw.recorder(args.raw and args.dir + "/raw")
    listener = socket.create_server(("127.0.0.1", args.port), backlog=512)
    sim = Sim(args.seed, journal, args.corpus)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.stack_size(256 * 1024)
    print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid(), "ca": f"{args.dir}/ca.pem",
                      "journal": journal}), flush=True)
    for number in itertools.count():
        conn, _ = listener.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = context.wrap_socket(conn, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=sim.serve, args=(connection(tls, number),), daemon=True).start()


if __name__ == "__main__":
    main()
