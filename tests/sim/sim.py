#!/usr/bin/python3
"""A provider simulator: answers over TLS as OpenAI, Anthropic, Bedrock and Gemini do, and keeps a journal of the truth.

    sim.py --dir DIR [--port N] [--netns] [--seed N] [--journal FILE] [--raw] [--alpn h2|http/1.1]

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
import signal
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answer  # noqa: E402
import certs  # noqa: E402
import cloud  # noqa: E402
import coding  # noqa: E402
import http1  # noqa: E402
import prices  # noqa: E402
import raw  # noqa: E402
import ws  # noqa: E402
from pace import Gone, Writer  # noqa: E402

try:
    import http2
except ImportError:  # no python3-h2: HTTP/1.1 alone
    http2 = None

APIS = {  # path -> (api, prefix of the answer's id)
    "/v1/chat/completions": ("chat", "chatcmpl-"),
    "/v1/responses": ("responses", "resp_"),
    "/v1/embeddings": ("embeddings", "embd-"),
    "/v1/messages": ("messages", "msg_"),
}
IDLE_S = 30  # a kept-alive connection without a request is closed after this long
PROVIDERS = {"api.anthropic.com": "anthropic", "generativelanguage.googleapis.com": "gemini",
             "bedrock-runtime.us-east-1.amazonaws.com": "bedrock"}  # openai, of those that are not here
FALLBACK = "http/1.1"


def controls(req):
    """x-sim and the path prefix, merged; the target loses its prefix."""
    opts = json.loads(req.headers.get("x-sim", "{}"))
    if req.target.startswith("/sim/"):
        words, _, req.target = req.target[5:].partition("/")
        req.target = "/" + req.target
        for word in words.split(","):
            key, _, value = word.partition("=")
            opts[key] = int(value) if value.isdigit() else {"true": True, "false": False}.get(value, value)
    return opts


def parameter(query, name):
    return dict(p.partition("=")[::2] for p in query.split("&")).get(name)


class Sim:
    def __init__(self, seed, journal, corpus):
        self.seed, self.corpus = seed, corpus
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.number = itertools.count()
        self.stamp = os.urandom(5).hex()
        self.asked, self.lock = {}, threading.Lock()
        self.queued = {}  # id -> what a GET of it tells

    def serve(self, conn):
        rest, why = b"", "server"
        try:
            if conn.handshake(IDLE_S) == "h2":
                why = http2.Connection(conn, self.answer).run()
                return
            while True:
                request = http1.Request(conn, rest)
                rest = request.rest
                if ws.wanted(request):
                    ws.talk(conn, request, self)
                    break
                wire = http1.Wire(conn, request)
                self.answer(request, wire)
                if not wire.keep:
                    break
        except (Gone, ValueError, OSError, ssl.SSLError) as e:
            why = f"{type(e).__name__} {e}".strip()
        finally:
            conn.close(why)

    def answer(self, req, wire):
        """One exchange, and its line in the journal. `wire` puts the answer into the frames of its protocol."""
        opts = controls(req)
        number = next(self.number)
        path = req.target.split("?")[0]
        provider = PROVIDERS.get(req.headers.get("host", "").split(":")[0])
        provider = provider or ("anthropic" if path.startswith("/v1/messages") else "openai")
        asked = {}
        if req.body and req.method == "POST":
            try:
                asked = json.loads(coding.plain(req.headers.get("content-encoding", ""), req.body))
            except ValueError:
                opts.setdefault("status", 400)
        line = {"id": None, "number": number, "provider": provider, "path": path, "model": asked.get("model"),
                "stream": False, "gzip": False, "coding": None, "status": opts.get("status", 200), "usage": None, "cost_pico": 0,
                "tag": req.headers.get("x-test-tag"), "ts_start": req.first or time.time_ns(), "completed": False,
                "request_bytes": req.size, "response_bytes": 0, "conn": wire.number, "http": req.version}
        headers, body = self.reply(req, opts, line, asked, provider, path, number)
        streamed = not isinstance(body, bytes)
        pieces = list(body) if streamed and opts.get("chunked") is False else body if streamed else [body]
        if opts.get("gzip", True) and "content-encoding" not in headers:
            line["coding"] = coding.chosen(req.headers.get("accept-encoding", ""), opts.get("coding"))
            line["gzip"] = line["coding"] == "gzip"
        if line["coding"]:
            headers["content-encoding"] = line["coding"]
            pieces = coding.coded(line["coding"], pieces)
        out = Writer(wire, opts.get("cut", "event"), opts.get("seed", number), opts.get("abort_after"))
        try:
            wire.send(out, line["status"], headers, pieces, opts, streamed)
            line["completed"] = True
        except Gone:
            wire.abort()
        line["response_bytes"], line["ts_end"] = out.sent, time.time_ns()
        self.tell(wire, line)

    def tell(self, wire, line):
        wire.call(line)
        os.write(self.journal, (json.dumps(line, separators=(",", ":")) + "\n").encode())

    @staticmethod
    def greeting(req):
        """What a WebSocket is told before it asks for anything: Realtime, of its session."""
        path, _, query = req.target.partition("?")
        if path == "/v1/realtime":
            yield {"type": "session.created", "event_id": "event_0", "session": {
                "type": "realtime", "object": "realtime.session", "id": "sess_1", "model": parameter(query, "model"), "voice": "marin"}}

    def turn(self, conn, req, asked, size):
        """One turn over a WebSocket: its events, then its line in the journal."""
        number, opts = next(self.number), controls(req)
        path, _, query = req.target.partition("?")
        realtime = path == "/v1/realtime"
        generate = asked.get("generate", True)
        model = parameter(query, "model") if realtime else asked.get("model")
        truth = answer.Truth("realtime" if realtime else "responses", model or "?", f"{self.seed}/{number}",
                             f"resp_{self.stamp}{self.seed:04x}{number:08x}", opts.get("events"))
        truth.tool = generate and self.working(req, opts)
        line = {"id": truth.ident, "number": number, "provider": "openai", "path": path, "model": truth.model,
                "stream": True, "gzip": False, "status": 200, "usage": truth.leaves if generate else None,
                "cost_pico": prices.cost_pico(truth.model, truth.leaves) if generate else None,
                "tag": req.headers.get("x-test-tag"), "ts_start": time.time_ns(), "completed": False, "request_bytes": size,
                "response_bytes": None, "conn": conn.number, "http": "socket", "model_served": None if realtime else truth.served}
        try:
            for event in truth.realtime() if realtime else truth.turn(generate):
                yield event if asked.get("stream_id") is None else {**event, "stream_id": asked["stream_id"]}
            line["completed"] = True
        finally:
            line["ts_end"] = time.time_ns()
            self.tell(conn, line)

    def working(self, req, opts):
        """Whether the answer is a call of a tool, after which the agent asks again: all but each `rounds`th of one tag."""
        if not opts.get("rounds"):
            return False
        with self.lock:
            tag = req.headers.get("x-test-tag")
            self.asked[tag] = self.asked.get(tag, 0) + 1
            return self.asked[tag] % opts["rounds"] != 0

    def reply(self, req, opts, line, asked, provider, path, number):
        """(headers, body or iterator of events); fills in what the journal says."""
        ident = f"{self.stamp}{self.seed:04x}{number:08x}"
        headers = {"content-type": "application/json"}
        name = {"anthropic": "request-id", "bedrock": "x-amzn-requestid", "gemini": "x-goog-request-id"}.get(provider, "x-request-id")
        headers[name] = line["request_id"] = "req_" + ident
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
        seed = opts.get("seed", f"{self.seed}/{line['tag'] or number}")
        told = cloud.asked(path)
        if told:
            return headers, self.cloud(req, opts, line, headers, told, seed, ident)
        if req.method == "GET" and path.rpartition("/")[2] in self.queued:
            return headers, self.queued[path.rpartition("/")[2]].background("completed")
        if path not in APIS:
            line["status"] = 404
            return headers, answer.error(provider, 404, line["request_id"])
        api, prefix = APIS[path]
        truth = answer.Truth(api, asked.get("model", "?"), seed, prefix + ident, opts.get("events"))
        truth.tool = self.working(req, opts)
        line.update(id=None if api == "embeddings" else truth.ident, model_served=truth.served, usage=truth.leaves,
                    cost_pico=prices.cost_pico(truth.model, truth.leaves))
        if asked.get("background"):
            self.queued[truth.ident] = truth
            return headers, truth.background("queued")
        if not asked.get("stream"):
            return headers, truth.body()
        line["stream"] = True
        headers["content-type"] = "text/event-stream; charset=utf-8"
        line["usage_sent"] = api != "chat" or bool((asked.get("stream_options") or {}).get("include_usage"))
        return headers, truth.stream(line["usage_sent"])

    @staticmethod
    def cloud(req, opts, line, headers, told, seed, ident):
        """An answer of Bedrock or Gemini: model and stream are told by the path."""
        api, model, stream = told
        truth = answer.Truth(api, model, seed, "msg_bdrk_" + ident if api == "invoke" else ident, opts.get("events"))
        # Converse has no id of an answer, and names no model
        line.update(id=None if api == "converse" else truth.ident, model=model, stream=stream, usage=truth.leaves, usage_sent=True,
                    model_served=None if api == "converse" else truth.served, cost_pico=prices.cost_pico(truth.model, truth.leaves))
        return cloud.answer(truth, headers, req.target.partition("?")[2], stream)

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
    parser.add_argument("--alpn", choices=("h2", FALLBACK), default=FALLBACK, help="what a client speaks that offers both")
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
    context.set_alpn_protocols(sorted(("h2", FALLBACK) if http2 else (FALLBACK,), key=lambda name: name != args.alpn))
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
