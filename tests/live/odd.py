#!/usr/bin/python3
"""What is not a plain good call: refusals, unknown models, streams without usage, aborts, awkward framing, and a server
inside the observed cgroups. Nothing of it may be billed wrongly."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from provider import Hold, Provider  # noqa: E402
from tap import Tap, until  # noqa: E402

CHAT, MESSAGES = "https://api.openai.com/v1/chat/completions", "https://api.anthropic.com/v1/messages"
HELLO = '"messages": [{"role": "user", "content": "hello"}]'


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.made = t, bench, 0
        self.cgroup = bench.leaf("legal", "odd")
        self.answer = bench.folder + "/answer"

    def start(self, url, body=None, sim="{}", more=()):
        argv = ["/usr/bin/curl", "-sS", "-N", "--max-time", "60", "-o", self.answer, "-H", "content-type: application/json",
                "-H", "authorization: Bearer sk-test-0000", "-H", "x-test-tag: legal/odd", "-H", "x-sim: " + sim, *more, url]
        if body is not None:
            argv += ["--data-binary", body]
        self.made += 1
        env = self.bench.private.environment("curl", self.bench.provider)
        return box.start(argv, env, self.cgroup, self.bench.provider.netns, self.bench.provider.hosts)

    def record(self):
        """The newest journal line and its record, or None."""
        line = self.bench.provider.journal(self.made)[-1]
        self.bench.daemon.wait_idle()
        calls = [c for c in self.bench.daemon.calls("--cgroup", self.cgroup.path) if c.get("request_id") == line["request_id"]]
        return line, calls[0] if len(calls) == 1 else {"found": len(calls)}

    def ask(self, *args, **more):
        self.start(*args, **more).communicate(timeout=90)
        return self.record()

    def exact(self, name, *args, **more):
        line, call = self.ask(*args, **more)
        differs = compare.one(line, call, *self.bench.owner("legal/odd")) if "kind" in call else str(call)
        self.t.check(not differs, name, differs)

    def says(self, name, call, **want):
        got = {k: call.get(k) for k in want}
        self.t.check(got == want, name, f"got  {got}\nwant {want}\n{call}")

    def free(self, name, call):
        self.t.check(call.get("kind") and not compare.cost(call) and not call.get("lines"), name + ": nothing is billed", str(call))


def refused(s):
    for status, outcome in ((401, "client_error"), (429, "rate_limited"), (500, "server_error")):
        _, call = s.ask(CHAT, f'{{"model": "gpt-5.5", {HELLO}}}', f'{{"status": {status}}}')
        s.says(f"{status} is an error", call, kind="error", outcome=outcome, http_status=status)
        s.free(f"{status}", call)
    _, call = s.ask(MESSAGES + "/count_tokens", f'{{"model": "claude-opus-5-5", {HELLO}}}')
    s.says("count_tokens is not inference", call, kind="other", team="legal")
    s.free("count_tokens", call)
    _, call = s.ask("https://api.openai.com/v1/models")
    s.says("a list of models is not inference", call, kind="other")
    s.free("models", call)


def unknown(s):
    line, call = s.ask(CHAT, f'{{"model": "gpt-never-heard-of", {HELLO}}}')
    s.says("an unknown model is unpriced, not free", call, kind="inference", billing="unpriced", usage_source="reported",
           why="no_price", model_served="gpt-never-heard-of")
    used = call.get("usage") or {}
    s.t.check(all(used.get(k, 0) == n for k, n in line["usage"].items()) and not call.get("lines") and call.get("cost_usd") is None,
              "its units are counted, and it has no amount", str(call))


def size(path):
    return os.stat(path).st_size


def half_known(s):
    _, call = s.ask(CHAT, f'{{"model": "gpt-5.5", "stream": true, {HELLO}}}')
    s.says("a stream without include_usage is estimated", call, kind="inference", usage_source="estimated", why="stream_no_usage",
           team="legal")
    low, high = call.get("usage_low") or {}, call.get("usage_high") or {}
    s.t.check(low and high and all(low.get(k, 0) <= n for k, n in high.items()), "and has bounds", str(call))
    _, call = s.ask(MESSAGES, f'{{"model": "claude-opus-5-5", "stream": true, "max_tokens": 99, {HELLO}}}',
                    '{"abort_after": 1300, "events": 40}')
    s.says("an answer that breaks off is aborted", call, kind="inference", outcome="aborted", why="aborted", team="legal")
    s.t.check(call.get("usage_source") in ("partial", "estimated"), "and not taken for whole", str(call))
    open(s.answer, "wb").close()
    hold = Hold(s.bench.folder + "/hold-odd")
    p = s.start(CHAT, f'{{"model": "gpt-5.5", "stream": true, "stream_options": {{"include_usage": true}}, {HELLO}}}',
                f'{{"hold": "{hold.path}", "hold_at": 3}}')
    hold.arrived(1, lambda: p.poll() is None)
    until(lambda: size(s.answer) > 0, 20, "the answer's first event")
    p.kill()
    p.communicate()
    hold.release()
    s.bench.provider.journal(s.made)
    s.bench.daemon.wait_idle()
    line = s.bench.provider.journal(s.made)[-1]
    mine = [c for c in s.bench.daemon.calls("--cgroup", s.cgroup.path) if c.get("response_id") == line["id"]]
    s.t.check(len(mine) == 1 and mine[0].get("outcome") == "aborted" and mine[0].get("usage_source") in ("partial", "estimated"),
              "a client that is killed leaves one aborted call", str(mine))


def framing(s):
    plain = f'{{"model": "claude-sonnet-5", "max_tokens": 9, {HELLO}}}'
    streamed = f'{{"model": "claude-sonnet-5", "max_tokens": 9, "stream": true, {HELLO}}}'
    s.exact("an answer that ends with its connection", MESSAGES, plain, '{"no_length": true}')
    s.exact("a stream that ends with its connection", MESSAGES, streamed, '{"no_length": true}')
    s.exact("a plain answer in chunks", MESSAGES, plain, '{"chunked": true, "cut": "random"}')
    s.exact("a stream with Content-Length", MESSAGES, streamed, '{"chunked": false}')
    s.exact("a gzipped stream with Content-Length", MESSAGES, streamed, '{"chunked": false}', ["--compressed"])
    s.exact("a stalled stream", MESSAGES, streamed, '{"stall_ms": 300}')
    s.exact("a request in chunks", MESSAGES, plain, more=["-H", "transfer-encoding: chunked"])
    big = s.bench.folder + "/big.json"
    with open(big, "w", encoding="ascii") as f:
        f.write(f'{{"model": "claude-sonnet-5", "max_tokens": 9, "system": "{"x" * 2000000}", {HELLO}}}')
    s.exact("a large request after 100 Continue", MESSAGES, "@" + big)


def server_side(t, bench):
    """The simulator in an observed cgroup on the private libssl, its client outside: seen, never billed."""
    inside = bench.leaf("legal", "server")
    before = bench.daemon.json("status")["counters"]["connections_server"]
    env = bench.private.environment("requests", bench.provider)
    server = Provider(bench.folder + "/sim-inside", 2, inside, env)
    try:
        code, answers, said = bench.private.run("requests", server, bench.outside, calls=6, keep=0)
        server.journal(6)
    finally:
        server.stop()
    bench.daemon.wait_idle()
    calls = bench.daemon.calls("--cgroup", inside.path)
    t.check(code == 0 and len(answers) == 6 and not calls, "a server's side is never billed", f"{code} {said} {calls}")
    after = bench.daemon.json("status")["counters"]["connections_server"]
    t.check(after - before == 6, "and its connections are counted apart", f"{before} then {after}")


def body(t):
    with Bench("odd", node=False) as bench:
        bench.daemon.start()
        scene = Scene(t, bench)
        for part in (refused, unknown, half_known, framing):
            part(scene)
        server_side(t, bench)
        rows = bench.cg_rows()
        wrong = compare.identities(rows)
        t.check(rows and not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
