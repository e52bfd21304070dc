#!/usr/bin/python3
"""The test bench itself, without submeter: simulator, journal, clients, private copies, prices. Needs root."""
import base64
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import box  # noqa: E402
import stacks  # noqa: E402
from cgroup import Cgroup  # noqa: E402
from private import CLIENTS, Client, Private  # noqa: E402
from provider import TESTS, Provider, prices  # noqa: E402
from recorder import Comparison  # noqa: E402
from tap import Tap  # noqa: E402


def book_prices(t):
    """Every price that the journal uses stands in the shipped book with the same number."""
    book = os.path.dirname(TESTS) + "/user/price/book.yaml"
    try:
        import yaml
    except ImportError:
        return t.skip("prices equal the shipped book", "python3-yaml is not installed")
    with open(book, encoding="utf-8") as f:
        doc = yaml.safe_load(f)
    if not doc:
        return t.skip("prices equal the shipped book", "the book is empty")
    wrong = []
    for name, (provider, served, rates) in prices.MODELS.items():
        entry = next((m for m in doc["models"] if m["provider"] == provider and m["id"] == name), None)
        if not entry:
            wrong.append(f"{name}: not in the book")
            continue
        last = entry["prices"][-1]
        table = next(iter(last["rates"].values()))["standard"]
        for leaf, number in {**rates, **({"n_web_search": "10"} if name in prices.SEARCHES else {})}.items():
            text = table.get(leaf) or (last.get("counts") or {}).get(leaf) or ""
            amount, _, unit = str(text).partition("/")
            if not amount or prices.Fraction(amount) != prices.Fraction(number):
                wrong.append(f"{name} {leaf}: {number} here, {text or 'nothing'} in the book")
        # Bedrock prices the model that was asked for
        if served not in (name, *entry.get("aliases", [])) and not entry.get("allow_dated") and provider != prices.BEDROCK:
            wrong.append(f"{name}: the book does not know {served}")
    t.check(not wrong, "prices equal the shipped book", "\n".join(wrong))


def arithmetic(t):
    t.equal(prices.cost_pico("gpt-4o-mini", {"in_text": 3, "in_cache_read": 1, "out_text": 1}), 3 * 150000 + 75000 + 600000,
            "a cost by hand")
    t.equal([prices.half_even(prices.Fraction(n, 2)) for n in (1, 3, 5)], [0, 2, 2], "halves round to even")
    t.equal(prices.cost_pico("no-such-model", {"in_text": 1}), None, "an unknown model has no cost, not 0")
    t.equal(prices.pico(prices.dollars(1234500000007)), 1234500000007, "dollars and back")


def recorded(t, bench_folder, provider, private):
    """The simulator gives back a recorded answer byte for byte."""
    shared = os.environ.get("SUBMETER_SHARED", os.path.dirname(TESTS) + "/../shared")
    corpus = shared + "/corpus/dev/exchanges.jsonl"
    if not os.path.exists(corpus):
        t.skip("recorded answers come out byte for byte", "the corpus is not here")
        return 0
    with open(corpus, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    rows = [r for r in rows if r["provider"] in ("openai", "anthropic") and r["response_body_b64"]][::12]
    wrong = []
    for row in rows:
        host = "api.anthropic.com" if row["provider"] == "anthropic" else "api.openai.com"
        argv = ["/usr/bin/curl", "-sS", "-o", bench_folder + "/body", "-w", "%{http_code}", "-X", "POST", "-d", "{}",
                "-H", f'x-sim: {{"recorded": "{row["id"]}", "cut": "random"}}', f"https://{host}/v1/x"]
        p = box.start(argv, private.environment("curl", provider), None, provider.netns, provider.hosts)
        out, said = p.communicate(timeout=60)
        with open(bench_folder + "/body", "rb") as f:
            if out != str(row["status"]) or f.read() != base64.b64decode(row["response_body_b64"]):
                wrong.append(f"{row['id']}: {out} {said}")
    t.check(rows and not wrong, f"{len(rows)} recorded answers come out byte for byte", "\n".join(wrong))
    return len(rows)


def comparison(t):
    """What plaintext.py trusts finds everything that can be wrong with a recording."""
    truth = {n: {"in": b"POST / HTTP/1.1\r\nx-test-tag: t/%d\r\n\r\n" % n, "out": b"answer %d" % n} for n in (0, 1)}

    def one(number, **more):
        return {"number": number, "out": truth[number]["in"], "in": truth[number]["out"], "rows": [], "end": "free", "gap": [0, 0],
                "twice": [0, 0], "late": 0, "final": None, **more}
    both = {"out": truth[0]["in"] + truth[1]["in"], "in": truth[0]["out"] + truth[1]["out"]}
    t.equal([Comparison(truth, *given).good() for given in (
        ([one(1), one(0)], False), ([one(0, **both)], True), ([one(0, final=[len(truth[0]["in"]), 8]), one(1)], False))],
        [True, True, True], "the comparison takes what is right")
    for what, given in {"missing": [one(0)], "twice": [one(0), one(1), one(1)], "left over": [one(0), one(1), one(0, out=b"x")]}.items():
        wrong = Comparison(truth, given, False).wrong
        t.check([k for k, v in wrong.items() if v] == [what], f"the comparison finds: {what}", str(wrong))
    for what, given in {"a byte": {"in": b"answer 9"}, "the tail": {"in": b"answer"}, "more": {"out": truth[1]["in"] + b"x"},
                        "a gap": {"gap": [0, 1]}, "bytes twice": {"twice": [1, 0]}, "late records": {"late": 1},
                        "final offsets": {"final": [1, 2]}, "two connections in one": both}.items():
        t.check(not Comparison(truth, [one(0), one(1, **given)], False).good(), f"the comparison finds: {what}")


def refusals(t, provider, private, cgroup, before):
    """Errors, aborts and a stream without usage are in the journal as what they are."""
    def ask(**options):
        nonlocal before
        private.run("requests", provider, cgroup, calls=1, **options)
        before += 1
        return provider.journal(before)[-1]
    line = ask(apis="chat", sim={"status": 429})
    t.equal((line["status"], line["usage"], line["cost_pico"]), (429, None, 0), "a refusal costs nothing")
    line = ask(apis="chat", stream=1, sim={"abort_after": 700})
    t.equal((line["completed"], line["response_bytes"]), (False, 700), "an abort ends where it was told to")
    line = ask(apis="messages", sim={"no_length": True})
    t.check(line["completed"], "an answer that ends with its connection")


def body(t):
    arithmetic(t)
    comparison(t)
    book_prices(t)
    if os.geteuid():
        return t.skip("clients against the simulator", "needs root")
    folder = tempfile.mkdtemp(prefix="submeter-self-")
    cgroup = Cgroup(f"/submeter-self-{os.getpid()}")
    provider = None
    try:
        provider = Provider(folder + "/sim")
        private = Private(folder + "/private")
        stacks.add(private)
        for name, why in private.missing.items():
            t.skip(f"{name}: answers equal the journal", why)
        private.clients["raw"] = Client(["/usr/bin/python3", CLIENTS + "/raw.py"], "libssl.so.3", private.clients["requests"].env)
        total = recorded(t, folder, provider, private)
        for name in private.clients:
            if name == "raw":
                continue
            good, told = private.check_mapped(name, provider, cgroup)
            t.check(good, f"{name}: runs on the private copy alone", told)
            total += 1
            for stream in (0, 1):
                before = total
                code, answers, said = private.run(name, provider, cgroup, calls=6, stream=stream, gzip=stream, parallel=2,
                                                  tag=f"self/{name}/{stream}", sim={"cut": "random"})
                total += 6
                lines = provider.journal(total)[before:]
                t.check(code == 0 and sorted(a["id"] for a in answers if a["whole"]) == sorted(x["id"] for x in lines)
                        and all(x["completed"] and x["stream"] == bool(stream) == x["gzip"] and x["cost_pico"] for x in lines),
                        f"{name}: {'stream' if stream else 'plain'} answers equal the journal", f"{code} {said}\n{answers}\n{lines}")
        for options in ({"text": "@5000000"}, {"text": "@5000000", "writes": "random", "reads": "random"}):
            code, answers, said = private.run("raw", provider, cgroup, calls=3, sim={"cut": "random"}, **options)
            total += 3
            lines = provider.journal(total)[-3:]
            t.check(code == 0 and all(x["request_bytes"] > 5000000 and x["completed"] for x in lines),
                    f"raw: 5 MB requests in {options.get('writes', 'one')} writes", f"{code} {said}\n{lines}")
        refusals(t, provider, private, cgroup, total)
    finally:
        if provider:
            provider.stop()
        cgroup.remove()
        shutil.rmtree(folder)


if __name__ == "__main__":
    Tap().run(body)
