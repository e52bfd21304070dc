"""HTTP/2: one thread a connection reads and writes, one thread a stream answers.

A stream's thread puts what it has into `jobs`; the connection's thread makes frames of it, as the client's windows allow.
Each job is one DATA frame and one TLS write, so that the frames of streams that answer at once are mixed."""
import collections
import os
import queue
import random
import select
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from http1 import now
from pace import Gone, paced

STREAMS, WINDOW = 128, 1 << 20
IDLE_MS = 30000


OPEN = h2.connection.ConnectionState.SERVER_OPEN


class Machine(h2.connection.H2ConnectionStateMachine):
    """The library's, but that a GOAWAY, which only says that no stream will be begun, lets those that have begun end."""

    _transitions = {**h2.connection.H2ConnectionStateMachine._transitions, **{
        (OPEN, goaway): (None, OPEN) for goaway in (h2.connection.ConnectionInputs.RECV_GOAWAY,
                                                    h2.connection.ConnectionInputs.SEND_GOAWAY)}}


class Request:
    """One request whose stream has been received to its end."""

    version = "2"

    def __init__(self, stream, headers):
        self.stream, self.first, self.body, self.rest = stream, time.time_ns(), bytearray(), b""
        self.size = 0
        self.headers = {}
        for name, value in headers:
            self.size += len(name) + len(value)
            self.headers[name] = self.headers[name] + ", " + value if name in self.headers else value
        self.method, self.target = self.headers[":method"], self.headers[":path"]
        self.headers.setdefault("host", self.headers.get(":authority", ""))


class Stream:
    """Where the answer to one request goes."""

    def __init__(self, link, req):
        self.link, self.id, self.conn = link, req.stream, link.conn
        self.number, self.call, self.keep = link.conn.number, link.conn.call, True
        self.gone, self.pad = False, None
        self.queued = collections.deque()  # (data, end), held back by the client's windows
        self.done = threading.Event()

    def sendall(self, data):
        if self.gone:
            raise Gone
        self.link.job(self, "data", data)

    def send(self, out, status, headers, pieces, opts, streamed):
        """Head and body. Raises Gone."""
        self.pad = random.Random(f"pad{self.id}") if opts.get("pad") else None
        self.link.cuts = random.Random(f"cuts{self.id}") if opts.get("cut") in ("bytes", "random") else None
        headers = [(":status", str(status)), ("date", now()), ("server", "cloudflare"), *headers.items()]
        if not streamed and not opts.get("no_length"):
            pieces = [b"".join(pieces)]
            headers.append(("content-length", str(len(pieces[0]))))
        for piece in paced(pieces, opts):
            if headers:
                for _ in range(opts.get("hints", 0)):
                    self.link.job(self, "head", [(":status", "103"), ("link", "</>")])
                self.link.job(self, "head", headers)
                headers = None
            out.write(piece)
        out.flush()
        if opts.get("close"):  # before the end, or the client would begin another stream between the two
            self.link.job(self, "goaway", None)
        self.link.job(self, "trailers" if opts.get("trailers") else "end", None)
        self.done.wait()
        if self.gone:
            raise Gone

    def abort(self):
        """The answer ends here; other streams of the connection do not notice."""
        self.link.job(self, "reset", None)


class Connection:
    """`answer(request, stream)` runs in a thread of its own."""

    def __init__(self, conn, answer):
        self.conn, self.answer = conn, answer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.state_machine = Machine()
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS, h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW})
        self.jobs, self.wake = queue.SimpleQueue(), os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.lock, self.over = threading.Lock(), False
        self.requests, self.streams = {}, {}
        self.cuts, self.last = None, None

    def job(self, stream, what, data):
        self.jobs.put((stream, what, data))
        with self.lock:  # the descriptor may be another's once it is closed
            if not self.over:
                os.eventfd_write(self.wake, 1)

    def run(self):
        """Until the client has gone. Returns why it ended."""
        try:
            self.h2.initiate_connection()
            self.h2.increment_flow_control_window(WINDOW)
            self._flush()
            while self._turn():
                pass
            return "client"
        except (h2.exceptions.ProtocolError, OSError, ssl.SSLError) as e:
            try:
                self._flush()
            except (OSError, ssl.SSLError):
                pass
            return f"{type(e).__name__} {e}".strip()
        finally:
            with self.lock:
                self.over = True
                os.close(self.wake)
            for stream in list(self.streams.values()):
                self._lost(stream)

    def _turn(self):
        """Waits for something to do and does it. False: it is over."""
        poll = select.poll()
        poll.register(self.conn.conn, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        if not poll.poll(IDLE_MS) and not self.streams:
            return False
        while (got := self.conn.recv_now(65536)) is not None:
            if not got:
                return False
            for event in self.h2.receive_data(got):
                self._event(event)
            self._pump()
            self._flush()
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            pass
        while not self.jobs.empty():
            self._job(*self.jobs.get())
            self._flush()
        return True

    # ---- what comes

    def _event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            if self.last is not None and event.stream_id > self.last:  # after a GOAWAY that it had not seen
                self.h2.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                return
            self.requests[event.stream_id] = Request(event.stream_id, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self.requests:
                self.requests[event.stream_id].body += event.data
        elif isinstance(event, h2.events.StreamEnded):
            req = self.requests.pop(event.stream_id, None)
            if req:
                req.body = bytes(req.body)
                req.size += len(req.body)
                stream = self.streams[req.stream] = Stream(self, req)
                threading.Thread(target=self._serve, args=(req, stream), daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            self.requests.pop(event.stream_id, None)
            if event.stream_id in self.streams:
                self._lost(self.streams[event.stream_id])

    def _serve(self, req, stream):
        try:
            self.answer(req, stream)
        except Gone:
            pass

    def _lost(self, stream):
        stream.gone = True
        stream.queued.clear()
        self.streams.pop(stream.id, None)
        stream.done.set()

    # ---- what goes

    def _job(self, stream, what, data):
        if what == "goaway":
            if self.last is None:
                self.last = self.h2.highest_inbound_stream_id
                self.h2.close_connection()
        elif stream.gone:
            pass
        elif what == "head":
            self.h2.send_headers(stream.id, data)
        elif what == "reset":
            self.h2.reset_stream(stream.id, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._lost(stream)
        else:
            stream.queued.append((data, what))
            self._pump()

    def _pump(self):
        """What the windows allow, a frame of each stream in turn."""
        ready = [s for s in self.streams.values() if s.queued]
        while ready:
            ready = [s for s in ready if self._frame(s)]

    def _frame(self, stream):
        """One frame of what is held back. False: nothing can be sent."""
        data, what = stream.queued[0]
        if what == "end":
            self.h2.end_stream(stream.id)
        elif what == "trailers":
            self.h2.send_headers(stream.id, [("x-served-by", "sim")], end_stream=True)
        else:
            room = min(self.h2.local_flow_control_window(stream.id), self.h2.max_outbound_frame_size)
            pad = stream.pad.randrange(256) if stream.pad and room > 256 else None
            room -= 0 if pad is None else pad + 1
            if room <= 0:
                return False
            self.h2.send_data(stream.id, data[:room], pad_length=pad)
            self._flush()
            if len(data) > room:
                stream.queued[0] = (data[room:], what)
                return True
        stream.queued.popleft()
        if what != "data":
            self._flush()
            self.streams.pop(stream.id, None)
            stream.done.set()
        return bool(stream.queued)

    def _flush(self):
        self._write(self.h2.data_to_send())

    def _write(self, data):
        while data and self.cuts:
            size = self.cuts.randrange(1, 1 << self.cuts.randrange(1, 13))
            self.conn.sendall(data[:size])
            data = data[size:]
        if data:
            self.conn.sendall(data)
