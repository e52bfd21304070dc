#!/usr/bin/python3
"""corpus.py [SUBMETER] -- the recorded exchanges of ../shared/corpus/dev through `submeter audit`, judged against
what an observer should find in them. Prints TAP. Skipped when the corpus is not there.
"""
import json
import os
import subprocess
import sys
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("SUBMETER_SHARED", os.path.join(ROOT, "..", "shared"))
CORPUS = os.path.join(SHARED, "corpus", "dev", "exchanges.jsonl")
BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
SUBMETER = sys.argv[1] if len(sys.argv) > 1 else next(filter(os.path.exists, BUILDS), BUILDS[0])
AT = "2026-11-22T00:00:00Z"
SEEDS = (1, 7, 4242)

sys.path.insert(0, os.path.join(ROOT, "tests", "truth"))
import leaves as truth  # noqa: E402

count = failed = 0


def exact(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def test(name, bad):
    """One line of TAP; `bad` lists what is wrong."""
    global count, failed
    count += 1
    bad = list(bad)
    print(f"{'not ok' if bad else 'ok'} {count} - {name}")
    for one in bad[:10]:
        print(f"#   {one}")
    failed += bool(bad)


def audit(*args, file=CORPUS):
    return subprocess.run([SUBMETER, "audit", "-o", "jsonl", "--format", "exchanges", "--at", AT, *args, file],
                          capture_output=True, text=True)


def differ(pairs, field, want):
    for e, r in pairs:
        w = want(e)
        if r.get(field) != w:
            yield f"{e['id']}: {field} is {r.get(field)!r}, not {w!r}"


def plain(value):
    """The same with int and float for Decimal, as truth/leaves.py takes it."""
    return json.loads(json.dumps(value, default=lambda n: int(n) if n == int(n) else float(n)))


def provider(e):
    return "unknown" if e["provider"] in ("none", "local-proxy") else e["provider"]


def unbilled(pairs):
    """What is no inference has no price, no units and a reason."""
    for e, r in pairs:
        if r["billing"] != "unpriced" or "cost_usd" in r or "usage" in r or not r.get("why"):
            yield f"{e['id']}: {r['billing']} {r.get('cost_usd')} {r.get('usage')} {r.get('why')}"


def sums(records):
    for r in records:
        if "cost_usd" not in r:
            if "lines" in r or "price" in r:
                yield f"{r['source_id']}: lines without a cost"
            continue
        total = sum((Decimal(x["amount_usd"]) for x in r["lines"]), Decimal(0))
        if total != Decimal(r["cost_usd"]):
            yield f"{r['source_id']}: lines come to {total}, not {r['cost_usd']}"
        for x in r["lines"]:
            if Decimal(x["rate"]) * x["quantity"] / x["per"] != Decimal(x["amount_usd"]):
                yield f"{r['source_id']}: {x}"


# What is there and is not made units of, and why.
NO_UNITS = {
    "dev-0516-vertex-generateContent": "no_usage",  # a usage object without a count
}
SPOKEN = {"dev-0368-openai-audio-speech": {"n_char": 52}}  # no usage object: the characters of the request are what is billed
STATISTICS = "dev-0521-vertex-predict"  # token counts a prediction, which no shape of the independent reading has


def units(pairs):
    """Disjoint units, as an independent reading of the same usage object has them."""
    for e, r in pairs:
        ours = {leaf: int(n) for leaf, n in r.get("usage", {}).items() if n}
        raw, model = plain(e["expected"]["raw_usage"]), e["expected"].get("model_requested") or ""
        if e["id"] in NO_UNITS:
            if ours or r.get("why") != NO_UNITS[e["id"]]:
                yield f"{e['id']}: {ours} {r.get('why')}"
            continue
        if e["id"] == STATISTICS:
            raw = {"total_tokens": sum(s["token_count"] for s in raw["predictions[].embeddings.statistics"]["statistics"])}
        heads = raw is None and e["expected"].get("header_usage")
        if heads:
            raw = {k.replace("x-amzn-bedrock-", ""): int(v) for k, v in e["expected"]["header_usage"].items()}
        if raw is None:
            if r["usage_source"] == "reported" and ours != SPOKEN.get(e["id"]):
                yield f"{e['id']}: reported {ours}, but it has no usage"
            continue
        shape = ("total_only" if e["id"] == STATISTICS else "headers" if heads
                 else truth.shape_of(e["provider"], e["endpoint"], model))
        want = truth.leaves(shape, raw, model)
        if want is None:
            yield f"{e['id']}: contradicts itself: {raw}"
            continue
        want = {leaf: n for leaf, n in {**want, **truth.searches(e, shape)}.items() if n}
        if ours != want or r["usage_source"] != "reported":
            yield f"{e['id']}: {r['usage_source']} {ours} {r.get('why')}, not {want}"


def bounded(records):
    for r in records:
        if r["usage_source"] != "estimated":
            continue
        if not r.get("why") or "usage_low" not in r or "usage_high" not in r or "cost_usd" not in r:
            yield f"{r['source_id']}: estimated without reason, bounds or cost"
            continue
        for leaf, n in r["usage"].items():
            if not r["usage_low"][leaf] <= n <= r["usage_high"][leaf]:
                yield f"{r['source_id']}: {leaf} {n} outside its bounds"


# What the shipped book does not price, and why. Anything else unpriced is a hole.
UNPRICED = {
    ("crusoe", "zai/GLM-5.2"): "no list has it",
    ("cerebras", "qwen-3-coder-480b"): "no list has it",
    ("heroku", "claude-3-7-sonnet"): "no list has it",
    ("groq", "compound-beta"): "several models in one call",
    ("ollama", "gpt-oss:20b"): "a plan, not tokens",
    ("ollama", "qwen3:0.6b"): "one's own",
    ("bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/otnfa2ysixqd"): "the operator's own name",
    ("openai", "gpt-4o-mini-tts"): "billed by tokens of sound that the answer does not tell",
}
REASONS = ("background", "unknown_host", "no_usage", "mixed_models")
TOOLS = "openrouter"  # its own tools have no listed price


def holes(pairs):
    for e, r in pairs:
        why = r.get("why")
        if r["billing"] != "unpriced" or why in REASONS or (r["provider"], r.get("model_requested")) in UNPRICED:
            continue
        if why == "no_rate" and r["provider"] == TOOLS and "reported_cost_usd" in r:
            continue
        yield f"{e['id']}: {why} {r.get('model_served')} {r.get('service_tier')}"


def bad_lines(lines):
    """A line that cannot be read is named and the others are printed."""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"corpus-bad-{os.getpid()}.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write(lines[0] + "{broken\n" + '{"method": "GET"}\n' + lines[1])
    got = audit(file=path)
    os.unlink(path)
    if got.returncode != 1:
        yield f"exit status {got.returncode}, not 1"
    if len(got.stdout.splitlines()) != 2:
        yield f"{len(got.stdout.splitlines())} records, not 2"
    for number in (2, 3):
        if f"{path}:{number}:" not in got.stderr:
            yield f"line {number} is not named: {got.stderr}"


def main():
    if not os.path.exists(CORPUS):
        print(f"1..0 # SKIP no corpus at {CORPUS}")
        return 0
    with open(CORPUS, encoding="utf-8") as f:
        lines = f.readlines()
    want = [exact(line) for line in lines]
    got = audit()
    test("audit ends well and says nothing", [f"exit status {got.returncode}: {got.stderr[:500]}"]
         if got.returncode or got.stderr else [])
    records = [exact(line) for line in got.stdout.splitlines()]
    test("one record per exchange, in order",
         [f"{len(records)} records, {len(want)} exchanges"] if [r.get("source_id") for r in records] !=
         [e["id"] for e in want] else [])
    pairs = [p for p in zip(want, records) if p[0]["id"] == p[1].get("source_id")]
    calls = [(e, r) for e, r in pairs if e["kind"] == "inference"]
    told = [(e, r) for e, r in calls if e["expected"]["raw_usage"] is not None]
    test(f"kind of all {len(pairs)}", differ(pairs, "kind", lambda e: e["kind"]))
    test(f"provider of all {len(pairs)}", differ(pairs, "provider", provider))
    test(f"raw_usage of all {len(calls)} calls", differ(calls, "raw_usage", lambda e: e["expected"]["raw_usage"]))
    test("model_requested of all calls", differ(calls, "model_requested", lambda e: e["expected"]["model_requested"]))
    test("model_served of all calls", differ(calls, "model_served", lambda e: e["expected"]["model_returned"]))
    test("stream of all calls", differ(calls, "stream", lambda e: e["streaming"]))
    test(f"units of all calls, {len(told)} of which report usage", units(calls))
    test("nothing of kind other or error is billed", unbilled([p for p in pairs if p[0]["kind"] != "inference"]))
    test("streams without usage are estimated",
         (f"{e['id']}: {r['usage_source']} {r.get('why')}" for e, r in calls
          if not e["expected"]["raw_usage"] and e["streaming"] and
          (r["usage_source"], r.get("why")) not in (("estimated", "stream_no_usage"), ("estimated", "stream_error"))))
    test("estimates have a reason, bounds and a cost", bounded(records))
    test("lines come to the cost, exactly", sums(records))
    test("every call has a price, but for the known ones", holes(calls))
    for seed in SEEDS:
        cut = audit("--cut", str(seed))
        test(f"the same records from bytes cut at random ({seed})",
             [f"differs, exit status {cut.returncode}"] if cut.stdout != got.stdout or cut.returncode else [])
    test("a bad line is named, the others are printed", bad_lines(lines))
    print(f"1..{count}")
    return 1 if failed else 0


sys.exit(main())
