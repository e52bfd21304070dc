#!/usr/bin/python3
"""golden.py [SUBMETER] [--write] -- 1,577 usage objects that real providers sent, as another project reads and prices them, each through
the answer of every provider and shape that it may come from: what `submeter audit` makes of it must be equal, or a row of
golden.csv (case, ours, theirs, reason) says why not. Prints TAP. Skipped when the data are not there.

A reason is one of REASONS: the set of differences is compared with the file, so a new one fails and one that is gone fails, too.
--write replaces the file by what differs now, with `unknown` as the reason of new rows.
"""
import base64
import collections
import csv
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SHARED = os.environ.get("SUBMETER_SHARED", os.path.join(ROOT, "..", "shared"))
DATA = os.path.join(SHARED, "data", "prices", "genai_prices_test_usages.json")
ROWS = os.path.join(HERE, "golden.csv")
BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
AT = "2026-07-15T12:00:00Z"  # when the lists were taken, by the prices that they have
ENOUGH, BOOK = Decimal("0.97"), Decimal("0.02")

REASONS = {
    "book": "our book has another rate, or none, for this model",
    "contradiction": "parts are larger than their whole, or the total is another: no bill is made of that",
    "residue": "the total holds tokens that no field names: reasoning, as that provider bills it",
    "inclusive": "the total says that reasoning is part of the completion",
    "modality": "sound has a rate of its own",
    "billed": "billed units are billed, not the template's tokens",
    "search": "searches and tools are billed beside the tokens",
    "iterations": "every iteration is billed, not the last alone; of several models none is a price of all",
    "written": "cache writes are part of the prompt and have a rate of their own",
    "shape": "a body of another provider's shape: nothing is read into it",
}

CHAT = {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}]}
RESPONSES = {"object": "response", "status": "completed", "output": []}
MESSAGE = {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}
LIST = {"object": "list", "data": []}
# provider and flavour of the data -> URL, what the answer has besides usage
PLACES = {
    ("anthropic", "default"): ("https://api.anthropic.com/v1/messages", MESSAGE),
    ("anthropic", "chat"): ("https://api.anthropic.com/v1/chat/completions", CHAT),
    ("aws", "anthropic"): ("https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.{model}-v1:0/invoke", MESSAGE),
    ("aws", "default"): ("https://bedrock-runtime.us-east-1.amazonaws.com/model/{model}/converse", {}),
    ("azure", "anthropic"): ("https://acme.services.ai.azure.com/anthropic/v1/messages", MESSAGE),
    ("azure", "chat"): ("https://acme.openai.azure.com/openai/deployments/{model}/chat/completions", CHAT),
    ("azure", "embeddings"): ("https://acme.openai.azure.com/openai/deployments/{model}/embeddings", LIST),
    ("azure", "responses"): ("https://acme.openai.azure.com/openai/v1/responses", RESPONSES),
    ("cerebras", "chat"): ("https://api.cerebras.ai/v1/chat/completions", CHAT),
    ("cohere", "default"): ("https://api.cohere.com/v2/chat", {}),
    ("cohere", "embeddings"): ("https://api.cohere.com/v2/embed", {}),
    ("cohere", "tokens"): ("https://api.cohere.com/v2/chat", {}),
    ("deepseek", "chat"): ("https://api.deepseek.com/chat/completions", CHAT),
    ("fireworks", "chat"): ("https://api.fireworks.ai/inference/v1/chat/completions", CHAT),
    ("google", "default"): ("https://generativelanguage.googleapis.com/v1beta/models/{model}:generateContent", {}),
    ("google", "chat"): ("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", CHAT),
    ("google", "anthropic"): ("https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/{model}:rawPredict", MESSAGE),
    ("groq", "default"): ("https://api.groq.com/openai/v1/chat/completions", CHAT),
    ("mistral", "default"): ("https://api.mistral.ai/v1/chat/completions", CHAT),
    ("openai", "chat"): ("https://api.openai.com/v1/chat/completions", CHAT),
    ("openai", "embeddings"): ("https://api.openai.com/v1/embeddings", LIST),
    ("openai", "responses"): ("https://api.openai.com/v1/responses", RESPONSES),
    ("openrouter", "chat"): ("https://openrouter.ai/api/v1/chat/completions", CHAT),
    ("perplexity", "default"): ("https://api.perplexity.ai/chat/completions", CHAT),
    ("x-ai", "chat"): ("https://api.x.ai/v1/chat/completions", CHAT),
    ("x-ai", "default"): ("https://api.x.ai/v1/chat/completions", CHAT),
    ("zai", "chat"): ("https://api.z.ai/api/paas/v4/chat/completions", CHAT),
}
NAMELESS = {"aws": "anthropic.claude-sonnet-4-5-20250929-v1:0"}  # a model for what Converse says, which does not tell whose it is
ROUTERS = {"cerebras": "cerebras", "fireworks-ai": "fireworks-ai", "groq": "groq", "hyperbolic": "hyperbolic", "nebius": "nebius",
           "novita": "novita", "nscale": "nscale", "ovhcloud": "ovhcloud", "publicai": "publicai", "sambanova": "sambanova",
           "together": "together"}
for name, path in ROUTERS.items():
    PLACES[f"huggingface_{name}", "chat"] = (f"https://router.huggingface.co/{path}/v1/chat/completions", CHAT)

count = failed = 0


def test(name, bad):
    global count, failed
    count += 1
    bad = list(bad)
    print(f"{'not ok' if bad else 'ok'} {count} - {name}")
    for one in bad[:20]:
        print(f"#   {one}")
    if len(bad) > 20:
        print(f"#   and {len(bad) - 20} more")
    failed += bool(bad)


def cases(bodies):
    """(name, exchange, what they read, what they price or None)"""
    for i, one in enumerate(bodies):
        for read in one["extracted"]:
            for by in read["extractors"]:
                place = PLACES.get((by["provider_id"], by["api_flavor"]))
                if not place:
                    continue
                body = {**place[1], **{k: v for k, v in one["body"].items() if k != "file"}}
                model = one.get("model") or NAMELESS.get(by["provider_id"], "none")
                prices = [Decimal(by[k]) for k in ("input_price", "output_price") if k in by]
                name = f"{i}/{by['provider_id']}/{by['api_flavor']}"
                url = place[0].replace("anthropic.{model}-v1:0", "{model}") if model.startswith("openai.") else place[0]
                yield name, exchange(name, url.format(model=model), model, body), read["usage"], sum(prices) if prices else None


def exchange(name, url, model, body):
    def text(value):
        return base64.b64encode(json.dumps(value, default=str).encode()).decode()

    asked = {"model": model, "messages": []}
    return {"id": name, "method": "POST", "url": url, "request_headers": {"content-type": "application/json"},
            "request_body_b64": text(asked), "status": 200, "response_headers": {"content-type": "application/json"},
            "response_body_b64": text(body)}


def audit(submeter, exchanges):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for one in exchanges:
            f.write(json.dumps(one) + "\n")
        f.flush()
        done = subprocess.run([submeter, "audit", "-o", "jsonl", "--format", "exchanges", "--at", AT, f.name],
                              capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"audit: {done.stderr}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]


GROUPS = {
    "input_tokens": lambda leaf: leaf.startswith("in_"),
    "output_tokens": lambda leaf: leaf.startswith("out_"),
    "cache_read_tokens": lambda leaf: leaf in ("in_cache_read", "in_audio_cached", "in_image_cached"),
    "cache_write_tokens": lambda leaf: leaf.startswith("in_cache_write"),
    "output_reasoning_tokens": lambda leaf: leaf == "out_reasoning",
    "output_audio_tokens": lambda leaf: leaf == "out_audio",
    "output_image_tokens": lambda leaf: leaf == "out_image",
    "input_tool_tokens": lambda leaf: leaf == "in_tool",
    "web_searches": lambda leaf: leaf == "n_web_search",
}


def read_alike(record, theirs):
    """Our reading in their words: only what they told."""
    used = record.get("usage") or {}
    return {k: sum(n for leaf, n in used.items() if GROUPS[k](leaf)) for k in GROUPS if k in theirs}


def show(usage, price):
    words = " ".join(f"{k}={v}" for k, v in sorted(usage.items()))
    return f"{words} {price.normalize():f}" if price is not None else words


def compare(submeter):
    """-> number of cases, {case: (ours, theirs)} where they differ"""
    with open(DATA, encoding="utf-8") as f:
        bodies = json.load(f, parse_float=Decimal)
    listed = list(cases(bodies))
    differ = {}
    for (name, _, usage, price), record in zip(listed, audit(submeter, (c[1] for c in listed)), strict=True):
        want = {k: v for k, v in usage.items() if k in GROUPS}
        ours = read_alike(record, want)
        cost = Decimal(record["cost_usd"]) if "cost_usd" in record else None
        if ours != want or (price is not None and cost != price):
            said = show(ours, cost) if record.get("usage") else record.get("why", "nothing")
            if price is not None and cost is None and record.get("usage"):
                said += " " + record.get("why", "unpriced")
            differ[name] = (said, show(want, price))
    return len(listed), differ


def rows():
    if not os.path.exists(ROWS):
        return {}
    with open(ROWS, encoding="utf-8", newline="") as f:
        return {r["case"]: r for r in csv.DictReader(f)}


def write(differ):
    known = rows()
    with open(ROWS, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["case", "ours", "theirs", "reason"])
        for name, (ours, theirs) in differ.items():
            out.writerow([name, ours, theirs, known.get(name, {}).get("reason", "unknown")])


def main():
    args = [a for a in sys.argv[1:] if a != "--write"]
    submeter = args[0] if args else next(filter(os.path.exists, BUILDS), BUILDS[0])
    if not os.path.exists(DATA):
        print("1..0 # SKIP the usages are not there")
        return 0
    total, differ = compare(submeter)
    if "--write" in sys.argv:
        write(differ)
    listed = rows()
    reasons = collections.Counter(r["reason"] for r in listed.values())
    print(f"# {total} cases, {total - len(differ)} equal: {100 * (total - len(differ)) / total:.2f} %; {dict(reasons)}")
    test("every difference is a row", (f"{n}: ours {o}, theirs {t}" for n, (o, t) in differ.items() if n not in listed))
    test("every row is a difference, in these words",
         (f"{n}: {differ.get(n)}, not {(r['ours'], r['theirs'])}" for n, r in listed.items()
          if differ.get(n) != (r["ours"], r["theirs"])))
    test("every reason is known", (f"{n}: {r['reason']}" for n, r in listed.items() if r["reason"] not in REASONS))
    test("at least 97 % are equal", [] if total - len(differ) >= ENOUGH * total else [f"{total - len(differ)} of {total}"])
    test("at most 2 % are another price", [] if reasons["book"] <= BOOK * total else [f"{reasons['book']} of {total}"])
    print(f"1..{count}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
