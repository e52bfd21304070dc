#!/usr/bin/python3
"""kill -9 of the attacher, again and again, while programs make a TLS call every millisecond: on files that are attached nothing
is lost and nothing is seen twice, and the kernel holds the same programs, maps and probes afterwards.

Every second kill comes while the attacher is at a library that it has never seen.  SUBMETER_LIVE_ATTACHER_KILLS is their number (8)."""
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from kill import overlaps  # noqa: E402
from private import CLIENTS, finish  # noqa: E402
from roles import BPFTOOL, fds, links, read  # noqa: E402
from tap import Tap, until  # noqa: E402

KILLS = int(os.environ.get("SUBMETER_LIVE_ATTACHER_KILLS", "8"))
LOADS = (("raw", "support", 0), ("raw", "engineering", 1))  # client, team, stream
EACH = 100  # calls of one program


class Load(threading.Thread):
    """One program after another, each with calls on one connection, until told."""

    def __init__(self, bench, client, team, stream):
        super().__init__(daemon=True)
        self.bench, self.team, self.stream = bench, team, stream
        self.words = ["/usr/bin/python3", f"{CLIENTS}/{client}.py"]
        self.done, self.trouble, self.calls = threading.Event(), [], 0

    def run(self):
        bench, name = self.bench, f"load-{self.stream}"
        env = bench.private.environment("curl", bench.provider)
        while not self.done.is_set():
            p = box.start(self.words + ["--calls", str(EACH), "--stream", str(self.stream), "--tag", f"{self.team}/{name}"], env,
                          bench.leaf(self.team, name), bench.provider.netns, bench.provider.hosts)
            code, answers, said = finish(p)
            self.calls += len(answers)
            if code or len(answers) != EACH:
                self.trouble.append(f"exit {code}, {len(answers)} answers\n{said[-500:]}")


def held(pid):
    """What the kernel has of ours, by the descriptors of one process: {kind: ids}."""
    found = collections.defaultdict(set)
    for entry in os.listdir(f"/proc/{pid}/fdinfo"):
        for line in read(f"/proc/{pid}/fdinfo/{entry}").splitlines():
            key, _, value = line.partition(":\t")
            if key in ("link_id", "map_id", "prog_id"):
                found[key].add(int(value))
    return found


def linked(programs):
    """Every link in the kernel to one of these programs, whoever holds it."""
    p = subprocess.run([BPFTOOL, "-j", "link", "show"], capture_output=True, text=True, check=True, timeout=60)
    return {x["id"] for x in json.loads(p.stdout) if x.get("prog_id") in programs}


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.fresh = t, bench, 0

    def status(self):
        """Also while it says with its exit status that a role is missing."""
        return json.loads(self.bench.daemon.cli("status", "-o", "json", check=False).stdout)

    def attacher(self):
        return next((x["pid"] for x in self.status()["roles"] if x["name"] == "attacher" and "pid" in x), None)

    def newcomer(self):
        """A program with a library that nobody has seen, that only maps it. (program, has it been attached?)"""
        folder = f"{self.bench.folder}/fresh-{self.fresh}"
        self.fresh += 1
        os.mkdir(folder)
        path = shutil.copy(self.bench.private.lib + "/libssl.so.3", folder)
        inode = os.stat(path).st_ino
        p = box.start(["/bin/sleep", "600"], {"LD_PRELOAD": path, "LD_LIBRARY_PATH": self.bench.private.lib}, self.bench.leaf("legal", "fresh"))
        return p, lambda: any(x["ino"] == inode and x["state"] == "attached" for x in self.status()["targets"])

    def round(self, number):
        """A kill, and the next attacher at work. Returns the programs that stay."""
        pid = self.attacher()
        p, attached = self.newcomer()
        if number % 2:
            until(attached, 20, "a new library is attached")
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.attacher() not in (None, pid), 20, "the attacher comes back")
        until(attached, 20, "and attaches what came while it was away")
        return p


def objects(t, scene, before):
    """The same programs and maps; two sets of probes never lie on one file, and nobody else holds any."""
    pid = scene.bench.daemon.process.pid
    now = held(pid)
    t.check(now["map_id"] == before["map_id"] and now["prog_id"] == before["prog_id"], "the same programs and maps as before",
            f"{ {k: now[k] ^ before[k] for k in ('map_id', 'prog_id')} }")
    probes, events = links(pid)[0], now["link_id"]
    want = len(before["probes"]) + before["each"] * (scene.fresh - 1)
    t.equal(len(probes), want, f"{want} links for {scene.fresh} more files, never two sets on one")
    t.equal(linked(now["prog_id"]) - events, set(), "no link to our programs is held by anyone but the supervisor")
    roles = {x["name"]: x["pid"] for x in scene.bench.daemon.json("status")["roles"]}
    extra = {name: fds(p).count("bpf_link") for name, p in roles.items() if name != "attacher"}
    t.check(not any(extra.values()), "no other role holds a probe", str(extra))


def account(t, bench, loads):
    """Every call of the load once, or in a gap."""
    made = sum(load.calls for load in loads)
    lines = bench.provider.journal(made)
    bench.daemon.wait_idle()
    gaps = bench.daemon.json("coverage")["gaps"]
    wrong = compare.all_calls(lines, compare.inference(bench.daemon.calls()), bench.owner)
    inside = {f"{x['tag']} {x['id']}" for x in lines if overlaps(x, gaps)}
    away = [x for x in wrong["missing"] if x in inside]
    wrong["missing"] = [x for x in wrong["missing"] if x not in inside]
    t.check(not any(wrong.values()), f"{made} calls: each in the ledger once ({len(away)} in {len(gaps)} recorded gaps)",
            compare.describe(wrong))


def body(t):
    with Bench("attacher-kill", node=False) as bench:
        bench.daemon.start()
        scene = Scene(t, bench)
        pid = bench.daemon.process.pid
        without = links(pid)[0]
        first, attached = scene.newcomer()
        until(attached, 20, "a new library is attached")
        before = {**held(pid), "probes": links(pid)[0]}
        before["each"] = len(before["probes"]) - len(without)
        stay, loads = [first], [Load(bench, *row) for row in LOADS]
        for load in loads:
            load.start()
        start = time.monotonic()
        for number in range(KILLS):
            stay.append(scene.round(number))
        for load in loads:
            load.done.set()
        for load in loads:
            load.join()
        seconds = time.monotonic() - start
        trouble = [x for load in loads for x in load.trouble]
        t.check(not trouble, "the programs did not notice", "\n".join(trouble[:5]))
        account(t, bench, loads)
        rows = bench.cg_rows()
        t.note(f"{KILLS} kills in {seconds:.1f} s, under {sum(x.calls for x in loads) / seconds / 1000:.2f} HTTP calls and "
               f"{sum(r['hits'] for r in rows) / seconds / 1000:.2f} TLS calls a millisecond")
        objects(t, scene, before)
        for p in stay:
            p.kill()
            p.wait()
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
