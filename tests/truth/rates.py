"""rates.py -- what a call costs by a price book, in exact fractions: an independent reading of user/price/README.md, sharing no code
with submeter. A library for properties.py and workloads.

    book(path)                      -> {(provider, id): [dated entries]}
    price(entry, leaves, tier, region) -> {leaf: pico-dollars, rounded once}, or None: it has no price
"""
from fractions import Fraction

import yaml

PICO = 10**12
UNITS = {"tok": 1, "Mtok": 10**6, "call": 1, "kcall": 1000, "char": 1, "Mchar": 10**6, "page": 1, "kpage": 1000, "image": 1,
         "second": 1000, "min": 60_000, "hour": 3_600_000}
INSTEAD = {  # a token without a rate is priced as the first of these that has one
    "in_cache_read": ["in_text"], "in_cache_write_5m": ["in_cache_write", "in_text"],
    "in_cache_write_1h": ["in_cache_write", "in_cache_write_5m", "in_text"], "in_cache_write": ["in_cache_write_5m", "in_text"],
    "in_audio": ["in_text"], "in_audio_cached": ["in_audio", "in_cache_read", "in_text"], "in_image": ["in_text"],
    "in_image_cached": ["in_image", "in_cache_read", "in_text"], "in_video": ["in_text"], "in_tool": ["in_text"],
    "out_reasoning": ["out_text"], "out_audio": ["out_text"], "out_image": ["out_text"], "out_video": ["out_text"],
    "out_citation": ["out_text"],
}


class Texts(yaml.SafeLoader):
    """Every scalar stays the text that it is: 0.1 is no float, 2026-11-22 no date."""


Texts.yaml_implicit_resolvers = {}


def read(path):
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, Texts)  # noqa: S506 -- a SafeLoader


def book(path):
    return {(m["provider"], m["id"]): m["prices"] for m in read(path)["models"]}


def at(entries, day):
    """The entry that holds on a day (YYYY-MM-DD)."""
    for e in entries:
        if e["from"][:10] <= day and ("until" not in e or day < e["until"][:10]):
            return e
    return None


def rate(text):
    """Dollars a unit."""
    dollars, _, unit = text.partition("/")
    return Fraction(dollars) / UNITS[unit]


def band(entry, prompt):
    if "context" not in entry:
        return "all"
    for b in entry["context"]["bands"]:
        if "upto" not in b:
            return b["name"]
        if prompt < int(b["upto"]) or (prompt == int(b["upto"]) and b["cmp"] == "le"):
            return b["name"]
    return None


def half_even(x):
    whole, rest = divmod(x.numerator, x.denominator)
    twice = 2 * rest
    return whole + (twice > x.denominator or (twice == x.denominator and whole % 2 == 1))


def tiers(entry, name):
    return entry["rates"][name]


def find(rates, leaf):
    for one in [leaf, *INSTEAD.get(leaf, [])]:
        if one in rates:
            return rate(rates[one])
    return None


def factor(entry, region):
    for u in entry.get("uplift", []):
        where = u["when"].get("region", [])
        if region in ([where] if isinstance(where, str) else where):
            return Fraction(u["mul"])
    return Fraction(1)


def price(entry, leaves, tier="standard", region=None):
    prompt = sum(n for leaf, n in leaves.items() if leaf.startswith("in_"))
    rates = tiers(entry, band(entry, prompt)).get(tier)
    while rates is not None and "inherit" in rates:
        rates = tiers(entry, band(entry, prompt))[rates["inherit"]]
    if rates is None:
        return None
    counts, lines = entry.get("counts", {}), {}
    for leaf, n in leaves.items():
        token = not leaf.startswith("n_")
        one = find(rates, leaf) if token else (rate(counts[leaf]) if leaf in counts else None)
        if not n:
            continue
        if one is None:
            return None
        lines[leaf] = half_even(n * one * PICO * (factor(entry, region) if token else 1))
    if "n_request" in counts and "n_request" not in leaves:
        lines["n_request"] = half_even(rate(counts["n_request"]) * PICO)
    return lines
