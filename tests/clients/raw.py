#!/usr/bin/python3
"""The calls of common.py over a bare TLS socket, with every write and read cut as told.

--writes one     a request is one SSL_write_ex, whatever its size
--writes random  a request is many writes of random sizes; so are the reads (--reads random)
Call number i asks the simulator for seed --seed + i, so that two runs have the same answers."""
import http.client
import io
import json
import os
import random
import socket
import ssl
import sys

import common

own = {"writes": "one", "reads": "large", "seed": "1000"}
rest = []
words = iter(sys.argv[1:])
for word in words:
    if word[2:] in own:
        own[word[2:]] = next(words)
    else:
        rest.append(word)
sys.argv[1:] = rest
opts = common.options("raw")
rng = random.Random(int(own["seed"]))
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


def size(most):
    return rng.randrange(1, 1 << rng.randrange(1, most))


class Reads(io.RawIOBase):
    """The receiving side, in reads of random sizes."""

    def __init__(self, conn):
        super().__init__()
        self.conn = conn

    def readable(self):
        return True

    def readinto(self, into):
        most = len(into) if own["reads"] == "large" else min(len(into), size(13))
        return self.conn.recv_into(memoryview(into)[:most])

    def makefile(self, _mode):
        return io.BufferedReader(self, 65536)


def connect(host):
    conn = context.wrap_socket(socket.create_connection((host, 443)), server_hostname=host)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return conn


def send(conn, data):
    if own["writes"] == "one":
        if conn.send(data) != len(data):
            raise OSError("one write did not take everything")
        return
    while data:
        n = size(15)
        conn.send(data[:n])
        data = data[n:]


conns = {}
for i, (tag, url, headers, body) in enumerate(common.calls(opts)):
    _, _, host, path = url.split("/", 3)
    conn = conns.get(host) or connect(host)
    headers["x-sim"] = json.dumps({"seed": int(own["seed"]) + i, **json.loads(opts.sim or "{}")})
    head = f"POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    send(conn, head.encode() + body)
    answer = http.client.HTTPResponse(Reads(conn), method="POST")
    answer.begin()
    whole = answer.read()
    if answer.headers.get("content-encoding") == "gzip":
        import zlib
        whole = zlib.decompress(whole, 31)
    common.report(tag, answer.status, whole)
    conns[host] = conn if opts.keep else conn.close()
