"""The provider simulator as a test sees it: started in a network of its own, its journal, its holds."""
import fcntl
import glob
import hashlib
import json
import os
import sys

import box
from tap import until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS + "/sim")
import certs  # noqa: E402
import prices  # noqa: E402, F401: for those who import it from here

# Every name the simulator answers to leads to its own loopback.
HOSTS = "127.0.0.1 " + " ".join(certs.NAMES) + "\n"


class Provider:
    """`cgroup` and `env` put the server itself under observation; by default it is nowhere near. `raw`: it keeps every
    byte of every connection. `alpn`: what a client speaks that offers both."""

    def __init__(self, folder, seed=1, cgroup=None, env=None, raw=False, alpn="http/1.1"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.process = box.start(
            ["/usr/bin/python3", TESTS + "/sim/sim.py", "--dir", folder, "--netns", "--port", "443", "--seed", str(seed),
             "--alpn", alpn] + ["--raw"] * raw,
            env or dict(os.environ), cgroup, stderr=None)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the simulator did not start")
        told = json.loads(line)
        self.ca, self.journal_file = told["ca"], told["journal"]
        self.netns = f"/proc/{self.process.pid}/ns/net"
        self.hosts = folder + "/hosts"
        with open(self.hosts, "w", encoding="ascii") as f:
            f.write(HOSTS)
        self._offset, self._lines = 0, []

    def journal(self, count=None, seconds=30):
        """Every line so far; with `count`, once there are that many."""
        def look():
            self._read()
            return count is None or len(self._lines) >= count
        until(look, seconds, f"a journal of {count} calls")
        return list(self._lines)

    def _read(self):
        try:
            with open(self.journal_file, "rb") as f:
                f.seek(self._offset)
                whole, _, _ = f.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        if whole:
            self._offset += len(whole) + 1
            self._lines += map(json.loads, whole.split(b"\n"))

    def raw(self, wanted, seconds=60):
        """{number: {"in": bytes, "out": bytes}} of these connections, as the server saw them, once all have ended."""
        folder = self.folder + "/raw"

        def look():
            with open(folder + "/index.jsonl", encoding="utf-8") as f:
                ended = {row["conn"]: row for row in map(json.loads, f.read().rpartition("\n")[0].splitlines())}
            return set(wanted) <= set(ended) and ended
        ended = until(look, seconds, f"the end of {len(wanted)} connections")
        found = {n: {} for n in sorted(wanted)}
        for n, ways in found.items():
            for way in ("in", "out"):
                with open(f"{folder}/{n}.{way}", "rb") as f:
                    ways[way] = f.read()
                if hashlib.sha256(ways[way]).hexdigest() != ended[n]["sha256_" + way]:
                    raise RuntimeError(f"the simulator's record of connection {n} is damaged")
        return found

    def raw_so_far(self):
        """Bytes sent on each connection until now, by number."""
        count = len(glob.glob(self.folder + "/raw/*.out"))
        return [os.stat(f"{self.folder}/raw/{n}.out").st_size for n in range(count)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Hold:
    """A locked file on which the simulator waits in the middle of its answers, as many of them as want to.

    `opts()` are the controls to send; arrived(n) returns once n answers wait, release() lets them go on."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "wb")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def opts(self, at="head"):
        return {"hold": self.path, "hold_at": at}

    def count(self):
        try:
            return os.stat(self.path + ".arrived").st_size
        except FileNotFoundError:
            return 0

    def arrived(self, number=1, alive=lambda: True, seconds=60):
        def look():
            if self.count() >= number:
                return True
            if not alive():
                raise RuntimeError("a client ended before its answer was held")
            return False
        until(look, seconds, f"{number} held answers")

    def release(self):
        self.file.close()
