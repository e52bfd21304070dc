#!/usr/bin/python3
"""A model without a price, and then with one: `submeter price reprice` books what is missing, once, beside what was booked; what
was seen twice, too. What came together under a contract, and what is fetched later, has the price of then."""
import datetime
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
from bench import Bench, missing  # noqa: E402
from plain import Local  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

MODEL, TEAMS = "newcomer-1", {"support": 5, "engineering": 3}
CLIENT = """
import http.client, json, sys
model, count, tag, where, key, path, sim = sys.argv[1:]
c = http.client.HTTPConnection('127.0.0.1', 4000) if where == 'gateway' else http.client.HTTPSConnection(where)
headers = {'content-type': 'application/json', 'authorization': 'Bearer sk-test-' + key, 'x-test-tag': tag, 'x-sim': sim}
for i in range(int(count)):
    if model:
        c.request('POST', path, json.dumps({'model': model, 'messages': [{'role': 'user', 'content': 'x'}],
                                            'background': path == '/v1/responses'}), headers)
    else:
        c.request('GET', path, headers=headers)
    r = c.getresponse()
    assert r.status == 200, r.status
    r.read()
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
THEIRS = """contracts:
  - {id: theirs, match: {provider: openai, credential: "%s"}, from: 2026-01-01, rules: [{kind: percent, percent: "50"}]}
"""
CONTRACT = """contracts:
  - id: acme
    match: {provider: openai}
    from: 2026-01-01
    rules: [{kind: volume, period: month, steps: [{upto: "%s", percent: "0"}, {percent: "50"}]}]
"""
STEP = "0.3"  # dollars; then half the price


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


def pico(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10 ** 12 + int(part.ljust(12, "0"))


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.lines = t, bench, {}

    def client(self, team, count, model=MODEL, where="api.openai.com", key="0000", path="/v1/chat/completions", sim=None):
        return box.start(["/usr/bin/python3", "-c", CLIENT, model, str(count), f"{team}/x", where, key, path, json.dumps(sim or {})],
                         self.bench.private.environment("requests", self.bench.provider), self.bench.leaf(team, "x"),
                         self.bench.provider.netns, self.bench.provider.hosts)

    def ended(self, p, what):
        _, err = p.communicate(timeout=60)
        self.t.equal(p.returncode, 0, what + err)

    def call(self, team, count, **how):
        """What the provider says of `count` calls, one after the other."""
        before = len(self.bench.provider.journal())
        self.ended(self.client(team, count, **how), f"{count} calls of team {team}")
        return self.bench.provider.journal(before + count)[before:]

    def booked(self, team, count, **how):
        lines = self.call(team, count, **how)
        self.bench.daemon.wait_idle()
        return lines

    def calls(self):
        for team, count in TEAMS.items():
            self.lines[team] = self.booked(team, count)

    def start(self):
        """A book of one's own that says nothing yet."""
        self.book = self.bench.folder + "/ours.yaml"
        self.write("schema: submeter.pricebook/1\nbook: {id: ours, version: 0, currency: USD}\nmodels: []\n")
        with open(self.bench.daemon.conf, "a", encoding="utf-8") as f:
            f.write(f"prices: [{json.dumps(self.book)}]\nendpoints: [{{host: '127.0.0.1:4000', speaks: openai}}]\n")
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
    since = datetime.datetime.now(datetime.timezone.utc).isoformat()
    before = len(s.bench.provider.journal())
    s.booked("legal", 8)
    s.bench.daemon.stop()
    s.bench.daemon.start()
    hold = Hold(s.bench.folder + "/hold")
    first = s.client("legal", 1, sim=hold.opts())  # begins before the next, and is booked behind them
    hold.arrived(1, lambda: first.poll() is None)
    s.call("legal", 8)
    until(lambda: len(s.bench.daemon.calls("--team", "legal")) == 16, 30, "the calls in between")
    hold.release()
    s.ended(first, "the call that was held")
    s.bench.daemon.wait_idle()
    lines = s.bench.provider.journal(before + 17)[before:]
    got = {c["response_id"]: (c["cost_usd"], c["list_cost_usd"]) for c in s.bench.daemon.calls("--team", "legal")}
    net, want, steps = 0, {}, []
    for line in lines:
        listed = due([line], 2, 10)
        steps.append(net >= pico(STEP))
        cost = listed // 2 if steps[-1] else listed
        want[line["id"]] = (dollars(cost), dollars(listed))
        net += cost
    t.equal(got, want, "a contract's steps go by what came together, before the restart too")
    t.check(lines[-1]["ts_start"] < lines[8]["ts_start"] and not steps[8] and steps[-1],
            "what was held began on one side of the step and was booked on the other", f"{steps} {net}")
    again = s.reprice("--corrected", "--since", since)
    t.equal((again["looked"], again["corrected"], again["amount_usd"]), (17, 0, "0"), "repriced by the same book nothing changes")


def gateway(t, s):
    """Both sides of a gateway that is not marked, on a model without a price: seen twice, charged once."""
    server = Local(s.bench, "gateway", s.bench.leaf("engineering", "gateway"), s.bench.provider.netns)
    try:
        lines = s.booked("support", 6, model="newcomer-2", where="gateway")
    finally:
        server.stop()
    total = s.bench.daemon.json("report")["total"]
    t.equal(total["unpriced_requests"], 12, "both sides of a gateway have no price")
    before = total["cost_usd"]
    s.write((BOOK % ("5", 2, 10)).replace("    prices:", "    aliases: [newcomer-2]\n    prices:"))
    s.reload("prices reloaded")
    want = {"looked": 12, "priced": 6, "corrected": 0, "joined": 6, "unpriced": 0, "amount_usd": dollars(due(lines, 2, 10))}
    t.equal(s.reprice("--dry-run"), {"dry_run": True, **want}, "--dry-run sees that they are the same calls")
    t.equal(s.reprice(), {"dry_run": False, **want}, "with a price one side of each is charged")
    total = s.bench.daemon.json("report")["total"]
    t.equal(pico(total["cost_usd"]) - pico(before), due(lines, 2, 10), "to the pico-dollar")
    t.equal(s.reprice()["looked"], 0, "once more changes nothing")


def fetched(t, s):
    """An answer fetched by its id, by another team with another key, costs what it does for who asked for it."""
    s.booked("legal", 1, key="1111")
    theirs = s.bench.daemon.calls("--team", "legal")[-1]["credential"]
    s.write(BOOK % ("6", 2, 10) + THEIRS % theirs)
    s.reload("prices reloaded")
    made = s.booked("legal", 1, key="1111", path="/v1/responses")
    s.booked("support", 1, model="", key="2222", path="/v1/responses/" + made[0]["id"])
    rows = [c for c in s.bench.daemon.calls() if c.get("response_id") == made[0]["id"]]
    t.equal([(c["team"], c.get("later"), c.get("contract"), c.get("cost_usd")) for c in rows],
            [(team, later, "theirs", dollars(due(made, 2, 10) // 2)) for team, later in (("legal", None), ("support", "fetched"))],
            "an answer that is fetched has the price of who asked for it")
    t.equal([c["credential"] == theirs for c in rows], [True, False], "and its own credential")


def body(t):
    with Bench("reprice", node=False) as bench:
        s = Scene(t, bench)
        s.start()
        s.calls()
        count = sum(TEAMS.values())
        report = bench.daemon.json("report")
        t.equal([(u["provider"], u["model"], u["why"], u["requests"]) for u in report["unpriced"]],
                [("openai", MODEL, "no_price", count)], "the report lists what has no price")
        t.equal(s.reprice(), {"dry_run": False, "looked": count, "priced": 0, "corrected": 0, "joined": 0, "unpriced": count,
                              "amount_usd": "0"},
                "without a price nothing is booked")
        s.prices("1", 2, 10)
        every = dollars(due(sum(s.lines.values(), []), 2, 10))
        said = {"looked": count, "priced": count, "corrected": 0, "joined": 0, "unpriced": 0, "amount_usd": every}
        t.equal(s.reprice("--dry-run"), {"dry_run": True, **said}, "--dry-run says what would be done")
        t.equal(s.paid(), {team: "0" for team in TEAMS}, "and does nothing")
        t.equal(s.reprice("--provider", "azure")["looked"], 0, "another provider's calls are none")
        t.equal(s.reprice("--model", MODEL), {"dry_run": False, **said}, "with a price each call is charged")
        t.equal(s.paid(), s.want(2, 10), "to the pico-dollar, to its own team")
        nothing = {"dry_run": False, "looked": 0, "priced": 0, "corrected": 0, "joined": 0, "unpriced": 0, "amount_usd": "0"}
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
        gateway(t, s)
        fetched(t, s)
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
