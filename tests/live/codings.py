#!/usr/bin/python3
"""Answers in gzip, deflate, br and zstd, and requests that are coded so, by clients that undo and do it themselves: the ledger
equals the journal. SUBMETER_LIVE_CALLS is the number of calls of each client (24)."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
import stacks  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from clients import known  # noqa: E402
from private import CLIENTS as SCRIPTS, Client  # noqa: E402
from tap import Tap  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "24"))
ALL = ("gzip", "deflate", "br", "zstd")
# what each undoes in answers, what its script codes its requests in
CLIENTS = {"curl": (ALL, ()), "httpx": (ALL[:3], ALL), "node": (ALL[:3], ALL[:3]), "bun": (ALL, ALL), "node26": (ALL, ALL)}


def one_client(t, bench, name, team, before):
    cgroup, answers, said, ways = bench.leaf(team, name), [], [], []
    accept, send = CLIENTS[name]
    ways = [{"accept": coding} for coding in accept] + [{"send": coding, "accept": accept[-1]} for coding in send]
    each = max(2, -(-CALLS // len(ways)))
    for i, way in enumerate(ways):
        code, got, err = bench.private.run(name, bench.provider, cgroup, calls=each, stream=i % 2, parallel=2,
                                           tag=f"{team}/{name}/{i}", sim={"cut": "random"} if i % 3 == 2 else {}, **way)
        answers += [a["id"] for a in got if a["whole"]]
        if code or err:
            said.append(f"{way}: exit {code} {err[-600:]}")
    made = each * len(ways)
    lines = bench.provider.journal(before + made if not said else None)[before:]
    told = {x["coding"] for x in lines}
    t.check(not said and sorted(answers) == sorted(x["id"] for x in lines) and told == set(accept),
            f"{name}: {made} answers in {', '.join(accept)}" + (f", requests in {', '.join(send)}" if send else ""),
            f"{told}\n" + "\n".join(said))
    bench.daemon.wait_idle()
    wrong = compare.all_calls(lines, compare.inference(bench.daemon.calls("--cgroup", cgroup.path)), bench.owner)
    t.check(not any(wrong.values()), f"{name}: {made} calls, 0 missing, 0 duplicated, 0 misattributed, each to the pico-dollar",
            compare.describe(wrong))
    return len(lines)


def body(t):
    with Bench("codings") as bench:
        private = bench.private
        private.clients["node"] = Client([f"{private.bin}/node", SCRIPTS + "/js_fetch.mjs"], "node")
        first = list(private.clients)
        stacks.npm(private, ("bun", "node26"))
        bench.daemon.start()
        total = 0
        for i, name in enumerate(CLIENTS):
            if name in private.missing:
                t.skip(name, private.missing[name])
                continue
            if name not in first:
                total += known(t, bench, name)
            total += one_client(t, bench, name, TEAMS[i % 3], total)
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing() or stacks.lacking("brotli", "zstandard"))
