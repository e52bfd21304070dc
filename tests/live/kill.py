#!/usr/bin/python3
"""kill -9 of submeterd with 50 calls in flight, again and again, and SIGTERM once: programs do not notice, and the ledger
accounts for every call: once, or inside a recorded gap.

SUBMETER_LIVE_KILLS is the number of times (3)."""
import collections
import datetime
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from private import CLIENTS, Client, finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap  # noqa: E402

KILLS = int(os.environ.get("SUBMETER_LIVE_KILLS", "3"))
# five programs, ten calls each at once; where in the answer the simulator holds them
HELD = (("requests", "support", 1, 3), ("httpx", "engineering", 1, 2), ("openai-static", "legal", 1, 4),
        ("requests", "engineering", 0, "head"), ("anthropic-static", "support", 1, "head"))


def ns(text):
    """RFC 3339 with nanoseconds, as an integer."""
    whole, _, part = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10 ** 9 + int(part.ljust(9, "0")[:9] or 0)


def overlaps(line, gaps):
    return any(line["ts_end"] >= ns(g["from"]) and ("until" not in g or line["ts_start"] <= ns(g["until"])) for g in gaps)


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.made = t, bench, 0
        self.killed = []  # when, ns

    def whole_calls(self, name, client="requests"):
        """Ten calls that nothing disturbs."""
        cgroup = self.bench.leaf("support", name)
        code, answers, said = self.bench.private.run(client, self.bench.provider, cgroup, calls=10, stream=1,
                                                     tag=f"support/{name}")
        self.made += 10
        self.t.check(code == 0 and len(answers) == 10, f"{name}: ten calls", f"exit {code} {said}")

    def round(self, number, gently=False):
        """50 calls in flight, the kill (or SIGTERM), the restart: in odd rounds while they are still in flight."""
        bench = self.bench
        self.whole_calls(f"before-{number}")
        hold = Hold(f"{bench.folder}/hold-{number}")
        programs = []
        for client, team, stream, at in HELD:
            name = f"held-{number}-{client}-{stream}"
            options = {"calls": 10, "parallel": 10, "stream": stream, "keep": 0, "sim": hold.opts(at), "tag": f"{team}/{name}"}
            programs.append((name, bench.private.start(client, bench.provider, bench.leaf(team, name), **options)))
        # and one that goes on afterwards on the connection it has had since before the kill
        programs.append((f"kept-{number}", bench.private.start("raw", bench.provider, bench.leaf("legal", f"kept-{number}"),
                                                               calls=10, stream=1, apis="chat", sim=hold.opts(2), tag=f"legal/kept-{number}")))
        self.made += 60
        hold.arrived(51, lambda: all(p.poll() is None for _, p in programs))
        if gently:
            self.t.equal(bench.daemon.stop(), 0, f"round {number}: submeterd ends with status 0")
        else:
            bench.daemon.kill()
        self.killed.append(time.time_ns())
        if number % 2:
            bench.daemon.start()
        hold.release()
        for name, p in programs:
            code, answers, said = finish(p)
            self.t.check(code == 0 and not said and len([a for a in answers if a["whole"]]) == 10,
                         f"round {number}: {name} did not notice", f"exit {code}, {len(answers)} answers\n{said[-800:]}")
        if not number % 2:
            bench.daemon.start()
        self.whole_calls(f"after-{number}")


def account(t, bench, lines, killed):
    """Every call of the journal once, or in a gap; never twice; estimates only where there is a gap."""
    gaps = bench.daemon.json("coverage")["gaps"]
    around = [[g for g in gaps if "until" in g and ns(g["from"]) <= at <= ns(g["until"])] for at in killed]
    t.check(all(len(g) == 1 for g in around), f"{len(killed)} times without submeterd, each in one recorded gap", f"{killed}\n{gaps}")
    calls = compare.inference(bench.daemon.calls())
    found = collections.defaultdict(list)
    for call in calls:
        found[call.get("response_id")].append(call)
    wrong = {"missing outside a gap": [], "twice": [], "estimated outside a gap": [], "different": [], "unknown": []}
    tally = collections.Counter()
    for line in lines:
        mine = found[line["id"]]
        told = f"{line['tag']} {line['id']}"
        if len(mine) > 1:
            wrong["twice"].append(told)
        elif not mine:
            tally["in a gap"] += 1
            if not overlaps(line, gaps):
                wrong["missing outside a gap"].append(told)
        elif mine[0].get("why") == "midstream":
            tally["joined midway"] += 1
            differs = compare.known(line, mine[0])
            if differs or not overlaps(line, gaps):
                wrong["different"].append(f"{told}: {differs or 'no gap'}")
        elif mine[0]["usage_source"] == "reported":
            tally["exact"] += 1
            differs = compare.one(line, mine[0], *bench.owner(line["tag"]))
            if differs:
                wrong["different"].append(f"{told}: {differs}")
        else:
            tally["estimated"] += 1
            if not overlaps(line, gaps) or not mine[0].get("why"):
                wrong["estimated outside a gap"].append(f"{told} {mine[0]}")
    # a call cut so early that its answer's id was lost: it may stand in the ledger as an estimate, once for each such call
    ids = {line["id"] for line in lines}
    nameless = collections.Counter()
    for call in calls:
        if call.get("response_id") in ids:
            continue
        nameless[call["cgroup"]] += 1
        if call["usage_source"] == "reported" or not call.get("why"):
            wrong["unknown"].append(str(call))
    absent = collections.Counter(bench.owner(x["tag"])[1] for x in lines if not found[x["id"]])
    for cgroup, number in nameless.items():
        if number > absent[cgroup]:
            wrong["twice"].append(f"{cgroup}: {number} estimates for {absent[cgroup]} calls")
    t.note(f"{len(lines)} calls: " + ", ".join(f"{n} {what}" for what, n in tally.items()))
    t.check(not any(wrong.values()), "every call is in the ledger once, or overlaps a recorded gap", compare.describe(wrong))
    t.check(tally["exact"] >= 20 * KILLS, "the undisturbed calls are exact", str(tally))


def body(t):
    with Bench("kill") as bench:
        bench.private.clients["raw"] = Client(["/usr/bin/python3", CLIENTS + "/raw.py"], "libssl.so.3",
                                              bench.private.clients["requests"].env)
        bench.daemon.start()
        scene = Scene(t, bench)
        for number in range(KILLS):
            scene.round(number)
        scene.round(KILLS | 1, gently=True)
        lines = bench.provider.journal(scene.made)
        bench.daemon.wait_idle()
        account(t, bench, lines, scene.killed)
        shown = str(bench.daemon.json("status").get("gaps")), str(bench.daemon.json("report").get("gaps"))
        t.check(all("from" in s for s in shown), "status and report show the gaps", str(shown))
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
