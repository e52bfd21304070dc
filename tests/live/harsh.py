#!/usr/bin/python3
"""What a busy host does to the meter: many threads, forks, processes that move or end between cgroups, cgroups that are gone
at once or come late, roles that die, a meter that is not scheduled. Programs do not notice; no call is lost, doubled or on
the wrong bill.

SUBMETER_LIVE_THREADED is the number of calls of the program with eight threads (160)."""
import collections
import os
import signal
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from cgroup import Cgroup  # noqa: E402
from daemon import Daemon  # noqa: E402
from kill import overlaps  # noqa: E402
from private import CLIENTS, Client, finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

THREADED = int(os.environ.get("SUBMETER_LIVE_THREADED", "160"))
SHORT, AT_ONCE, RESTARTS = 50, 5, 5
FILES, ENDS_S = 120, 10  # attached one by one each takes a tenth of a second to let go
EXECS = 2500  # more than the kernel's ring of ends has room for

# Calls on one connection, by whoever is told to: "call", "fork" (the child makes the next one), "child" (a child that ends
# at once, and with it its copy of the TLS object), "new" (another connection).
FORKS = """
import json, os, socket, ssl, sys, http.client
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
def connect():
    return context.wrap_socket(socket.create_connection(("api.openai.com", 443)), server_hostname="api.openai.com")
def call(number):
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "?"}]}).encode()
    conn.sendall(b"POST /v1/chat/completions HTTP/1.1\\r\\nhost: api.openai.com\\r\\nauthorization: Bearer sk-test\\r\\n"
                 b"content-type: application/json\\r\\nx-test-tag: %s/%d\\r\\ncontent-length: %d\\r\\n\\r\\n"
                 % (sys.argv[1].encode(), number, len(body)) + body)
    answer = http.client.HTTPResponse(conn, method="POST")
    answer.begin()
    print(json.dumps({"id": json.loads(answer.read())["id"]}), flush=True)
conn = connect()
for number, what in enumerate(sys.argv[2:]):
    if what == "new":
        conn = connect()
    if what in ("fork", "child"):
        child = os.fork()
        if child == 0 and what == "fork":
            call(number)
        if child == 0:
            del conn
            sys.exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit(3)
    else:
        call(number)
"""


class Named:
    """A cgroup that is only named yet."""

    def __init__(self, path):
        self.path = path


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.made = t, bench, 0
        self.read = {}  # when a program had read an answer: milliseconds after the simulator had written it, on a busy host
        bench.private.clients["raw"] = Client(["/usr/bin/python3", CLIENTS + "/raw.py"], "libssl.so.3",
                                              bench.private.clients["requests"].env)

    def start(self, client, team, name, cgroup=None, **options):
        return self.bench.private.start(client, self.bench.provider, cgroup or self.bench.leaf(team, name),
                                        tag=f"{team}/{name}", **options)

    def forks(self, team, name, *words):
        env = self.bench.private.environment("requests", self.bench.provider)
        return box.start(["/usr/bin/python3", "-c", FORKS, f"{team}/{name}", *words], env, self.bench.leaf(team, name),
                         self.bench.provider.netns, self.bench.provider.hosts)

    def role(self, name):
        """Its process id, straight from /proc: the desk may be the one that is gone."""
        top = self.bench.daemon.process.pid
        with open(f"/proc/{top}/task/{top}/children", encoding="ascii") as f:
            for pid in f.read().split():
                try:
                    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                        if comm.read().strip() == "sm-" + name:
                            return int(pid)
                except OSError:
                    pass  # it has just ended
        return None

    def log(self):
        with open(self.bench.daemon.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def answered(self, name, p, calls):
        """The program ends well, with its answers; its calls are in the journal from then on."""
        code, answers, said = finish(p)
        self.made += calls
        self.read.update({x["id"]: x["ns"] for x in answers if "ns" in x})
        return self.t.check(code == 0 and not said and len(answers) == calls, f"{name}: the program got its {calls} answers",
                            f"exit {code}, {len(answers)} answers\n{said[-2000:]}")

    def lines(self, prefix):
        return [x for x in self.bench.provider.journal(self.made) if x["tag"].startswith(prefix)]

    def calls(self, *path):
        self.bench.daemon.wait_idle()
        return compare.inference(self.bench.daemon.calls(*(("--cgroup", *path) if path else ())))

    def exact(self, name, prefix, owner=None):
        """The calls whose tag begins with `prefix` are in the ledger as the journal has them."""
        lines = self.lines(prefix)
        ids = {x["id"] for x in lines}
        calls = [c for c in self.calls() if c.get("response_id") in ids]
        wrong = compare.all_calls(lines, calls, owner or self.bench.owner)
        self.t.check(lines and not any(wrong.values()), f"{name}: {len(lines)} calls, each once, on the right bill",
                     compare.describe(wrong))


def threads(s):
    s.answered("threads", s.start("requests", "support", "threads", calls=THREADED, parallel=8, keep=0), THREADED)
    s.exact("threads", "support/threads/")


def fork(s):
    """A TLS object that two processes have: the copy's calls are the child's; its end is not the parent's."""
    s.answered("fork", s.forks("legal", "fork", "call", "child", "call", "fork", "new"), 4)
    s.exact("fork", "legal/fork/")
    extra = [c for c in s.calls(s.bench.teams["legal"].path + "/fork") if c["usage_source"] != "reported"]
    s.t.equal(extra, [], "fork: nothing is taken for a call that was none")


def moved(s):
    """From one observed cgroup to another while an answer is under way: the payer is who asked; the next call is the other's."""
    hold = Hold(s.bench.folder + "/hold-moved")
    there = s.bench.leaf("engineering", "moved")
    p = s.start("raw", "support", "moved", calls=2, stream=1, apis="chat", sim=hold.opts(3))
    hold.arrived(1, lambda: p.poll() is None)
    there.move(p.pid)
    hold.release()
    s.answered("moved", p, 2)

    def owner(tag):
        return s.bench.owner(tag if tag.endswith("/0") else "engineering/moved")
    s.exact("moved", "support/moved/", owner)


def short(s):
    """Programs in cgroups of their own, gone as soon as they end."""
    running, failed = collections.deque(), []

    def reap():
        cgroup, p = running.popleft()
        code, answers, said = finish(p)
        s.made += 1
        if code or len(answers) != 1:
            failed.append(f"exit {code} {said[-500:]}")
        cgroup.remove()
    for i in range(SHORT):
        cgroup = s.bench.leaf("legal", f"short-{i}")
        running.append((cgroup, s.start("raw", "legal", f"short-{i}", cgroup, calls=1)))
        if len(running) == AT_ONCE:
            reap()
    while running:
        reap()
    s.t.check(not failed, f"short: {SHORT} programs got their answers", "\n".join(failed))
    s.exact("short", "legal/short-")


def late(s, cgroup):
    """Configured cgroups that come after the start, with programs in them before anybody has looked: one to be observed, one
    not, each decided as configured from the moment the attacher has heard of it."""
    attacher, where = s.role("attacher"), [Cgroup(cgroup), s.bench.leaf("legal", "never")]
    os.kill(attacher, signal.SIGSTOP)
    try:
        for c in where:  # the kernel side is asked about it, and remembers
            s.answered("late", s.start("raw", "legal", "early", c, calls=1), 1)
    finally:
        os.kill(attacher, signal.SIGCONT)
    until(lambda: all(f"cgroup {c.path} is there" in s.bench.daemon.said() for c in where), 10, "they are heard of")
    for c in where:
        s.answered("late", s.start("raw", "support", f"late-{c.path[-5:]}", c, calls=2), 2)
    s.exact("late", "support/late-" + cgroup[-5:], lambda tag: ("__unattributed__", cgroup))
    ids = {x["id"] for x in s.lines("support/late-never")}
    s.t.check(len(ids) == 2 and not ids & {c.get("response_id") for c in s.calls()}, "late: nothing is read where it is excluded")


def left(s):
    """Calls under way whose process ends where its end is not heard: outside, or while the meter is not scheduled."""
    hold = Hold(s.bench.folder + "/hold-left")
    outside, unheard = (s.start("raw", "legal", name, calls=1, stream=1, apis="chat", sim=hold.opts(2)) for name in ("outside", "unheard"))
    hold.arrived(2, lambda: outside.poll() is None and unheard.poll() is None)
    s.bench.outside.move(outside.pid)
    meter = s.role("meter")
    os.kill(meter, signal.SIGSTOP)
    try:
        program = f"i=0; while [ $i -lt {EXECS} ]; do /usr/bin/true; i=$((i+1)); done"
        p = box.start(["/bin/sh", "-c", program], {}, s.bench.leaf("legal", "execs"))
        p.communicate()
        for q in (outside, unheard):
            q.kill()
            q.wait()
    finally:
        os.kill(meter, signal.SIGCONT)
    hold.release()
    for name in ("outside", "unheard"):
        calls = s.calls(s.bench.teams["legal"].path + "/" + name)
        s.t.check(len(calls) == 1 and calls[0].get("why") and calls[0]["usage_source"] != "reported",
                  f"left: the call under way in '{name}' is booked for what is known of it", str(calls))


def opened(pid):
    """The files that a process has open now."""
    names = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:  # closed meanwhile
            pass
    return names


def written(s):
    """A library is written to while the finder is busy with another file: let go before that file's time is over."""
    finder, name = s.role("finder"), f"{s.bench.private.lib}/7/libssl.so.3"
    new = shutil.copy("/usr/bin/sleep", s.bench.folder + "/new")
    os.kill(finder, signal.SIGSTOP)
    try:
        p = box.start([new, "600"], {}, s.bench.leaf("legal", "new"))
        until(lambda: new in opened(s.role("attacher")), 10, "the attacher has opened the file, to ask about it")
        with open(name, "ab") as f:
            f.write(b"\0")
        until(lambda: f"{new}: not metered" in s.log(), 10, "the file is given up")
    finally:
        os.kill(finder, signal.SIGCONT)
    said = s.log()
    s.t.check(f"{name} is written to" in said[:said.index(f"{new}: not metered")],
              "written: a library that changes is let go while the finder is busy", said[-2000:])
    p.kill()
    p.wait()


def restarts(s):
    """SIGTERM and a new start under load: every call once, or in a recorded gap."""
    calls = 60
    before, slowest = s.made, 0
    programs = [s.start("raw", team, "restarts", calls=calls, stream=1, apis="chat", keep=keep, sim={"stall_ms": 60, "stall_at": 3})
                for team, keep in (("support", 1), ("engineering", 0))]
    for number in range(RESTARTS):
        want = before + (number + 1) * 2 * calls // (RESTARTS + 2)
        s.bench.provider.journal(want)
        start = time.monotonic()
        s.t.equal(s.bench.daemon.stop(), 0, f"restarts: end {number} with status 0")
        slowest = max(slowest, time.monotonic() - start)
        s.bench.daemon.start()
    s.t.check(slowest < ENDS_S, f"restarts: each end within {ENDS_S} s, with {FILES} files attached", f"{slowest:.1f} s")
    for p in programs:
        s.answered("restarts", p, calls)
    s.answered("restarts", s.start("raw", "legal", "restarts", calls=2), 2)
    account(s, "restarts", [x for x in s.lines("") if "/restarts/" in x["tag"]])


def account(s, name, lines):
    gaps = s.bench.daemon.json("coverage")["gaps"]
    ids = {x["id"] for x in lines}
    found = collections.Counter(c["response_id"] for c in s.calls() if c.get("response_id") in ids)
    lost = [x["tag"] for x in lines
            if not found[x["id"]] and not overlaps({**x, "ts_end": s.read.get(x["id"], x["ts_end"])}, gaps)]
    s.t.check(not lost and max(found.values()) == 1, f"{name}: {len(lines)} calls, {sum(found.values())} booked once, the others in a gap",
              f"missing outside a gap: {lost[:8]}\n{gaps}")
    mine = [c for c in s.calls() if c.get("response_id") in ids]
    by = {c["response_id"]: c for c in mine if c["usage_source"] == "reported" and c.get("why") != "midstream"}
    wrong = compare.all_calls([x for x in lines if x["id"] in by], list(by.values()), s.bench.owner)
    s.t.check(not any(wrong.values()), f"{name}: {len(by)} of them exact", compare.describe(wrong))
    of = {x["id"]: x for x in lines}
    midway = [compare.known(of[c["response_id"]], c) for c in mine if c.get("why") == "midstream"]
    s.t.check(not any(midway), f"{name}: nothing wrong is said of {len(midway)} joined midway", "\n".join(filter(None, midway)))


def deaths(s):
    """kill -9 of each role under load: the kernel side and the ledger carry on."""
    calls = 60
    before = s.made
    programs = [s.start("raw", team, "deaths", calls=calls, stream=1, apis="chat", keep=keep, sim={"stall_ms": 20, "stall_at": 3})
                for team, keep in (("support", 1), ("engineering", 0))]
    roles = ("meter", "attacher", "meter", "finder", "desk", "meter")
    for number, role in enumerate(roles):
        s.bench.provider.journal(before + (number + 1) * 2 * calls // (len(roles) + 2))
        old = s.role(role)
        os.kill(old, signal.SIGKILL)
        until(lambda: s.role(role) not in (None, old), 10, f"the {role} is started again")
    for p in programs:
        s.answered("deaths", p, calls)
    s.bench.daemon.ready()
    account(s, "deaths", [x for x in s.lines("") if "/deaths/" in x["tag"]])


def identities(s, name):
    s.bench.daemon.wait_idle()
    rows = s.bench.cg_rows()
    wrong = compare.identities(rows)
    s.t.check((rows or name == "written") and not wrong, f"{name}: the identities hold exactly in all {len(rows)} cgroups", "\n".join(wrong))


def body(t):
    with Bench("harsh", node=False) as bench:
        s = Scene(t, bench)
        waited = bench.parent.path + "-late"
        bench.daemon = Daemon(bench.folder + "/two", [bench.parent, Named(waited)], [bench.private.lib],
                              {team: c.path for team, c in bench.teams.items()},
                              [Named(bench.teams["legal"].path + "/never")])
        for number in range(FILES):
            os.mkdir(f"{bench.private.lib}/{number}")
            shutil.copy(f"{bench.private.lib}/libssl.so.3", f"{bench.private.lib}/{number}/libssl.so.3")
        bench.daemon.start()
        only = os.environ.get("HARSH", "threads,fork,moved,short,late,left,deaths,written,restarts").split(",")
        try:
            for name in only:
                late(s, waited) if name == "late" else globals()[name](s)
                identities(s, name)
            bench.end(t)
        finally:
            Cgroup(waited).remove()


if __name__ == "__main__":
    Tap().main(body, missing())
