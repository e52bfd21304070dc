#!/usr/bin/python3
"""properties.py [SUBMETER] [CALLS] [SEED] -- random calls through `submeter audit`: of models of the shipped book, and of a book made up
with every feature there is (windows, contracts, fallbacks, places, tiers that are missing). Units, every line, the list price and what
chose it are equal to what truth/leaves.py and truth/rates.py make of the same bodies in exact fractions. And two published
workloads, to the cent. Prints TAP.
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
import anybook  # noqa: E402
import leaves as truth  # noqa: E402
import rates  # noqa: E402

BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
SHIPPED = os.path.join(ROOT, "user", "price", "book.yaml")
CALLS, SEED, CHUNK = 100_000, 5, 5000
SECOND = 10**9

count = failed = 0


def test(name, bad):
    global count, failed
    count += 1
    bad = list(bad)
    print(f"{'not ok' if bad else 'ok'} {count} - {name}")
    for one in bad[:10]:
        print(f"#   {one}")
    failed += bool(bad)


# ---- usage -------------------------------------------------------------------------------------------------------


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


def attempt(rng):
    """What one try of Anthropic's reports."""
    five, hour = below(rng, size(rng), 2)
    usage = {"input_tokens": size(rng), "cache_read_input_tokens": size(rng), "output_tokens": size(rng) // 10,
             "cache_creation_input_tokens": five + hour}
    if rng.random() < 0.8:
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    return usage


def message_usage(rng):
    usage = attempt(rng)
    if rng.random() < 0.3:
        usage["server_tool_use"] = {"web_search_requests": rng.randrange(20)}
    if rng.random() < 0.2:
        usage["inference_geo"] = rng.choice(("us", "global", "not_available"))
    return usage


def gemini_usage(rng):
    prompt, out, think, tool = size(rng), size(rng) // 10, size(rng) // 10, size(rng) // 100
    audio, image, film = below(rng, prompt, 3)
    was_audio, was_image = rng.randrange(audio + 1), rng.randrange(image + 1)
    text = rng.randrange(prompt - audio - image - film + 1)
    said = zip(("AUDIO", "IMAGE", "VIDEO"), below(rng, out, 3))
    return {"promptTokenCount": prompt, "candidatesTokenCount": out, "thoughtsTokenCount": think, "toolUsePromptTokenCount": tool,
            "totalTokenCount": prompt + out + think + tool, "cachedContentTokenCount": was_audio + was_image + text,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": audio}, {"modality": "IMAGE", "tokenCount": image},
                                    {"modality": "VIDEO", "tokenCount": film}],
            "candidatesTokensDetails": [{"modality": kind, "tokenCount": n} for kind, n in said],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": was_audio}, {"modality": "IMAGE", "tokenCount": was_image},
                                   {"modality": "TEXT", "tokenCount": text}]}


def converse_usage(rng):
    fresh, read, out = size(rng), size(rng), size(rng) // 10
    five, hour = below(rng, size(rng), 2)
    split = {"cacheDetails": [{"ttl": "5m", "inputTokens": five}, {"ttl": "1h", "inputTokens": hour}]} if rng.random() < 0.7 else {}
    return {"inputTokens": fresh, "outputTokens": out, "totalTokens": fresh + read + five + hour + out,
            "cacheReadInputTokens": read, "cacheWriteInputTokens": five + hour, **split}


def drawn_usage(rng):
    prompt, out = size(rng), size(rng)
    image, cached = below(rng, prompt, 2)
    (text,) = below(rng, out, 1)
    return {"input_tokens": prompt, "output_tokens": out, "total_tokens": prompt + out,
            "input_tokens_details": {"image_tokens": image, "text_tokens": prompt - image, "cached_tokens": cached},
            "output_tokens_details": {"text_tokens": text, "image_tokens": out - text}}


def heard_usage(rng):
    return {"type": "duration", "seconds": rng.choice((rng.randrange(10_000), rng.randrange(10**7) / 1000))}


# ---- calls -------------------------------------------------------------------------------------------------------

STOP = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}]}
GEMINI = {"candidates": [{"finishReason": "STOP"}]}
SAYS = {"openai": ("standard", "flex", "priority"), "anthropic": ("standard", "priority", "batch")}
TRAFFIC = {"standard": "ON_DEMAND", "flex": "ON_DEMAND_FLEX", "priority": "ON_DEMAND_PRIORITY"}


class Way:
    """How calls of one endpoint look: URL, shape of truth/leaves.py, usage, where it stands, what else is said."""

    def __init__(self, provider, url, shape, make, place="usage", rest=STOP, region=None, names="model", models=None):
        self.provider, self.url, self.shape, self.make, self.place, self.rest = provider, url, shape, make, place, rest
        self.region, self.names, self.models = region, names, models


def compatible(provider, host, shape="chat"):
    return Way(provider, f"https://{host}/chat/completions", shape, plain_chat_usage)


VERTEX = "https://{at}-aiplatform.googleapis.com/v1/projects/p/locations/{at}/publishers/{who}/models/{{model}}:{verb}"
CHAT = [
    Way("openai", "https://api.openai.com/v1/chat/completions", "chat", chat_usage),
    Way("openai", "https://eu.api.openai.com/v1/chat/completions", "chat", chat_usage, region="eu"),
    Way("openai", "https://api.openai.com/v1/responses", "responses", responses_usage, rest={"object": "response", "output": []}),
    Way("anthropic", "https://api.anthropic.com/v1/messages", "messages", message_usage, rest={"type": "message"}),
    Way("gemini", "https://generativelanguage.googleapis.com/v1beta/models/{model}:generateContent", "gemini", gemini_usage,
        "usageMetadata", GEMINI, names="modelVersion"),
    compatible("mistral", "api.mistral.ai/v1"), compatible("groq", "api.groq.com/openai/v1"),
    compatible("together", "api.together.xyz/v1"), compatible("deepseek", "api.deepseek.com"),
]
ONLY_SHIPPED = [
    compatible("xai", "api.x.ai/v1", "chat, reasoning by total"), compatible("openrouter", "openrouter.ai/api/v1"),
    Way("openai", "https://api.openai.com/v1/images/generations", "pictures", drawn_usage, rest={"data": [{"b64_json": "AAAA"}]},
        models=["gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"]),
    Way("openai", "https://api.openai.com/v1/images/generations", "pieces", None, models=["dall-e-2", "dall-e-3"]),
    Way("openai", "https://api.openai.com/v1/audio/transcriptions", "seconds", heard_usage, rest={"text": "ho"}, names=None,
        models=["whisper-1", "gpt-transcribe"]),
]
ONLY_MADE = [
    Way("azure", "https://acme.openai.azure.com/openai/deployments/{deployment}/chat/completions", "chat", chat_usage),
    *(Way("bedrock", f"https://bedrock-runtime.{at}.amazonaws.com/model/{{model}}/converse", "converse", converse_usage, names=None, region=at,
          rest={"output": {"message": {"role": "assistant", "content": [{"text": "ho"}]}}, "stopReason": "end_turn"})
      for at in ("us-east-1", "eu-west-1")),
    *(Way("vertex", VERTEX.format(at=at, who="google", verb="generateContent"), "gemini", gemini_usage, "usageMetadata", GEMINI, at, "modelVersion")
      for at in ("us-east5", "europe-west1")),
]


def look(rng):
    """(what a request says of its pictures, the tier that this is)"""
    said = {key: rng.choice(words) for key, words in (("quality", ("standard", "hd")), ("size", ("256x256", "1024x1024", "1792x1024")))
            if rng.random() < 0.7}
    return said, f"{said.get('quality', 'standard')}/{said.get('size', '1024x1024')}"


def iterations(rng, usage, model, body):
    """Compaction, or another model that serves what the first declined: the top level is the last try alone. True: two models wrote."""
    steps = [{"type": "compaction", "model": model, **attempt(rng)} for _ in range(rng.randrange(3))]
    last = {k: v for k, v in usage.items() if k not in ("server_tool_use", "inference_geo", "service_tier")}
    if steps:
        usage["iterations"] = [*steps, {"type": "message", "model": model, **last}]
        return False
    before = rng.choice((0, 0, size(rng)))
    body["content"] = [{"type": "fallback", "from": {"model": "another"}, "to": {"model": model}}, {"type": "text", "text": "ho"}]
    usage["iterations"] = [{"type": "message", "model": "another", **attempt(rng), "output_tokens": before},
                           {"type": "fallback_message", "model": model, **last}]
    return before > 0


def tell_tier(rng, way, body, usage):
    tier = rng.choice(SAYS.get(way.provider, ("standard",)))
    if way.provider == "vertex":
        tier = rng.choice(list(TRAFFIC))
        usage["trafficType"] = TRAFFIC[tier]
    elif tier != "standard":
        (usage if way.provider == "anthropic" else body)["service_tier"] = tier
    return tier


def call(rng, way, n, model, start):
    """(exchange, call for truth/rates.py, in words)"""
    usage, asked = way.make(rng) if way.make else None, {"model": model}
    body = {"id": f"r{n}", **way.rest, **({way.names: model} if way.names else {})}
    tier = "standard" if way.shape in ("pictures", "pieces", "seconds") else tell_tier(rng, way, body, usage)
    if way.shape == "pieces":
        said, tier = look(rng)
        asked.update(said)
        body = {"created": 1, "data": [{"url": "https://x"} for _ in range(rng.randrange(1, 5))]}
    else:
        body[way.place] = usage
    region, mixed = way.region, False
    if way.provider == "anthropic":
        region = usage.get("inference_geo") if usage.get("inference_geo") != "not_available" else None
        mixed = rng.random() < 0.2 and iterations(rng, usage, model, body)
    took = rng.randrange(1, 10**6) * SECOND // 1000 if rng.random() < 0.5 else SECOND
    name = f"dep-{rng.randrange(5)}" if way.provider == "azure" else model
    url = way.url.format(model=model, deployment=name)
    exchange = {
        "_id": f"r{n}", "startedDateTime": rates.when(start).strftime("%Y-%m-%dT%H:%M:%S") + f".{start % SECOND:09}Z", "time": took // 10**6,
        "request": {"method": "POST", "url": url, "headers": [{"name": "content-type", "value": "application/json"}],
                    "postData": {"text": json.dumps(asked)}},
        "response": {"status": 200, "headers": [{"name": "content-type", "value": "application/json"}], "content": {"text": json.dumps(body)}}}
    used = truth.leaves(way.shape, body if way.shape == "pieces" else usage, model)
    priced = {"provider": way.provider, "host": url.split("/")[2], "requested": name, "served": body.get(way.names), "region": region, "tier": tier,
              "start": start, "end": start + took, "leaves": used, "mixed": mixed}
    return exchange, priced, f"{way.provider}/{model} {tier} {region} {exchange['startedDateTime']} {json.dumps(usage or body)}"


# ---- which models, and when ----------------------------------------------------------------------------------------


def any_time(rng):
    return rates.ns_of("2026-11-01") + rng.randrange(60 * 86400) * SECOND


def shipped_calls(rng, calls):
    ways, book = [*CHAT, *ONLY_SHIPPED], rates.Book(SHIPPED)
    models = {}
    for m in book.models:
        if all("rates" in p for p in m["prices"]):
            models.setdefault(m["provider"], []).append(m["id"])
    for n in range(calls):
        way = rng.choice(ways)
        yield call(rng, way, n, rng.choice(way.models or models[way.provider]), any_time(rng))


def edges(rng, model):
    """Moments at which something begins or ends."""
    found = [rates.ns_of(day) for c in anybook.TERMS for day in c if day]
    for p in model["prices"]:
        found += [rates.ns_of(p[key]) for key in ("from", "until") if key in p and p[key] > "2026-09"]
        for w in p.get("windows", []):
            day = rates.ns_of(f"2026-{rng.choice((11, 12))}-{rng.randrange(1, 29):02}")
            found += [day + (rates.minutes(at) - rates.offset(w)) * 60 * SECOND for span in w["time"] for at in span.split("-")]
    return found


def made_calls(rng, calls, tree):
    ways, by = [*CHAT, *ONLY_MADE], {}
    for m in tree["models"]:
        by.setdefault(m["provider"], []).append(m)
    for n in range(calls):
        way = rng.choice(ways)
        owner = rng.choice([way.provider, *anybook.REACHED.get(way.provider, [])])
        owner = "gemini" if way.provider == "vertex" and owner == "anthropic" else owner
        model = rng.choice(by[owner])
        name = rng.choice([model["id"], *model["aliases"]]).removeprefix("us-east-1:")
        if way.provider == "bedrock":
            name = ("" if owner == "bedrock" else "anthropic.") + name
            name = rng.choice(["", "us.", "eu.", "jp.", "global."]) + name.removeprefix("us.")
        start = any_time(rng)
        if rng.random() < 0.3:
            start = rng.choice(edges(rng, model)) - rng.choice((0, 0, 1, SECOND))
        yield call(rng, way, n, name, start)


def audit(submeter, exchanges, *more):
    """A file each CHUNK; what contracts came to is added up for each."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for n in range(0, len(exchanges), CHUNK):
            files.append(os.path.join(folder, f"{n}.har"))
            with open(files[-1], "w", encoding="utf-8") as f:
                json.dump({"log": {"entries": exchanges[n:n + CHUNK]}}, f)
        done = subprocess.run([submeter, "audit", "-o", "jsonl", *more, *files], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"audit: {done.stderr}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]


# ---- what must hold ----------------------------------------------------------------------------------------------


def units(pairs):
    for (_, priced, what), record in pairs:
        ours = {leaf: n for leaf, n in (record.get("usage") or {}).items() if n}
        if ours != priced["leaves"]:
            yield f"{what}: {ours}, not {priced['leaves']}"


def pico(text):
    return int(Decimal(text) * rates.PICO)


FLAGS = {"standard_tier", "parent_rate", "cache_rate_missing"}


def differs(record, want):
    ours = {x["leaf"]: pico(x["amount_usd"]) for x in record.get("lines", [])}
    if want is None:
        return "it has no price" if "cost_usd" in record else None
    if "cost_usd" not in record:
        return f"{record.get('why')}, and costs {want.lines}"
    wanted = {leaf: n for leaf, n in want.lines.items()}
    price = record["price"]
    pairs = [("lines", ours, wanted), ("cost", pico(record["cost_usd"]), want.cost), ("contract", record.get("contract"), want.contract),
             ("list", pico(record.get("list_cost_usd", record["cost_usd"])), want.list),
             ("flags", FLAGS & set(record.get("flags", [])), want.flags if want.sure else FLAGS & set(record.get("flags", [])))]
    pairs += [(key, price.get(key), getattr(want, key)) for key in ("tier", "band", "region", "match")]
    return "; ".join(f"{key} {a}, not {b}" for key, a, b in pairs if a != b)


def lines(pairs, book):
    sums = {}
    for n, ((_, priced, what), record) in enumerate(pairs):
        if n % CHUNK == 0:
            sums = {}
        told = differs(record, None if priced["mixed"] else book.price(priced, sums))
        if told:
            yield f"{what}: {told}"


def judge(submeter, made, book, what, *more):
    made = list(made)
    pairs = list(zip(made, audit(submeter, [m[0] for m in made], *more), strict=True))
    print(f"# {what}: {len(made)} calls, {len({(m[1]['provider'], m[1]['served'] or m[1]['requested']) for m in made})} models, "
          f"{sum('cost_usd' in r for _, r in pairs)} have a price, {sum('contract' in r for _, r in pairs)} a contract, "
          f"{sum('/' in (r.get('price') or {}).get('band', '') for _, r in pairs)} an hour of their own")
    test(f"units of {len(made)} random calls, {what}", units(pairs))
    test(f"lines of {len(made)} random calls, {what}, in exact fractions", lines(pairs, book))


def workload(submeter, calls, tokens_in, tokens_out):
    """Equal calls under the context tier that come to so many tokens."""
    usage = {"input_tokens": tokens_in // calls, "output_tokens": tokens_out // calls, "total_tokens": (tokens_in + tokens_out) // calls}
    body = {"id": "r", "object": "response", "model": "gpt-5.4", "output": [], "usage": usage}
    one = {"id": "w", "method": "POST", "url": "https://api.openai.com/v1/responses", "status": 200,
           "request_headers": {}, "response_headers": {"content-type": "application/json"},
           "request_body_b64": base64.b64encode(b'{"model":"gpt-5.4"}').decode(),
           "response_body_b64": base64.b64encode(json.dumps(body).encode()).decode()}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.writelines(json.dumps({**one, "id": f"w{n}"}) + "\n" for n in range(calls))
        f.flush()
        done = subprocess.run([submeter, "audit", "-o", "jsonl", "--at", "2026-11-22", f.name], capture_output=True, text=True, check=True)
    return sum(Decimal(json.loads(line, parse_float=Decimal)["cost_usd"]) for line in done.stdout.splitlines())


def main():
    args = sys.argv[1:]
    submeter = args[0] if args else next(filter(os.path.exists, BUILDS), BUILDS[0])
    calls, seed = int(args[1]) if len(args) > 1 else CALLS, int(args[2]) if len(args) > 2 else SEED
    rng = random.Random(seed)
    print(f"# seed {seed}")
    judge(submeter, shipped_calls(rng, calls // 2), rates.Book(SHIPPED), "shipped book")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as made:
        tree = anybook.make(rng)
        anybook.write(tree, made.name)
        judge(submeter, made_calls(rng, calls - calls // 2, tree), rates.Book(SHIPPED, made.name), "made-up book", "--prices", made.name)
    for tokens_in, tokens_out, dollars in ((1_200_000_000, 180_000_000, "5700.00"), (300_000_000, 45_000_000, "1425.00")):
        came = workload(submeter, 6000, tokens_in, tokens_out)
        test(f"{tokens_in} tokens in, {tokens_out} out on GPT-5.4 are {dollars} dollars",
             [] if came == Decimal(dollars) else [f"{came}"])
    print(f"1..{count}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
