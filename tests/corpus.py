#!/usr/bin/python3
"""corpus.py [SUBMETER] -- the recorded exchanges of ../shared/corpus/dev through `submeter audit`, judged against
what an observer should find in them. Prints TAP. Skipped when the corpus is not there.
"""
import itertools
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
OWN = ("openai", "anthropic")  # providers whose usage is read, and every model priced
READ = ("bedrock", "gemini", "vertex")  # usage is read; the starter book prices some models
FREE = "https://ollama.com/"    # its usage is read; nobody has a price for it
SEEDS = (1, 7, 4242)

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


def dumb(pairs):
    """What is not read may not be guessed either."""
    for e, r in pairs:
        if r["usage_source"] != "none" or r["billing"] != "unpriced" or not r.get("why") or "cost_usd" in r:
            yield f"{e['id']}: {r['usage_source']} {r['billing']} {r.get('why')} {r.get('cost_usd')}"


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


def tokens(pairs):
    """Disjoint leaves come to what the provider calls its totals; iterations are billed beyond the top level."""
    for e, r in pairs:
        raw, used = e["expected"]["raw_usage"], r.get("usage")
        if not raw or r["why" if "why" in r else "kind"] in ("mixed_models",):
            continue
        if used is None:
            yield f"{e['id']}: no leaves ({r.get('why')})"
            continue
        have_in = sum(n for k, n in used.items() if k.startswith("in_"))
        have_out = sum(n for k, n in used.items() if k.startswith("out_"))
        parts = raw.get("iterations") or [raw]
        want_in = want_out = 0
        for p in parts:
            want_in += p.get("prompt_tokens", p.get("input_tokens", 0))
            want_out += p.get("completion_tokens", p.get("output_tokens", 0))
            if r["provider"] == "anthropic":
                want_in += p.get("cache_creation_input_tokens") or 0
                want_in += p.get("cache_read_input_tokens") or 0
        if (have_in, have_out) != (want_in, want_out):
            yield f"{e['id']}: {have_in} in, {have_out} out, not {want_in}, {want_out}"


# Of READ: what is there and cannot be used, and why.
REFUSED = {
    "dev-0238-gemini-chat-completions": "bad_usage",  # a total that holds thoughts which no member names
    "dev-0239-gemini-chat-completions": "bad_usage",
    "dev-0516-vertex-generateContent": "no_usage",  # a usage object without a count
    "dev-0521-vertex-predict": "unknown_format",
}


def totals(e):
    """Tokens in and out, as the provider's own numbers have it, wherever they stand."""
    raw = e["expected"]["raw_usage"] or {}
    headers = e["expected"].get("header_usage") or {}

    def n(*names):
        return sum(int(raw.get(name) or 0) for name in names)

    if headers:
        head = {k.replace("x-amzn-bedrock-", ""): int(v) for k, v in headers.items()}
        return (sum(v for k, v in head.items() if "output" not in k), head.get("output-token-count", 0))
    if e["provider"] != "bedrock":
        return n("promptTokenCount", "toolUsePromptTokenCount"), n("candidatesTokenCount", "thoughtsTokenCount")
    cached = n("cacheReadInputTokens", "cacheWriteInputTokens") if "inputTokens" in raw else n(
        "cache_read_input_tokens", "cache_creation_input_tokens") if "prompt_tokens" not in raw else 0
    return (n("inputTokens", "input_tokens", "prompt_tokens", "inputTextTokenCount") + cached,
            n("outputTokens", "output_tokens", "completion_tokens", "totalOutputTextTokenCount"))


def read(pairs):
    for e, r in pairs:
        if e["id"] in REFUSED:
            if r.get("why") != REFUSED[e["id"]] or r["billing"] != "unpriced":
                yield f"{e['id']}: {r['billing']} {r.get('why')}"
            continue
        if not e["expected"]["raw_usage"] and not e["expected"].get("header_usage"):
            if r["usage_source"] != "none" or r.get("why") != "no_usage":
                yield f"{e['id']}: {r['usage_source']} {r.get('why')}, but it has no usage"
            continue
        used = r.get("usage") or {}
        have = tuple(sum(v for k, v in used.items() if k.startswith(side)) for side in ("in_", "out_"))
        if r["usage_source"] != "reported" or have != totals(e):
            yield f"{e['id']}: {r['usage_source']} {have}, not {totals(e)}"
        if "invoke" not in e["endpoint"] and r.get("raw_usage") != e["expected"]["raw_usage"]:
            yield f"{e['id']}: raw_usage is {r.get('raw_usage')!r}"


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
    "dev-0368-openai-audio-speech": "no_usage",
}
UNPRICED_MODELS = ("gpt-4o-search-preview",)


def holes(pairs):
    for e, r in pairs:
        why = r.get("why")
        if r["billing"] == "metered" or UNPRICED.get(e["id"]) == why or why in ("background", "mixed_models"):
            continue
        if why == "no_price" and r.get("model_requested") in UNPRICED_MODELS:
            continue
        yield f"{e['id']}: {r['billing']} {why} {r.get('model_served')}"


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
    own = [(e, r) for e, r in calls if e["provider"] in OWN]
    free = [(e, r) for e, r in calls if e["url"].startswith(FREE)]
    more = [(e, r) for e, r in calls if e["provider"] in READ]
    rest = [(e, r) for e, r in pairs
            if e["kind"] != "inference" or e["provider"] not in OWN + READ and (e, r) not in free]
    test(f"kind of all {len(pairs)}", differ(pairs, "kind", lambda e: e["kind"]))
    test("provider of those that are listed",
         differ([p for p in pairs if p[0]["provider"] not in ("none", "local-proxy", "ollama")], "provider",
                lambda e: e["provider"]))
    test(f"raw_usage of {len(own)} OpenAI and Anthropic calls",
         differ(own, "raw_usage", lambda e: e["expected"]["raw_usage"]))
    test(f"usage of {len(more)} Bedrock, Gemini and Vertex calls", read(more))
    test("model_requested", differ(own + more, "model_requested", lambda e: e["expected"]["model_requested"]))
    test("model_served", differ(own + more, "model_served", lambda e: e["expected"]["model_returned"]))
    test("stream of all calls", differ(calls, "stream", lambda e: e["streaming"]))
    test(f"usage of {len(free)} Ollama calls, without a price", itertools.chain(
        differ(free, "raw_usage", lambda e: e["expected"]["raw_usage"]), differ(free, "why", lambda e: "no_price")))
    test(f"the other {len(rest)} are left alone", dumb(rest))
    test("usage is reported where there is one",
         (f"{e['id']}: {r['usage_source']}" for e, r in own
          if e["expected"]["raw_usage"] and r["usage_source"] != "reported"))
    test("streams without usage are estimated",
         (f"{e['id']}: {r['usage_source']} {r.get('why')}" for e, r in own
          if not e["expected"]["raw_usage"] and e["streaming"] and
          (r["usage_source"], r.get("why")) != ("estimated", "stream_no_usage")))
    test("estimates have a reason, bounds and a cost", bounded(records))
    test("leaves come to the provider's totals", tokens(own))
    test("lines come to the cost, exactly", sums(records))
    test("every OpenAI and Anthropic call has a price, but for the known ones", holes(own))
    for seed in SEEDS:
        cut = audit("--cut", str(seed))
        test(f"the same records from bytes cut at random ({seed})",
             [f"differs, exit status {cut.returncode}"] if cut.stdout != got.stdout or cut.returncode else [])
    test("a bad line is named, the others are printed", bad_lines(lines))
    print(f"1..{count}")
    return 1 if failed else 0


sys.exit(main())
