#!/usr/bin/python3
"""check.py LEDGER.DB [--journal FILE] -- does the ledger tie out?

Shares no code with submeter: reads the file read-only and works everything out again with Python's integers,
fractions and hashlib. Prints TAP; exits 1 when something does not hold, and names the row.
Invariants I1 ... I14 are those of user/ledger/README.md.
"""
import argparse
import hashlib
import json
import sqlite3
import struct
import sys
from collections import Counter, defaultdict
from fractions import Fraction

BAD_SHOWN = 10
LEAVES = set("""in_text in_cache_read in_cache_write_5m in_cache_write_1h in_cache_write in_audio in_audio_cached
in_image in_image_cached in_video in_tool out_text out_reasoning out_audio out_image out_video out_citation n_web_search
n_file_search n_code_session n_social_search n_maps n_image n_request n_rerank_unit n_page n_char n_audio_ms
n_video_ms""".split())
KINDS = {"wallet", "spend", "adjustments", "funding", "suspense", "reserve"}
PICO = 10 ** 12


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def say(self, name, bad):
        self.n += 1
        bad = list(bad)
        print(f"{'not ok' if bad else 'ok'} {self.n} - {name}")
        for line in bad[:BAD_SHOWN]:
            print(f"#   {line}")
        if len(bad) > BAD_SHOWN:
            print(f"#   ... and {len(bad) - BAD_SHOWN} more")
        self.failed += bool(bad)

    def end(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


def half_even(x):
    whole, rest = divmod(x.numerator, x.denominator)
    twice = 2 * rest
    if twice > x.denominator or (twice == x.denominator and whole % 2):
        whole += 1
    return whole


class Ledger:
    """Every row, as dictionaries."""

    def __init__(self, path):
        # No mode=ro fallback to immutable: a ledger in use has its last rows in the WAL.
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.db.execute("BEGIN")  # one snapshot for all of it
        self.accounts = self.rows("SELECT * FROM account ORDER BY id")
        self.transfers = self.rows("SELECT * FROM transfer ORDER BY seq")
        self.calls = self.rows("SELECT * FROM call ORDER BY seq")
        self.lines = self.rows("SELECT * FROM charge_line ORDER BY call_seq, leaf")
        self.periods = self.rows("SELECT * FROM period ORDER BY month")
        self.account = {a["id"]: a for a in self.accounts}
        self.call = {c["id"]: c for c in self.calls}
        self.lines_of = defaultdict(list)
        for line in self.lines:
            self.lines_of[line["call_seq"]].append(line)

    def rows(self, sql):
        return [dict(r) for r in self.db.execute(sql)]


def name(call):
    return f"call {call['seq']} ({call['id'].hex()})"


def i1(led):
    for t in led.transfers:
        debit, credit = led.account.get(t["debit"]), led.account.get(t["credit"])
        if not debit or not credit:
            yield f"transfer {t['seq']}: an account is missing"
        elif t["debit"] == t["credit"]:
            yield f"transfer {t['seq']}: debit and credit are one account"
        elif debit["currency"] != credit["currency"]:
            yield f"transfer {t['seq']}: two currencies"
        if t["amount"] <= 0:
            yield f"transfer {t['seq']}: amount {t['amount']}"
    for a in led.accounts:
        if a["kind"] not in KINDS:
            yield f"account {a['id']}: kind {a['kind']}"


def moves(t):
    return t["kind"] in ("posted", "post")


def i2(led):
    debits, credits = Counter(), Counter()
    for t in led.transfers:
        if moves(t) and t["debit"] in led.account and t["credit"] in led.account:
            debits[led.account[t["debit"]]["currency"]] += t["amount"]
            credits[led.account[t["credit"]]["currency"]] += t["amount"]
    if debits != credits:
        yield f"debits {dict(debits)}, credits {dict(credits)}"
    total = sum(balance(a) for a in led.accounts)
    if total:
        yield f"all balances add up to {total} pico, not 0"


def balance(a):
    return a["balance_high"] * 2 ** 63 + a["balance_low"]


def i3(led):
    fold = Counter()
    for t in led.transfers:
        if moves(t):
            fold[t["debit"]] -= t["amount"]
            fold[t["credit"]] += t["amount"]
    for a in led.accounts:
        if balance(a) != fold[a["id"]]:
            yield (f"account {a['id']} ({a['team']} {a['kind']}): balance {balance(a)}, "
                   f"its transfers give {fold[a['id']]}")


def i4(led):
    for what, rows in (("transfer", led.transfers), ("call", led.calls)):
        for ident, n in Counter(r["id"] for r in rows).items():
            if n > 1:
                yield f"{what} {ident.hex()}: {n} rows"
            if len(ident) != 16:
                yield f"{what} {ident.hex()}: not 128 bits"


def i5(led):
    pending = {t["id"]: t for t in led.transfers if t["kind"] == "pending"}
    ended = Counter(t["refers_to"] for t in led.transfers if t["kind"] in ("post", "void", "expire"))
    for ident, n in ended.items():
        if ident not in pending:
            yield f"a transfer resolves {ident and ident.hex()}, which is not pending"
        elif n > 1:
            yield f"pending transfer {ident.hex()} is resolved {n} times"


def i6(led):
    paid = Counter(t["call_id"] for t in led.transfers if t["call_id"] and t["reason"].startswith("charge"))
    amount = Counter()
    for t in led.transfers:
        if t["call_id"] and t["reason"].startswith("charge"):
            amount[t["call_id"]] += t["amount"]
            team = led.account[t["debit"]]["team"]
            if t["call_id"] not in led.call:
                yield f"transfer {t['seq']}: its call is missing"
            elif team != led.call[t["call_id"]]["team"] or team != led.account[t["credit"]]["team"]:
                yield f"transfer {t['seq']}: pays for another team's call"
            if (led.account[t["debit"]]["kind"], led.account[t["credit"]]["kind"]) != ("wallet", "spend"):
                yield f"transfer {t['seq']}: a charge that does not go from wallet to spend"
    for c in led.calls:
        billed = (c["kind"] == "inference" and c["billing"] == "metered" and (c["cost_pico"] or 0) > 0
                  and not c["joined_to"])
        if paid[c["id"]] != (1 if billed else 0):
            yield f"{name(c)}: {paid[c['id']]} transfers, wanted {int(billed)}"
        elif billed and amount[c["id"]] != c["cost_pico"]:
            yield f"{name(c)}: cost {c['cost_pico']}, transferred {amount[c['id']]}"
        if c["source"] not in ("reported", "partial", "estimated", "none"):
            yield f"{name(c)}: usage source {c['source']}"
        if c["kind"] == "inference" and c["source"] != "reported" and not c["why"]:
            yield f"{name(c)}: usage {c['source']} without a reason"
        if c["billing"] == "unpriced" and (c["cost_pico"] is not None or led.lines_of[c["seq"]]):
            yield f"{name(c)}: unpriced, and yet with a cost"
        if c["billing"] == "unpriced" and not c["why"]:
            yield f"{name(c)}: unpriced without a reason"
        if c["billing"] != "unpriced" and c["cost_pico"] is None:
            yield f"{name(c)}: {c['billing']} without a cost"
        if c["joined_to"] and c["joined_to"] not in led.call:
            yield f"{name(c)}: joined to a call that is missing"
        for key in ("low_pico", "high_pico"):
            if c["source"] == "reported" and c["cost_pico"] is not None and c[key] != c["cost_pico"]:
                yield f"{name(c)}: reported, but {key} is {c[key]}"


def i7(led):
    for c in led.calls:
        total = 0
        used = json.loads(c["usage"])
        for leaf in used:
            if leaf not in LEAVES or used[leaf] < 0:
                yield f"{name(c)}: leaf {leaf} = {used[leaf]}"
        for line in led.lines_of[c["seq"]]:
            right = half_even(Fraction(line["quantity"]) * Fraction(line["rate_pico"], line["rate_per"]))
            total += line["amount"]
            if line["amount"] != right:
                yield f"{name(c)}, {line['leaf']}: amount {line['amount']}, should be {right}"
            if c["source"] == "reported" and used.get(line["leaf"]) != line["quantity"]:
                yield f"{name(c)}, {line['leaf']}: {line['quantity']} priced, {used.get(line['leaf'])} used"
        if c["cost_pico"] is not None and total != c["cost_pico"]:
            yield f"{name(c)}: cost {c['cost_pico']}, its lines give {total}"


def i8(led):
    ids = {t["id"]: t["seq"] for t in led.transfers}
    for t in led.transfers:
        if t["refers_to"] and ids.get(t["refers_to"], t["seq"]) >= t["seq"]:
            yield f"transfer {t['seq']}: refers to one that was not there"


def chain(before, t):
    def number(n):
        return struct.pack("<Q", n & (2 ** 64 - 1))

    def field(x):
        if x is None:
            return b"\xff" * 8
        x = x.encode() if isinstance(x, str) else x
        return number(len(x)) + x

    row = (number(t["seq"]) + field(t["id"]) + number(t["debit"]) + number(t["credit"]) + number(t["amount"])
           + field(t["kind"]) + field(t["refers_to"]) + field(t["reason"]) + number(t["ts_ns"])
           + field(t["period"]) + field(t["call_id"]) + field(t["actor"]))
    return hashlib.blake2b(before + row, digest_size=32).digest()


def i9(led):
    before = bytes(32)
    for want, t in enumerate(led.transfers, 1):
        if t["seq"] != want:
            yield f"transfer {t['seq']}: number {want} is missing"
            return
        right = chain(before, t)
        if right != t["hash"]:
            yield f"transfer {t['seq']}: its hash does not follow from its content"
        before = t["hash"]


def i10(led):
    last = 0
    for t in led.transfers:
        if t["ts_ns"] < last:
            yield f"transfer {t['seq']}: earlier than the one before"
        last = t["ts_ns"]
    months = {p["month"] for p in led.periods}
    for c in led.calls:
        if c["period"] not in months:
            yield f"{name(c)}: month {c['period']} is unknown"
        if c["ts_end"] < c["ts_start"]:
            yield f"{name(c)}: ends before it starts"
    for t in led.transfers:
        if t["period"] not in months:
            yield f"transfer {t['seq']}: month {t['period']} is unknown"
        if t["call_id"] in led.call and t["period"] != led.call[t["call_id"]]["period"]:
            yield f"transfer {t['seq']}: in another month than its call"


def i12(led):
    by_team, by_cgroup, spent = Counter(), Counter(), Counter()
    for c in led.calls:
        if c["billing"] == "metered" and not c["joined_to"] and c["cost_pico"]:
            by_team[c["team"]] += c["cost_pico"]
            by_cgroup[c["cgroup"]] += c["cost_pico"]
    for t in led.transfers:
        if t["call_id"] and moves(t) and t["reason"].startswith("charge"):
            spent[led.account[t["credit"]]["team"]] += t["amount"]
    if sum(by_team.values()) != sum(by_cgroup.values()):
        yield "teams and cgroups add up to different sums"
    for team in set(by_team) | set(spent):
        if by_team[team] != spent[team]:
            yield f"team {team}: calls cost {by_team[team]}, charged {spent[team]}"


def i14(led):
    for (line,) in led.db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield line
    for row in led.db.execute("PRAGMA foreign_key_check"):
        yield f"foreign key: {tuple(row)}"


# ---- against a journal of what really happened ----

def pico(text):
    value = Fraction(str(text)) * PICO
    if value.denominator != 1:
        raise ValueError(f"{text} is finer than a pico-dollar")
    return value.numerator


def journal_rows(path):
    with open(path) as f:
        for number, line in enumerate(f, 1):
            if line.strip():
                row = json.loads(line, parse_float=str)
                row["_line"] = number
                yield row


SAME = ("team", "cgroup", "provider", "model_served", "model_requested", "kind", "stream", "environment", "project")


def i13(led, path):
    """Each line: {"response_id" (or "id"): ..., and any of: cost_pico, cost_usd, usage {leaf: n}, team, cgroup, ...}.
    "completed": false says that the answer was cut, so the call may be unknown or an estimate."""
    calls = defaultdict(list)
    for c in led.calls:
        if c["kind"] == "inference" and not c["joined_to"]:
            calls[c["response_id"]].append(c)
    seen = set()
    for row in journal_rows(path):
        ident = row.get("response_id", row.get("id"))
        where = f"journal line {row['_line']} ({ident})"
        if not ident:
            continue
        seen.add(ident)
        found = calls.get(ident, [])
        cut = row.get("completed") is False
        if cut and not found:
            continue
        if len(found) != 1:
            yield f"{where}: in the ledger {len(found)} times"
            continue
        c = found[0]
        for key in SAME:
            if row.get(key) is not None and key in c and c[key] != row[key]:
                yield f"{where}: {key} is {c[key]!r}, should be {row[key]!r}"
        used = json.loads(c["usage"])
        truth = row.get("usage")
        if c["source"] == "reported" and truth and set(truth) <= LEAVES and used != truth:
            yield f"{where}: usage {used}, should be {truth}"
        want = row.get("cost_pico")
        if want is None and row.get("cost_usd") is not None:
            want = pico(row["cost_usd"])
        if want is None or c["cost_pico"] is None:
            if want is not None and not cut:
                yield f"{where}: unpriced ({c['why']}), should cost {want}"
        elif c["source"] == "reported" and c["cost_pico"] != want:
            yield f"{where}: cost {c['cost_pico']}, should be {want}"
        elif not cut and not c["low_pico"] <= want <= c["high_pico"]:
            yield f"{where}: {want} is outside of [{c['low_pico']}, {c['high_pico']}]"
    for ident, found in calls.items():
        if ident is not None and ident not in seen:
            yield f"phantom: {name(found[0])} with response {ident}"


CHECKS = (
    ("I1 every transfer moves an amount between two accounts", i1),
    ("I2 debits equal credits", i2),
    ("I3 every balance is the fold of its transfers", i3),
    ("I4 ids are unique", i4),
    ("I5 a pending transfer is resolved at most once", i5),
    ("I6 every call has one class and one charge", i6),
    ("I7 every cost is its lines, every line quantity x rate", i7),
    ("I8 corrections refer to what was there", i8),
    ("I9 the hash chain holds", i9),
    ("I10 time does not go back, months partition it", i10),
    ("I12 teams, cgroups and charges add up", i12),
    ("I14 the file is sound", i14),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("ledger")
    parser.add_argument("--journal", help="JSON lines of what the providers really answered")
    args = parser.parse_args()
    tap = Tap()
    try:
        led = Ledger(args.ledger)
    except sqlite3.Error as e:
        print(f"1..0\nBail out! {args.ledger}: {e}")
        return 1
    for title, check in CHECKS:
        try:
            tap.say(title, list(check(led)))
        except Exception as e:  # a row so wrong that it cannot be worked with
            tap.say(title, [f"{type(e).__name__}: {e}"])
    if args.journal:
        tap.say("I13 the journal is in the ledger, once, and nothing else", list(i13(led, args.journal)))
    print(f"# {len(led.calls)} calls, {len(led.transfers)} transfers, {len(led.accounts)} accounts")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
