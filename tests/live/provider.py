"""The provider simulator as a test sees it: started in a network of its own, its journal, its holds."""
import fcntl
import json
import os
import sys

import box
from tap import until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS + "/sim")
import prices  # noqa: E402, F401: for those who import it from here

# Every name the simulator answers to leads to its own loopback.
HOSTS = "127.0.0.1 localhost api.openai.com api.anthropic.com\n"


class Provider:
    """`cgroup` and `env` put the server itself under observation; by default it is nowhere near."""

    def __init__(self, folder, seed=1, cgroup=None, env=None):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.process = box.start(
            ["/usr/bin/python3", TESTS + "/sim/sim.py", "--dir", folder, "--netns", "--port", "443", "--seed", str(seed)],
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
