#!/usr/bin/python3
"""The API and the command line over a real submeterd that has metered real calls; and `submeter run`."""
import csv
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import TEAMS, Bench, missing  # noqa: E402
from compare import prices  # noqa: E402
from daemon import BIN  # noqa: E402
from private import finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = 6  # of each team


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("submeter", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    def __init__(self, path):
        self.path = path

    def ask(self, method, path, body=None, headers=None):
        """(status, parsed answer or text)"""
        c = Unix(self.path)
        try:
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            text = answer.read().decode()
        finally:
            c.close()
        if "ndjson" in answer.headers.get("Content-Type", ""):
            return answer.status, [json.loads(line) for line in text.splitlines()]
        return answer.status, json.loads(text) if text else None

    def get(self, path):
        return self.ask("GET", path)

    def allocate(self, amount, key=None, team="support", **more):
        body = f'{{"team_id": "{team}", "amount": {amount}' + "".join(f', "{k}": "{v}"' for k, v in more.items()) + "}"
        return self.ask("POST", "/v1/wallets/allocate", body, {"Idempotency-Key": key} if key else {})


def exit_of(bench, *words, env=None):
    p = bench.daemon.cli(*words, check=False)
    return p.returncode


def state(t, bench, api):
    for path in ("/healthz", "/readyz", "/v1/version", "/v1/status", "/v1/coverage"):
        t.equal(api.get(path)[0], 200, f"GET {path}")
    status = api.get("/v1/status")[1]
    t.check(status["ready"] and {r["name"] for r in status["roles"]} == {"attacher", "finder", "searcher", "meter", "desk"},
            "status: ready, with four roles", status)
    wrong = compare.identities(status["cgroups"])
    t.check(status["cgroups"] and not wrong, "status: the identities hold in every cgroup", "\n".join(wrong))
    sums = {k: sum(c[k] for c in status["cgroups"]) for k in ("hits", "delivered", "bytes_out", "parsed")}
    t.check(sums["hits"] > 0 and all(status["totals"][k] == n for k, n in sums.items()), "status: totals are the sums of the rows")
    t.check(all(all(c["identities"].values()) for c in status["cgroups"]), "status says itself that they hold")
    mark = api.get("/v1/status?mark=1")[1]["mark"]
    t.equal(api.get(f"/v1/status?idle={mark}"), (200, {"idle": True, "open_calls": 0}), "a mark of now is booked")
    t.equal(api.get("/v1/status?idle=no")[0], 400, "a mark that is none is refused")
    t.equal([exit_of(bench, "status"), exit_of(bench, "status", "--wait-idle", "5"), exit_of(bench, "coverage")], [0, 0, 0],
            "status and coverage exit with 0")


def calls(t, bench, api, journal):
    records = bench.daemon.calls()
    t.equal(len(compare.inference(records)), len(journal), "every call is listed once")
    status, lines = api.get("/v1/calls?format=jsonl")
    whole = api.get("/v1/calls")[1]
    t.check(status == 200 and lines == records == whole["calls"], "jsonl, JSON and the command line give the same records")
    t.equal(api.get("/v1/spend-logs")[1], whole, "/v1/spend-logs is /v1/calls")
    t.equal(api.get("/v1/events")[1], whole, "/v1/events is /v1/calls")
    seen, after = [], 0
    while True:
        page = api.get(f"/v1/calls?limit=4&after={after}")[1]
        if not page["calls"]:
            break
        seen, after = seen + page["calls"], page["next_seq"]
    t.equal([c["id"] for c in seen], [c["id"] for c in records], "pages of 4 are the whole, in order")
    for team in TEAMS:
        mine = [c["id"] for c in records if c["team"] == team]
        t.equal([c["id"] for c in bench.daemon.calls("--team", team)], mine, f"--team {team}")
        t.equal([c["id"] for c in bench.daemon.calls("--cgroup", bench.teams[team].path)], mine, f"--cgroup of {team}, a subtree")
    model = records[0]["model_served"]
    t.equal([c["id"] for c in bench.daemon.calls("--model", model)], [c["id"] for c in records if c["model_served"] == model], "--model")
    start = records[3]["ts_start"]
    t.equal(sorted(c["id"] for c in bench.daemon.calls("--since", start)), sorted(c["id"] for c in records if c["ts_start"] >= start),
            "--since takes the time a record gives")
    t.equal([c["id"] for c in bench.daemon.calls("--limit", "5")], [c["id"] for c in records[-5:]], "--limit gives the last ones, oldest first")
    rows = list(csv.DictReader(io.StringIO(bench.daemon.cli("calls", "-o", "csv").stdout)))
    t.equal([(r["id"], r["team"], r["cost_usd"]) for r in rows], [(c["id"], c["team"], c.get("cost_usd", "")) for c in records], "-o csv")
    t.equal(bench.daemon.json("calls")["calls"], records, "-o json")
    table = bench.daemon.cli("calls", "--no-header").stdout.splitlines()
    t.equal(len(table), len(records), "the table has a row a call")


def report(t, bench, api, journal):
    want = {team: sum(x["cost_pico"] for x in journal if x["tag"].startswith(team + "/")) for team in TEAMS}
    got = bench.daemon.json("report")
    t.equal({r["team"]: prices.pico(r["cost_usd"]) for r in got["rows"]}, want, "the report per team is the journal's, to the pico-dollar")
    t.equal(prices.pico(got["total"]["cost_usd"]), sum(want.values()), "so is its total")
    t.equal([prices.pico(r["cost_usd"]) for r in got["rows"]], sorted(want.values(), reverse=True), "the dearest comes first")
    keys = {"requests", "input_tokens", "output_tokens", "cost_usd", "reserved_usd", "estimated_usd", "unpriced_requests",
            "equivalent_usd", "no_equivalent_requests", "shadow_usd"}
    t.equal(set(got), {"window", "rows", "total", "unpriced", "gaps"}, "its members")
    t.equal((set(got["rows"][0]), set(got["total"])), (keys | {"team"}, keys), "the members of a row and of the total")
    for group in ("cgroup", "model", "provider", "kind", "host", "project", "unit", "day", "team,model,provider"):
        r = bench.daemon.json("report", "-g", group)
        t.check(sum(x["requests"] for x in r["rows"]) == len(journal) and
                sum(prices.pico(x["cost_usd"]) for x in r["rows"]) == sum(want.values()), f"rows add up by {group}", r)
    t.equal(api.get("/v1/usage?window=lastmonth")[1]["total"]["requests"], 0, "nothing was last month")
    t.equal(api.get("/v1/usage?window=1h&aggregate=team")[1]["total"]["requests"], len(journal), "all was within the hour")
    text = bench.daemon.cli("report", "-g", "team,model").stdout
    t.check(all(team in text for team in TEAMS) and "total" in text, "the table names every team and a total", text)
    t.equal([exit_of(bench, "report", "-g", "shoe_size"), exit_of(bench, "report", "--window", "ever")], [2, 2], "bad keys and windows: usage")


def why(t, bench, api):
    record = compare.inference(bench.daemon.calls())[0]
    whole = bench.daemon.json("why", record["id"])
    t.check(all(whole[k] == v for k, v in record.items()), "why: the record is in it")
    t.equal(sum(prices.pico(x["amount_usd"]) for x in whole["lines"]), prices.pico(record["cost_usd"]), "why: the lines add up to the cost")
    moves = whole["ledger"]["transfers"]
    t.check(len(moves) == 1 and moves[0]["debit"] == record["team"] + "/wallet" and moves[0]["amount"] == record["cost_usd"],
            "why: one transfer, from the team's wallet", moves)
    t.equal(api.get("/v1/events/" + record["id"][:20])[1]["id"], record["id"], "a unique prefix is enough")
    t.equal(api.get("/v1/calls/" + "0" * 32)[0], 404, "a call that is not there: 404")
    text = bench.daemon.cli("why", record["id"]).stdout
    t.check(record["cost_usd"] in text and record["team"] in text and record["rule"] in text, "why in words names cost, team and rule", text)


def wallets(t, bench, api):
    spent = {r["team"]: r["cost_usd"] for r in bench.daemon.json("report")["rows"]}
    first = api.allocate("20000.10", "november", description="budget")
    t.check(first[0] == 200 and first[1]["amount"] == "20000.1", "an amount as a JSON number stays exact", first)
    t.equal(api.allocate('"20000.10"', "november", description="budget"), first, "the same again under the same key is the same transfer")
    t.equal(api.allocate("7", "november")[0], 409, "something else under that key: 409")
    t.equal(api.allocate("1", team="nobody")[0], 404, "no such team: 404")
    for amount in ("0", "-1", '"x"', "1e-13", "null", "99999999999999999999"):
        t.equal(api.allocate(amount)[0], 400, f"amount {amount}: 400")
    balance = api.get("/v1/wallets/balance?team_id=support")[1]
    t.check(prices.pico(balance["balance"]) == prices.pico("20000.10") - prices.pico(spent["support"]) and balance["spent"] == spent["support"],
            "balance = allocated - spent", balance)
    moves = api.get("/v1/wallets/support/transactions")[1]["transactions"]
    t.equal([(m["amount"], m["reason"], m["actor"]) for m in moves if m["debit"].endswith("/funding")], [("20000.1", "budget", "uid:0")],
            "one allocation is in the ledger, with who asked")
    body = json.dumps({"team_id": "support", "amount": 1, "description": "x" * 70000})
    t.equal(api.ask("POST", "/v1/wallets/allocate", body)[0], 413, "a body above the limit: 413")
    t.equal(bench.daemon.cli("wallet", "allocate", "legal", "5.25", "--key", "k").returncode, 0, "wallet allocate")
    t.equal(bench.daemon.json("wallet", "show", "legal")["allocated"], "5.25", "wallet show")
    rows = {w["team_id"]: w for w in bench.daemon.json("wallet", "list")["wallets"]}
    t.check(prices.pico(rows["engineering"]["balance"]) == -prices.pico(spent["engineering"]) and rows["engineering"]["status"] == "overdrawn",
            "a wallet without money is overdrawn, not refused", rows)


def surface(t, bench, api):
    t.equal([api.get("/nope")[0], api.ask("POST", "/v1/status", "{}")[0], api.ask("DELETE", "/v1/calls/11")[0]], [404, 405, 405],
            "no such path, no such method")
    for words, want in ((["nope"], 2), (["calls", "--nope"], 2), (["why"], 2), (["why", "zz"], 2), (["why", "0" * 32], 1),
                        (["wallet", "show", "nobody"], 1), (["version"], 0), (["--help"], 0), (["-o", "xml", "status"], 2)):
        t.equal(exit_of(bench, *words), want, f"submeter {' '.join(words)} exits with {want}")
    p = subprocess.run([BIN + "/submeter", "--server", "unix:/nonexistent", "report"], capture_output=True, text=True, check=False)
    t.check(p.returncode == 5 and "submeterd" in p.stderr and not p.stdout, "no daemon: exit 5, and what to do", p.stderr)
    env = {**os.environ, "SUBMETER_SERVER": bench.daemon.server}
    p = subprocess.run([BIN + "/submeter", "report", "-o", "json", "-g", "day"], capture_output=True, text=True, check=False, env=env)
    t.check(p.returncode == 0 and json.loads(p.stdout)["rows"], "$SUBMETER_SERVER, and options behind the command", p.stderr)
    for command in ("status", "coverage", "calls", "report", "why", "wallet", "run", "audit", "team-map", "doctor", "version"):
        p = bench.daemon.cli(command, "--help", check=False)
        t.check(p.returncode == 0 and "usage: submeter " + command in p.stdout, f"{command} --help", p.stdout + p.stderr)


def restart(t, bench, api):
    """A desk that dies is replaced, on the same socket."""
    def desk():
        return next(r for r in api.get("/v1/status")[1]["roles"] if r["name"] == "desk")

    def again():
        try:
            now = desk()
        except (OSError, http.client.HTTPException):
            return None
        return now if now["pid"] != old["pid"] else None

    old, before = desk(), bench.daemon.calls()
    os.kill(old["pid"], signal.SIGKILL)
    until(again, 10, "another desk")
    t.equal(bench.daemon.calls(), before, "a desk that was killed is replaced, and answers the same")
    t.check(api.allocate("1", "after")[0] == 200, "and still reaches the meter")


def busy(t, bench, api):
    """A call under way: not idle, and said so; a moment later it is booked."""
    hold = Hold(bench.folder + "/hold")
    p = bench.private.start("curl", bench.provider, bench.leaf("legal", "held"), calls=1, tag="legal/held", sim=hold.opts())
    hold.arrived(1, lambda: p.poll() is None)
    mark = api.get("/v1/status?mark=1")[1]["mark"]
    until(lambda: api.get(f"/v1/status?idle={mark}")[1]["open_calls"] == 1, 30, "one call under way")
    got = bench.daemon.cli("status", "--wait-idle", "0", check=False)
    t.check(got.returncode == 1 and "1 call under way" in got.stderr, "status --wait-idle: 1, with the calls under way", got.stderr)
    hold.release()
    code, answers, err = finish(p)
    bench.daemon.wait_idle()
    last = bench.daemon.calls("--limit", "1")[0]
    t.check(code == 0 and last["response_id"] == answers[0]["id"], "once it has ended it is booked", err)


def follow(t, bench):
    """`calls tail` goes on with what is booked after it began."""
    known = [c["id"] for c in bench.daemon.calls()]
    p = subprocess.Popen([BIN + "/submeter", "--server", bench.daemon.server, "calls", "tail", "--limit", "2", "-o", "jsonl"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    first = [json.loads(p.stdout.readline())["id"] for _ in range(2)]
    code, answers, _ = bench.private.run("curl", bench.provider, bench.leaf("legal", "tail"), calls=2, tag="legal/tail")
    then = [json.loads(p.stdout.readline())["response_id"] for _ in range(2)]
    p.terminate()
    p.communicate()
    t.check(code == 0 and first == known[-2:] and then == [a["id"] for a in answers], "calls tail: the last ones, then the new ones",
            (first, then, answers))


def run_words(bench, *cmd):
    c = bench.private.clients["requests"]
    env = bench.private.environment("requests", bench.provider)
    return box.start([BIN + "/submeter", "-c", bench.daemon.conf, "-o", "json", "run", "--team", "solo", "--", *(cmd or c.argv)],
                     env, None, bench.provider.netns, bench.provider.hosts)


def leftovers(bench):
    found = [n for n in os.listdir(bench.parent.root) if n.startswith("submeter-run-")]
    return found + [n for n in os.listdir("/run") if n.startswith("submeter-run-")]


def run(t, bench):
    before = leftovers(bench)
    count = len(bench.provider.journal())
    client = bench.private.clients["requests"]
    p = run_words(bench, *client.argv, "--calls", "4", "--tag", "run/x")
    out, err = p.communicate(timeout=120)
    lines = bench.provider.journal(count + 4)[count:]
    bill = json.loads(err.splitlines()[-1]) if err.strip() else {}
    t.check(p.returncode == 0 and out.count('"whole": true') == 4, "run: the command ran as without it", err)
    t.check(bill and prices.pico(bill["total"]["cost_usd"]) == sum(x["cost_pico"] for x in lines) and bill["total"]["requests"] == 4,
            "run: the bill is the journal's, to the pico-dollar", err)
    t.equal(len(compare.inference(bench.daemon.calls())), count, "run: nothing of it in the other meter")
    for cmd, want in ((["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -KILL $$"], 137), (["/nonexistent"], 127)):
        p = run_words(bench, *cmd)
        p.communicate(timeout=120)
        t.equal(p.returncode, want, f"run: {' '.join(cmd)} exits with {want}")
    p = run_words(bench, "sh", "-c", "trap 'echo got; exit 9' TERM; echo up; while :; do sleep 0.05; done")
    first = p.stdout.readline()
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=120)
    t.equal((first, out, p.returncode), ("up\n", "got\n", 9), "run: a signal goes to the command")
    t.equal(leftovers(bench), before, "run: nothing is left behind")


def body(t):
    with Bench("api", node=False) as bench:
        bench.daemon.start()
        api = Api(bench.daemon.runtime + "/api.sock")
        for team in TEAMS:
            code, _, err = bench.private.run("requests", bench.provider, bench.leaf(team, "app"), calls=CALLS, tag=f"{team}/app")
            t.equal((code, err), (0, ""), f"{team}: {CALLS} calls")
        bench.daemon.wait_idle()
        journal = bench.provider.journal(CALLS * len(TEAMS))
        state(t, bench, api)
        calls(t, bench, api, journal)
        report(t, bench, api, journal)
        why(t, bench, api)
        wallets(t, bench, api)
        surface(t, bench, api)
        restart(t, bench, api)
        busy(t, bench, api)
        follow(t, bench)
        run(t, bench)
        t.equal(bench.daemon.stop(), 0, "submeterd ends with status 0")


if __name__ == "__main__":
    Tap().main(body, missing())
