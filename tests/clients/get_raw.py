#!/usr/bin/python3
"""GETs over bare TLS sockets, and what went over each of them, byte for byte.

    get_raw.py PORT FOLDER CONNECTIONS REQUESTS PATH...

FOLDER/N.out is what was sent on connection N, FOLDER/N.in what came back; each answer must be 200 and have its length."""
import os
import socket
import ssl
import sys

port, folder, connections, requests = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
paths = sys.argv[5:]
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


def get(conn, path, sent, got):
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
    conn.sendall(request)
    sent.write(request)
    data = bytearray()
    want = None
    while want is None or len(data) < want:
        piece = conn.recv(65536)
        if not piece:
            raise ConnectionError(f"{path}: ended after {len(data)} bytes")
        data += piece
        end = data.find(b"\r\n\r\n")
        if want is None and end >= 0:
            head = bytes(data[:end]).decode("latin-1").lower().split("\r\n")
            if not head[0].startswith("http/1.1 200"):
                raise ConnectionError(f"{path}: {head[0]}")
            want = end + 4 + next(int(line.split(":")[1]) for line in head if line.startswith("content-length:"))
    got.write(data)


for number in range(connections):
    with open(f"{folder}/{number}.out", "wb") as sent, open(f"{folder}/{number}.in", "wb") as got:
        conn = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="localhost")
        for i in range(requests):
            get(conn, paths[i % len(paths)], sent, got)
        conn.unwrap().close()
