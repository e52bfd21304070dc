#!/usr/bin/python3
"""Calls to a server of tests/sim/local.py: plain.py KIND http://HOST:PORT CALLS TAG.  Whole and streamed answers, kept-alive
and new connections in turn; reads every answer to its end and prints how many were whole."""
import http.client
import json
import sys
import urllib.parse

PATHS = {"ollama": ("/api/chat", "/api/generate"), "vllm": ("/v1/chat/completions",), "gateway": ("/v1/chat/completions",)}


def main(kind, url, calls, tag):
    where, whole = urllib.parse.urlsplit(url), 0
    conn = None
    for i in range(calls):
        if conn is None or i % 16 == 0:
            if conn:
                conn.close()
            conn = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        path = PATHS[kind][i % len(PATHS[kind])]
        model = "gpt-5.5" if kind == "gateway" else f"{tag}-{i}"
        body = {"model": model, "stream": bool(i // 2 % 2), "prompt": "hello " * (i % 7)}
        if path != "/api/generate":
            body["messages"] = [{"role": "user", "content": "hello"}]
        if body["stream"] and kind != "ollama":
            body["stream_options"] = {"include_usage": True}
        if kind == "vllm" and i % 8 == 0:
            body["pad"] = 300000  # larger than any one segment
        conn.request("POST", path, json.dumps(body), {"content-type": "application/json", "authorization": "Bearer sk-test-0000",
                                                      "x-test-tag": tag})
        r = conn.getresponse()
        data = r.read()
        whole += r.status == 200 and len(data) > 0
    print(whole)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
