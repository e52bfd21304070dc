#!/usr/bin/python3
"""The team map: SIGHUP takes a new one as a whole or not at all, and the old one stays in force; what is broken at start is
refused with file and line."""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from daemon import BIN, READY_S  # noqa: E402
from private import finish  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = 3


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.seen = t, bench, 0

    def owners(self):
        """Who pays for CALLS calls from the cgroup of `support`."""
        bench = self.bench
        p = bench.private.start("curl", bench.provider, bench.teams["support"], calls=CALLS, tag="support/x")
        code, _, said = finish(p)
        if code:
            raise RuntimeError(said)
        self.seen += CALLS
        bench.provider.journal(self.seen)
        bench.daemon.wait_idle()
        return {c["team"] for c in compare.inference(bench.daemon.calls("--limit", str(CALLS)))}

    def reload(self, counter):
        """Sends SIGHUP and waits until it was acted upon."""
        before = self.bench.daemon.json("status")["counters"][counter]
        os.kill(self.bench.daemon.process.pid, signal.SIGHUP)
        until(lambda: self.bench.daemon.json("status")["counters"][counter] > before, READY_S, counter)
        return self.bench.daemon.json("status")["team_map"]

    def ledger(self, query):
        """One number from the ledger's file."""
        with contextlib.closing(sqlite3.connect(f"file:{self.bench.daemon.state}/ledger.db?mode=ro", uri=True)) as db:
            return db.execute(query).fetchone()[0]

    def refused(self, name, pattern):
        """submeterd does not start, says where, and leaves with 78."""
        d = self.bench.daemon
        p = subprocess.run([BIN + "/submeterd", "-c", d.conf, "--state", d.state, "--runtime", d.runtime], capture_output=True,
                           text=True, stdin=subprocess.DEVNULL, timeout=READY_S, check=False)
        self.t.check(p.returncode == 78 and re.search(pattern, p.stderr), name, f"exit {p.returncode}: {p.stderr}")


def body(t):
    with Bench("reload", node=False) as bench:
        d, scene = bench.daemon, Scene(t, bench)
        d.start()
        t.equal(scene.owners(), {"support"}, "the first map decides")
        first = d.json("status")["team_map"]["revision"]
        with open(d.map, encoding="utf-8") as f:
            text = f.read()

        with open(d.map, "w", encoding="utf-8") as f:
            f.write(text.replace("assign: {team: support}", "assign: {team: legal}"))
        second = scene.reload("map_reloads")
        t.check(second["revision"] != first, "a new map has another revision")
        t.equal(scene.owners(), {"legal"}, "after SIGHUP the new map decides")

        broken = text + "  - id: bad\n    match: {cgroup: /x}\n    assign: {team: nobody}\n"
        line = broken.count("\n")
        with open(d.map, "w", encoding="utf-8") as f:
            f.write(broken)
        third = scene.reload("map_reload_errors")
        t.equal(third["revision"], second["revision"], "a broken map is not taken")
        t.check(f"{d.map}:{line}: " in third.get("error", ""), "status says where it is broken", str(third))
        t.check(f"{d.map}:{line}: " in d.said(), "the log says so too", d.said())
        t.equal(scene.owners(), {"legal"}, "the old map stays in force")

        meter = next(r["pid"] for r in d.json("status")["roles"] if r["name"] == "meter")
        os.kill(meter, signal.SIGSTOP)  # so that its last heartbeat is the last
        heartbeat = scene.ledger("SELECT max(heartbeat_ns) FROM epoch")
        os.kill(meter, signal.SIGKILL)
        until(lambda: (d.json("status").get("ready") and
                       next(r["pid"] for r in d.json("status")["roles"] if r["name"] == "meter") not in (0, meter)),
              READY_S, "the meter comes back")
        t.equal(scene.owners(), {"legal"}, "a meter that starts anew goes on with the last good map")
        begun = scene.ledger("SELECT max(from_ns) FROM gap WHERE reason = 'the meter was restarted'")
        t.equal(begun, heartbeat, "its gap begins where the ledger was last complete")

        d.stop()
        scene.refused("a broken map at start is refused, with file and line", re.escape(f"{d.map}:{line}: "))
        d.write_map({team: c.path for team, c in bench.teams.items()})
        prices = bench.folder + "/prices.yaml"
        with open(prices, "w", encoding="utf-8") as f:
            f.write("schema: submeter.pricebook/1\nbook: {id: x, version: 1, currency: USD}\nmodels:\n  - provider: openai\n    id: m\n    prces: []\n")
        with open(d.conf, "a", encoding="utf-8") as f:
            f.write(f"prices: [{prices}]\n")
        scene.refused("a broken price book at start is refused, with file and line", re.escape(prices) + r":6: ")


if __name__ == "__main__":
    Tap().main(body, missing())
