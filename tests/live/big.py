#!/usr/bin/python3
"""Sizes and cuts: 5 MB in one SSL_write, a stream of 100,000 events, every read and write cut at random.
The records must be those of the same calls uncut."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import CLIENTS, Client  # noqa: E402
from tap import Tap  # noqa: E402

EVENTS = int(os.environ.get("SUBMETER_LIVE_EVENTS", "100000"))
SAME = ("kind", "team", "project", "provider", "server_address", "operation", "model_requested", "model_served", "service_tier",
        "stream", "http_status", "outcome", "usage", "raw_usage", "usage_source", "why", "billing", "price", "lines", "cost_usd")
CUTS = {
    "uncut": ({}, {"cut": "whole"}),
    "a write an event": ({}, {"cut": "event"}),
    "random writes and reads": ({"writes": "random", "reads": "random"}, {"cut": "random"}),
    "answers byte by byte": ({"writes": "random"}, {"cut": "bytes"}),
}


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.total = t, bench, 0

    def run(self, client, name, calls, **options):
        """(journal lines, records) of some calls; checks them against each other."""
        cgroup = self.bench.leaf("engineering", name.replace(" ", "-"))
        tag = cgroup.path.split("/", 2)[2]
        code, answers, said = self.bench.private.run(client, self.bench.provider, cgroup, calls=calls, tag=tag, **options)
        lines = self.bench.provider.journal(self.total + calls, 120)[self.total:]
        self.total += calls
        self.t.check(code == 0 and sorted(a["id"] for a in answers if a["whole"]) == sorted(x["id"] for x in lines),
                     f"{name}: the program got its {calls} answers", f"exit {code} {said}")
        self.bench.daemon.wait_idle()
        records = compare.inference(self.bench.daemon.calls("--cgroup", cgroup.path))
        wrong = compare.all_calls(lines, records, self.bench.owner)
        self.t.check(not any(wrong.values()), f"{name}: the ledger equals the journal", compare.describe(wrong))
        return lines, records


def same(lines, records):
    """The parts of the records that a cut may not change, in the order of the calls."""
    order = {x["id"]: int(x["tag"].rsplit("/", 1)[1]) for x in lines}
    rows = sorted((r for r in records if r.get("response_id") in order), key=lambda r: order[r["response_id"]])
    return [{k: r.get(k) for k in SAME} for r in rows]


def cuts(scene, stream, gzip):
    kind = f"{'stream' if stream else 'plain'} {'gzip' if gzip else 'identity'}"
    first = None
    for name, (client, sim) in CUTS.items():
        calls = 4 if name == "answers byte by byte" else 12
        got = same(*scene.run("raw", f"{kind} {name}", calls, stream=stream, gzip=gzip, sim=sim, **client))
        first = first or got
        scene.t.check(len(got) == calls and got == first[:calls], f"{kind} {name}: the same records as uncut",
                      "\n".join(f"{a}\n{b}" for a, b in zip(first, got) if a != b))


def body(t):
    with Bench("big", node=True) as bench:
        bench.private.clients["raw"] = Client(["/usr/bin/python3", CLIENTS + "/raw.py"], "libssl.so.3",
                                              bench.private.clients["requests"].env)
        bench.daemon.start()
        scene = Scene(t, bench)
        for stream in (0, 1):
            for gzip in (0, 1):
                cuts(scene, stream, gzip)
        # an argument holds 128 KiB, so the client makes the text itself
        lines, _ = scene.run("raw", "5 MB in one write", 3, text="@5000000")
        t.check(all(x["request_bytes"] > 5000000 for x in lines), "5 MB in one write: the requests were that large")
        scene.run("raw", "5 MB in random writes", 3, text="@5000000", writes="random")
        for client in ("requests", "openai-static"):
            lines, _ = scene.run(client, f"{EVENTS} events to {client}", 2, stream=1, sim={"events": EVENTS, "cut": "random"})
            t.check(all(x["usage"]["out_text"] >= EVENTS for x in lines), f"{client}: the streams were that long")
        rows = bench.cg_rows()
        wrong = compare.identities(rows)
        t.check(rows and not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
