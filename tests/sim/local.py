#!/usr/bin/python3
"""Servers as they run on one's own machine, over plain HTTP, with a journal of the truth.

    local.py KIND PORT JOURNAL [UPSTREAM_PORT]

KIND is ollama (its own API, NDJSON), vllm (OpenAI's chat completions) or gateway, which passes chat completions on to
https://api.openai.com:UPSTREAM_PORT and the answer back, its id unchanged, as LiteLLM does.  Prints one line when it listens."""
import http.client
import http.server
import json
import os
import random
import socket
import socketserver
import ssl
import sys
import threading
import uuid

WORDS = ("alpha", "beta", "gamma", "delta")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        getattr(self, "do_" + self.server.kind)(body)

    # ---- answers

    def whole(self, answer):
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def piece(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        self.wfile.write(b"0\r\n\r\n")

    def truth(self, body, stream, used, ident=None):
        self.server.tell({"model": body["model"], "id": ident, "stream": stream, "path": self.path, "usage": used})

    # ---- kinds

    def do_ollama(self, body):
        chat, stream = self.path == "/api/chat", body.get("stream", True)
        used = {"in_text": random.randrange(1, 4000), "out_text": random.randrange(1, 900)}
        last = {"model": body["model"], "done": True, "done_reason": "stop", "total_duration": 174560334,
                "prompt_eval_count": used["in_text"], "prompt_eval_duration": 130079000, "eval_count": used["out_text"]}
        self.truth(body, stream, used)

        def says(text):
            return {"message": {"role": "assistant", "content": text}} if chat else {"response": text}
        if not stream:
            self.whole({**last, **says(" ".join(WORDS))})
            return
        self.begin("application/x-ndjson")
        for word in WORDS:
            self.piece(json.dumps({"model": body["model"], **says(word + "\n\"}"), "done": False}).encode() + b"\n")
        self.piece(json.dumps({**last, **says("")}).encode() + b"\n")
        self.end()

    def do_vllm(self, body):
        stream, ident = bool(body.get("stream")), "chatcmpl-" + uuid.uuid4().hex
        used = {"in_text": random.randrange(1, 4000), "out_text": random.randrange(1, 900)}
        head = {"id": ident, "object": "chat.completion", "created": 1, "model": body["model"]}
        usage = {"prompt_tokens": used["in_text"], "completion_tokens": used["out_text"],
                 "total_tokens": used["in_text"] + used["out_text"]}
        self.truth(body, stream, used, ident)
        if not stream:
            self.whole({**head, "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * body.get("pad", 9)},
                                             "finish_reason": "stop"}], "usage": usage})
            return
        self.begin("text/event-stream")
        head["object"] = "chat.completion.chunk"
        for i, word in enumerate(WORDS):
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": "stop" if i == len(WORDS) - 1 else None}
            self.piece(b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n")
        self.piece(b"data: " + json.dumps({**head, "choices": [], "usage": usage}).encode() + b"\n\n")
        self.piece(b"data: [DONE]\n\n")
        self.end()

    def do_gateway(self, body):
        up = self.server.upstream()
        headers = {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "authorization", "x-sim", "x-test-tag")}
        up.request("POST", self.path, json.dumps(body), headers)
        r = up.getresponse()
        if not body.get("stream"):
            data = r.read()
            self.truth(body, False, {}, json.loads(data)["id"])
            self.whole(json.loads(data))
            return
        self.begin(r.getheader("content-type"))
        ident = None
        while True:
            line = r.readline()
            if not line:
                break
            if ident is None and line.startswith(b"data: {"):
                ident = json.loads(line[6:])["id"]
            self.piece(line)
        self.truth(body, True, {}, ident)
        self.end()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET6  # and IPv4 by it
    request_queue_size = 64

    def __init__(self, kind, port, journal, upstream):
        super().__init__(("::", port), Handler)
        self.kind, self.to = kind, upstream
        self.journal, self.lock, self.mine = open(journal, "a", encoding="utf-8"), threading.Lock(), threading.local()
        self.tls = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE")) if upstream else None

    def tell(self, line):
        with self.lock:
            self.journal.write(json.dumps(line) + "\n")
            self.journal.flush()

    def upstream(self):
        """One kept-alive connection a thread."""
        if not hasattr(self.mine, "up"):
            self.mine.up = http.client.HTTPSConnection("api.openai.com", self.to, context=self.tls)
        return self.mine.up


if __name__ == "__main__":
    where = [int(x) for x in sys.argv[4:]]
    server = Server(sys.argv[1], int(sys.argv[2]), sys.argv[3], where[0] if where else None)
    print("listening", flush=True)
    server.serve_forever()
