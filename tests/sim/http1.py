"""HTTP/1.1: requests are read, answers framed."""
import ssl
import time

from pace import Gone, paced

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 529: "Overloaded"}


def now():
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())


class Request:
    """One request, read from the connection; `rest` is what came after it."""

    version = "1.1"

    def __init__(self, conn, rest):
        self.first = None
        data = bytearray(rest)
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            self._more(conn, data)
        lines = bytes(data[:end]).decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        del data[:end + 4]
        self.size = end + 4
        if self.headers.get("expect", "").lower() == "100-continue":
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self.body = self._chunked(conn, data)
        else:
            want = int(self.headers.get("content-length", 0))
            while len(data) < want:
                self._more(conn, data)
            self.body = bytes(data[:want])
            self.size += want
            del data[:want]
        self.rest = bytes(data)

    def _more(self, conn, data):
        try:
            got = conn.recv(65536)
        except (OSError, ssl.SSLError) as e:
            raise Gone from e
        if not got:
            raise Gone
        self.first = self.first or time.time_ns()
        data += got

    def _chunked(self, conn, data):
        body = bytearray()
        while True:
            while b"\r\n" not in data:
                self._more(conn, data)
            line, _, _ = bytes(data).partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            while len(data) < len(line) + 4 + size:
                self._more(conn, data)
            body += data[len(line) + 2:len(line) + 2 + size]
            self.size += len(line) + 4 + size
            del data[:len(line) + 4 + size]
            if not size:
                return bytes(body)


class Wire:
    """Where the answer to one request goes; `keep` says whether the connection stays open after it."""

    def __init__(self, conn, req):
        self.sendall, self.number, self.call = conn.sendall, conn.number, conn.call
        self.keep = req.headers.get("connection", "").lower() != "close"

    def send(self, out, status, headers, pieces, opts, streamed):
        """Head and body, framed as asked. Raises Gone."""
        keep = self.keep and not opts.get("close") and not opts.get("no_length")
        self.keep = keep
        chunked = not opts.get("no_length") and opts.get("chunked", streamed)
        headers = dict(headers)
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif not opts.get("no_length"):
            pieces = [b"".join(pieces)]
            headers["content-length"] = str(len(pieces[0]))
        headers["connection"] = "keep-alive" if keep else "close"
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\ndate: {now()}\r\nserver: cloudflare\r\n"
        head = (head + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode("latin-1")
        head = b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n" * opts.get("hints", 0) + head
        for piece in paced(pieces, opts):
            if chunked:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            out.write(head + piece)
            head = b""
        last = b"0\r\nx-served-by: sim\r\n\r\n" if opts.get("trailers") else b"0\r\n\r\n"
        out.write(head + (last if chunked else b""))
        out.flush()

    def abort(self):
        """The answer ends here: so does the connection."""
        self.keep = False
