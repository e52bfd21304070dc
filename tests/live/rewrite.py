#!/usr/bin/python3
"""A TLS library that changes under its users, while others make calls all the time.

  in place  it is overwritten by another build, whose functions lie elsewhere: a breakpoint that stayed would now be in the middle
            of something. No process that starts 100 ms later dies of it, and soon the new functions are metered.
  rename    another build is put in its place: the programs on the old file and those on the new one are metered, call by call

SUBMETER_LIVE_REWRITES is how often, each (10)."""
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from cold import Far, instant  # noqa: E402
from private import CLIENTS, OUT, command, finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

TIMES = int(os.environ.get("SUBMETER_LIVE_REWRITES", "10"))
LATER_S = 0.1  # what is promised: a process that starts this long after the write is safe
# libssl.a leaves these to libcrypto, which does not export them
OBJECTS = ("libcrypto-lib-packet.o", "libdefault-lib-s3_cbc.o", "libcommon-lib-tls_pad.o")
PADS = (12345, 40000)


def build(folder):
    """Two builds of Debian's libssl.a as a shared library that differ in where their functions lie; paths."""
    os.makedirs(folder, exist_ok=True)
    built = [f"{folder}/libssl-{pad}.so" for pad in PADS]
    if all(os.path.exists(path) for path in built):
        return built
    archive = command("gcc", "-print-file-name=libcrypto.a").strip()
    command("ar", "x", archive, *OBJECTS, cwd=folder)
    with open(folder + "/map", "w", encoding="ascii") as f:
        f.write("OPENSSL_3.0.0 { global: *; };\n")
    for pad, path in zip(PADS, built):
        with open(folder + "/pad.S", "w", encoding="ascii") as f:
            f.write(f".text\n.globl pad\npad: .fill {pad}, 1, 0x90\nret\n.section .note.GNU-stack,\"\",@progbits\n")
        command("gcc", "-shared", "-o", path + ".new", "pad.S", *OBJECTS, "-Wl,--whole-archive", "-l:libssl.a", "-Wl,--no-whole-archive",
                "-lcrypto", "-Wl,-soname,libssl.so.3", "-Wl,--version-script=map", "-Wl,-z,now,-z,defs", cwd=folder)
        os.rename(path + ".new", path)
    return built


def breakpoints(path, places=None):
    """Where a process that maps this file now sees other bytes than are in it; of `places`, if given."""
    with open(path, "rb") as f:
        whole = f.read()
        with mmap.mmap(f.fileno(), len(whole), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC) as seen:
            if places is None:
                pages = [i for i in range(0, len(whole), 4096) if seen[i:i + 4096] != whole[i:i + 4096]]
                places = [k for i in pages for k in range(i, min(i + 4096, len(whole)))]
            return {i for i in places if i < len(whole) and seen[i] != whole[i]}


class Load(threading.Thread):
    """Calls without end on a copy that nobody touches."""

    def __init__(self, bench):
        super().__init__(daemon=True)
        self.bench, self.done, self.trouble, self.calls = bench, threading.Event(), [], 0

    def run(self):
        while not self.done.is_set():
            code, answers, said = self.bench.private.run("requests", self.bench.provider, self.bench.leaf("legal", "load"), calls=100,
                                                         tag="legal/load")
            self.calls += len(answers)
            if code or len(answers) != 100:
                self.trouble.append(f"exit {code} {said[-500:]}")


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.made = t, bench, 0
        self.builds = build(OUT + "/libssl")
        self.folder = bench.private.lib + "/victim"
        os.mkdir(self.folder)
        self.library = self.folder + "/libssl.so.3"
        shutil.copyfile(self.builds[0], self.library)

    def attached_since(self, since_ns):
        """When submeterd attached the library as it is now, if after `since_ns`."""
        inode = os.stat(self.library).st_ino
        return max((instant(x["attached"]) for x in self.bench.daemon.json("status")["targets"]
                    if x["ino"] == inode and x["state"] == "attached" and instant(x["attached"]) > since_ns), default=None)

    def client(self, name, far=None, calls=1, sim=None):
        env = {**self.bench.private.environment("curl", self.bench.provider),
               "LD_LIBRARY_PATH": f"{self.folder}:{self.bench.private.lib}"}
        words = ["/usr/bin/python3", CLIENTS + "/raw.py", "--calls", str(calls), "--tag", "support/" + name]
        if sim:
            words += ["--sim", json.dumps(sim)]
        self.made += calls
        return box.start(words, env, self.bench.leaf("support", name), self.bench.provider.netns, far or self.bench.provider.hosts)


def in_place(t, scene):
    """Returns the tags of calls that may be missing: made between the write and the next attachment."""
    bench = scene.bench
    sleeper = box.start(["/bin/sleep", "3600"], {"LD_PRELOAD": scene.library, "LD_LIBRARY_PATH": bench.private.lib}, bench.leaf("support", "sleeper"))
    until(lambda: scene.attached_since(0), 20, "the library is attached")
    t.check(breakpoints(scene.library), "a process that maps the library sees breakpoints")
    gone, back, dead, between = [], [], [], set()
    for i in range(TIMES):
        begun, old = time.time_ns(), breakpoints(scene.library)
        shutil.copyfile(scene.builds[(i + 1) % 2], scene.library)
        written = time.monotonic()
        until(lambda o=old: not breakpoints(scene.library, o), 20, "the breakpoints of the old build are gone")
        gone.append((time.monotonic() - written) * 1000)
        time.sleep(max(0, written + LATER_S - time.monotonic()))  # the promise, not a wait for an event
        names = [f"place-{i}-{n}" for n in range(3)]
        for name, p in [(name, scene.client(name)) for name in names]:
            code, answers, said = finish(p)
            between.add(f"support/{name}/0")
            if code or len(answers) != 1:
                dead.append(f"{name}: exit {code} {said[-300:]}")
        back.append((until(lambda b=begun: scene.attached_since(b), 20, "the new build is attached") - begun) / 1e6)
        code, answers, said = finish(scene.client(f"place-{i}-after"))
        if code or len(answers) != 1:
            dead.append(f"place-{i}-after: exit {code} {said[-300:]}")
    sleeper.kill()
    sleeper.wait()
    t.note(f"in place, {TIMES} times: breakpoints gone after {statistics.median(gone):.1f} ms (worst {max(gone):.1f}), the new build "
           f"attached after {statistics.median(back):.0f} ms (worst {max(back):.0f})")
    t.check(not dead, f"{4 * TIMES} processes that start {LATER_S * 1000:.0f} ms later or after that: 0 crashes", "\n".join(dead[:10]))
    return between


def by_rename(t, scene, far):
    bench, dead = scene.bench, []
    for i in range(TIMES):
        hold = Hold(f"{bench.folder}/hold-rename-{i}")
        old = scene.client(f"old-{i}", calls=3, sim=hold.opts())
        hold.arrived(1, lambda p=old: p.poll() is None)
        shutil.copyfile(scene.builds[i % 2], scene.library + ".new")
        os.rename(scene.library + ".new", scene.library)
        new = scene.client(f"new-{i}", far.hosts, calls=2)
        hold.release()
        for name, p, calls in ((f"old-{i}", old, 3), (f"new-{i}", new, 2)):
            code, answers, said = finish(p)
            if code or len(answers) != calls:
                dead.append(f"{name}: exit {code} {said[-300:]}")
    t.check(not dead, f"rename, {TIMES} times: programs on the old file and on the new one get their answers", "\n".join(dead[:10]))


def body(t):
    with Bench("rewrite", node=False) as bench, Far(bench) as far:
        scene = Scene(t, bench)
        bench.daemon.start()
        load = Load(bench)
        load.start()
        between = in_place(t, scene)
        by_rename(t, scene, far)
        load.done.set()
        load.join()
        t.check(load.calls and not load.trouble, f"the load: {load.calls} calls, none disturbed", "\n".join(load.trouble[:5]))
        lines = bench.provider.journal(scene.made + load.calls)
        bench.daemon.wait_idle()
        calls = compare.inference(bench.daemon.calls())
        seen = {c.get("response_id") for c in calls}
        unseen = {x["id"] for x in lines if x["tag"] in between and x["id"] not in seen}
        wrong = compare.all_calls([x for x in lines if x["id"] not in unseen], calls, bench.owner)
        t.note(f"in place: {len(unseen)} of {len(between)} calls between the write and the new probes not metered")
        t.check(not any(wrong.values()), f"rename: 0 of {5 * TIMES} calls missing; every other call is in the ledger once",
                compare.describe(wrong))
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


def why_not():
    lacks = missing()
    if not lacks and not os.path.exists(command("gcc", "-print-file-name=libssl.a").strip()):
        lacks = "libssl.a is not installed (libssl-dev)"
    return lacks


if __name__ == "__main__":
    Tap().main(body, why_not())
