#!/usr/bin/python3
"""Connections that stay: --h1 of them over HTTP/1.1, --h2 over HTTP/2 with two streams at once, each calling again and again, as
--sim says how slowly, until standard input ends. One line an answer, as common.py's, with "conn", "http" and "begun" (ns)."""
import argparse
import http.client
import json
import os
import socket
import ssl
import sys
import threading
import time

import h2.connection
import h2.events

import common

opts = common.options("load", h1=100, h2=20)
HOST, STREAMS = "api.openai.com", 2
over, lock = threading.Event(), threading.Lock()


def request(name, n):
    """(tag, path, headers, body) of call n of a connection."""
    which = {**vars(opts), "calls": 1, "apis": ("chat", "responses")[n % 2], "tag": f"{opts.tag}/{name}/{n}", "stream": 1, "http2": 1}
    tag, url, headers, body = next(common.calls(argparse.Namespace(**which)))
    return tag, "/" + url.split("/", 3)[3], headers, body


def told(tag, status, body, conn, version, begun):
    with lock:
        events = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
        ident = events[0].get("id") or events[0]["response"]["id"]
        print(json.dumps({"tag": tag, "id": ident, "status": status, "whole": body.endswith(b"[DONE]\n\n") or b"response.completed" in body,
                          "conn": conn, "http": version, "begun": begun}), flush=True)


def connect(alpn):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    context.set_alpn_protocols([alpn])
    conn = context.wrap_socket(socket.create_connection((HOST, 443)), server_hostname=HOST)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return conn


def one(name):
    conn, n = http.client.HTTPConnection(HOST), 0
    conn.sock = connect("http/1.1")
    while not over.is_set():
        tag, path, headers, body = request(name, n)
        begun = time.time_ns()
        conn.request("POST", path, body, headers)
        answer = conn.getresponse()
        told(tag, answer.status, answer.read(), name, "1.1", begun)
        n += 1
    conn.close()


def two(name):
    sock, link, n = connect("h2"), h2.connection.H2Connection(), 0
    link.initiate_connection()
    streams = {}
    while streams or not over.is_set():
        while len(streams) < STREAMS and not over.is_set():
            tag, path, headers, body = request(name, n)
            stream = link.get_next_available_stream_id()
            link.send_headers(stream, [(":method", "POST"), (":authority", HOST), (":scheme", "https"), (":path", path), *headers.items()])
            link.send_data(stream, body, end_stream=True)
            streams[stream] = [tag, 0, bytearray(), time.time_ns()]
            n += 1
        sock.sendall(link.data_to_send())
        got = sock.recv(65536)
        if not got:
            raise OSError("the server is gone")
        for event in link.receive_data(got):
            if isinstance(event, h2.events.ResponseReceived):
                streams[event.stream_id][1] = int(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.DataReceived):
                link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                streams[event.stream_id][2] += event.data
            elif isinstance(event, h2.events.StreamEnded):
                tag, status, body, begun = streams.pop(event.stream_id)
                told(tag, status, bytes(body), name, "2", begun)
    sock.sendall(link.data_to_send())
    sock.close()


def main():
    threads = [threading.Thread(target=run, args=(f"{kind}-{i}",)) for kind, run, count in (("h1", one, opts.h1), ("h2", two, opts.h2))
               for i in range(count)]
    for t in threads:
        t.start()
    sys.stdin.read()
    over.set()
    for t in threads:
        t.join()


main()
