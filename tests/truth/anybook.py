"""anybook.py -- a price book made up at random that has every feature of user/price/README.md at once. A library for properties.py.

    make(rng) -> the book as a tree of texts; as JSON it is YAML, too
"""
import json

TOKENS = ["in_cache_read", "in_cache_write", "in_cache_write_5m", "in_cache_write_1h", "in_audio", "in_audio_cached", "in_image",
          "in_image_cached", "in_video", "in_tool", "out_reasoning", "out_audio", "out_image", "out_video"]
TIERS = ["flex", "priority", "batch"]
EDGES = [1000, 1001, 127_999, 128_000, 199_999, 200_000, 200_001, 272_000]
ZONES = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "Asia/Tokyo", "Asia/Dubai", "+08:00", "-03:30", "-11:00", "+13:45", "+00:00"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CHANGES = ["2026-10-01", "2026-10-31T16:00:00Z", "2026-11-15T00:00:00+08:00", "2026-11-30T23:59:59.999Z", "2026-12-25"]
TERMS = [("2026-10-05", "2026-11-20T12:00:00Z"), ("2026-11-20T12:00:00Z", "2026-12-28"), ("2026-12-28T06:00:00Z", None)]  # of contracts
PLACES = {  # what is told of a provider's calls
    "openai": {"region": ["eu", "us"]}, "anthropic": {"region": ["us", "global"]}, "bedrock": {"geo": ["us", "eu", "jp", "global"]},
    "azure": {"sku": ["datazone", "regional"]}, "vertex": {"region": ["us-east5", "europe-west1"]},
}
PREFIX = {"bedrock": "amazon."}
MODELS = {"openai": 9, "anthropic": 9, "gemini": 6, "bedrock": 8, "azure": 5, "vertex": 5, "deepseek": 6, "together": 6, "groq": 3,
          "mistral": 4}
FALLS = {  # of these in the made book; the shipped one has azure's and vertex's
    "bedrock": [{"provider": "anthropic", "uplift": [{"when": {"geo": ["us", "eu"]}, "mul": "11/10"}, {"when": {"geo": "*"}, "mul": "7/6"}]}],
    "groq": [{"provider": "mistral", "mul": "13/12"}, {"provider": "deepseek", "uplift": []}],
}
REACHED = {**{p: [f["provider"] for f in falls] for p, falls in FALLS.items()}, "azure": ["openai", "mistral", "deepseek"],
           "vertex": ["gemini", "anthropic"]}
HOSTS = {"openai": ["eu.api.openai.com"], "anthropic": ["api.anthropic.com"], "together": ["api.together.xyz"]}


def price(rng, unit):
    """Of any order of magnitude, with up to five digits that count."""
    digits = rng.randrange(1, 10 ** rng.randrange(1, 6))
    return f"{digits}e-{rng.randrange(5)}/{unit}" if rng.random() < 0.2 else f"{digits / 1000:.3f}/{unit}"


def tier(rng):
    own = {leaf: price(rng, "Mtok") for leaf in TOKENS if rng.random() < 0.35}
    own.update({leaf: price(rng, "Mtok") for leaf in ("in_text", "out_text") if rng.random() < 0.95})
    if rng.random() < 0.1:
        own["n_web_search"] = price(rng, "kcall")
    return own or {"in_text": "1/Mtok"}


def tiers(rng):
    found = {"standard": tier(rng)}
    for name in TIERS:
        if rng.random() < 0.4:
            found[name] = {"inherit": rng.choice(list(found))} if rng.random() < 0.3 else tier(rng)
    return found


def uplift(rng, provider):
    rows = []
    for facet, words in PLACES.get(provider, {}).items():
        for _ in range(rng.randrange(3)):
            chosen = rng.choice([rng.choice(words), rng.sample(words, 2), "*"])
            rows.append({"when": {facet: chosen}, "mul": rng.choice(["11/10", "2", "1/3", "999/1000", "7/6"]), "on": "tokens"})
    return rows


def hour(rng):
    return rng.choice(["00:00", "24:00", f"{rng.randrange(24):02}:{rng.choice((0, 1, 30, 59)):02}"])


def window(rng, n):
    spans = []
    while not spans or rng.random() < 0.5:
        start, end = sorted((hour(rng), hour(rng)))
        if start < end:
            spans.append(f"{start}-{end}")
    made = {"name": f"w{n}", "tz": rng.choice(ZONES), "time": spans, "mul": rng.choice(["2", "1/2", "5/3"])}
    if rng.random() < 0.6:
        made["days"] = rng.sample(DAYS, rng.randrange(1, 7))
    if rng.random() < 0.4:
        made["holidays"] = [f"2026-{rng.randrange(9, 13)}-{rng.randrange(1, 29):02}".replace("-9-", "-09-") for _ in range(5)]
    return made


def entry(rng, provider, since, until):
    made = {"from": since, "missing_tier": rng.choice(["error", "error", "standard"]), "counts": {},
            "provenance": {"source": "made up", "checked": "2026-11-22"}}
    if until:
        made["until"] = until
    names = ["all"]
    if rng.random() < 0.4:
        edges = sorted(rng.sample(EDGES, rng.randrange(1, 4)))
        bands = [{"upto": str(e), "cmp": rng.choice(["le", "lt"]), "name": f"to{e}"} for e in edges] + [{"name": "long"}]
        made["context"] = {"measure": "prompt_total", "bands": bands}
        names = [b["name"] for b in bands]
    made["rates"] = {name: tiers(rng) for name in names}
    for leaf, chance in (("n_web_search", 0.7), ("n_request", 0.2)):
        if rng.random() < chance:
            made["counts"][leaf] = price(rng, rng.choice(["kcall", "call"]))
    made["uplift"] = uplift(rng, provider)
    if rng.random() < 0.4:
        made["windows"] = [window(rng, n) for n in range(rng.randrange(1, 3))]
    return made


def model(rng, provider, n):
    cuts = sorted(rng.sample(CHANGES, rng.randrange(3)))
    edges = ["2026-01-01", *cuts, None]
    made = {"provider": provider, "id": f"{PREFIX.get(provider, '')}made-{provider}-{n}", "aliases": [],
            "prices": [entry(rng, provider, a, b) for a, b in zip(edges, edges[1:])]}
    if rng.random() < 0.4:
        made["aliases"] = [f"{made['id']}-Latest"]
    if provider == "bedrock" and n % 4 == 1:
        made["id"] = "us." + made["id"]
    if provider == "bedrock" and n % 4 == 2:
        made["id"] = "us-east-1:" + made["id"]
    return made


def percent(rng, most):
    return f"{rng.randrange(most * 10**6) / 10**6:.{rng.choice((0, 0, 1, 2, 6))}f}"


def volume(rng):
    edges = sorted(rng.sample(range(1, 5000), rng.randrange(1, 4)))
    return {"kind": "volume", "steps": [{"upto": f"{e / 10}", "percent": percent(rng, 99)} for e in edges] + [{"percent": percent(rng, 99)}]}


def agreed(rng, models):
    made = {"kind": "override", "model": [rng.choice([m["id"], *m["aliases"]]) for m in rng.sample(models, min(3, len(models)))],
            "rates": {leaf: price(rng, "Mtok") for leaf in rng.sample([*TOKENS, "in_text", "out_text"], 3)}}
    if rng.random() < 0.3:
        made["rates"]["n_web_search"] = price(rng, "kcall")
    if rng.random() < 0.2:
        made["rates"]["n_request"] = price(rng, "call")
    if rng.random() < 0.4:
        made["tier"] = rng.choice(["standard", *TIERS])
    if rng.random() < 0.3:
        chosen = rng.choice([m for m in models if any(m["id"] == x or x in m["aliases"] for x in made["model"])])
        made["band"] = rng.choice(list(rng.choice(chosen["prices"])["rates"]))
    return made


def rule(rng, models):
    made = rng.choice([lambda: {"kind": "percent", "percent": percent(rng, 100)}, lambda: agreed(rng, models), lambda: agreed(rng, models),
                       lambda: volume(rng), lambda: {"kind": "markup", "percent": percent(rng, 200)}, lambda: {"kind": "ptu"},
                       lambda: {"kind": "commit", "amount": f"{rng.randrange(1, 500)}", "overage": rng.choice(["list", "contract"])}])()
    if made["kind"] in ("volume", "commit"):
        made.update(meter=rng.choice(["net", "list"]), period=rng.choice(["month", "contract"]))
    if made["kind"] != "override" and rng.random() < (0.9 if made["kind"] == "ptu" else 0.3):
        made["model"] = rng.choice(models)["id"]
    if rng.random() < 0.3:
        made["on"] = rng.choice(["tokens", "counts", "all"])
    return made


def contracts(rng, models):
    made = []
    for provider in MODELS:
        reach = [m for m in models if m["provider"] in (provider, *REACHED.get(provider, []))]
        for n, host in enumerate([None, *HOSTS.get(provider, [])]):
            match = {"provider": provider, **({"host": host} if host else {})}
            for since, until in TERMS:
                one = {"id": f"{provider}-{n}-{since}", "match": match, "from": since,
                       "rules": [rule(rng, reach) for _ in range(rng.randrange(1, 5))]}
                made.append({**one, **({"until": until} if until else {})})
    return made


def make(rng):
    models = [model(rng, provider, n) for provider, count in MODELS.items() for n in range(count)]
    providers = [{"id": p, "fallback": falls} for p, falls in FALLS.items()] + [{"id": "together", "priced_at": "end"}]
    own = [m["id"] for m in models if m["provider"] == "azure"]
    providers.append({"id": "azure", "deployments": [
        {"host": "acme.openai.azure.com", "name": f"dep-{n}", **({"model": own[n]} if n % 2 else {}), "sku": PLACES["azure"]["sku"][n % 2]}
        for n in range(4)]})
    return {"schema": "submeter.pricebook/1", "book": {"id": "made", "version": "1", "currency": "USD"},
            "gates": {"max_usd_per_Mtok": "1000000", "cache_read_le_input": "false"}, "providers": providers, "models": models,
            "contracts": contracts(rng, models)}


def write(tree, path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tree, f, indent=1)
