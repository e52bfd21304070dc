"""The ledger against the journal: call by call, to the pico-dollar; and the identities of what was seen."""
import collections

from provider import prices


def cost(call):
    return prices.pico(call["cost_usd"]) if call.get("cost_usd") is not None else None


def inference(calls):
    return [c for c in calls if c["kind"] == "inference"]


def one(line, call, team, cgroup):
    """What differs between a journal line and its record, as text."""
    wrong = []

    def want(what, got, expected):
        if got != expected:
            wrong.append(f"{what}: {got!r}, journal {expected!r}")
    want("team", call.get("team"), team)
    want("cgroup", call.get("cgroup"), cgroup)
    want("kind", call.get("kind"), "inference")
    want("provider", call.get("provider"), line["provider"])
    want("model_requested", call.get("model_requested"), line["model"])
    want("model_served", call.get("model_served"), line.get("model_served"))
    want("stream", call.get("stream"), line["stream"])
    want("http_status", call.get("http_status"), line["status"])
    want("usage_source", call.get("usage_source"), "reported")
    used = call.get("usage") or {}
    for leaf in sorted(set(used) | set(line["usage"])):
        want(leaf, used.get(leaf, 0), line["usage"].get(leaf, 0))
    want("cost_pico", cost(call), line["cost_pico"])
    return "; ".join(wrong)


def ident(line):
    """By which it is found: the id of the answer or, where the API has none, of the request."""
    return line["id"] or line["request_id"]


def known(line, call):
    """What is wrong in what the record of a call says that was joined midway: it need not say all. Usage that is said to be
    reported is that of the journal."""
    wrong = []
    for what, want in (("model_served", line["model_served"]), ("model_requested", line["model"]), ("provider", line["provider"])):
        if call.get(what) not in (None, "unknown", want):
            wrong.append(f"{what}: {call.get(what)!r}, journal {want!r}")
    if call["usage_source"] == "reported":
        used = call.get("usage") or {}
        wrong += [f"{leaf}: {used.get(leaf, 0)}, journal {line['usage'].get(leaf, 0)}" for leaf in sorted({*used, *line["usage"]})
                  if used.get(leaf, 0) != line["usage"].get(leaf, 0)]
        if cost(call) not in (None, line["cost_pico"]):
            wrong.append(f"cost: {cost(call)}, journal {line['cost_pico']}")
    elif not call.get("why"):
        wrong.append(f"{call['usage_source']} without a reason")
    return wrong and f"{line['tag']} {line['id']}: {'; '.join(wrong)}"


def all_calls(lines, calls, owner):
    """Journal lines against records, matched by the provider's id. owner(tag) is (team, cgroup path).
    Returns {"missing": [...], "duplicated": [...], "unasked": [...], "different": [...]}, each empty when right."""
    found = collections.defaultdict(list)
    for call in calls:
        found[call.get("response_id") or call.get("request_id")].append(call)
    told = set(map(ident, lines))
    wrong = {"missing": [], "duplicated": [], "unasked": [], "different": []}
    for line in lines:
        mine = found[ident(line)]
        if not mine:
            wrong["missing"].append(f"{line['tag']} {ident(line)}")
        elif len(mine) > 1:
            wrong["duplicated"].append(f"{line['tag']} {ident(line)} x {len(mine)}")
        else:
            differs = one(line, mine[0], *owner(line["tag"]))
            if differs:
                wrong["different"].append(f"{line['tag']} {ident(line)}: {differs}")
    for call in calls:
        if (call.get("response_id") or call.get("request_id")) not in told:
            wrong["unasked"].append(f"{call.get('id')} {call.get('response_id')} {call.get('cgroup')} {call.get('why')}")
    return wrong


def describe(wrong, most=8):
    """Text for a failed test point."""
    return "\n".join(f"{what}: {len(rows)}\n  " + "\n  ".join(rows[:most]) for what, rows in wrong.items() if rows)


def total(value):
    """A counter that may be split by reason."""
    return sum(value.values()) if isinstance(value, dict) else value


def identities(rows):
    """DESIGN.md rule 2 over the per-cgroup rows of `status -o json`; what does not hold, as text."""
    wrong = []
    for row in rows:
        name = row.get("cgroup") or row.get("cgroup_id")
        calls = row["delivered"] + total(row["ignored"]) + row["empty"] + total(row["dropped"])
        if row["hits"] != calls:
            wrong.append(f"{name}: hits {row['hits']} != {calls} = delivered + ignored + empty + dropped: {row}")
        seen = row["parsed"] + total(row["skipped"]) + total(row["bytes_lost"])
        if row["bytes"] != seen:
            wrong.append(f"{name}: bytes {row['bytes']} != {seen} = parsed + skipped + lost: {row}")
    return wrong
