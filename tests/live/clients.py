#!/usr/bin/python3
"""Every client over stream/plain x gzip/identity x kept-alive/new connections, against the simulator's journal.

SUBMETER_LIVE_CALLS is the number of calls of each client (128: 16 in each of the 8 combinations; 48 where plaintext.py has
compared the bytes and only the stack is another), SUBMETER_LIVE_CLIENTS names some of them."""
import itertools
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
import stacks  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from private import finish  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "128"))
MORE_CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "48"))
ONLY = os.environ.get("SUBMETER_LIVE_CLIENTS", "").split()
COMBOS = list(itertools.product((0, 1), (0, 1), (0, 1)))
CANARY = "canary-5b1e0f7d42c9"


def known(t, bench, name):
    """A program is searched for signatures when it first runs, and its first calls may be over by then: that is cold.py's
    matter. Returns the number of calls made, which are refused and cost nothing."""
    inode = os.stat(bench.private.probed(name)).st_ino
    tries = 0

    def attached():
        return any(x["ino"] == inode and x["state"] == "attached" for x in bench.daemon.json("status")["targets"])

    def ready():
        nonlocal tries
        if attached():
            return True
        bench.private.run(name, bench.provider, bench.leaf("legal", "known"), calls=1, sim={"status": 401}, tag=f"known/{tries}")
        tries += 1
        return attached()
    try:
        until(ready, 60, name)
    except TimeoutError:
        t.check(False, f"{name}: its TLS functions are found", str(bench.daemon.json("status")["targets"]))
    return tries


def one_client(t, bench, name, team, before, calls):
    """All combinations of one client, in a cgroup of its own. Returns the number of calls made."""
    cgroup = bench.leaf(team, name)
    answers, said = [], []
    each = max(1, calls // len(COMBOS))
    for stream, gzip, keep in COMBOS:
        code, got, err = bench.private.run(
            name, bench.provider, cgroup, calls=each, stream=stream, gzip=gzip, keep=keep, parallel=1 + 3 * stream,
            tag=f"{team}/{name}/s{stream}g{gzip}k{keep}")
        answers += [a for a in got if a["whole"]]
        if code or err:
            said.append(f"s{stream}g{gzip}k{keep}: exit {code} {err[-500:]}")
    made = each * len(COMBOS)
    lines = bench.provider.journal(before + made)[before:]
    t.check(not said and sorted(a["id"] for a in answers) == sorted(x["id"] for x in lines),
            f"{name}: the program got all of its {made} answers", "\n".join(said))
    bench.daemon.wait_idle()
    calls = compare.inference(bench.daemon.calls("--cgroup", cgroup.path))
    wrong = compare.all_calls(lines, calls, bench.owner)
    t.check(not any(wrong.values()), f"{name}: {made} calls, 0 missing, 0 duplicated, 0 misattributed, each to the pico-dollar",
            compare.describe(wrong))
    return made


def canary(t, bench, before):
    """A program outside the observed cgroups, on the same files, while one inside is at work."""
    inside = bench.leaf("legal", "canary")
    programs = [bench.private.start("requests", bench.provider, where, calls=8, text=CANARY, tag=f"legal/canary/{side}")
                for side, where in (("inside", inside), ("outside", bench.outside))]
    good = all(finish(p)[0] == 0 for p in programs)
    lines = [x for x in bench.provider.journal(before + 16)[before:]]
    bench.daemon.wait_idle()
    calls = {c.get("response_id") for c in bench.daemon.calls()}
    seen = {side: sum(x["id"] in calls for x in lines if x["tag"].startswith(f"legal/canary/{side}"))
            for side in ("inside", "outside")}
    t.check(good and seen == {"inside": 8, "outside": 0}, "canary: what is outside the observed cgroups is not metered", str(seen))
    rows = bench.cg_rows()
    t.check(not any(r.get("cgroup") == bench.outside.path or r.get("cgroup_id") == bench.outside.id for r in rows),
            "canary: its cgroup has no row of counters", str(rows))
    # nothing of it may be on disk either: no prompt is kept, inside or outside
    found = []
    for folder, _, names in os.walk(bench.daemon.folder):
        for name in names:
            try:
                with open(f"{folder}/{name}", "rb") as f:
                    if CANARY.encode() in f.read():
                        found.append(f"{folder}/{name}")
            except OSError:
                pass  # a socket
    t.check(not found, "canary: its text is in none of submeter's files", str(found))
    return 16


def body(t):
    with Bench("clients") as bench:
        bench.daemon.start()
        total = 0
        first = list(bench.private.clients)
        stacks.add(bench.private)
        for name, why in bench.private.missing.items():
            t.skip(name, why)
        for i, name in enumerate(bench.private.clients):
            if ONLY and name not in ONLY:
                continue
            if name not in first:
                total += known(t, bench, name)
            total += one_client(t, bench, name, TEAMS[i % 3], total, CALLS if name in first else MORE_CALLS)
        total += canary(t, bench, total)
        rows = bench.cg_rows()
        wrong = compare.identities(rows)
        t.check(rows and not wrong, f"the identities hold exactly in all {len(rows)} cgroups", "\n".join(wrong))
        report = bench.daemon.json("report", "-g", "team")
        want = sum(x["cost_pico"] for x in bench.provider.journal(total) if "/outside/" not in x["tag"])
        t.equal(compare.prices.pico(report["total"]["cost_usd"]), want, "the report's total is the journal's")
        if not ONLY:
            t.equal(sorted(r["team"] for r in report["rows"]), sorted(TEAMS), "three teams, no other row")
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
