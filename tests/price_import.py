#!/usr/bin/python3
"""price_import.py [SUBMETER] -- `submeter price` on books of its own, and on the public lists of ../shared/data/prices, whose
numbers are looked up again here, with fractions. Prints TAP; the lists are skipped where they are absent."""
import csv
import datetime
import io
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = [os.path.join(ROOT, d, "bin", "submeter") for d in (os.environ.get("OUT", "out"), "out", "out/san")]
SUBMETER = sys.argv[1] if len(sys.argv) > 1 else next(filter(os.path.exists, BUILDS), BUILDS[0])
LISTS = os.path.join(os.environ.get("SUBMETER_SHARED", os.path.join(ROOT, "..", "shared")), "data", "prices")
TEMP = tempfile.TemporaryDirectory(prefix="submeter-price-")
count = failed = 0


def test(name, ok, note=""):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    if not ok:
        print("#   " + str(note)[:2000].replace("\n", "\n#   "))


def price(*args):
    got = subprocess.run([SUBMETER, "price", *args], capture_output=True, text=True, timeout=120)
    got.all = f"{got.returncode} {got.stderr} {got.stdout}"
    return got


def rows(*args):
    got = price(*args, "-o", "jsonl")
    return [json.loads(line) for line in got.stdout.splitlines()] if got.returncode == 0 else got.all


def file(name, text):
    path = os.path.join(TEMP.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


# ---- books of its own

HEAD = "schema: submeter.pricebook/1\nbook: {id: ours, version: 1, currency: USD}\nmodels:\n"
OLD = """  - provider: openai
    id: mine        # a comment
    aliases: [mine-latest]
    prices:
      - from: 2026-01-01
        rates: {all: {standard: {in_text: "1/Mtok", out_text: "2/Mtok"}}}
        provenance: {source: "a, b", checked: 2026-01-02, note: hand}
"""
old = file("old.yaml", HEAD + OLD)
test("list has the shipped book", len(rows("list")) > 80)
test("list has a second one", [r for r in rows("list", "--prices", old) if r["model"] == "mine"] == [
    {"provider": "openai", "model": "mine", "input": "1/Mtok", "output": "2/Mtok", "bands": "1", "tiers": "standard",
     "since": "2026-01-01", "checked": "2026-01-02", "file": old}], rows("list", "--prices", old))
test("list alone", len(rows("list", "--prices", old, "--no-shipped")) == 1)
test("list before there was a price", rows("list", "--prices", old, "--no-shipped", "--at", "2025-12-31") == [])
test("list of a provider", {r["provider"] for r in rows("list", "--provider", "anthropic")} == {"anthropic"})
shown = rows("show", "openai/MINE-latest", "--prices", old)
test("show says rates, provenance and the line",
     [(r["what"], r["price"], r["line"]) for r in shown] == [
         ("in_text", "1/Mtok", "8"), ("out_text", "2/Mtok", "8"), ("source", "a, b", "8"), ("checked", "2026-01-02", "8"),
         ("note", "hand", "8")], shown)
got = price("show", "openai/mine", "--prices", old)
test("show says which file", f"{old}:4" in got.stdout and "mine-latest" in got.stdout, got.all)
got = price("show", "openai/nothing")
test("show of nothing", got.returncode == 1 and "openai/nothing" in got.stderr, got.all)
got = price("check", old)
test("check of a good book", got.returncode == 0 and got.stdout == f"{old}: 1 models\n", got.all)
got = price("check", "--prices", old, old)
test("check of a book that is there already", got.returncode == 0 and got.stdout == f"{old}: 1 models\n", got.all)
got = price("check", old + ".none")
test("check of no file", got.returncode == 1 and old + ".none" in got.stderr, got.all)
for name, text, says in (
        ("a rate", HEAD + OLD.replace("1/Mtok", "cheap"), ":9:"), ("a duplicate", HEAD + OLD + OLD, ":12:"),
        ("an overlap", HEAD + OLD + OLD.partition("prices:\n")[2], ":11:"),
        ("a gate", HEAD + OLD.replace('"1/Mtok"', '"1001/Mtok"'), ":9:"),
        ("a model of the shipped book", HEAD + OLD.replace("id: mine ", "id: gpt-5.5 "), ":5:")):
    path = file("bad.yaml", text)
    got = price("check", path)
    test(f"check names the line of {name}", got.returncode == 1 and path + says in got.stderr, got.all)
new = file("new.yaml", HEAD + OLD.replace("1/Mtok", "1.5/Mtok").replace("[mine-latest]", "[]"))
test("diff", rows("diff", old, new) == [
    {"change": "name", "provider": "openai", "model": "mine", "what": "alias", "was": "mine-latest"},
    {"change": "price", "provider": "openai", "model": "mine", "since": "2026-01-01", "prompt": "all", "tier": "standard",
     "what": "in_text", "was": "1/Mtok", "is": "1.5/Mtok", "percent": "+50.0"}], rows("diff", old, new))
test("diff of a book with itself", rows("diff", old, old) == [] and rows("diff", "shipped", "shipped") == [])
got = price("diff", old, new, "-o", "csv")
test("CSV", len(list(csv.DictReader(io.StringIO(got.stdout)))) == 2, got.all)
got = price("diff", old, new, "-o", "json")
test("JSON is a list", len(json.loads(got.stdout)) == 2, got.all)
for args in ((), ("what",), ("list", "x"), ("show",), ("show", "x"), ("check",), ("diff", old), ("import",),
             ("list", "--at", "noon"), ("list", "--what"), ("import", "--approve", old), ("import", "--into", old, new)):
    got = price(*args)
    test(f"usage: price {' '.join(args)[:30]}", got.returncode == 2 and got.stderr, got.all)

# ---- an import into a book of its own


def listed(**more):
    model = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    return {"mine": {**model, **more}, "other": model, "gone": {**model, "input_cost_per_token": 1}}


def bring(name, entries, *args):
    return price("import", file(name, json.dumps(entries)), "--prices", old, "--no-shipped", *args)


def since(day):
    return "--since", day, "--backdate", "--approve", "--into", old


before = read(old)
got = bring("l.json", listed())
test("import shows and writes nothing", got.returncode == 0 and read(old) == before and "1  new" in got.stdout and
     "1  same_price" in got.stdout and "1  absurd" in got.stdout, got.all)
got = bring("l.json", listed(input_cost_per_token=2e-06), "-o", "json")
said = json.loads(got.stdout)
test("import as JSON", [(e["key"], e["verdict"], e.get("reason"), e.get("book")) for e in said["entries"]] == [
    ("mine", "imported", None, "elsewhere"), ("other", "imported", None, "new"), ("gone", "refused", "absurd", None)], got.all)
for name, more, verdict in (("a rate six times as dear", {"input_cost_per_token": 6.01e-06}, "jump"),
                            ("a rate that it lacks", {"input_cost_per_token": 2e-06, "output_cost_per_token": None}, "loses")):
    got = bring("l.json", listed(**more), "--approve", "--into", old, "-q")
    test(f"import keeps back {name}", f"1  {verdict}" in got.stdout and "mine\n" not in read(old), got.all)
    with open(old, "w", encoding="utf-8") as f:
        f.write(before)
got = bring("l.json", listed(input_cost_per_token=2e-06), *since("2026-07-01"))
after = read(old)
test("import --approve", got.returncode == 0 and "2 entries written" in got.stderr, got.all)
kept = iter(after.splitlines())
test("every line of before is there, in order, but the version",
     all(line in kept for line in before.splitlines() if "version" not in line), after)
for day, rate in (("2026-06-30", "1/Mtok"), ("2026-07-01", "2/Mtok")):
    got = [r["input"] for r in rows("list", "--prices", old, "--no-shipped", "--at", day) if r["model"] == "mine"]
    test(f"the price of {day}", got == [rate], got)
got = bring("l.json", listed(input_cost_per_token=2e-06), *since("2026-07-01"))
test("the same again changes nothing", "0 entries written" in got.stderr and read(old) == after, got.all)
for day in ("2026-07-01", "2026-03-01"):
    got = bring("l.json", listed(input_cost_per_token=3e-06), *since(day))
    test(f"nothing of the past is edited: {day}", "  later  " in got.stdout and read(old) == after, got.all)
both = listed(input_cost_per_token=4e-06)
both["mine-latest"] = dict(both["mine"])
got = bring("l.json", both, *since("2026-08-01"))
test("a model under two of its names is one entry", "1 entries written" in got.stderr and
     rows("list", "--prices", old, "--no-shipped", "--at", "2026-08-01")[0]["input"] == "4/Mtok", got.all)
after, both["mine-latest"]["input_cost_per_token"] = read(old), 5e-06
both["mine"]["input_cost_per_token"] = 6e-06
got = bring("l.json", both, *since("2026-09-01"))
test("two names that say different things: nothing is written", got.returncode == 1 and "nothing was written" in got.stderr and
     read(old) == after and not os.path.exists(old + ".approve"), got.all)
today = datetime.datetime.now(datetime.timezone.utc).date()
yesterday, tomorrow = (str(today + datetime.timedelta(days=n)) for n in (-1, 1))
after = read(old)
for name, args in (("--since before today", ("--since", yesterday, "--approve", "--into", old)),
                   ("a book since before today", ("--since", yesterday, "--out", os.path.join(TEMP.name, "past.yaml"))),
                   ("--checked tomorrow", ("--checked", tomorrow, "--approve", "--into", old))):
    got = bring("l.json", listed(input_cost_per_token=7e-06), *args)
    test(f"refused: {name}", got.returncode == 2 and (yesterday not in args or "--backdate" in got.stderr) and read(old) == after and
         not os.path.exists(os.path.join(TEMP.name, "past.yaml")), got.all)
got = bring("l.json", listed(input_cost_per_token=7e-06), "--since", yesterday)
test("only compared, any day will do", got.returncode == 0 and "5/Mtok" not in got.stdout and "7/Mtok" in got.stdout, got.all)


def own(name, prices, more=""):
    return file(name, HEAD + f"""  - provider: openai
    id: mine
{more}    prices:
      - from: 2026-01-01
        rates: {{all: {{standard: {prices}}}}}
        provenance: {{source: hand, checked: 2026-01-02}}
""")


def into(path, entries, *args):
    return price("import", file("l.json", json.dumps(entries)), "--prices", path, "--no-shipped", "--approve", "--into", path, *args)


IO = '{in_text: "1/Mtok", out_text: "2/Mtok"}'
book = own("checked.yaml", IO)
for args, since_day, checked in ((("--since", tomorrow), tomorrow, str(today)), (("--checked", "2026-03-04"), str(today), "2026-03-04")):
    got = into(own("checked.yaml", IO), listed(input_cost_per_token=2e-06), *args)
    test(f"an entry says its day and that of the look: {args[0]}", got.returncode == 0 and
         f"- from: {since_day}\n" in read(book) and f"checked: {checked}" in read(book), got.all + read(book))
# a rule that changes
uplift = listed(provider_specific_entry={"us": 1.1})
for name, entries, verdict in (("a new rule", uplift, "rule"), ("an absurd uplift", listed(provider_specific_entry={"us": 1000}), "ratio"),
                               ("no uplift at all", listed(provider_specific_entry={"us": 0}), "bad_number"),
                               ("a negative uplift", listed(regional_processing_uplift_multiplier_eu=-1.1), "bad_number"),
                               ("an absurd fast mode", listed(provider_specific_entry={"fast": 100}), "ratio")):
    book = own("rule.yaml", IO)
    got, before = into(book, entries), read(book)
    said = json.loads(into(book, entries, "-o", "json").stdout)["entries"][0]
    test(f"import keeps back {name}", verdict == said.get("reason", said.get("book")) and "checked: 2026-01-02" in before and
         before.count("- from:") == 2, (said, before))
    if verdict == "rule":
        test("a new rule is shown", any("uplift" in line and "region us x 11/10" in line for line in got.stdout.splitlines()), got.all)
book = own("rule.yaml", IO)
got = into(book, uplift, "--jumps")
test("--jumps takes a new rule", got.returncode == 0 and "uplift: [{when: {region: us}, mul: 11/10" in read(book), got.all)
book = own("lost.yaml", '{in_text: "1/Mtok", out_text: "2/Mtok", in_cache_read: "0.1/Mtok"}')
got = into(book, listed(input_cost_per_token=2e-06), "--drops")
test("what --drops drops is shown", got.returncode == 0 and "0.1/Mtok" in got.stdout, got.all)
# `missing_tier` is the book's alone
missing = own("missing.yaml", IO)
with open(missing, "a", encoding="utf-8") as f:
    f.write("        missing_tier: standard\n")
got = into(missing, listed())
test("that the list says nothing of missing tiers is no change", "1  same_price" in got.stdout, got.all)
got = into(missing, listed(input_cost_per_token=2e-06))
test("missing_tier goes on in the new entry", got.returncode == 0 and read(missing).count("missing_tier: standard") == 2, got.all + read(missing))
# a new id takes the place of what priced its calls
dated = own("dated.yaml", '{in_text: "1/Mtok", out_text: "2/Mtok", in_cache_read: "0.1/Mtok"}', "    allow_dated: true\n")
named = {"mine-2026-04-05": listed()["mine"]}
got = into(dated, named)
test("a new id that would lose a rate of what priced it is kept back", "1  loses" in got.stdout and "in_cache_read" in got.stdout and
     "mine-2026" not in read(dated), got.all)
named["mine-2026-04-05"] = {**listed(input_cost_per_token=9e-06)["mine"], "cache_read_input_token_cost": 1e-07}
got = into(dated, named)
test("... or cost more than five times as much", "1  jump" in got.stdout and "9/Mtok" in got.stdout, got.all)
named["mine-2026-04-05"]["input_cost_per_token"] = 2e-06
got = into(dated, named)
test("... else it is taken, and shown", "1  new" in got.stdout and "+100.0" in got.stdout and "1 entries written" in got.stderr, got.all)
AZURE = {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
falls = file("falls.yaml", HEAD.replace("models:", "providers:\n  - {id: azure, fallback: [{provider: openai, uplift: [{when: {sku: "
             "datazone}, mul: 11/10, on: tokens}]}]}\nmodels:") + OLD)
got = into(falls, {"azure/mine": AZURE})
test("a new id that would lose what the fallback says of places is kept back", "1  loses" in got.stdout and
     "sku datazone x 11/10" in got.stdout and "0 entries written" in got.stderr, got.all)
got = into(falls, {"azure/mine": AZURE, "azure/eu/mine": {**AZURE, "input_cost_per_token": 1.1e-06, "output_cost_per_token": 2.2e-06}})
test("... and one that says the same is taken", "1 entries written" in got.stderr and not got.stdout.startswith(" change"), got.all)
BEDROCK = {**AZURE, "litellm_provider": "bedrock"}
region = own("region.yaml", IO)
into(region, {"a.b-v1:0": BEDROCK})
got = into(region, {"bedrock/eu-west-2/a.b-v1:0": {**BEDROCK, "input_cost_per_token": 9e-06}})
test("a region's own entry is compared with the price of the others", "1  jump" in got.stdout and "0 entries written" in got.stderr, got.all)
got = into(region, {"*": listed()["other"], "openai/*": listed()["other"]})
test("no list prices every model there is", "2  name" in got.stdout and "0 entries written" in got.stderr, got.all)
flat = file("flat.yaml", HEAD + '  - {provider: openai, id: mine, prices: [{from: 2026-01-01, free: true, '
            'provenance: {source: x, checked: 2026-01-01}}]}\n')
got = price("import", file("l.json", json.dumps(listed())), "--prices", flat, "--no-shipped", "--drops", "--approve",
            "--into", flat)
test("an entry that cannot be edited is named, and nothing is written",
     got.returncode == 1 and f"{flat}:4:" in got.stderr and not os.path.exists(flat + ".approve"), got.all)
fresh = os.path.join(TEMP.name, "fresh.yaml")
got = price("import", file("l.json", json.dumps(listed())), "--no-shipped", "--approve", "--into", fresh)
test("import into a new file", got.returncode == 0 and price("check", "--no-shipped", fresh).returncode == 0, got.all)
got = price("import", file("x.json", "nonsense"))
test("no list", got.returncode == 1 and "x.json" in got.stderr, got.all)
got = price("import", "--from", "other", file("x.json", "{}"))
test("no such list", got.returncode == 2, got.all)

# ---- the public lists


def load(name):
    with open(os.path.join(LISTS, name), encoding="utf-8") as f:
        return json.load(f, parse_float=Fraction, parse_int=Fraction)


def per_mtok(text):
    amount, unit = text.split("/")
    assert unit == "Mtok", text
    return Fraction(amount)


def taken(path):
    got = price("import", path, "-o", "json")
    return json.loads(got.stdout) if got.returncode == 0 else got.all


def whole_book(path, name):
    out = os.path.join(TEMP.name, name)
    got = price("import", path, "--out", out, "--since", "2026-08-01", "--backdate", "-q")
    return {(r["provider"], r["model"]): r for r in rows("list", "--no-shipped", "--prices", out)} if got.returncode == 0 else got.all


def token_costs(entry):
    return [v for k, v in entry.items() if "cost" in k and "token" in k and "1k" not in k and "dbu" not in k and isinstance(v, Fraction)]


def all_costs(entry):
    return [v for k, v in entry.items() if "cost" in k and isinstance(v, Fraction)]


def litellm():
    path = os.path.join(LISTS, "litellm_model_prices.json")
    listed, said = load("litellm_model_prices.json"), taken(path)
    verdict = {e["key"]: e for e in said["entries"]}
    test("LiteLLM: every entry has a verdict, once", list(verdict) == list(listed) and all(
        e["verdict"] in ("imported", "flagged") or (e["verdict"] == "refused" and e["reason"]) for e in said["entries"]))
    test("LiteLLM: the counts are those of the entries",
         said["imported"] + sum(said["refused"].values()) == len(listed) and
         said["imported"] == sum(e["verdict"] != "refused" for e in said["entries"]), said["refused"])
    absurd = {k for k, e in listed.items() if any(v > Fraction(1, 1000) for v in token_costs(e))}
    test("LiteLLM: the absurd ones, 13 of wandb among them and jais-30b-chat, are caught",
         absurd == {k for k, e in verdict.items() if e.get("reason") == "absurd"} and "azure_ai/jais-30b-chat" in absurd and
         sum(k.startswith("wandb/") for k in absurd) == 13, absurd ^ {k for k, e in verdict.items() if e.get("reason") == "absurd"})
    zero = {k for k, e in listed.items() if e.get("litellm_provider") and k != "sample_spec" and
            "input_cost_per_token" in e and all_costs(e) and not any(all_costs(e))}
    test(f"LiteLLM: the {len(zero)} entries at zero are caught", len(zero) >= 83 and
         all(verdict[k].get("reason") == "zero" for k in zero), [verdict[k] for k in zero if verdict[k].get("reason") != "zero"])
    test("LiteLLM: a chat entry at 0/0 is never imported", not [
        k for k, e in listed.items() if e.get("mode") == "chat" and e.get("input_cost_per_token") == 0 ==
        e.get("output_cost_per_token") and not any(all_costs(e)) and verdict[k]["verdict"] != "refused"])
    book, wrong = whole_book(path, "litellm.yaml"), []
    columns = {"input": ("input_cost_per_token",), "output": ("output_cost_per_token",),
               "cached": ("cache_read_input_token_cost", "input_cost_per_token_cache_hit")}
    for key, e in verdict.items():
        if e["verdict"] == "refused" or "tiered_pricing" in listed[key]:
            continue
        row = book[e["provider"], e["model"]]
        for column, names in columns.items():
            want = next((listed[key][n] for n in names if listed[key].get(n)), None)
            have = per_mtok(row[column]) if column in row else None
            if have != (want and want * 1000000):
                wrong.append((key, column, str(want), row.get(column)))
    test(f"LiteLLM: {len(book)} imported, input, cached and output exactly as in the file",
         len(book) == said["imported"] > 1000 and not wrong, wrong[:20])
    places = [k for k, e in verdict.items() if e.get("reason") == "uplift" and k.startswith("bedrock/")][:3]
    for key in places:
        region, model = key.split("/")[1:]
        ratio = listed[key]["input_cost_per_token"] / next(listed[k] for k in (model, "bedrock/" + model) if k in listed)["input_cost_per_token"]
        said = [r["price"] for r in rows("show", "bedrock/" + model, "--no-shipped", "--prices", os.path.join(TEMP.name, "litellm.yaml"))
                if r["what"] == "uplift"]
        test(f"LiteLLM: {key} is an uplift", len(said) == 1 and f"region {region} x {ratio}" in said[0].split("; "), (said, str(ratio)))
    test("LiteLLM: there are uplifts of regions", places)
    key = "bedrock/sa-east-1/meta.llama3-8b-instruct-v1:0"
    test("LiteLLM: a region whose prices are no one ratio is an entry of its own",
         {c: per_mtok(book["bedrock", "sa-east-1:meta.llama3-8b-instruct-v1:0"][c]) for c in ("input", "output")} == {
             "input": listed[key]["input_cost_per_token"] * 1000000, "output": listed[key]["output_cost_per_token"] * 1000000})
    slips = {k for k, e in verdict.items() if e.get("reason") == "ratio"}
    test("LiteLLM: a tier at fifty times, a cache at twenty-four times the price of a token are caught",
         slips >= {"gpt-5-nano", "claude-3-haiku-20240307", "ft:davinci-002"} and len(slips) < 20, slips)
    for provider in ("openai", "azure"):
        said = rows("show", f"{provider}/dall-e-3", "--no-shipped", "--prices", os.path.join(TEMP.name, "litellm.yaml"))
        test(f"LiteLLM: {provider}/dall-e-3 costs by quality and size", isinstance(said, list) and {
            r["tier"]: r["price"] for r in said if r["what"] == "n_image"} == {
                "standard": "0.04/image", "standard/1024x1024": "0.04/image", "standard/1024x1792": "0.08/image",
                "standard/1792x1024": "0.08/image", "hd/1024x1024": "0.08/image", "hd/1024x1792": "0.12/image",
                "hd/1792x1024": "0.12/image"}, said)
    unknown = {k: e["notes"]["unknown_key"] for k, e in verdict.items() if "unknown_key" in e.get("notes", {})}
    test("LiteLLM: members that are not known are named", "output_cost_per_second_1080p" in unknown.values(), unknown)


def two_copies():
    names = "litellm_model_prices_2026-07-24.json", "litellm_model_prices.json"
    one, two = (os.path.join(LISTS, n) for n in names)
    got = rows("diff", one, two)
    before, after = whole_book(one, "one.yaml"), whole_book(two, "two.yaml")
    want = {k for k in before.keys() & after.keys() for c in ("input", "output")
            if before[k].get(c) and after[k].get(c) and per_mtok(before[k][c]) != per_mtok(after[k][c])}
    have = {(r["provider"], r["model"]) for r in got if r["change"] == "price" and r["tier"] == "standard" and
            r["what"] in ("in_text", "out_text") and r["prompt"][:1] != ">" and "was" in r and "is" in r} if isinstance(got, list) else got
    test(f"two dated copies: the diff has the {len(want)} models whose price changed", have == want and want, (have, want))
    for change, a, b in (("added", before, after), ("removed", after, before)):
        test(f"two dated copies: {change}", {(r["provider"], r["model"]) for r in got if r["change"] == change} ==
             b.keys() - a.keys(), change)
    terra = [r for r in got if r["model"] == "gpt-5.6-terra" and r["provider"] == "openai" and r["what"] == "out_text" and
             r["tier"] == "standard" and r["prompt"] == "<=272000"]
    test("two dated copies: a row says model, unit, old, new and percent",
         [(r["was"], r["is"], r["percent"]) for r in terra] == [("15/Mtok", "12/Mtok", "-20.0")], terra)


def genai():
    said = taken(os.path.join(LISTS, "genai_prices_npm_0.1.8.json"))
    listed = load("genai_prices_npm_0.1.8.json")
    test("genai-prices: every entry has a verdict", len(said["entries"]) == sum(len(p["models"]) for p in listed))
    book = whole_book(os.path.join(LISTS, "genai_prices_npm_0.1.8.json"), "genai.yaml")
    wrong = []
    for p in listed:
        if p["id"] not in ("openai", "anthropic", "mistral", "groq"):
            continue
        for m in p["models"]:
            row, prices = book.get((p["id"], m["id"])), m["prices"]
            if row and isinstance(prices, dict):
                for name, column in (("input_mtok", "input"), ("output_mtok", "output"), ("cache_read_mtok", "cached")):
                    want = prices.get(name)
                    want = want["base"] if isinstance(want, dict) else want
                    if (per_mtok(row[column]) if column in row else None) != (want or None):
                        wrong.append((m["id"], column, want, row))
    test("genai-prices: input, cached and output exactly as in the file", not wrong and len(book) > 500, wrong[:9])
    test("genai-prices: prices by the hour, which it says wrongly, are refused", {
        e["key"] for e in said["entries"] if e.get("reason") == "hours"} >= {"deepseek-v4-pro", "deepseek-v4-flash"})


def models_dev():
    name = "models_dev_api.json"
    said, listed = taken(os.path.join(LISTS, name)), load(name)
    test("models.dev: every entry has a verdict", len(said["entries"]) == sum(len(p["models"]) for p in listed.values()))
    book, wrong = whole_book(os.path.join(LISTS, name), "models.yaml"), []
    for provider in ("openai", "anthropic", "xai", "openrouter"):
        for key, m in listed[provider]["models"].items():
            row = book.get((provider, key))
            for cost, column in (("input", "input"), ("output", "output"), ("cache_read", "cached")):
                want = m.get("cost", {}).get(cost) or None
                if row and (per_mtok(row[column]) if column in row else None) != want:
                    wrong.append((key, column, want, row))
    test("models.dev: input, cached and output exactly as in the file", not wrong and len(book) > 500, wrong[:9])


def consensus():
    paths = [os.path.join(LISTS, n) for n in ("litellm_model_prices.json", "genai_prices_npm_0.1.8.json", "models_dev_api.json")]
    got = price("import", paths[0], "--provider", "openai", "--consensus", paths[1], "--consensus", paths[2])
    test("where the lists disagree: the fast tier of gpt-5.5", got.returncode == 0 and any(
        "gpt-5.5 " in line and "priority" in line and "12.5/Mtok" in line and "10/Mtok" in line and paths[2] in line
        for line in got.stdout.splitlines()), got.stdout[-1500:])


for function in (litellm, two_copies, genai, models_dev, consensus):
    if os.path.isdir(LISTS):
        function()
    else:
        count += 1
        print(f"ok {count} - {function.__name__} # SKIP skipped: no lists in {LISTS}")
TEMP.cleanup()
print(f"1..{count}")
sys.exit(1 if failed else 0)
