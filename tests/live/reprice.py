#!/usr/bin/python3
"""A model without a price, and then with one: `submeter price reprice` books what is missing, once, beside what was booked."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
from bench import Bench, missing  # noqa: E402
from tap import Tap, until  # noqa: E402

MODEL, TEAMS = "newcomer-1", {"support": 5, "engineering": 3}
CLIENT = """
import http.client, json, ssl, sys
c = http.client.HTTPSConnection('api.openai.com')
for i in range(int(sys.argv[2])):
    c.request('POST', '/v1/chat/completions', json.dumps({'model': sys.argv[1], 'messages': [{'role': 'user', 'content': 'x'}]}),
              {'content-type': 'application/json', 'authorization': 'Bearer sk-test-0000', 'x-test-tag': sys.argv[3]})
    c.getresponse().read()
"""
BOOK = """schema: submeter.pricebook/1
book: {id: ours, version: %s, currency: USD}
models:
  - provider: openai
    id: newcomer-1
    prices:
      - {from: 2026-01-01, rates: {all: {standard: {in_text: "%d/Mtok", out_text: "%d/Mtok"}}},
         provenance: {source: "https://example.com/prices", checked: 2026-11-22}}
"""
CONTRACT = """contracts:
  - id: acme
    match: {provider: openai}
    from: 2026-01-01
    rules: [{kind: volume, period: month, steps: [{upto: "%s", percent: "0"}, {percent: "50"}]}]
"""
STEP = "0.03"  # dollars; then half the price


def due(lines, rate_in, rate_out):
    """Pico-dollars for the calls of the journal; a dollar for a million is 10^6 pico-dollars for one."""
    total = 0
    for line in lines:
        for leaf, n in line["usage"].items():
            total += n * 10 ** 6 * (rate_in if leaf.startswith("in_") else rate_out)
    return total


def dollars(pico):
    text = f"{pico // 10 ** 12}.{pico % 10 ** 12:012d}"
    return text.rstrip("0").rstrip(".")


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.lines = t, bench, {}

    def call(self, team, count):
        """What the provider says of `count` calls, one after the other."""
        before = len(self.bench.provider.journal())
        p = box.start(["/usr/bin/python3", "-c", CLIENT, MODEL, str(count), f"{team}/x"],
                      self.bench.private.environment("requests", self.bench.provider), self.bench.leaf(team, "x"),
                      self.bench.provider.netns, self.bench.provider.hosts)
        _, err = p.communicate(timeout=60)
        self.t.equal(p.returncode, 0, f"{count} calls of team {team}" + err)
        lines = self.bench.provider.journal(before + count)[before:]
        self.bench.daemon.wait_idle()
        return lines

    def calls(self):
        for team, count in TEAMS.items():
            self.lines[team] = self.call(team, count)

    def start(self):
        """A book of one's own that says nothing yet."""
        self.book = self.bench.folder + "/ours.yaml"
        self.write("schema: submeter.pricebook/1\nbook: {id: ours, version: 0, currency: USD}\nmodels: []\n")
        with open(self.bench.daemon.conf, "a", encoding="utf-8") as f:
            f.write(f"prices: [{json.dumps(self.book)}]\n")
        self.bench.daemon.start()

    def write(self, text):
        with open(self.book + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.book + ".new", self.book)

    def reload(self, said):
        """SIGHUP, until the log says so once more."""
        before = self.bench.daemon.said().count(said)
        os.kill(self.bench.daemon.process.pid, signal.SIGHUP)
        until(lambda: self.bench.daemon.said().count(said) > before, 30, said)

    def prices(self, version, rate_in, rate_out):
        self.write(BOOK % (version, rate_in, rate_out))
        self.reload("prices reloaded")

    def reprice(self, *words):
        return self.bench.daemon.json("price", "reprice", *words)

    def paid(self):
        return {r["team"]: r["cost_usd"] for r in self.bench.daemon.json("report")["rows"]}

    def want(self, rate_in, rate_out):
        return {team: dollars(due(lines, rate_in, rate_out)) for team, lines in self.lines.items()}


def contract(t, s):
    """A volume step: what came together is in the ledger, so a restart changes nothing."""
    s.write(BOOK % ("4", 2, 10) + CONTRACT % STEP)
    s.reload("prices reloaded")
    lines = s.call("legal", 8)
    s.bench.daemon.stop()
    s.bench.daemon.start()
    lines += s.call("legal", 8)
    got = {c["response_id"]: (c["cost_usd"], c["list_cost_usd"]) for c in s.bench.daemon.calls("--team", "legal")}
    net, want, steps = 0, {}, set()
    for line in lines:
        listed, step = due([line], 2, 10), net >= round(float(STEP) * 100) * 10 ** 10
        cost = listed // 2 if step else listed
        want[line["id"]] = (dollars(cost), dollars(listed))
        steps.add(step)
        net += cost
    t.equal(got, want, "a contract's steps go by what came together, before the restart too")
    t.equal(steps, {False, True}, "both sides of the step were seen")


def body(t):
    with Bench("reprice", node=False) as bench:
        s = Scene(t, bench)
        s.start()
        s.calls()
        count = sum(TEAMS.values())
        report = bench.daemon.json("report")
        t.equal([(u["provider"], u["model"], u["why"], u["requests"]) for u in report["unpriced"]],
                [("openai", MODEL, "no_price", count)], "the report lists what has no price")
        t.equal(s.reprice(), {"dry_run": False, "looked": count, "priced": 0, "corrected": 0, "unpriced": count, "amount_usd": "0"},
                "without a price nothing is booked")
        s.prices("1", 2, 10)
        every = dollars(due(sum(s.lines.values(), []), 2, 10))
        said = {"looked": count, "priced": count, "corrected": 0, "unpriced": 0, "amount_usd": every}
        t.equal(s.reprice("--dry-run"), {"dry_run": True, **said}, "--dry-run says what would be done")
        t.equal(s.paid(), {team: "0" for team in TEAMS}, "and does nothing")
        t.equal(s.reprice("--provider", "azure")["looked"], 0, "another provider's calls are none")
        t.equal(s.reprice("--model", MODEL), {"dry_run": False, **said}, "with a price each call is charged")
        t.equal(s.paid(), s.want(2, 10), "to the pico-dollar, to its own team")
        nothing = {"dry_run": False, "looked": 0, "priced": 0, "corrected": 0, "unpriced": 0, "amount_usd": "0"}
        t.equal(s.reprice(), nothing, "once more changes nothing")
        s.write("models: broken")
        s.reload("the prices that were in force stay so")
        t.equal(s.reprice(), nothing, "a book that is broken is not taken")
        s.prices("2", 3, 10)
        t.equal(s.reprice(), nothing, "another price for what has one is not asked for")
        corrected = s.reprice("--corrected")
        t.equal((corrected["corrected"], corrected["priced"]), (count, 0), "with --corrected it is")
        t.equal(s.paid(), s.want(3, 10), "and teams pay the difference")
        again = s.reprice("--corrected")
        t.equal((again["looked"], again["corrected"], again["amount_usd"]), (count, 0, "0"), "once more changes nothing")
        bench.daemon.stop()
        bench.daemon.start()
        s.prices("3", 1, 10)
        t.check(s.reprice("--corrected")["amount_usd"].startswith("-"), "a lower price gives money back")
        t.equal(s.paid(), s.want(1, 10), "to the pico-dollar")
        calls = bench.daemon.calls("--model", MODEL)
        t.equal({c["revised"]["booked_billing"] for c in calls}, {"unpriced"}, "records say how they were booked")
        why = bench.daemon.cli("why", calls[0]["id"]).stdout
        t.check(why.count("repriced") >= 3 and "asked for by uid:0" in why, "`why` tells each correction", why)
        t.check(bench.daemon.cli("price", "reprice", "--since", "no-time", check=False).returncode == 2, "a time that is none is refused")
        contract(t, s)
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
