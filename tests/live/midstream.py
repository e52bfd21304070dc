#!/usr/bin/python3
"""submeterd comes while 20 connections over HTTP/2 and 100 over HTTP/1.1 are at work, and stay: whatever it says of a call is
true. Over HTTP/1.1 each call is exact that begins after it is ready; over HTTP/2, whose headers refer to what was sent before,
a call has the usage that its answer says, and says itself that it is known in part.

SUBMETER_LIVE_CONNS is the number over HTTP/2 (20), five times as many over HTTP/1.1; SUBMETER_LIVE_ROUNDS of calls of each
connection after submeterd is ready (3)."""
import collections
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
import stacks  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import CLIENTS, Client  # noqa: E402
from tap import Tap, until  # noqa: E402

CONNS = int(os.environ.get("SUBMETER_LIVE_CONNS", "20"))
ROUNDS = int(os.environ.get("SUBMETER_LIVE_ROUNDS", "3"))
SLOWLY = {"stall_ms": 900, "stall_at": 2, "events": 6}


class Load:
    """The program at work; `answers` as they come."""

    def __init__(self, bench):
        bench.private.clients["load"] = Client([], "libssl.so.3", bench.private.clients["curl"].env)
        argv = ["/usr/bin/python3", CLIENTS + "/py_load.py", "--h1", str(5 * CONNS), "--h2", str(CONNS), "--tag", "legal/load",
                "--sim", json.dumps(SLOWLY)]
        p = bench.provider
        self.process = box.start(argv, bench.private.environment("load", p), bench.leaf("legal", "load"), p.netns, p.hosts,
                                 stdin=subprocess.PIPE)
        self.answers = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.answers.append(json.loads(line))

    def all_have(self, count, since=0):
        """Once each connection has so many answers to calls that began after `since`."""
        def look():
            if self.process.poll() is not None:
                raise RuntimeError("the program ended: " + self.process.stderr.read()[-800:])
            have = collections.Counter(a["conn"] for a in list(self.answers) if a["begun"] > since)
            return len(have) == 6 * CONNS and min(have.values()) >= count
        until(look, 120, f"{count} answers on each connection")

    def end(self):
        self.process.stdin.close()
        self.reader.join()
        said = self.process.stderr.read()
        return self.process.wait(60), said


def two(t, lines, calls, begun, ready):
    """HTTP/2: nothing wrong, nothing twice; what it says of the calls that began after submeterd was ready."""
    found = collections.defaultdict(list)
    for c in calls:
        found[c.get("response_id")].append(c)
    wrong = [w for x in lines for c in found[x["id"]] for w in [compare.known(x, c)] if w]
    wrong += [f"{x['tag']} {x['id']}: {len(found[x['id']])} times" for x in lines if len(found[x["id"]]) > 1]
    t.check(not wrong, f"HTTP/2: {len(lines)} calls, nothing wrong is said of any", "\n".join(wrong[:8]))
    later = [x for x in lines if begun[x["id"]] > ready]
    exact = [x for x in later if found[x["id"]] and found[x["id"]][0]["usage_source"] == "reported"]
    says = collections.Counter(c.get("why") for x in later for c in found[x["id"]])
    t.check(len(later) >= ROUNDS * CONNS and len(exact) == len(later),
            f"HTTP/2: {len(later)} calls that began after it was ready, usage of {len(exact)} known", f"{says}")
    t.note(f"HTTP/2: reasons {dict(says)}")


def body(t):
    with Bench("midstream", node=False, alpn="h2") as bench:
        load = Load(bench)
        load.all_have(1)
        bench.daemon.start()
        ready = time.time_ns()
        load.all_have(ROUNDS, ready)
        code, said = load.end()
        t.check(code == 0 and all(a["whole"] for a in load.answers), f"the program got its {len(load.answers)} answers", said[-800:])
        lines = {x["id"]: x for x in bench.provider.journal(len(load.answers))}
        begun = {a["id"]: a["begun"] for a in load.answers}
        bench.daemon.wait_idle()
        calls = compare.inference(bench.daemon.calls())
        mine = {v: [lines[a["id"]] for a in load.answers if a["http"] == v] for v in ("1.1", "2")}
        t.equal({x["http"] for x in mine["2"]} | {x["http"] for x in mine["1.1"]}, {"1.1", "2"}, "both protocols are at work")
        later = [x for x in mine["1.1"] if begun[x["id"]] > ready]
        ids = {x["id"] for x in later}
        wrong = compare.all_calls(later, [c for c in calls if c.get("response_id") in ids], bench.owner)
        t.check(len(later) >= 5 * ROUNDS * CONNS and not any(wrong.values()), f"HTTP/1.1: {len(later)} calls that began after it was ready are exact",
                compare.describe(wrong))
        wrong = [w for x in mine["1.1"] for c in calls if c.get("response_id") == x["id"] for w in [compare.known(x, c)] if w]
        t.check(not wrong, "HTTP/1.1: nothing wrong is said of those that were under way", "\n".join(wrong[:8]))
        two(t, mine["2"], calls, begun, ready)
        unasked = [c for c in calls if c.get("response_id") not in lines and (c["usage_source"] == "reported" or not c.get("why"))]
        t.check(not unasked, "whatever has no answer's id says why", json.dumps(unasked[:4]))
        t.equal({(c["team"], c["cgroup"]) for c in calls}, {bench.owner("legal/load")}, "all are the team's")
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing() or stacks.lacking("h2"))
