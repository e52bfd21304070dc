#!/usr/bin/python3
"""`submeter detach --all` under load: no program is harmed, every probe is gone, the time is a gap, nothing is attached until
`submeter attach`, also when the attacher dies meanwhile; and then every call is exact again."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from daemon import READY_S  # noqa: E402
from mapped import changed  # noqa: E402
from private import finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = 10
LOAD = 60


def links(pid):
    """Probes of files that a process holds: links of uprobes, by what the kernel says of its descriptors."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as f:
                text = f.read()
        except FileNotFoundError:
            continue
        count += "link_type:\tuprobe_multi" in text or "link_type:\tperf" in text
    return count


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.lib = t, bench, bench.private.lib + "/libssl.so.3"

    def status(self):
        return json.loads(self.bench.daemon.cli("status", "-o", "json", check=False).stdout)

    def held(self, name, client="httpx", calls=CALLS, at=1):
        """A client that keeps one connection, its first answer held: the hold, the client."""
        hold = Hold(f"{self.bench.folder}/hold-{name}")
        p = self.bench.private.start(client, self.bench.provider, self.bench.leaf("legal", name), calls=calls, keep=1, stream=1,
                                     sim=hold.opts(at), tag=f"legal/{name}")
        hold.arrived(1, lambda: p.poll() is None)
        return hold, p

    def finished(self, p, what, calls=CALLS):
        code, answers, said = finish(p)
        self.t.check(code == 0 and len([a for a in answers if a["whole"]]) == calls, f"{what}: the program got its answers",
                     f"exit {code} {said[-500:]}")

    def calls_of(self, name):
        """What is booked of a leaf of `legal`, and its lines of the journal."""
        self.bench.daemon.wait_idle()
        lines = [x for x in self.bench.provider.journal() if x["tag"].startswith(f"legal/{name}/")]
        return compare.inference(self.bench.daemon.calls("--cgroup", f"{self.bench.teams['legal'].path}/{name}")), lines

    def exact(self, name, what):
        self.finished(self.bench.private.start("curl", self.bench.provider, self.bench.leaf("legal", name), calls=CALLS,
                                               tag=f"legal/{name}"), what)
        calls, lines = self.calls_of(name)
        wrong = compare.all_calls(lines, calls, self.bench.owner)
        self.t.check(len(lines) == CALLS and not any(wrong.values()), f"{what}: {CALLS} calls are exact", compare.describe(wrong))

    def role(self, name):
        return next(r["pid"] for r in self.status()["roles"] if r["name"] == name)


def detach(t, s):
    d, hold_p = s.bench.daemon, s.held("midway")
    load = s.bench.private.start("curl", s.bench.provider, s.bench.leaf("legal", "load"), calls=LOAD, tag="legal/load")
    s.bench.provider.journal(CALLS + 3)
    hold, p = hold_p
    t.check(changed(p.pid, s.lib) > 0 and links(d.process.pid) > 0, "there are probes in the library")
    said = d.cli("detach", "--all").stdout
    t.check("no file has a probe" in said, "detach says that it is done", said)
    t.equal((changed(p.pid, s.lib), links(d.process.pid)), (0, 0), "no probe is left, in the program and in the kernel")
    hold.release()
    s.finished(p, "a program in the middle of a call")
    s.finished(load, "a program with many calls", LOAD)
    calls, _ = s.calls_of("midway")
    t.check(all(c.get("why") for c in calls) and len(calls) <= 1, "its calls since then are not known, and none is taken for more than it is", str(calls))


def off(t, s):
    d = s.bench.daemon
    p = d.cli("status", check=False)
    t.check(p.returncode == 1 and "submeter detach" in p.stdout, "status says so, and that nothing is metered", p.stdout)
    coverage = d.json("coverage")
    t.check(coverage["detached"] and not any(x["state"] == "attached" for x in coverage["targets"]), "coverage says so")
    attacher = s.role("attacher")
    os.kill(attacher, signal.SIGKILL)
    until(lambda: s.role("attacher") not in (0, attacher) if s.status()["roles"] else False, READY_S, "the attacher comes back")
    until(lambda: d.said().count("every probe is taken away") == 2, READY_S, "it knows that it is to attach nothing")
    hold, p = s.held("across")
    t.equal((changed(p.pid, s.lib), links(d.process.pid)), (0, 0), "an attacher that starts anew attaches nothing either")
    return hold, p


def attach(t, s, hold, p):
    d = s.bench.daemon
    said = d.cli("attach").stdout
    t.check("attached again" in said and changed(p.pid, s.lib) > 0, "attach brings the probes back", said)
    hold.release()
    s.finished(p, "a connection that was open before")
    calls, lines = s.calls_of("across")
    lines.sort(key=lambda x: x["ts_start"])
    known = {x["id"] for x in lines[:1]}
    rest = [c for c in calls if c.get("response_id") not in known and c["usage_source"] == "reported"]
    wrong = compare.all_calls(lines[1:], rest, s.bench.owner)
    t.check(len(lines) == CALLS and not any(wrong.values()), "its calls since then are exact", compare.describe(wrong))
    s.exact("after", "after attach")
    gaps = [g for g in d.json("coverage")["gaps"] if g["reason"] == "detached"]
    t.check(len(gaps) == 1 and gaps[0].get("until") and gaps[0]["from"] < gaps[0]["until"], "the time without probes is one gap, and over", str(gaps))
    held = [x for x in s.bench.provider.journal() if x["tag"].startswith("legal/across/")]
    t.check(gaps[0]["from"] < min(x["ts_start"] for x in held) < gaps[0]["until"] if isinstance(held[0]["ts_start"], str) else True,
            "what was not seen lies in it", str(gaps))


def restart(t, s):
    d = s.bench.daemon
    d.cli("detach", "--all")
    t.equal(d.stop(), 0, "a detached submeterd ends in order")
    d.start()
    t.equal(links(d.process.pid) > 0, True, "submeterd that is started again attaches")
    s.exact("again", "after a restart")


def body(t):
    with Bench("detach", node=False) as bench:
        s = Scene(t, bench)
        bench.daemon.start()
        s.exact("before", "before")
        detach(t, s)
        attach(t, s, *off(t, s))
        restart(t, s)
        rows = compare.identities(bench.cg_rows())
        t.check(not rows, "the identities hold exactly", "\n".join(rows))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
