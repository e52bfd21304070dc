#!/usr/bin/python3
"""OpenAI Responses over WebSockets, with and without permessage-deflate, turn by turn and in lanes, fragmented; and Realtime:
each turn is in the ledger exactly, once. What only warms the provider up is no call.

SUBMETER_LIVE_CALLS is the number of turns in each way (32). agents.py has Codex."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from private import CLIENTS, Client  # noqa: E402
from tap import Tap  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "32"))
RANDOM = {"cut": "random"}
WAYS = {"plain": {}, "deflate": {"gzip": 1, "warm": 1}, "new-sockets": {"gzip": 1, "keep": 0}, "fragments": {"gzip": 1, "sim": RANDOM},
        "lanes": {"parallel": 4}, "mixed-lanes": {"parallel": 8, "gzip": 1, "sim": RANDOM}, "realtime": {"apis": "realtime"},
        "realtime-fragments": {"apis": "realtime", "gzip": 1, "sim": RANDOM}}


def one_way(t, bench, name, options, team, before):
    cgroup = bench.leaf(team, name)
    code, answers, err = bench.private.run("ws", bench.provider, cgroup, calls=CALLS, tag=f"{team}/{name}", **options)
    warm = options.get("warm", 0)
    lines = bench.provider.journal(before + CALLS + warm if not code else None)[before:]
    turns = [x for x in lines if x["usage"]]
    t.check(not code and len(lines) - len(turns) == warm and sorted(a["id"] for a in answers) == sorted(x["id"] for x in turns),
            f"{name}: the program got its {CALLS} answers", f"exit {code} {err[-800:]}")
    bench.daemon.wait_idle()
    wrong = compare.all_calls(turns, compare.inference(bench.daemon.calls("--cgroup", cgroup.path)), bench.owner)
    t.check(not any(wrong.values()), f"{name}: {CALLS} turns, 0 missing, 0 duplicated, 0 misattributed, each to the pico-dollar",
            compare.describe(wrong))
    return len(lines)


def body(t):
    with Bench("websocket", node=False) as bench:
        bench.private.clients["ws"] = Client(["/usr/bin/python3", CLIENTS + "/py_ws.py"], "libssl.so.3",
                                             bench.private.clients["curl"].env)
        bench.daemon.start()
        total = 0
        for i, (name, options) in enumerate(WAYS.items()):
            total += one_way(t, bench, name, options, TEAMS[i % 3], total)
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        want = sum(x["cost_pico"] or 0 for x in bench.provider.journal(total) if x["usage"])
        t.equal(compare.prices.pico(bench.daemon.json("report", "-g", "team")["total"]["cost_usd"]), want, "the report's total is the journal's")
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
