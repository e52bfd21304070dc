#!/usr/bin/python3
"""The calls of common.py through gnutls-cli: HTTP/1.1 is spoken here, over the standard input and output of one gnutls-cli a
connection. GNUTLS_CLI names another binary."""
import concurrent.futures
import http.client
import os
import subprocess
import threading
import zlib

import common

opts = common.options("gnutls-cli")
local = threading.local()


class Conn:
    def __init__(self, host):
        # its own messages go to a file, so that the output is the peer's bytes alone
        self.program = subprocess.Popen(
            [os.environ.get("GNUTLS_CLI", "gnutls-cli"), "--logfile=/dev/null", "--x509cafile", os.environ["SSL_CERT_FILE"],
             "--port=443", host], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if opts.keep else subprocess.DEVNULL)

    def makefile(self, _mode):
        # HTTPResponse closes what it reads from: a second descriptor
        return os.fdopen(os.dup(self.program.stdout.fileno()), "rb")

    def send(self, data):
        self.program.stdin.write(data)
        self.program.stdin.flush()

    def close(self):
        self.program.stdin.close()
        self.program.stdout.close()
        # a server that was asked to close does so without TLS's goodbye, which gnutls-cli does not like
        if self.program.wait(60) and opts.keep:
            raise OSError(f"gnutls-cli ended with status {self.program.returncode}")


def call(one):
    tag, url, headers, body = one
    _, _, host, path = url.split("/", 3)
    conns = local.__dict__.setdefault("conns", {})
    conn = conns.pop(host, None) or Conn(host)
    head = f"POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    conn.send(head.encode() + body)
    answer = http.client.HTTPResponse(conn, method="POST")
    answer.begin()
    whole = answer.read()
    if answer.headers.get("content-encoding") == "gzip":
        whole = zlib.decompress(whole, 31)
    common.report(tag, answer.status, whole)
    if opts.keep:
        conns[host] = conn
    else:
        conn.close()


def worker(mine):
    for one in mine:
        call(one)
    for conn in local.__dict__.get("conns", {}).values():
        conn.close()


every = list(common.calls(opts))
with concurrent.futures.ThreadPoolExecutor(opts.parallel) as pool:
    list(pool.map(worker, [every[i::opts.parallel] for i in range(opts.parallel)]))
