#!/usr/bin/python3
"""What cannot be seen into is counted: a Java program and one with a TLS library that nobody knows, on connections to a known
LLM host, QUIC, unix sockets. What is seen into, HTTP/2 too, and what never carried a request, is not among it."""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import stacks  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import command  # noqa: E402
from provider import TESTS  # noqa: E402
from tap import Tap, until  # noqa: E402

HOST, CALLS, SOON_S = "api.openai.com", 3, 10
IDLE = """import socket, ssl
t = ssl.create_default_context().wrap_socket(socket.create_connection(("%s", 443)), server_hostname="%s")
t.unwrap()
""" % (HOST, HOST)
HTTP2 = """import socket, ssl
c = ssl.create_default_context()
c.set_alpn_protocols(["h2"])
t = c.wrap_socket(socket.create_connection(("%s", 443)), server_hostname="%s")
assert t.selected_alpn_protocol() == "h2"
t.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) + bytes([0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x87]))
t.recv(1)
""" % (HOST, HOST)
QUIC = """import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(3):
    s.sendto(b"\\xc3\\0\\0\\0\\1" + bytes(1195), ("127.0.0.1", 443))
"""


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench = t, bench

    def process(self, cgroup, good, what):
        """The row of the process that ran in `cgroup`, once it is as wanted."""
        def look():
            self.last = [p for p in self.bench.daemon.json("coverage")["processes"] if p.get("cgroup") == cgroup.path]
            return [p for p in self.last if good(p)]
        self.last = []
        try:
            row = until(look, SOON_S, what)[0]
        except TimeoutError:
            row = None
        self.t.check(row, f"{what}, within {SOON_S} s", str(self.last))
        return row or {}

    def run(self, argv, cgroup, env=None, **more):
        p = box.start(argv, env or dict(os.environ), cgroup, self.bench.provider.netns, self.bench.provider.hosts, **more)
        out, err = p.communicate(timeout=120)
        return p.returncode, out + err


def metered(s):
    cgroup = s.bench.leaf("support", "curl")
    code, answers, said = s.bench.private.run("curl", s.bench.provider, cgroup, calls=4, keep=0)
    s.t.check(code == 0 and len(answers) == 4, "curl made its calls", said)
    s.bench.daemon.wait_idle()
    rows = [p for p in s.bench.daemon.json("coverage")["processes"] if p.get("cgroup") == cgroup.path]
    sums = {k: sum(p[k] for p in rows) for k in ("llm", "metered", "idle", "unmetered")}
    s.t.equal(sums, {"llm": 4, "metered": 4, "idle": 0, "unmetered": 0}, "each connection of curl is seen into")
    s.t.check(all(p["seen"].get("openssl") for p in rows), "by OpenSSL", str(rows))
    s.t.equal({p["team"] for p in rows}, {"support"}, "its team is known")


def idle(s):
    cgroup = s.bench.leaf("support", "idle")
    code, said = s.run(["/usr/bin/python3", "-c", IDLE], cgroup, s.bench.private.environment("requests", s.bench.provider))
    s.t.check(code == 0, "a connection without a request", said)
    s.process(cgroup, lambda p: p["idle"] == 1 and p["unmetered"] == 0, "it counts as idle, not as unmetered")


def http2(s):
    why = stacks.lacking("h2")
    if why:
        s.t.skip("a connection that speaks HTTP/2", why)
        return
    cgroup = s.bench.leaf("support", "http2")
    code, said = s.run(["/usr/bin/python3", "-c", HTTP2], cgroup, s.bench.private.environment("requests", s.bench.provider))
    s.t.check(code == 0, "a connection that speaks HTTP/2", said)
    row = s.process(cgroup, lambda p: p["metered"] == 1 and p["unmetered"] == 0, "it counts as metered")
    s.t.check(row.get("seen"), "it is seen into", str(row))


def unknown(s):
    """A program of its own TLS, stripped."""
    program, source = s.bench.folder + "/mbed", TESTS + "/clients/mbed.c"
    libs = [subprocess.run(["cc", "-print-file-name=lib" + n + ".a"], capture_output=True, text=True, check=True).stdout.strip()
            for n in ("mbedtls", "mbedx509", "mbedcrypto")]
    if not all(map(os.path.exists, libs)):
        s.t.skip("a program with mbed TLS inside", "libmbedtls-dev is not installed")
        return
    command("cc", "-O2", "-s", "-o", program, source, *libs)
    cgroup = s.bench.leaf("engineering", "mbed")
    code, said = s.run([program, HOST, str(CALLS)], cgroup)
    s.t.check(code == 0, "a program with an unknown TLS library made its calls", said)
    row = s.process(cgroup, lambda p: p["unmetered"] == CALLS, f"its {CALLS} connections are unmetered")
    # in a chroot the kernel says a longer path
    seen = row.get("exe", "")
    s.t.equal({k: row.get(k) for k in ("host", "why", "team", "metered", "exe")},
              {"host": HOST, "why": f"no known TLS function in {seen}", "team": "engineering", "metered": 0,
               "exe": seen if seen.endswith(program) else program},
              "with the host, the reason, the team and the program")


def java(s):
    if not shutil.which("java"):
        s.t.skip("Java", "there is no java")
        return
    cgroup = s.bench.leaf("engineering", "java")
    env = {**os.environ, "HOME": s.bench.folder}
    code, said = s.run(["java", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", TESTS + "/clients/Calls.java", f"https://{HOST}/v1/chat/completions", str(CALLS)],
                       cgroup, env)
    s.t.check(code == 0 and "done" in said, "a Java program made its calls", said)
    row = s.process(cgroup, lambda p: p["unmetered"] == CALLS, f"its {CALLS} connections are unmetered")
    s.t.equal((row.get("why"), row.get("host")), ("Java: TLS inside the JVM", HOST), "and it says that it is Java")


def quic(s):
    cgroup = s.bench.leaf("legal", "quic")
    code, said = s.run(["/usr/bin/python3", "-c", QUIC], cgroup)
    s.t.check(code == 0, "a program sent what looks like QUIC", said)
    row = s.process(cgroup, lambda p: p["unmetered"] == 1, "it is one unmetered connection")
    s.t.check(row.get("why", "").startswith("QUIC"), "and says QUIC", str(row))


def shown(s):
    path = s.bench.folder + "/llm.sock"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        with server.accept()[0]:
            show(s, f"unix socket {path}: not metered; connections now: 1", {"path": path, "connections": 1})


def show(s, line, unix):
    o = s.bench.daemon.json("coverage")
    s.t.equal(o["sockets"]["unix"], [unix], "who is connected to a unix socket is counted")
    total, teams = o["connections"], {x["team"]: x["unmetered"] for x in o["teams"]}
    want = sum(p["unmetered"] for p in o["processes"])
    s.t.check(total["unmetered"] == want == sum(teams.values()) and total["llm"] >= want, "the sums agree", str(total) + str(teams))
    sums = {k: sum(x[k] for x in o["hosts"]) for k in ("llm", "metered", "idle", "unmetered")}
    s.t.check(sums == {k: total[k] for k in sums}, "and those by host", f"{o['hosts']} {total}")
    at = {x["host"]: x["unmetered"] for x in o["hosts"]}
    s.t.equal(at[HOST], sum(p["unmetered"] for p in o["processes"] if p.get("host") == HOST), "each host has what is its own")
    s.t.check(o["sockets"]["looked_at"] and "11434" in o["sockets"]["plaintext"], "sockets are looked at", str(o["sockets"]))
    text = s.bench.daemon.cli("coverage").stdout
    s.t.check("no known TLS function in" in text and f"{want} unmetered" in text and HOST in text and line in text,
              "`submeter coverage` prints it", text)


def outside(s):
    before = s.bench.daemon.json("coverage")["connections"]
    env = s.bench.private.environment("requests", s.bench.provider)
    code, said = s.run(["/usr/bin/python3", "-c", IDLE], s.bench.outside, env)
    s.bench.daemon.wait_idle()
    s.t.equal((code, s.bench.daemon.json("coverage")["connections"]), (0, before), "nothing outside is looked at" + said[:80])


def body(t):
    with Bench("coverage", node=False) as bench:
        with open(bench.daemon.conf, encoding="utf-8") as f:
            text = f.read()
        with open(bench.daemon.conf, "w", encoding="utf-8") as f:
            f.write(text.replace("observe:\n", f"observe:\n  unix: {bench.folder}/llm.sock\n"))
        bench.daemon.start()
        scene = Scene(t, bench)
        for part in (metered, idle, http2, unknown, java, quic, shown, outside):
            part(scene)
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
