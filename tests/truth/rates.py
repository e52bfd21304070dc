"""rates.py -- what a call costs by price books, in exact fractions: an independent reading of user/price/README.md, sharing no code
with submeter. A library for properties.py.

    book = Book(path, ...)      files on top of each other
    book.price(call, sums)      -> a Price, or None: it has none. `sums`: what contracts came to so far, a dictionary; it is added to

A call is a dictionary: provider, served; requested, host, region, tier, where known; start and end (ns, UTC); leaves {name: count}.
"""
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from types import SimpleNamespace as Price

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
SAID = {  # which flag that is; others that are priced as another are not looked at
    **{pair: set() for pair in (("out_reasoning", "out_text"), ("in_image", "in_text"), ("in_video", "in_text"), ("in_tool", "in_text"))},
    **{pair: {"parent_rate"} for pair in (("in_audio", "in_text"), ("out_audio", "out_text"))},
    ("in_cache_read", "in_text"): {"cache_rate_missing"}, ("in_audio_cached", "in_audio"): {"cache_rate_missing"},
    ("in_image_cached", "in_image"): {"cache_rate_missing"},
}
GEOS = ("us", "eu", "apac", "au", "jp", "global")
ZONES = {"UTC": 0, "Asia/Shanghai": 480, "Asia/Hong_Kong": 480, "Asia/Singapore": 480, "Asia/Taipei": 480, "Asia/Tokyo": 540,
         "Asia/Seoul": 540, "Asia/Kolkata": 330, "Asia/Dubai": 240}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Texts(yaml.SafeLoader):
    """Every scalar stays the text that it is: 0.1 is no float, 2026-11-22 no date."""


Texts.yaml_implicit_resolvers = {}


def read(path):
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, Texts)  # noqa: S506 -- a SafeLoader


def listed(x):
    return x if isinstance(x, list) else [] if x is None else [x]


def half_even(x):
    whole, rest = divmod(x.numerator, x.denominator)
    twice = 2 * rest
    return whole + (twice > x.denominator or (twice == x.denominator and whole % 2 == 1))


# ---- time ----------------------------------------------------------------------------------------------------------


def when(ns):
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=ns // 10**9)


def ns_of(text):
    """A date, or RFC 3339."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000


def holds(entry, ns):
    return ns_of(entry["from"]) <= ns and ("until" not in entry or ns < ns_of(entry["until"]))


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


def offset(w):
    """Minutes that a window's clocks are ahead of UTC."""
    zone = w["tz"]
    return ZONES[zone] if zone in ZONES else minutes(zone[1:]) * (-1 if zone[0] == "-" else 1)


def in_window(w, ns):
    there = when(ns) + timedelta(minutes=offset(w))
    minute = there.hour * 60 + there.minute
    if DAYS[there.weekday()] not in w.get("days", DAYS) or there.strftime("%Y-%m-%d") in w.get("holidays", []):
        return False
    return any(minutes(t.split("-")[0]) <= minute < minutes(t.split("-")[1]) for t in w["time"])


# ---- an entry --------------------------------------------------------------------------------------------------------


def rate(text):
    """Dollars a unit."""
    dollars, _, unit = text.rpartition("/")
    return Fraction(dollars) / UNITS[unit]


def band_of(entry, prompt):
    for b in entry.get("context", {}).get("bands", []):
        if "upto" not in b or prompt < int(b["upto"]) or (prompt == int(b["upto"]) and b["cmp"] == "le"):
            return b["name"]
    return "all"


def tier_of(entry, band, name):
    """The rates of a tier, by leaf; None: there is no such tier."""
    found = entry["rates"][band].get(name)
    while found is not None and "inherit" in found:
        found = entry["rates"][band][found["inherit"]]
    return found


def whose(have, leaf):
    return next((one for one in [leaf, *INSTEAD.get(leaf, [])] if one in have), None)


def uplift_of(rows, facets):
    """(what the token rates are multiplied by, what chose it, whether a geo did)"""
    for u in rows:
        asked = {f: listed(words) for f, words in u.get("when", {}).items()}
        if all(facets.get(f) and any(w in ("*", facets[f]) for w in words) for f, words in asked.items()):
            return Fraction(u["mul"]), next((facets[f] for f in ("region", "geo", "sku") if f in asked), None), "geo" in asked
    return Fraction(1), None, False


def is_token(leaf):
    return not leaf.startswith("n_")


# ---- contracts -----------------------------------------------------------------------------------------------------------


def contract_of(contracts, call):
    """Of those that fit, the one that says most."""
    best, most = None, -1
    for c in contracts:
        match, weight = c["match"], 0
        if not holds(c, call["start"]) or any((call.get(k) or "").lower() not in [w.lower() for w in listed(v)] for k, v in match.items()):
            continue
        weight = sum({"provider": 1, "host": 2, "credential": 4}[k] for k in match)
        if weight > most:
            best, most = c, weight
    return best


def sum_keys(contract, ns):
    return {"month": (contract["id"], "month", when(ns).strftime("%Y-%m")), "contract": (contract["id"], contract["from"])}


def off(percent):
    return 1 - Fraction(percent) / 100


def factor(rule, sums, keys):
    kind = rule["kind"]
    if kind == "percent":
        return off(rule["percent"])
    if kind == "markup":
        return 1 + Fraction(rule["percent"]) / 100
    if kind == "ptu":
        return Fraction(0)
    net, listing = sums.get(keys[rule.get("period", "month")], (0, 0))
    so_far = listing if rule.get("meter") == "list" else net
    return off(next(s["percent"] for s in rule["steps"] if "upto" not in s or so_far < Fraction(s["upto"]) * PICO))


def used_up(rule, sums, keys):
    net, listing = sums.get(keys[rule.get("period", "month")], (0, 0))
    return (listing if rule.get("meter") == "list" else net) >= Fraction(rule["amount"]) * PICO


class Book:
    def __init__(self, *paths):
        self.names, self.models, self.providers, self.deployments, self.contracts = {}, [], {}, {}, []
        for path in paths:
            self.add(read(path))

    def add(self, tree):
        for p in tree.get("providers", []):
            known = self.providers.setdefault(p["id"], {})
            known.update({k: v for k, v in p.items() if k != "deployments"})
            for d in p.get("deployments", []):
                self.deployments[p["id"], d["host"], d["name"].lower()] = d
        for m in tree.get("models", []):
            self.models.append(m)
            for name in [m["id"], *m.get("aliases", [])]:
                self.names[m["provider"], name.lower()] = m
        self.contracts += tree.get("contracts", [])

    # ---- names

    def lookup(self, provider, name):
        m = self.names.get((provider, name.lower()))
        return (m, "exact" if m["id"].lower() == name.lower() else "alias") if m else None

    def listing(self, provider, name, region):
        """(model, kind, fallback row, geo, found without that geo) -- of the ways of README's step 1 those that random calls need"""
        geo, plain, vendor, short = None, name, None, name
        if provider == "bedrock":
            head, _, rest = name.partition(".")
            if head in GEOS:
                geo, plain = head, rest
            vendor, _, short = plain.partition(".")
        there = self.lookup(provider, f"{region}:{name}") if region else None
        for found, far in ((there, False), (self.lookup(provider, name), False), (self.lookup(provider, plain), geo is not None)):
            if found:
                return *found, None, geo, far
        for fall in self.providers.get(provider, {}).get("fallback", []):
            found = self.lookup(fall["provider"], short)
            if found and vendor in (None, fall.get("vendor", fall["provider"])):
                return found[0], "fallback", fall, geo, False
        return None

    def model_of(self, call):
        said = self.deployments.get((call["provider"], call.get("host"), (call.get("requested") or "").lower()), {})
        name = said.get("model") or call["served"] or call["requested"]
        found = self.listing(call["provider"], name, None if said.get("model") else call.get("region"))
        # Bedrock's path decides who answers; elsewhere an answer without a model leaves what was asked for
        how = "override" if said.get("model") else "requested" if not call["served"] and call["provider"] != "bedrock" else None
        return found and (*found, said.get("sku"), how)

    # ---- a call

    def price(self, call, sums):
        found = self.model_of(call)
        if not found:
            return None
        model, kind, fall, geo, far, sku, how = found
        at_end = self.providers.get(call["provider"], {}).get("priced_at") == "end"
        ns = call["end"] if at_end else call["start"]
        entry = next((e for e in model["prices"] if holds(e, ns)), None)
        if not entry:
            return None
        rows = entry.get("uplift", []) if fall is None else [{"mul": fall["mul"]}] if "mul" in fall else fall.get("uplift", [])
        mul, region, by_geo = uplift_of(rows, {"region": call.get("region"), "geo": geo, "sku": sku})
        if far and geo != "global" and not by_geo:
            return None
        window = next((w for w in entry.get("windows", []) if in_window(w, ns)), None)
        band = band_of(entry, sum(n for leaf, n in call["leaves"].items() if leaf.startswith("in_")))
        contract = contract_of(self.contracts, call)
        price = self.add_up(call, model, entry, band, mul * (Fraction(window["mul"]) if window else 1), contract, sums)
        if price:
            price.band = f"{band}/{window['name']}" if window else band
            price.region, price.match = region, how or kind
            price.contract = contract and contract["id"]
        return price

    def add_up(self, call, model, entry, band, mul, contract, sums):
        tier = call.get("tier") or "standard"
        rules = [r for r in (contract or {"rules": []})["rules"] if self.about(r, model, contract) and r.get("band", band) == band]
        have, flags = tier_of(entry, band, tier), set()
        agreed = have is None and any(r.get("tier") == tier for r in rules)
        if have is None and entry.get("missing_tier") == "standard":
            have, flags = tier_of(entry, band, "standard"), {"standard_tier"}
            tier = tier if agreed else "standard"
        if have is None and not agreed:
            return None
        rules = [r for r in rules if r.get("tier", tier) == tier]
        keys = sum_keys(contract, call["start"]) if contract else {}
        rates = {**entry.get("counts", {}), **(have or {})}
        price = Price(lines={}, list=0, tier=tier, flags=flags, sure=True)
        for leaf, n in {"n_request": 1, **call["leaves"]}.items():
            pair = self.line(leaf, rates, mul if is_token(leaf) else 1, rules, sums, keys)
            if pair is None and leaf == "n_request" and "n_request" not in call["leaves"]:
                continue
            if pair is None:
                return None
            price.lines[leaf] = half_even(n * pair[0] * PICO)
            price.list += half_even(n * pair[1] * PICO)
            price.flags |= SAID.get((leaf, pair[2]), set())
            price.sure = price.sure and (leaf == pair[2] or (leaf, pair[2]) in SAID)
        price.cost = sum(price.lines.values())
        for key in keys.values():
            net, listing = sums.get(key, (0, 0))
            sums[key] = net + price.cost, listing + price.list
        return price

    def about(self, rule, model, contract):
        """The rule means this model."""
        names = [n.lower() for n in listed(rule.get("model"))]
        return not names or any(n.lower() in names for n in [model["id"], *model.get("aliases", [])])

    def line(self, leaf, rates, mul, rules, sums, keys):
        """(as agreed, at list price, whose rate that is) for a unit, or None"""
        own = first = whose(rates, leaf)
        net = listing = rate(rates[own]) * mul if own else None
        have = set(rates)
        for r in rules:
            if r.get("on", "all") not in ("all", "tokens" if is_token(leaf) else "counts"):
                continue
            if r["kind"] == "override":
                have |= set(r["rates"])
                one = whose(have, leaf)
                if one in r["rates"]:
                    own, net = one, rate(r["rates"][one])
                    first, listing = (own, net) if listing is None else (first, listing)
            elif net is None:
                continue
            elif r["kind"] == "commit":
                back = r.get("overage") == "list" and used_up(r, sums, keys)
                own, net = (first, listing) if back else (own, net)
            else:
                net *= factor(r, sums, keys)
        return None if net is None else (net, listing, own)
