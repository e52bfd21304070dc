#!/usr/bin/python3
"""properties.py [SUBMETER] [CALLS] [SEED] -- random calls of random models of the shipped book, of any size, tier and region, through
`submeter audit`: units and every line equal to what truth/leaves.py and truth/rates.py make of the same bodies in exact fractions. And
two published workloads, to the cent. Prints TAP.
"""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "truth"))
import leaves as truth  # noqa: E402
import rates  # noqa: E402

BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
DAY = "2026-11-22"
CALLS, SEED = 100_000, 5

count = failed = 0


def test(name, bad):
    global count, failed
    count += 1
    bad = list(bad)
    print(f"{'not ok' if bad else 'ok'} {count} - {name}")
    for one in bad[:10]:
        print(f"#   {one}")
    failed += bool(bad)


# ---- bodies ------------------------------------------------------------------------------------------------------


def size(rng):
    """Any order of magnitude, and around the edges of context bands."""
    kind = rng.random()
    if kind < 0.1:
        return rng.choice((127_999, 128_000, 128_001, 199_999, 200_000, 200_001, 271_999, 272_000, 272_001))
    return rng.randrange(10 ** rng.randrange(1, 8))


def below(rng, n, parts):
    """Parts of n, some of them 0."""
    found = []
    for _ in range(parts):
        one = rng.randrange(n + 1) if rng.random() < 0.5 else 0
        found.append(one)
        n -= one
    return found


def chat_usage(rng):
    prompt, completion = size(rng), size(rng) // 10
    cached, written, audio = below(rng, prompt, 3)
    think, spoken = below(rng, completion, 2)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
            "completion_tokens_details": {"reasoning_tokens": think, "audio_tokens": spoken}}


def plain_chat_usage(rng):
    prompt, completion = size(rng), size(rng) // 10
    (cached,) = below(rng, prompt, 1)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached}}


def responses_usage(rng):
    total, out = size(rng), size(rng) // 10
    cached, written = below(rng, total, 2)
    (think,) = below(rng, out, 1)
    return {"input_tokens": total, "output_tokens": out, "total_tokens": total + out,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "output_tokens_details": {"reasoning_tokens": think}}


def message_usage(rng):
    five, hour = below(rng, size(rng), 2)
    usage = {"input_tokens": size(rng), "cache_read_input_tokens": size(rng), "output_tokens": size(rng) // 10,
             "cache_creation_input_tokens": five + hour}
    if rng.random() < 0.8:
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    if rng.random() < 0.3:
        usage["server_tool_use"] = {"web_search_requests": rng.randrange(20)}
    if rng.random() < 0.2:
        usage["inference_geo"] = rng.choice(("us", "global", "not_available"))
    return usage


def gemini_usage(rng):
    prompt, out, think, tool = size(rng), size(rng) // 10, size(rng) // 10, size(rng) // 100
    audio, image = below(rng, prompt, 2)
    was_audio, was_image = rng.randrange(audio + 1), rng.randrange(image + 1)
    text = rng.randrange(prompt - audio - image + 1)
    return {"promptTokenCount": prompt, "candidatesTokenCount": out, "thoughtsTokenCount": think, "toolUsePromptTokenCount": tool,
            "totalTokenCount": prompt + out + think + tool, "cachedContentTokenCount": was_audio + was_image + text,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": audio}, {"modality": "IMAGE", "tokenCount": image}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": was_audio}, {"modality": "IMAGE", "tokenCount": was_image},
                                   {"modality": "TEXT", "tokenCount": text}]}


STOP = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}]}
# provider, region -> URL, shape of truth/leaves.py, usage, where it stands, what else is said, where the served tier is said
WAYS = [
    ("openai", None, "https://api.openai.com/v1/chat/completions", "chat", chat_usage, "usage", STOP),
    ("openai", "eu", "https://eu.api.openai.com/v1/chat/completions", "chat", chat_usage, "usage", STOP),
    ("openai", None, "https://api.openai.com/v1/responses", "responses", responses_usage, "usage", {"object": "response", "output": []}),
    ("anthropic", None, "https://api.anthropic.com/v1/messages", "messages", message_usage, "usage", {"type": "message"}),
    ("gemini", None, "https://generativelanguage.googleapis.com/v1beta/models/{model}:generateContent", "gemini", gemini_usage,
     "usageMetadata", {"candidates": [{"finishReason": "STOP"}]}),
    ("mistral", None, "https://api.mistral.ai/v1/chat/completions", "chat", plain_chat_usage, "usage", STOP),
    ("groq", None, "https://api.groq.com/openai/v1/chat/completions", "chat", plain_chat_usage, "usage", STOP),
    ("xai", None, "https://api.x.ai/v1/chat/completions", "chat, reasoning by total", plain_chat_usage, "usage", STOP),
    ("together", None, "https://api.together.xyz/v1/chat/completions", "chat", plain_chat_usage, "usage", STOP),
    ("openrouter", None, "https://openrouter.ai/api/v1/chat/completions", "chat", plain_chat_usage, "usage", STOP),
]
TIERS = {"openai": ("standard", "flex", "priority"), "anthropic": ("standard", "priority", "batch")}


def call(rng, n, models):
    provider, region, url, shape, make, place, rest = rng.choice([w for w in WAYS if models.get(w[0])])
    model, entry = rng.choice(models[provider])
    usage = make(rng)
    tier = rng.choice(TIERS.get(provider, ("standard",)))
    body = {"id": f"r{n}", "model": model, **rest, place: usage}
    if provider == "gemini":
        body["modelVersion"] = model
    if tier != "standard":
        (usage if provider == "anthropic" else body)["service_tier"] = tier
    if provider == "anthropic":
        region = usage.get("inference_geo") if usage.get("inference_geo") != "not_available" else None
    raw = json.dumps(body)
    exchange = {"id": f"r{n}", "method": "POST", "url": url.format(model=model), "status": 200,
                "request_headers": {"content-type": "application/json"}, "response_headers": {"content-type": "application/json"},
                "request_body_b64": base64.b64encode(json.dumps({"model": model}).encode()).decode(),
                "response_body_b64": base64.b64encode(raw.encode()).decode()}
    used = truth.leaves(shape, usage, model)
    return exchange, used, rates.price(entry, used, tier, region), f"{provider}/{model} {tier} {region} {usage}"


def audit(submeter, exchanges):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for one in exchanges:
            f.write(json.dumps(one) + "\n")
        f.flush()
        done = subprocess.run([submeter, "audit", "-o", "jsonl", "--format", "exchanges", "--at", f"{DAY}T12:00:00Z", f.name],
                              capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"audit: {done.stderr}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]


# ---- what must hold ----------------------------------------------------------------------------------------------


def units(pairs):
    for (_, used, _, what), record in pairs:
        ours = {leaf: n for leaf, n in (record.get("usage") or {}).items() if n}
        if ours != used:
            yield f"{what}: {ours}, not {used}"


def lines(pairs):
    for (_, used, want, what), record in pairs:
        ours = {x["leaf"]: int(Decimal(x["amount_usd"]) * rates.PICO) for x in record.get("lines", [])}
        if want is None:
            if "cost_usd" in record:
                yield f"{what}: {record['cost_usd']}, and has no price"
        elif "cost_usd" not in record:
            yield f"{what}: {record.get('why')}, and costs {want}"
        elif ours != want or Decimal(record["cost_usd"]) * rates.PICO != sum(want.values()):
            yield f"{what}: {ours}, not {want}"


def workload(submeter, calls, tokens_in, tokens_out):
    """Equal calls under the context tier that come to so many tokens."""
    usage = {"input_tokens": tokens_in // calls, "output_tokens": tokens_out // calls, "total_tokens": (tokens_in + tokens_out) // calls}
    body = {"id": "r", "object": "response", "model": "gpt-5.4", "output": [], "usage": usage}
    one = {"id": "w", "method": "POST", "url": "https://api.openai.com/v1/responses", "status": 200,
           "request_headers": {}, "response_headers": {"content-type": "application/json"},
           "request_body_b64": base64.b64encode(b'{"model":"gpt-5.4"}').decode(),
           "response_body_b64": base64.b64encode(json.dumps(body).encode()).decode()}
    return sum(Decimal(r["cost_usd"]) for r in audit(submeter, [{**one, "id": f"w{n}"} for n in range(calls)]))


def main():
    args = sys.argv[1:]
    submeter = args[0] if args else next(filter(os.path.exists, BUILDS), BUILDS[0])
    calls, seed = int(args[1]) if len(args) > 1 else CALLS, int(args[2]) if len(args) > 2 else SEED
    rng = random.Random(seed)
    models = {}
    for (provider, model), entries in rates.book(os.path.join(ROOT, "user", "price", "book.yaml")).items():
        entry = rates.at(entries, DAY)
        if entry and "rates" in entry and "windows" not in entry:
            models.setdefault(provider, []).append((model, entry))
    made = [call(rng, n, models) for n in range(calls)]
    pairs = list(zip(made, audit(submeter, (m[0] for m in made)), strict=True))
    print(f"# {calls} calls, seed {seed}, {sum(len(m) for m in models.values())} models; "
          f"{sum(p[0][2] is not None for p in pairs)} have a price")
    test(f"units of {calls} random calls", units(pairs))
    test(f"lines of {calls} random calls, in exact fractions", lines(pairs))
    for tokens_in, tokens_out, dollars in ((1_200_000_000, 180_000_000, "5700.00"), (300_000_000, 45_000_000, "1425.00")):
        came = workload(submeter, 6000, tokens_in, tokens_out)
        test(f"{tokens_in} tokens in, {tokens_out} out on GPT-5.4 are {dollars} dollars",
             [] if came == Decimal(dollars) else [f"{came}"])
    print(f"1..{count}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
