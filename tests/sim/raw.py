"""What went through each TLS connection, byte for byte, as the server saw it: the truth for captures.

FOLDER/N.in is what connection N brought, FOLDER/N.out what it was given; FOLDER/index.jsonl has one line for each
connection that has ended: {"conn", "in", "out" (sizes), "sha256_in", "sha256_out", "calls" ([{"tag", "id"}]), "closed"}."""
import hashlib
import json
import os
import ssl


class Plain:
    """A TLS connection of which nothing is kept."""

    def __init__(self, conn, number):
        self.conn, self.number, self.seconds = conn, number, None

    def handshake(self, seconds):
        """The protocol that both sides agreed on, or None."""
        self.seconds = seconds
        self.conn.settimeout(seconds)
        self.conn.do_handshake()
        return self.conn.selected_alpn_protocol()

    def recv(self, size):
        return self.conn.recv(size)

    def recv_now(self, size):
        """What is there already; None: nothing is."""
        self.conn.settimeout(0)
        try:
            return self.recv(size)
        except ssl.SSLWantReadError:
            return None
        finally:
            self.conn.settimeout(self.seconds)

    def sendall(self, data):
        self.conn.sendall(data)

    def call(self, line):
        """One exchange has ended; `line` is its line in the journal."""

    def close(self, why):
        """`why` counts when this side ends it."""
        try:
            self.conn.close()
        except OSError:
            pass


class Recorded(Plain):
    def __init__(self, conn, number, folder, index):
        super().__init__(conn, number)
        self.index = index
        # unbuffered: a test may look at them before the connection has ended
        self.files = {way: open(f"{folder}/{number}.{way}", "wb", buffering=0) for way in ("in", "out")}
        self.sums = {way: hashlib.sha256() for way in self.files}
        self.calls, self.closed = [], None

    def _keep(self, way, data):
        self.files[way].write(data)
        self.sums[way].update(data)

    def recv(self, size):
        try:
            got = self.conn.recv(size)
        except ssl.SSLWantReadError:
            raise
        except OSError as e:
            self.closed = self.closed or f"{type(e).__name__} at a read"
            raise
        self._keep("in", got)
        if not got:
            self.closed = self.closed or "client"
        return got

    def sendall(self, data):
        # by hand: a sendall() that fails does not tell how much it has sent
        rest = memoryview(data)
        while rest:
            try:
                sent = self.conn.send(rest)
            except OSError as e:
                self.closed = self.closed or f"{type(e).__name__} at a write"
                raise
            self._keep("out", rest[:sent])
            rest = rest[sent:]

    def call(self, line):
        self.calls.append({"tag": line["tag"], "id": line["id"]})

    def close(self, why):
        super().close(why)
        row = {"conn": self.number, "calls": self.calls, "closed": self.closed or why}
        for way, file in self.files.items():
            row[way], row["sha256_" + way] = file.tell(), self.sums[way].hexdigest()
            file.close()
        os.write(self.index, (json.dumps(row) + "\n").encode())


def recorder(folder):
    """Makes Recorded connections: recorder(FOLDER)(conn, number). No folder: Plain ones."""
    if not folder:
        return Plain
    os.makedirs(folder)
    index = os.open(folder + "/index.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return lambda conn, number: Recorded(conn, number, folder, index)
