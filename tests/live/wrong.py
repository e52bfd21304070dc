#!/usr/bin/python3
"""A signature that is wrong: a program whose functions raise BoringSSL's very errors and are something else (planted.c). What comes
through such a probe must look like HTTP before it is believed; when it does not, the probe goes, and coverage says why. The
program never notices, and nothing is billed. All are one build: what a file is found out about says nothing of its copies, since
anybody can write another's build id into his own."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import CLIENTS, command  # noqa: E402
from rewrite import breakpoints  # noqa: E402
from tap import Tap, until  # noqa: E402

SECONDS = 30
ROUND = 8  # objects that are used before the next look


def build(bench):
    built = bench.folder + "/planted"
    command("cc", "-O2", "-no-pie", "-fno-pie", "-fcf-protection=none", "-Wl,--build-id=sha1", "-o", built, CLIENTS + "/planted.c")
    return built


class Planted:
    """One program at work in a cgroup of its own; each line asks it for so many calls."""

    def __init__(self, bench, built, kind):
        self.bench, self.kind = bench, kind
        folder = f"{bench.folder}/{kind}"
        os.makedirs(folder, exist_ok=True)
        self.path = folder + "/planted"
        if not os.path.exists(self.path):
            shutil.copy(built, self.path)
        self.inode = os.stat(self.path).st_ino
        self.cgroup = bench.leaf("support", kind)
        self.process = box.start([self.path, kind], {}, self.cgroup, stdin=subprocess.PIPE)
        self.said = []

    def work(self, objects=ROUND):
        self.process.stdin.write(f"{objects}\n")
        self.process.stdin.flush()
        self.said.append(self.process.stdout.readline().strip())

    def row(self):
        """What submeterd says of the file."""
        return next((x for x in self.bench.daemon.json("status")["targets"] if x["ino"] == self.inode), None)

    def state(self):
        row = self.row()
        return row and row["state"]

    def end(self):
        self.process.stdin.close()
        return self.process.wait(SECONDS)


def undisturbed(built, kind, rounds):
    """What the same program says when nobody watches."""
    return subprocess.run([built, kind], input=f"{ROUND}\n" * rounds, capture_output=True, text=True, check=True,
                          timeout=SECONDS).stdout.split()


def planted(t, bench, built, kind):
    """Found, tried, found out, let go."""
    p = Planted(bench, built, kind)
    until(lambda: p.state() in ("attached", "refused"), SECONDS, f"{kind}: an answer about the planted program")
    row = p.row()
    if not t.check(row["state"] == "attached" and row["family"] == "boringssl", f"{kind}: the finder takes it for BoringSSL", str(row)):
        return
    before = breakpoints(p.path)

    def found_out():
        p.work()
        return p.state() not in ("attached", None)
    until(found_out, SECONDS, f"{kind}: the wrong signature is found out")
    row = p.row()
    t.check(row["state"] == "refused" and row["why"], f"{kind}: refused: {row['why']!r}", str(row))
    until(lambda: not breakpoints(p.path), SECONDS, f"{kind}: the probes are gone")
    t.check(before, f"{kind}: its {len(before)} breakpoints are taken away")
    p.work()
    code = p.end()
    t.check(code == 0 and p.said == undisturbed(built, kind, len(p.said)), f"{kind}: the program is unharmed", f"exit {code} {p.said}")
    again = Planted(bench, built, kind)
    again.work()
    again.work()
    t.check(again.state() == "refused" and not breakpoints(p.path), f"{kind}: it is not probed again", str(again.row()))
    again.end()
    known = [x for x in bench.daemon.json("coverage").get("targets", []) if x.get("path") == p.path]
    t.check(len(known) == 1 and known[0].get("why"), f"{kind}: coverage names the file and the reason", str(known))
    calls = bench.daemon.calls("--cgroup", p.cgroup.path)
    t.check(not calls, f"{kind}: nothing is billed", str(calls[:3]))


def right(t, bench, built):
    """The same program with HTTP in its hands stays: it is the bytes that decide."""
    p = Planted(bench, built, "http")
    until(lambda: p.state() in ("attached", "refused"), SECONDS, "http: an answer about the planted program")
    for _ in range(4):
        p.work()
        bench.daemon.wait_idle()
    t.check(p.state() == "attached" and breakpoints(p.path), "http: what looks like HTTP is believed", str(p.row()))
    t.check(p.end() == 0 and p.said == undisturbed(built, "http", 4), "http: the program is unharmed", str(p.said))


def body(t):
    with Bench("wrong", node=False) as bench:
        bench.daemon.start()
        built = build(bench)
        for kind in ("binary", "garbage"):
            planted(t, bench, built, kind)
        right(t, bench, built)
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
