#!/usr/bin/python3
"""estimate.py [SUBMETER] [-v] -- how good are estimates? The recorded exchanges of ../shared/corpus/dev with every number of their
usage taken out, through `submeter audit`: once with nothing known (cold), once after the others were seen with theirs (warm; in
FOLDS parts). What comes out is compared with what leaves.py makes of the numbers that were taken out: all tokens of a call.
Prints TAP, and a table as comments; -v: a line for each call. Skipped when the corpus is not there.
"""
import base64
import collections
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "truth"))
import leaves  # noqa: E402

SHARED = os.environ.get("SUBMETER_SHARED", os.path.join(ROOT, "..", "shared"))
CORPUS = os.path.join(SHARED, "corpus", "dev", "exchanges.jsonl")
BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
ARGS = [a for a in sys.argv[1:] if a != "-v"]
SUBMETER = ARGS[0] if ARGS else next(filter(os.path.exists, BUILDS), BUILDS[0])
VERBOSE = "-v" in sys.argv
AT = "2026-11-22T00:00:00Z"
FOLDS = 6
ERROR, WITHIN = 20, 95  # per cent: the median error at most, the share within the bounds at least

# Members that tell a usage, at whatever depth.
USAGE = {"usage", "usageMetadata", "x_groq", "usage_breakdown", "amazon-bedrock-invocationMetrics", "inputTextTokenCount",
         "totalOutputTextTokenCount", "tokenCount", "prompt_token_count", "generation_token_count", "billed_units", "meta",
         "statistics", "pydantic_ai_gateway", "time_info", "metrics"}


def strip(value):
    """Without usage; a copy."""
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items() if k not in USAGE}
    return [strip(v) for v in value] if isinstance(value, list) else value


def document(data):
    """JSON text without usage; anything else as it is."""
    try:
        return json.dumps(strip(json.loads(data)), ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError:
        return data


def events(data):
    """Server-sent events."""
    return b"\n".join(b"data: " + document(line[5:].strip()) if line.startswith(b"data:") else line
                      for line in data.replace(b"\r\n", b"\n").split(b"\n"))


def frames(data):
    """AWS event stream: each frame with its checksums."""
    out, at = b"", 0
    while at + 12 <= len(data):
        size, heads = struct.unpack(">II", data[at:at + 8])
        head, load = data[at + 12:at + 12 + heads], data[at + 12 + heads:at + size - 4]
        at += size
        wrapped = json.loads(load) if load else {}
        if "bytes" in wrapped:
            wrapped["bytes"] = base64.b64encode(document(base64.b64decode(wrapped["bytes"]))).decode()
            load = json.dumps(wrapped, separators=(",", ":")).encode()
        else:
            load = document(load)
        prelude = struct.pack(">II", 16 + heads + len(load), heads)
        frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + load
        out += frame + struct.pack(">I", zlib.crc32(frame))
    return out


def untold(exchange):
    """The exchange, its usage taken out."""
    e = dict(exchange)
    body = base64.b64decode(e["response_body_b64"] or "")
    if body[:2] == b"\x1f\x8b":
        body = zlib.decompress(body, 31)
    how = {"sse": events, "eventstream": frames}.get(e["body_mode"], document)
    e["response_body_b64"] = base64.b64encode(how(body)).decode()
    e["response_headers"] = {k: v for k, v in e["response_headers"].items() if "token-count" not in k.lower() and
                             k.lower() not in ("content-length", "content-encoding")}
    return e


def tokens(count):
    return sum(n for leaf, n in count.items() if leaf.startswith(("in_", "out_")))


def truth(e):
    """All tokens of a call, or None where nobody told them."""
    raw, want = e["expected"].get("raw_usage"), e["expected"]
    if e["kind"] != "inference" or not raw:
        return None
    shape = leaves.shape_of(e["provider"], e["endpoint"], want.get("model_returned") or want.get("model_requested") or "")
    count = leaves.leaves(shape, raw, want.get("model_requested") or "") if shape else None
    return tokens(count) if count else None


def audit(exchanges):
    """The records, in order."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        f.writelines(json.dumps(e) + "\n" for e in exchanges)
        f.flush()
        got = subprocess.run([SUBMETER, "audit", "-o", "jsonl", "--at", AT, f.name], capture_output=True, text=True, timeout=600)
    if got.returncode:
        raise SystemExit(f"Bail out! audit: {got.stderr[:500]}")
    return [json.loads(line) for line in got.stdout.splitlines()]


def judge(e, r):
    """(error in per cent, is the truth within the bounds?, width of the bounds by the truth)"""
    want, used = truth(e), r.get("usage")
    if r["usage_source"] != "estimated" or not used:
        return 100.0, False, None
    have, low, high = tokens(used), tokens(r["usage_low"]), tokens(r["usage_high"])
    if VERBOSE:
        print(f"# {e['id']} {r.get('model_requested')} is {want} guess {have} in {low}..{high} "
              f"{'' if low <= want <= high else 'OUTSIDE'}")
    return 100.0 * abs(have - want) / want, low <= want <= high, (high - low) / want


def cold(calls, everything):
    return audit(untold(e) for e in calls)


def warm(calls, everything):
    found = {}
    for fold in range(FOLDS):
        part = calls[fold::FOLDS]
        ids = {e["id"] for e in part}
        others = [e for e in everything if e["id"] not in ids]
        found.update((r["source_id"], r) for r in audit(others + [untold(e) for e in part])[len(others):])
    return [found[e["id"]] for e in calls]


def table(name, calls, judged):
    rows = collections.defaultdict(list)
    for e, j in zip(calls, judged):
        rows[e["provider"]].append(j)
        rows["all"].append(j)
    print(f"# {name:18} calls  median error %  within bounds %  median width of the bounds, by the truth")
    for provider in sorted(rows, key=lambda p: (p == "all", p)):
        js = rows[provider]
        widths = [j[2] for j in js if j[2] is not None]
        print(f"# {provider:18} {len(js):5} {statistics.median(j[0] for j in js):15.1f} "
              f"{100 * sum(j[1] for j in js) / len(js):16.1f} {statistics.median(widths) if widths else 0:18.2f}")
    return rows["all"]


def main():
    if not os.path.exists(CORPUS):
        print(f"1..0 # SKIP no corpus at {CORPUS}")
        return 0
    with open(CORPUS, encoding="utf-8") as f:
        everything = [json.loads(line) for line in f]
    calls = [e for e in everything if truth(e)]
    count = failed = 0
    for run in (cold, warm):
        js = table(run.__name__, calls, [judge(e, r) for e, r in zip(calls, run(calls, everything))])
        error = statistics.median(j[0] for j in js)
        share = 100 * sum(j[1] for j in js) / len(js)
        for name, good in ((f"{run.__name__}: the median error of {len(js)} calls, {error:.1f} %, is at most {ERROR} %", error <= ERROR),
                           (f"{run.__name__}: {share:.1f} % are within the stated bounds, at least {WITHIN} %", share >= WITHIN)):
            count += 1
            failed += not good
            print(f"{'ok' if good else 'not ok'} {count} - {name}")
    print(f"1..{count}")
    return 1 if failed else 0


sys.exit(main())
