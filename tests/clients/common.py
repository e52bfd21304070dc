"""What the Python clients share: their options, the calls to make, and the answer's id from its bytes."""
import argparse
import gzip
import itertools
import json
import sys
import time
import zlib

MODELS = {"chat": ("gpt-4o-mini", "gpt-4.1-mini", "gpt-5.5", "gpt-6-sol"),
          "responses": ("gpt-5.5", "gpt-6-sol", "gpt-4.1-mini"),
          "messages": ("claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-5")}
URL = {"chat": "https://api.openai.com/v1/chat/completions", "responses": "https://api.openai.com/v1/responses",
       "messages": "https://api.anthropic.com/v1/messages"}


def _zstd(data):
    import zstandard
    return zstandard.ZstdCompressor().compress(data)


def _brotli(data):
    import brotli
    return brotli.compress(data)


CODED = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "br": _brotli, "zstd": _zstd}


def options(name, **more):
    parser = argparse.ArgumentParser(description=f"{name}: makes calls and prints one JSON line for each answer")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--stream", type=int, default=0)
    parser.add_argument("--gzip", type=int, default=0)
    parser.add_argument("--keep", type=int, default=1, help="0: a new connection for each call")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--http2", type=int, default=0)
    parser.add_argument("--accept", default="", help="content codings to ask for, instead of those of --gzip")
    parser.add_argument("--send", default="", choices=("", *CODED), help="content coding of the requests")
    parser.add_argument("--apis", default="chat,responses,messages")
    parser.add_argument("--tag", default=name)
    parser.add_argument("--sim", default="", help="controls for the simulator, JSON")
    parser.add_argument("--text", default="What does our tariff say?", help="what to ask; @N: N characters")
    for word, default in more.items():
        parser.add_argument("--" + word, type=type(default), default=default)
    opts = parser.parse_args()
    if opts.text.startswith("@"):
        opts.text = "tariff " * (int(opts.text[1:]) // 7 + 1)
    return opts


def calls(opts):
    """(tag, url, headers, body) of each call."""
    turn = {api: itertools.cycle(models) for api, models in MODELS.items()}
    apis = itertools.cycle(opts.apis.split(","))
    for i in range(opts.calls):
        api = next(apis)
        headers = {"content-type": "application/json", "x-test-tag": f"{opts.tag}/{i}",
                   "accept-encoding": opts.accept or ("gzip, deflate" if opts.gzip else "identity")}
        if not opts.keep and not opts.http2:  # which knows no such header
            headers["connection"] = "close"
        if opts.sim:
            headers["x-sim"] = opts.sim
        if opts.send:
            headers["content-encoding"] = opts.send
        said = [{"role": "user", "content": opts.text}]
        body = {"model": next(turn[api])}
        if api == "messages":
            headers.update({"x-api-key": "sk-ant-test-0000", "anthropic-version": "2023-06-01"})
            body.update(max_tokens=512, messages=said)
        else:
            headers["authorization"] = "Bearer sk-test-0000"
            body["input" if api == "responses" else "messages"] = said
        if opts.stream:
            body["stream"] = True
            if api == "chat":
                body["stream_options"] = {"include_usage": True}
        yield headers["x-test-tag"], URL[api], headers, CODED[opts.send](json.dumps(body).encode())


def report(tag, status, body):
    """One line about an answer; `body` is decoded JSON or a whole event stream. `ns`: it has been read by then."""
    ident, whole = None, False
    if body.startswith(b"{"):
        doc = json.loads(body)
        ident, whole = doc.get("id"), True
    else:
        for line in body.split(b"\n"):
            if line.startswith(b"data: {") and ident is None:
                event = json.loads(line[6:])
                ident = event.get("id") or (event.get("response") or event.get("message") or {}).get("id")
        whole = any(end in body for end in (b"data: [DONE]", b'"type":"response.completed"', b'"type":"message_stop"'))
    sys.stdout.write(json.dumps({"tag": tag, "id": ident, "status": status, "whole": whole, "bytes": len(body), "ns": time.time_ns()}) + "\n")
    sys.stdout.flush()
