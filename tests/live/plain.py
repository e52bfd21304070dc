#!/usr/bin/python3
"""Plain HTTP to servers on one's own machine: Ollama, vLLM, and a gateway of LiteLLM's shape in front of a provider. Exact,
seen once on the client's side, charged once.

SUBMETER_LIVE_CALLS is the number of calls of each kind (40)."""
import collections
import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
import lossy  # noqa: E402
from bench import Bench, missing  # noqa: E402
from deny import Scene  # noqa: E402
from provider import TESTS  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "40"))
PORTS = {"ollama": 11434, "vllm": 8000, "gateway": 4000}
NAMES = {"ollama": "ollama", "vllm": "openai-compatible", "gateway": "openai"}


class Local:
    """A server of tests/sim/local.py in a cgroup and a network."""

    def __init__(self, bench, kind, cgroup, netns, name=None):
        self.journal_file = f"{bench.folder}/{name or kind}.jsonl"
        env = bench.private.environment("requests", bench.provider)
        words = ["/usr/bin/python3", TESTS + "/sim/local.py", kind, str(PORTS[kind]), self.journal_file]
        self.process = box.start(words + ["443"] * (kind == "gateway"), env, cgroup, netns, bench.provider.hosts, stderr=None)
        if self.process.stdout.readline() != "listening\n":
            raise RuntimeError(f"the {kind} server did not start")

    def journal(self, count):
        def look():
            with open(self.journal_file, encoding="utf-8") as f:
                lines = f.read().splitlines()
            return len(lines) >= count and lines
        return [json.loads(line) for line in until(look, 30, f"a journal of {count} calls")]

    def stop(self):
        self.process.kill()
        self.process.wait()


def client(bench, kind, cgroup, netns, calls, tag, host="127.0.0.1"):
    return box.start(["/usr/bin/python3", TESTS + "/clients/plain.py", kind, f"http://{host}:{PORTS[kind]}", str(calls), tag],
                     dict(os.environ), cgroup, netns, bench.provider.hosts)


def whole(p, seconds=300):
    out, err = p.communicate(timeout=seconds)
    return int(out) if p.returncode == 0 and out.strip() else f"exit {p.returncode}: {err[-800:]}"


def differ(lines, calls, kind):
    """Journal against records, matched by the model, which is another in each call; what is wrong, as text."""
    found, wrong = collections.defaultdict(list), []
    for call in calls:
        found[call.get("model_served")].append(call)
    for line in lines:
        mine = found.pop(line["model"], [])
        if len(mine) != 1:
            wrong.append(f"{line['model']} x {len(mine)}")
            continue
        got = mine[0]
        want = {"kind": "inference", "provider": NAMES[kind], "stream": line["stream"], "usage_source": "reported",
                "usage": line["usage"], "outcome": "ok", "billing": "unpriced", "model_requested": line["model"]}
        wrong += [f"{line['model']}: {k} {got.get(k)!r}, journal {v!r}: {got}" for k, v in want.items() if got.get(k) != v]
    return wrong + [f"not asked for: {name} x {len(rows)}" for name, rows in found.items()]


def exact(t, bench, kind, server, cgroup, netns, calls, tag, what, host="127.0.0.1"):
    before = sum(1 for line in open(server.journal_file, encoding="utf-8")) if os.path.exists(server.journal_file) else 0
    got = whole(client(bench, kind, cgroup, netns, calls, tag, host))
    bench.daemon.wait_idle()
    records = bench.daemon.calls("--cgroup", cgroup.path)
    wrong = differ(server.journal(before + calls)[before:], records, kind)
    t.check(got == calls and not wrong, f"{what}: {calls} calls, each once, exact", f"{got}\n" + "\n".join(wrong[:8]))
    names = {(c.get("comm"), bool(c.get("pid"))) for c in records}
    t.check(names == {("python3", True)}, f"{what}: the process is known", str(names))


def local_servers(t, bench):
    """Servers outside and inside of what is observed: the client's side alone counts."""
    netns = bench.provider.netns
    for kind, home in (("ollama", bench.outside), ("vllm", bench.leaf("legal", "vllm-server"))):
        server = Local(bench, kind, home, netns)
        try:
            exact(t, bench, kind, server, bench.leaf("support", kind), netns, CALLS, kind, kind)
            exact(t, bench, kind, server, bench.leaf("support", kind + "6"), netns, 16, kind + "-6", kind + " over IPv6", "[::1]")
            code = whole(client(bench, kind, bench.outside, netns, 8, kind + "-outside"))
            bench.daemon.wait_idle()
            seen = [c for c in bench.daemon.calls() if "-outside-" in str(c.get("model_served"))]
            t.check(code == 8 and not seen, f"{kind}: a client outside is not seen", f"{code} {seen[:2]}")
        finally:
            server.stop()
    inside = bench.daemon.calls("--cgroup", bench.leaf("legal", "vllm-server").path)
    t.equal(inside, [], "an observed server has no calls of its own")


def pico(dollars):
    whole, _, part = dollars.partition(".")
    return int(whole) * 10 ** 12 + int(part.ljust(12, "0"))


def spent(bench):
    """{team: pico-dollars}, and what the wallets say."""
    report = {r["team"]: pico(r["cost_usd"]) for r in bench.daemon.json("report")["rows"]}
    wallets = {w["team_id"]: pico(w["spent"]) for w in bench.daemon.json("wallet", "list")["wallets"]}
    return report, {team: wallets.get(team, 0) for team in report}


def gateway(t, bench, marked):
    """client --plain--> gateway --TLS--> provider, both observed, both priced: one bill. Where the team map calls it a
    gateway who asked it pays; else who is booked first, the gateway or who asked it."""
    what = "marked gateway" if marked else "gateway"
    home, mine = bench.leaf("engineering", what.replace(" ", "-")), bench.leaf("support", "behind-" + what.split()[0])
    if marked:
        bench.daemon.write_map({team: c.path for team, c in bench.teams.items()}, [("engineering", home.path)])
        bench.daemon.process.send_signal(signal.SIGHUP)
        until(lambda: bench.daemon.json("status")["counters"]["map_reloads"], 30, "another team map")
    before, paid_before = len(bench.provider.journal()), spent(bench)[0]
    server = Local(bench, "gateway", home, bench.provider.netns, what.replace(" ", "-"))
    try:
        got = whole(client(bench, "gateway", mine, bench.provider.netns, CALLS, "support/" + mine.path.rpartition("/")[2]))
        lines = bench.provider.journal(before + CALLS)[before:]
        bench.daemon.wait_idle()
    finally:
        server.stop()
    legs = {where: compare.inference(bench.daemon.calls("--cgroup", where.path)) for where in (home, mine)}
    ids = sorted(line["id"] for line in lines)
    for name, where in (("provider's", home), ("caller's", mine)):
        t.equal(sorted(c.get("response_id") for c in legs[where]), ids, f"{what}: the {name} leg of every call")
    every = legs[home] + legs[mine]
    billed = [c for c in every if not c.get("joined_to")]
    known = {c["id"] for c in billed}
    t.check(got == CALLS and sorted(c["response_id"] for c in billed) == ids, f"{what}: one leg of each call is charged", str(got))
    t.check(all(c.get("joined_to") in known for c in every if c.get("joined_to")), f"{what}: the other is joined to it")
    cost = sum(line["cost_pico"] for line in lines)
    t.equal(sum(compare.cost(c) for c in billed), cost, f"{what}: to the pico-dollar")
    paid, wallets = spent(bench)
    t.equal(paid, wallets, f"{what}: reports and wallets agree")
    more = {team: paid[team] - paid_before.get(team, 0) for team in paid}
    t.equal(sum(paid.values()), sum(line["cost_pico"] for line in bench.provider.journal()), f"{what}: and in the report")
    if marked:
        t.equal({team: n for team, n in more.items() if n}, {"support": cost}, f"{what}: who asked pays all of it")
        t.equal({c.get("paid_by") for c in legs[home]}, {"support"}, f"{what}: and the records say so")
        t.check(all(c in legs[home] for c in billed), f"{what}: it is the provider's leg that is charged")
    else:
        t.note(f"charged to the gateway's team: {sum(c in legs[home] for c in billed)} of {len(billed)}")


def bad_network(t, bench):
    why = lossy.missing()
    if why:
        t.skip("a network that loses, doubles and reorders packets", why)
        return
    net = lossy.Lossy(bench.folder + "/lossy.log")
    server = Local(bench, "vllm", bench.outside, net.far, "far")
    try:
        exact(t, bench, "vllm", server, bench.leaf("legal", "far"), net.near, max(24, CALLS // 4), "far", "a bad network",
              lossy.FAR)
        t.note(net.said())
    finally:
        server.stop()
        net.stop()
    rows = [r for r in bench.cg_rows() if r.get("cgroup", "").endswith("/far")]
    again = sum(r["ignored"]["sent_again"] for r in rows)
    stale = sum(r["skipped"]["stale"] for r in rows)
    t.check(again > 0, "and segments that were sent again are counted", f"{again} {stale} {rows}")
    t.note(f"sent again: {again} segments, {stale} bytes came twice")


KEPT = """
import http.client, json, sys
c = http.client.HTTPConnection('127.0.0.1', 8000)
for i, _ in enumerate(sys.stdin):
    c.request('POST', '/v1/chat/completions', json.dumps({'model': '%s-%d' % (sys.argv[1], i)}), {'content-type': 'application/json'})
    c.getresponse().read()
    print(i, flush=True)
"""


class Kept:
    """A program with one connection; a call each time it is told."""

    def __init__(self, bench, name):
        self.bench, self.cgroup = bench, bench.leaf("support", name)
        self.process = box.start(["/usr/bin/python3", "-c", KEPT, name], dict(os.environ), self.cgroup, bench.provider.netns,
                                 bench.provider.hosts, stdin=-1)

    def seen(self):
        """Makes a call; how many are booked now."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
        self.bench.daemon.wait_idle()
        return len([c for c in self.bench.daemon.calls("--cgroup", self.cgroup.path) if c["usage_source"] == "reported"])

    def end(self):
        self.process.stdin.close()
        return self.process.wait(30)


def left_alone(t, bench):
    """Rules by user and by executable, for connections that are there when they come."""
    server, s = Local(bench, "vllm", bench.outside, bench.provider.netns, "rules"), Scene(t, bench)
    try:
        user, exe, other = (Kept(bench, "rules-" + name) for name in ("user", "exe", "other"))
        t.equal([p.seen() for p in (user, exe, other)], [1, 1, 1], "without rules three programs are metered")
        bench.daemon.stop()
        bench.daemon.start()
        s.settings("observe.exclude_uid: [4242]")
        t.equal((user.seen(), other.seen()), (2, 2), "a rule about another user: connections go on, those from before us too")
        new = Kept(bench, "rules-new")
        t.equal(new.seen(), 1, "and new ones are metered")
        s.settings("observe.exclude_uid: [0]")
        t.equal((user.seen(), new.seen()), (2, 1), "a user who is left out now: on the connections that he has, too")
        s.settings("observe.exclude_exe: [python3.11, python3]")
        t.equal(exe.seen(), 1, "an executable")
        before = Kept(bench, "rules-before")
        t.equal(before.seen(), 0, "one that connects now")
        s.settings()
        after = Kept(bench, "rules-after")
        t.equal(after.seen(), 1, "no rule: everything is observed again")
        t.check(all(p.end() == 0 for p in (user, exe, other, before, after, new)), "the programs do not notice")
    finally:
        server.stop()


def there_before(t, bench):
    """A connection that was made before submeterd: metered to the cgroup, the process unknown."""
    cgroup = bench.leaf("legal", "before")
    server = Local(bench, "vllm", bench.outside, bench.provider.netns, "before")
    script = ("import http.client,sys,json\nc=http.client.HTTPConnection('127.0.0.1',8000)\n"
              "def go(i):\n c.request('POST','/v1/chat/completions',json.dumps({'model':'before-%d'%i}),"
              "{'content-type':'application/json'})\n c.getresponse().read()\n"
              "go(0)\nprint('up',flush=True)\nsys.stdin.readline()\n[go(i) for i in range(1,5)]\nprint('done',flush=True)\n")
    p = box.start(["/usr/bin/python3", "-c", script], dict(os.environ), cgroup, bench.provider.netns, bench.provider.hosts,
                  stdin=-1)
    try:
        p.stdout.readline()
        bench.daemon.start()
        out, err = p.communicate("go\n", timeout=60)
        bench.daemon.wait_idle()
        calls = bench.daemon.calls("--cgroup", cgroup.path)
        lines = [x for x in server.journal(5) if x["model"] != "before-0"]
        wrong = differ(lines, calls, "vllm")
        t.check("done" in out and not wrong, "a connection from before: its calls from now on, exact", err + "\n".join(wrong))
        t.equal({(c.get("pid"), c.get("team")) for c in calls}, {(None, "legal")}, "the cgroup is known, the process is not")
    finally:
        server.stop()


def new_attacher(t, bench):
    """The programs stay on the sockets when the attacher dies; the next one takes them over and attaches nothing twice."""
    def role():
        return {r["name"]: r.get("pid") for r in bench.daemon.json("status")["roles"]}["attacher"]
    server, first = Local(bench, "vllm", bench.outside, bench.provider.netns, "again"), role()
    try:
        os.kill(first, signal.SIGKILL)
        exact(t, bench, "vllm", server, bench.leaf("legal", "without"), bench.provider.netns, 8, "without", "without an attacher")
        until(lambda: role() not in (None, first), 30, "another attacher")
        bench.daemon.ready()
        exact(t, bench, "vllm", server, bench.leaf("legal", "again"), bench.provider.netns, 8, "again", "another attacher")
    finally:
        server.stop()
    rows = [r for r in bench.cg_rows() if r.get("cgroup", "").endswith(("/again", "/without"))]
    t.equal([r["ignored"]["sent_again"] for r in rows], [0, 0], "no packet is seen twice")


def without_capability(t, bench):
    """Everything else works, and it is said."""
    bench.daemon.stop()
    bench.daemon.wrap = ["/usr/bin/setpriv", "--bounding-set=-net_admin"]
    bench.daemon.start()
    told = bench.daemon.json("status")["sockets"]
    t.equal((told["looked_at"], told["plaintext"], told.get("why")), (False, [], "CAP_NET_ADMIN is missing"),
            "without CAP_NET_ADMIN sockets are left alone, and `status` says so")
    t.check("CAP_NET_ADMIN is missing" in bench.daemon.said(), "and the log", bench.daemon.said())
    cgroup = bench.leaf("legal", "no-cap")
    code, answers, said = bench.private.run("curl", bench.provider, cgroup, calls=4)
    bench.daemon.wait_idle()
    calls = compare.inference(bench.daemon.calls("--cgroup", cgroup.path))
    t.check(code == 0 and len(answers) == len(calls) == 4, "TLS is metered all the same", said + str(calls))


def body(t):
    with Bench("plain", node=False) as bench:
        with open(bench.daemon.conf, "a", encoding="utf-8") as f:
            f.write("endpoints: [{host: '127.0.0.1:4000', speaks: openai}]\n")
        for part in (there_before, left_alone, local_servers):
            part(t, bench)
        gateway(t, bench, False)
        gateway(t, bench, True)
        for part in (bad_network, new_attacher):
            part(t, bench)
        rows = bench.cg_rows()
        wrong = compare.identities(rows)
        t.check(rows and not wrong, "the identities hold exactly", "\n".join(wrong))
        t.equal(bench.daemon.json("status")["counters"]["bad_records"], 0, "no record made no sense")
        without_capability(t, bench)
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
