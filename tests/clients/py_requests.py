#!/usr/bin/python3
"""The calls of common.py with requests: urllib3 over the ssl module, SSL_read_ex and SSL_write_ex."""
import concurrent.futures
import threading

import requests

import common

opts = common.options("requests")
local = threading.local()


def call(one):
    tag, url, headers, body = one
    if not opts.keep or not hasattr(local, "session"):
        local.session = requests.Session()
    with local.session.post(url, data=body, headers=headers, stream=bool(opts.stream), timeout=120) as answer:
        whole = b"".join(answer.iter_content(None)) if opts.stream else answer.content
        common.report(tag, answer.status_code, whole)


with concurrent.futures.ThreadPoolExecutor(opts.parallel) as pool:
    list(pool.map(call, common.calls(opts)))
