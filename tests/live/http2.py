#!/usr/bin/python3
"""Clients that speak HTTP/2, many streams at once on one connection, against the simulator's journal: each call is in the
ledger exactly, once, to the pico-dollar.

SUBMETER_LIVE_CALLS is the number of calls of each client (32: 8 in each of the 4 ways), SUBMETER_LIVE_CLIENTS names some of
them. Node 26, whose own fetch() is HTTP/2, is fetched once (60 MB)."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
import stacks  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from clients import known  # noqa: E402
from tap import Tap  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "32"))
ONLY = os.environ.get("SUBMETER_LIVE_CLIENTS", "").split()
ODD = {"cut": "random", "pad": True, "trailers": True, "hints": 1}
WAYS = ({"stream": 0, "gzip": 0, "parallel": 8}, {"stream": 1, "gzip": 1, "parallel": 8}, {"stream": 1, "gzip": 0, "keep": 0},
        {"stream": 1, "gzip": 0, "parallel": 4, "sim": ODD})
CLIENTS = ("curl", "httpx", "go", "curl-gnutls", "node-http2", "bedrock", "node26", "openai-26")


def one_client(t, bench, name, team, before):
    """All ways of one client, in a cgroup of its own. Returns the number of calls made."""
    cgroup, answers, said, made = bench.leaf(team, name), [], [], 0
    for i, way in enumerate(WAYS):
        code, got, err = bench.private.run(name, bench.provider, cgroup, calls=max(1, CALLS // len(WAYS)), http2=1,
                                           tag=f"{team}/{name}/{i}", **way)
        made += max(1, CALLS // len(WAYS))
        answers += [a["id"] for a in got if a["whole"]]
        if code or err:
            said.append(f"{way}: exit {code} {err[-600:]}")
    lines = bench.provider.journal(before + made if not said else None)[before:]
    ids = {a for x in lines for a in (x["id"], x["request_id"])}
    t.check(not said and len(set(answers)) == made and ids >= set(answers) and {x["http"] for x in lines} == {"2"},
            f"{name}: {made} calls on {len({x['conn'] for x in lines})} connections, HTTP/2 alone, were answered", "\n".join(said))
    bench.daemon.wait_idle()
    calls = compare.inference(bench.daemon.calls("--cgroup", cgroup.path))
    wrong = compare.all_calls(lines, calls, bench.owner)
    t.check(not any(wrong.values()), f"{name}: {made} calls, 0 missing, 0 duplicated, 0 misattributed, each to the pico-dollar",
            compare.describe(wrong))
    return len(lines)


def covered(t, bench):
    """Each connection is seen into."""
    rows = [p for p in bench.daemon.json("coverage")["processes"] if p["llm"]]
    sums = {k: sum(p[k] for p in rows) for k in ("llm", "metered", "idle", "unmetered")}
    t.check(sums["metered"] and not sums["unmetered"] and sums["llm"] == sums["metered"] + sums["idle"],
            f"coverage: {sums['metered']} connections seen into, none that is not", f"{sums} {[p for p in rows if p['unmetered']]}")


def body(t):
    with Bench("http2", alpn="h2") as bench:
        first = list(bench.private.clients)
        stacks.http2(bench.private)
        bench.daemon.start()
        total = 0
        for name, why in bench.private.missing.items():
            if name in CLIENTS:
                t.skip(name, why)
        for i, name in enumerate(CLIENTS):
            if name not in bench.private.clients or (ONLY and name not in ONLY):
                continue
            if name not in first:
                total += known(t, bench, name)
            total += one_client(t, bench, name, TEAMS[i % 3], total)
        rows = bench.cg_rows()
        wrong = compare.identities(rows)
        t.check(rows and not wrong, f"the identities hold exactly in all {len(rows)} cgroups", "\n".join(wrong))
        covered(t, bench)
        want = sum(x["cost_pico"] or 0 for x in bench.provider.journal(total))
        t.equal(compare.prices.pico(bench.daemon.json("report", "-g", "team")["total"]["cost_usd"]), want, "the report's total is the journal's")
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing() or stacks.lacking("h2"))
