"""record.c at work on one cgroup, and its answer held against what the simulator saw of each connection."""
import collections
import json
import os
import re
import subprocess

from private import OUT

PROGRAM = OUT + "/tests/live/record"
FREES = ("OPENSSL_FREE", "GNUTLS_DEINIT", "GO_CLOSE")  # rows that tell the end of a connection
TAG = re.compile(rb"x-test-tag: *([^\r]+)\r", re.I)
OUT_IN = ("out", "in")


class Recorder:
    """Probes `files`, observes `cgroup`, from before __init__ returns until stop()."""

    def __init__(self, folder, cgroup, files):
        self.folder = folder
        os.makedirs(folder)
        with open(folder + "/log", "wb") as log:
            self.process = subprocess.Popen([PROGRAM, cgroup.folder, folder, *files], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        self.files, line = [], ""
        for line in self.process.stdout:
            if line == "attached\n":
                break
            self.files.append(json.loads(line))
        if line != "attached\n":
            raise RuntimeError(f"the recorder did not start: {self._said()}")
        self.sites = {site.split()[0] for f in self.files for site in f["sites"]}

    def _said(self):
        with open(self.folder + "/log", encoding="utf-8", errors="replace") as f:
            return f"exit {self.process.poll()} {f.read()[-2000:]}"

    def _rows(self, name):
        with open(f"{self.folder}/{name}.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def stop(self, seconds=60):
        """(connections with "out" and "in", rows of counters) of all that happened before."""
        self.process.terminate()
        if self.process.wait(seconds):
            raise RuntimeError(f"the recorder failed: {self._said()}")
        conns = sorted(self._rows("connections"), key=lambda c: c["number"])
        for c in conns:
            for way in OUT_IN:
                with open(f"{self.folder}/{c['number']}.{way}", "rb") as f:
                    c[way] = f.read()
        return conns, self._rows("cgroups")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def differs(what, got, want):
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    return f"{what}: {len(got)} bytes for {len(want)}, equal up to {at}: {got[at:at + 60]!r} for {want[at:at + 60]!r}"


class Comparison:
    """The simulator's connections ({number: {"in", "out"}} bytes) against the recorder's.

    Each of them must have been recorded exactly once, equal in both directions: what the client wrote is what the server
    got. Where no function tells the end of a connection, an address that is used again goes on with the same recording;
    then that is several connections, one after another, and nothing between them."""

    def __init__(self, truth, recorded, several):
        self.truth, self.several = truth, several
        self.seen = collections.Counter()
        self.bytes = 0
        self.wrong = {"missing": [], "twice": [], "different": [], "left over": []}
        self.owner = {}
        for number, ways in truth.items():
            for tag in TAG.findall(ways["in"]):
                self.owner[tag] = number
        for one in recorded:
            self._one(one)
        for number in truth:
            if not self.seen[number]:
                self.wrong["missing"].append(f"connection {number}: {TAG.findall(truth[number]['in'])[:3]}")
            elif self.seen[number] > 1:
                self.wrong["twice"].append(f"connection {number}: {self.seen[number]} times")

    def _one(self, one):
        name = f"recording {one['number']} ({one['rows']}, end {one['end']})"
        for what in ("gap", "twice"):
            if any(one[what]):
                self.wrong["different"].append(f"{name}: {what} {one[what]}")
        if one["late"]:
            self.wrong["different"].append(f"{name}: {one['late']} records after its end")
        if one["final"] and one["final"] != [len(one["out"]), len(one["in"])]:
            self.wrong["different"].append(f"{name}: final {one['final']}, got {len(one['out'])}, {len(one['in'])}")
        parts, at = [], 0
        while at < len(one["out"]):
            tag = TAG.search(one["out"], at)
            number = self.owner.get(tag[1]) if tag else None
            if number is None:
                break
            parts.append(number)
            at += len(self.truth[number]["in"])
        if not parts or (len(parts) > 1 and not self.several):
            self.wrong["left over"].append(f"{name}: connections {parts}, out {one['out'][:80]!r} in {one['in'][:80]!r}")
            return
        self.seen.update(parts)
        for way, theirs in (("out", "in"), ("in", "out")):
            want = b"".join(self.truth[n][theirs] for n in parts)
            if one[way] != want:
                self.wrong["different"].append(differs(f"{name}, connections {parts}, {way}", one[way], want))
            else:
                self.bytes += len(want)

    def good(self):
        return not any(self.wrong.values())
