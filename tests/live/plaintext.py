#!/usr/bin/python3
"""Byte for byte: what the probes give of every client's connections, joined by offset, is what the simulator received and sent.

Only the finder, the probes and the ring are at work here (record.c). SUBMETER_LIVE_CALLS is the number of calls of each client
(24: 3 in each of the 8 combinations), SUBMETER_LIVE_CLIENTS names some of them. SUBMETER_FETCH=1 fetches what is big."""
import itertools
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
import stacks  # noqa: E402
from cgroup import Cgroup  # noqa: E402
from private import Private  # noqa: E402
from provider import Hold, Provider  # noqa: E402
from recorder import PROGRAM, FREES, Comparison, Recorder  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "24"))
ONLY = os.environ.get("SUBMETER_LIVE_CLIENTS", "").split()
COMBOS = list(itertools.product((0, 1), (0, 1), (0, 1)))
LARGE = 200000  # characters of a large request


class Scene:
    def __init__(self, t, folder, top):
        self.t, self.folder, self.top = t, folder, top
        self.provider = Provider(folder + "/sim", raw=True)
        self.total, self.table = 0, []
        self.recorder = None

    def record(self, name, files):
        cgroup = self.top.child(name)
        self.recorder = Recorder(f"{self.folder}/record-{name}", cgroup, files)
        return cgroup

    def lines(self, made):
        """The journal of the last `made` calls, and what went through their connections, once all of these have ended."""
        lines = self.provider.journal(self.total + made, 120)[self.total:]
        self.total += made
        return lines, self.provider.raw({x["conn"] for x in lines})

    def counters(self, name, cgroup, rows, recorded):
        mine = [r for r in rows if r["cgroup_id"] == cgroup.id]
        got = sum(len(c["out"]) + len(c["in"]) for c in recorded)
        good = len(mine) == 1 and not any(mine[0]["dropped"].values()) and not any(mine[0]["bytes_lost"].values()) and \
            mine[0]["hits"] == mine[0]["delivered"] + mine[0]["empty"] + sum(mine[0]["ignored"].values()) and \
            mine[0]["bytes"] == mine[0]["bytes_out"] == got and mine[0]["ends_lost"] == 0
        others = [r for r in rows if r["cgroup_id"] != cgroup.id and r["hits"]]
        self.t.check(good and not others, f"{name}: the counters tie out: {got} bytes, nothing dropped",
                     f"{rows}\n{got} bytes recorded")


def one_client(scene, private, name):
    t = scene.t
    cgroup = scene.record(name, [private.probed(name)])
    sites = scene.recorder.sites
    if not t.check(sites, f"{name}: its TLS functions are found", str(scene.recorder.files)):
        return scene.recorder.kill()
    answers, said, made = [], [], 0

    def run(calls, **options):
        nonlocal made
        code, got, err = private.run(name, scene.provider, cgroup, calls=calls, tag=f"{name}/{made}", **options)
        made += calls
        answers.extend(got)
        if code or err:
            said.append(f"{options}: exit {code} {err[-800:]}")

    each = max(1, CALLS // len(COMBOS))
    for stream, gzip, keep in COMBOS:
        run(each, stream=stream, gzip=gzip, keep=keep, parallel=1 + 3 * stream)
    for keep in (0, 1):
        run(3, keep=keep, text=f"@{LARGE}")
    lines, truth = scene.lines(made)
    recorded, rows = scene.recorder.stop()
    t.check(not said and sorted(a["id"] for a in answers if a["whole"]) == sorted(x["id"] for x in lines),
            f"{name}: the program got all of its {made} answers", "\n".join(said))
    sizes = {n: [0, 0] for n in truth}
    for x in lines:
        sizes[x["conn"]][0] += x["request_bytes"]
        sizes[x["conn"]][1] += x["response_bytes"]
    t.check(all(sizes[n] == [len(ways["in"]), len(ways["out"])] for n, ways in truth.items()) and
            sum(x["request_bytes"] > LARGE for x in lines) == 6, f"{name}: the simulator's record is that of its journal",
            str({n: (sizes[n], len(w["in"]), len(w["out"])) for n, w in truth.items()}))
    c = Comparison(truth, recorded, not sites & set(FREES))
    t.check(c.good(), f"{name}: {made} calls on {len(truth)} connections, {c.bytes} bytes of both directions equal, 0 missing, 0 twice",
            compare.describe(c.wrong))
    scene.counters(name, cgroup, rows, recorded)
    scene.table.append((name, made, len(truth), c.bytes, len(c.wrong["missing"]), len(c.wrong["twice"]),
                        len(c.wrong["different"]), ", ".join(sorted({r for x in recorded for r in x["rows"]}))))


def abort(scene, private):
    """The server ends in the middle of an answer: the client has read all that was sent."""
    cgroup = scene.record("abort", [private.probed("requests")])
    private.run("requests", scene.provider, cgroup, calls=1, apis="chat", stream=1, sim={"abort_after": 700}, tag="abort")
    lines, truth = scene.lines(1)
    recorded, _ = scene.recorder.stop()
    c = Comparison(truth, recorded, False)
    scene.t.check(c.good() and [len(w["out"]) for w in truth.values()] == [700] and not lines[0]["completed"],
                  "an answer that is broken off: equal to the last byte that was sent", compare.describe(c.wrong))


def killed(scene, private):
    """kill -9 while an answer is held: what the server had sent by then was read, and is here."""
    cgroup = scene.record("killed", [private.probed("curl")])
    hold, body = Hold(scene.folder + "/hold"), scene.folder + "/body"
    request = '{"model": "gpt-5.5", "stream": true, "messages": []}'
    p = box.start(["/usr/bin/curl", "-sSN", "-o", body, "-d", request, "-H", "x-test-tag: killed/0", "-H",
                   'x-sim: {"hold": "%s", "hold_at": 4, "events": 9}' % hold.path, "https://api.openai.com/v1/chat/completions"],
                  private.environment("curl", scene.provider), cgroup, scene.provider.netns, scene.provider.hosts)
    hold.arrived(1, lambda: p.poll() is None)

    def read():
        try:
            with open(body, "rb") as f:
                return f.read().count(b"\n\n") >= 4
        except FileNotFoundError:
            return False
    until(read, 60, "four events")
    sent = scene.provider.raw_so_far()[-1]
    p.kill()
    p.communicate(timeout=60)
    hold.release()
    _, truth = scene.lines(1)
    recorded, _ = scene.recorder.stop()
    for ways in truth.values():  # what was sent to nobody
        ways["out"] = ways["out"][:sent]
    c = Comparison(truth, recorded, False)
    scene.t.check(c.good() and [x["end"] for x in recorded] == ["exit"] and len(truth) == 1,
                  "kill -9 in an answer: all that was sent until then, and the end of the process",
                  f"{compare.describe(c.wrong)}\n{[{k: v for k, v in x.items() if k not in ('in', 'out')} for x in recorded]}")


def show(scene):
    head = ("client", "calls", "connections", "bytes", "missing", "twice", "different", "functions")
    for row in [head] + scene.table:
        scene.t.note("{:<18} {:>5} {:>11} {:>10} {:>7} {:>5} {:>9}  {}".format(*row))


def body(t):
    folder = tempfile.mkdtemp(prefix="submeter-plaintext-")
    top = Cgroup(f"/submeter-plaintext-{os.getpid()}")
    scene = None
    try:
        private = Private(folder + "/private")
        stacks.add(private)
        for name, why in private.missing.items():
            t.skip(name, why)
        scene = Scene(t, folder, top)
        for name in private.clients:
            if not ONLY or name in ONLY:
                one_client(scene, private, name)
        abort(scene, private)
        killed(scene, private)
        show(scene)
    finally:
        if scene:
            if scene.recorder:
                scene.recorder.kill()
            scene.provider.stop()
        top.remove()
        if not os.environ.get("SUBMETER_KEEP"):
            shutil.rmtree(folder)


def missing():
    if os.geteuid():
        return "needs root"
    return None if os.path.exists(PROGRAM) else f"{PROGRAM} is not built"


if __name__ == "__main__":
    Tap().main(body, missing())
