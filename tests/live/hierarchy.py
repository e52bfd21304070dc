#!/usr/bin/python3
"""A host whose payers are cgroups of a version 1 hierarchy: the same calls, by the paths of that hierarchy, also of cgroups that
are gone; and nothing of what is outside, wherever it is in the v2 hierarchy."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from cgroup import Cgroup, mount_v1  # noqa: E402
from daemon import BIN  # noqa: E402
from private import Private, finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap  # noqa: E402

CALLS = 10


def explain(bench, pid):
    """What team-map says of the cgroup of a process."""
    p = subprocess.run([BIN + "/submeter", "-c", bench.daemon.conf, "team-map", "explain", "--pid", str(pid), "--map",
                        bench.daemon.map], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=30)
    return p.stdout + p.stderr


def one(t, name, option):
    root = mount_v1(option)
    if not root:
        t.skip(f"{name}: metered", f"no v1 hierarchy with {option} is mounted")
        return
    with Bench(f"v1-{name}", node=False, root=root) as bench:
        with open(bench.daemon.conf, "a", encoding="utf-8") as f:
            f.write(f"observe.hierarchy: {name}\n")
        d = bench.daemon.start()
        status = d.json("status")
        t.equal(status["observe"]["hierarchy"], name, f"{name}: status says which hierarchy it is")

        # the leaf is gone before its calls are looked at: its path must have been known before
        leaf = bench.leaf("support", "short")
        for team, where in (("support", leaf), ("legal", bench.leaf("legal", "stays"))):
            code, _, said = bench.private.run("curl", bench.provider, where, calls=CALLS, tag=f"{team}/{os.path.basename(where.path)}")
            t.equal(code, 0, f"{name}: a client of {team} got its answers {said[-300:] if code else ''}")
        leaf.remove()
        lines = bench.provider.journal(2 * CALLS)
        d.wait_idle()
        wrong = compare.all_calls(lines, compare.inference(d.calls()), bench.owner)
        t.check(len(lines) == 2 * CALLS and not any(wrong.values()), f"{name}: {2 * CALLS} calls are exact, to the cgroup's path",
                compare.describe(wrong))

        # outside in this hierarchy, though its v2 cgroup bears the name of an observed one
        code, _, said = bench.private.run("curl", bench.provider, bench.outside, calls=CALLS, tag="outside/x")
        namesake = Cgroup(bench.parent.path)
        try:
            other, _, _ = bench.private.run("curl", bench.provider, namesake, calls=CALLS, tag="outside/y")
        finally:
            namesake.remove()
        bench.provider.journal(4 * CALLS)
        d.wait_idle()
        t.check(code == 0 and other == 0 and len(compare.inference(d.calls())) == 2 * CALLS, f"{name}: nothing outside is metered", said)
        t.check(not any("outside" in (r.get("cgroup") or "") for r in bench.cg_rows()), f"{name}: nothing outside is counted")

        # brings a library that nobody has seen: only its mapping tells of it, whatever hierarchy the kernel reports those of
        # (a first attach takes 10 to 20 ms, on a busy machine more than a first run)
        fresh, leaf, seen = Private(bench.folder + "/fresh", node=False), bench.leaf("support", "fresh"), False
        for runs in range(5, 10):
            code, _, said = fresh.run("curl", bench.provider, leaf, calls=CALLS, tag="support/fresh")
            lines = [x for x in bench.provider.journal(runs * CALLS) if x["tag"].startswith("support/fresh/")]
            d.wait_idle()
            booked = {c.get("response_id") for c in compare.inference(d.calls())}
            seen = any(x["id"] in booked for x in lines)
            if seen or code:
                break
        t.check(code == 0 and seen,
                f"{name}: a library of its own is seen when it is mapped", f"{len(booked)} {said}")
        t.check("cannot watch mappings" not in d.said(), f"{name}: mappings are watched", d.said())

        hold = Hold(bench.folder + "/hold")
        p = bench.private.start("curl", bench.provider, bench.leaf("engineering", "held"), calls=1, tag="engineering/held",
                                sim=hold.opts())
        hold.arrived(1, lambda: p.poll() is None)
        said = explain(bench, p.pid)
        t.check("engineering" in said and f"{bench.teams['engineering'].path}/held" in said, f"{name}: team-map explains a process by it", said)
        hold.release()
        finish(p)
        rows = compare.identities(bench.cg_rows())
        t.check(not rows, f"{name}: the identities hold exactly", "\n".join(rows))
        bench.end(t)


def body(t):
    for name, option in (("pids", "pids"), ("systemd", "name=systemd")):
        one(t, name, option)


if __name__ == "__main__":
    Tap().main(body, missing())
