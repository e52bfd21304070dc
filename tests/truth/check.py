#!/usr/bin/python3
"""check.py LEDGER.DB [--journal FILE] -- does the ledger tie out?

Shares no code with submeter: reads the file read-only and works everything out again with Python's integers,
fractions and hashlib. Prints TAP; exits 1 when something does not hold, and names the row.
Invariants I1 ... I17 are those of user/ledger/README.md.
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
n_video_ms n_tool_call""".split())
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
        self.by_seq = {c["seq"]: c for c in self.calls}
        self.revisions = self.rows("SELECT * FROM revision ORDER BY call_seq, number")
        self.handovers = self.rows("SELECT * FROM handover ORDER BY call_seq")
        self.revisions_of, self.revision_lines_of = defaultdict(list), defaultdict(list)
        for r in self.revisions:
            self.revisions_of[r["call_seq"]].append(r)
        for line in self.rows("SELECT * FROM revision_line"):
            self.revision_lines_of[line["revision_seq"]].append(line)
        self.caller_of = {h["call_seq"]: h["caller_seq"] for h in self.handovers}
        self.callers = set(self.caller_of.values())

    def rows(self, sql):
        return [dict(r) for r in self.db.execute(sql)]

    def now(self, call):
        """A call's row as it stands after its last revision."""
        return {**call, **self.revisions_of[call["seq"]][-1], "seq": call["seq"]} if self.revisions_of[call["seq"]] else call

    def payer(self, call):
        return self.by_seq[self.caller_of[call["seq"]]] if call["seq"] in self.caller_of else call

    def counts(self, call):
        """No other call is billed instead of it."""
        return not call["joined_to"] and call["seq"] not in self.callers and self.now(call).get("reason") != "joined"

    def states(self, call):
        """(when, row) from its booking on: behind which call, as which revision."""
        yield (call["seq"], 0), call
        for r in self.revisions_of[call["seq"]]:
            yield (r["after_seq"], r["seq"]), {**call, **r, "seq": call["seq"]}


def name(call):
    return f"call {call['seq']} ({call['id'].hex()})"


def due(row):
    """What teams pay for a call, by its row or by a revision of it."""
    return row["cost_pico"] or 0 if row["billing"] == "metered" and row.get("reason") != "joined" else 0


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


def charged(led):
    """call id -> what was moved from wallets to spend for it: by (team, reason)."""
    moved = defaultdict(Counter)
    for t in led.transfers:
        if not t["call_id"]:
            continue
        debit, credit = led.account[t["debit"]], led.account[t["credit"]]
        if debit["team"] != credit["team"]:
            yield f"transfer {t['seq']}: a call is paid from one team to another"
        kinds = (debit["kind"], credit["kind"])
        if kinds not in (("wallet", "spend"), ("spend", "wallet")) or (kinds[0] == "spend" and t["reason"].startswith("charge")):
            yield f"transfer {t['seq']}: a charge that does not go from wallet to spend"
        if t["call_id"] not in led.call:
            yield f"transfer {t['seq']}: its call is missing"
        moved[t["call_id"]][debit["team"], t["reason"].split()[0]] += t["amount"] if kinds[0] == "wallet" else -t["amount"]
    led.moved = moved


def i6(led):
    yield from charged(led)
    paid = Counter(t["call_id"] for t in led.transfers if t["call_id"] and t["reason"].startswith("charge"))
    for c in led.calls:
        billed = c["kind"] == "inference" and not c["joined_to"] and due(c) > 0
        if paid[c["id"]] != (1 if billed else 0):
            yield f"{name(c)}: {paid[c['id']]} transfers, wanted {int(billed)}"
        elif billed and led.moved[c["id"]][c["team"], "charge"] != c["cost_pico"]:
            yield f"{name(c)}: cost {c['cost_pico']}, transferred {dict(led.moved[c['id']])}"
        if c["joined_to"] and c["joined_to"] not in led.call:
            yield f"{name(c)}: joined to a call that is missing"
        if c["kind"] != "inference" and (due(c) or led.revisions_of[c["seq"]]):
            yield f"{name(c)}: {c['kind']}, and yet it costs"
        yield from classed(name(c), c, led.lines_of[c["seq"]])
    for r in led.revisions:
        where = f"revision {r['number']} of {name(led.by_seq[r['call_seq']])}"
        yield from classed(where, {**r, "kind": "inference"}, led.revision_lines_of[r["seq"]])


def classed(where, c, lines):
    if c["source"] not in ("reported", "partial", "estimated", "none"):
        yield f"{where}: usage source {c['source']}"
    if c["kind"] == "inference" and c["source"] != "reported" and not c["why"]:
        yield f"{where}: usage {c['source']} without a reason"
    if c["billing"] == "unpriced" and (c["cost_pico"] is not None or lines):
        yield f"{where}: unpriced, and yet with a cost"
    if c["billing"] == "unpriced" and not c["why"]:
        yield f"{where}: unpriced without a reason"
    # what a plan pays is only known where an entry says what it would have cost
    if c["billing"] != "unpriced" and c["cost_pico"] is None and (c["billing"] != "subscription" or c["price_entry"]):
        yield f"{where}: {c['billing']} without a cost"
    for key in ("low_pico", "high_pico"):
        if c["source"] == "reported" and c["cost_pico"] is not None and c[key] != c["cost_pico"]:
            yield f"{where}: reported, but {key} is {c[key]}"


def i7(led):
    for c in led.calls:
        yield from summed(name(c), c, led.lines_of[c["seq"]])
    for r in led.revisions:
        where = f"revision {r['number']} of {name(led.by_seq[r['call_seq']])}"
        yield from summed(where, r, led.revision_lines_of[r["seq"]])


def summed(where, c, lines):
    total = 0
    used = json.loads(c["usage"])
    for leaf in used:
        if leaf not in LEAVES or used[leaf] < 0:
            yield f"{where}: leaf {leaf} = {used[leaf]}"
    for line in lines:
        right = half_even(Fraction(line["quantity"]) * Fraction(line["rate_pico"], line["rate_per"]))
        total += line["amount"]
        if line["amount"] != right:
            yield f"{where}, {line['leaf']}: amount {line['amount']}, should be {right}"
        if c["source"] == "reported" and line["leaf"] in used and used[line["leaf"]] != line["quantity"]:
            yield f"{where}, {line['leaf']}: {line['quantity']} priced, {used[line['leaf']]} used"
        if c["source"] == "reported" and line["leaf"] not in used and (line["leaf"], line["quantity"]) != ("n_request", 1):
            yield f"{where}, {line['leaf']}: priced, and not used"
    if c["cost_pico"] is not None and total != c["cost_pico"]:
        yield f"{where}: cost {c['cost_pico']}, its lines give {total}"
    if c["cost_pico"] is not None and c["billing"] != "free":
        for leaf in used.keys() - {line["leaf"] for line in lines}:
            if used[leaf]:
                yield f"{where}: {used[leaf]} {leaf} used, and no line for it"


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
        # what is corrected after its month was closed lies in the next that is open
        month = led.call[t["call_id"]]["period"] if t["call_id"] in led.call else t["period"]
        if t["period"] < month or (t["period"] != month and t["reason"].startswith("charge")):
            yield f"transfer {t['seq']}: in another month than its call"


def i12(led):
    by_team, by_cgroup, spent = Counter(), Counter(), Counter()
    for c in led.calls:
        if led.counts(c):
            by_team[led.payer(c)["team"]] += due(led.now(c))
            by_cgroup[led.payer(c)["cgroup"]] += due(led.now(c))
    for t in led.transfers:
        if t["call_id"] and moves(t):
            back = led.account[t["debit"]]["kind"] == "spend"
            spent[led.account[t["credit"]]["team"]] += -t["amount"] if back else t["amount"]
    if sum(by_team.values()) != sum(by_cgroup.values()):
        yield "teams and cgroups add up to different sums"
    for team in set(by_team) | set(spent):
        if by_team[team] != spent[team]:
            yield f"team {team}: calls cost {by_team[team]}, charged {spent[team]}"


def i15(led):
    """What was booked and what was revised add up to what each call costs now, paid by whom it belongs to."""
    list(charged(led))  # what is wrong there is told by I6
    for c in led.calls:
        cost, before = (due(c) if not c["joined_to"] else 0), 0
        for number, r in enumerate(led.revisions_of[c["seq"]], 1):
            where = f"revision {r['number']} of {name(c)}"
            before, cost = cost, due(r)
            if r["number"] != number:
                yield f"{where}: it should be the {number}."
            if r["amount"] != cost - before:
                yield f"{where}: moves {r['amount']}, should be {cost - before}"
            if r["booked_ns"] < c["booked_ns"] or r["after_seq"] < c["seq"]:
                yield f"{where}: before its call"
        if led.revisions_of[c["seq"]] and c["joined_to"]:
            yield f"{name(c)}: revised, and yet another is billed instead of it"
        want = Counter({led.payer(c)["team"]: cost} if led.counts(c) else {})
        got = Counter()
        for (team, _), amount in led.moved[c["id"]].items():
            got[team] += amount
        if {k: v for k, v in want.items() if v} != {k: v for k, v in got.items() if v}:
            yield f"{name(c)}: costs {dict(want)}, its transfers give {dict(got)}"
        reasons = Counter()
        for (_, reason), amount in led.moved[c["id"]].items():
            reasons[reason] += amount
        for reason in ("fetched", "repriced"):
            told = sum(r["amount"] for r in led.revisions_of[c["seq"]] if r["reason"] == reason)
            if reasons[reason] != told:
                yield f"{name(c)}: {reason} {told}, transferred {reasons[reason]}"
        if c["seq"] not in led.callers and reasons["gateway"]:
            yield f"{name(c)}: a gateway's money comes from nowhere"


def i16(led):
    """What was told later, asked again, or passed on, refers to what it says."""
    results = defaultdict(list)
    for c in led.calls:
        made = led.call.get(c["joined_to"])
        if c["later"] == "fetched":
            if c["kind"] == "inference" and not made:
                yield f"{name(c)}: fetched, and billed by itself"
            if made and (made["response_id"], made["provider"], made["later"]) != (c["response_id"], c["provider"], None):
                yield f"{name(c)}: fetched, but {name(made)} did not ask for it"
        if c["later"] == "result" and c["kind"] == "inference" and led.counts(c):
            results[c["provider"], c["response_id"], c["model_served"], c["usage"]].append(c)
        before = led.call.get(c["retry_of"])
        if c["retry_of"] and (not before or before["seq"] >= c["seq"] or before["request_hash"] != c["request_hash"]
                              or before["cgroup"] != c["cgroup"]
                              or before["outcome"] not in ("rate_limited", "server_error", "aborted")):
            yield f"{name(c)}: no retry of {before and name(before)}"
    for (_, ident, _, _), found in results.items():
        if ident and len(found) > 1:
            yield f"result {ident}: billed {len(found)} times"
    for r in led.revisions:
        c = led.by_seq[r["call_seq"]]
        told = led.call.get(r["told_by"])
        if (r["reason"] != "repriced") != bool(told):
            yield f"revision {r['number']} of {name(c)}: {r['reason']} by {told and name(told)}"
        elif r["reason"] == "fetched" and (told["joined_to"] != c["id"] or c["billing"] != "unpriced" or c["why"] != "background"):
            yield f"revision {r['number']} of {name(c)}: it was not queued, or {name(told)} is not its answer"
        elif r["reason"] == "fetched" and (told["cost_pico"], told["usage"]) != (r["cost_pico"], r["usage"]):
            yield f"revision {r['number']} of {name(c)}: other numbers than {name(told)}"
    for h in led.handovers:
        leg, caller = led.by_seq[h["call_seq"]], led.by_seq[h["caller_seq"]]
        if (leg["gateway"], leg["plain"], caller["gateway"], caller["plain"]) != (1, 0, 0, 1):
            yield f"{name(leg)}: paid by {name(caller)}, and no gateway stands between them"
        if (leg["response_id"], leg["epoch"]) != (caller["response_id"], caller["epoch"]) or leg["response_id"] is None:
            yield f"{name(leg)}: paid by {name(caller)}, which is another call"
        if leg["ts_start"] > caller["ts_end"] or caller["ts_start"] > leg["ts_end"]:
            yield f"{name(leg)}: paid by {name(caller)}, at another time"
        if leg["joined_to"] or caller["joined_to"] not in (None, leg["id"]):
            yield f"{name(leg)}: paid by {name(caller)}, and one of them belongs to another call"
    yield from seen_twice(led)


SLIP = 10 ** 9  # ns between the clocks of two epochs


def overlap(a, b, slip=0):
    return a["ts_start"] <= b["ts_end"] + slip and b["ts_start"] <= a["ts_end"] + slip


def is_twin(led, late, early):
    """Two rows, as they stood when the later one was charged: are they two observations of one call?"""
    if late["response_id"] != early["response_id"]:
        return False
    same = late["provider"] == early["provider"]
    if same and (late["usage_why"] == "midstream" or (late["epoch"] != early["epoch"] and overlap(late, early, SLIP))):
        return True
    if same and early["usage_why"] == "midstream" and early["seq"] > late["seq"] and early["cost_pico"] >= late["cost_pico"]:
        return True
    if not late["epoch"] or late["epoch"] != early["epoch"] or late["pid"] == early["pid"] or not overlap(late, early):
        return False
    legs = [c for c in (late, early) if c["gateway"] and not c["plain"]]
    callers = [c for c in (late, early) if c["plain"] and not c["gateway"]]
    if legs and callers and led.caller_of.get(legs[0]["seq"], callers[0]["seq"]) == callers[0]["seq"]:
        return True
    hosts = late["server_address"], early["server_address"]
    return (same and None not in hosts and hosts[0] != hosts[1] and late["seq"] not in led.caller_of
            and early["cost_pico"] >= (0 if late["plain"] else late["cost_pico"]))


def seen_twice(led):
    """A response is charged once: who is charged second is not joined to who was first, by the rules of user/ledger/find.c."""
    first = {}  # call -> when it was first charged, and its row then
    for c in led.calls:
        charge = next((s for s in led.states(c) if s[1]["billing"] == "metered"), None)
        if charge and c["response_id"] and not c["later"]:
            first[c["seq"]] = charge
    answers = defaultdict(list)
    for when, row in first.values():
        answers[row["response_id"]].append((when, row))
    for found in answers.values():
        for when, late in found:
            stood = [[s for t, s in led.states(led.by_seq[e["seq"]]) if t < when][-1] for t, e in found if t < when]
            twins = [s for s in stood if s["billing"] == "metered" and s.get("reason") != "joined" and is_twin(led, late, s)]
            if late.get("reason") == "joined":
                if late["told_by"] not in [t["id"] for t in twins]:
                    yield f"{name(late)}: joined to what is no other observation of it"
            # how it was told in version 1 is not known; what was fetched is billed where it was asked for
            elif late.get("reason") != "fetched" and late["usage_billing"] and led.counts(led.by_seq[late["seq"]]):
                for twin in twins:
                    if led.counts(led.by_seq[twin["seq"]]):
                        yield f"{name(late)}: charged, and so is {name(twin)}"


def i17(led):
    """What readers are given is what the rows come to."""
    want = {c["seq"]: (led.payer(c)["team"], led.payer(c)["cgroup"], led.now(c)["billing"], led.now(c)["cost_pico"],
                       led.now(c)["usage"], led.now(c)["source"]) for c in led.calls if led.counts(c)}
    got = {r["seq"]: (r["team"], r["cgroup"], r["billing"], r["cost_pico"], r["usage"], r["source"])
           for r in led.rows("SELECT * FROM call_paid")}
    for seq in want.keys() | got.keys():
        if want.get(seq) != got.get(seq):
            yield f"call {seq}: call_paid says {got.get(seq)}, should be {want.get(seq)}"


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


PAYER = ("team", "cgroup", "environment", "project")
SAME = ("team", "cgroup", "provider", "model_served", "model_requested", "kind", "stream", "environment", "project")


def i13(led, path):
    """Each line: {"response_id" (or "id"): ..., and any of: cost_pico, cost_usd, usage {leaf: n}, team, cgroup, ...}.
    "completed": false says that the answer was cut, so the call may be unknown or an estimate."""
    calls = defaultdict(list)
    for c in led.calls:
        if c["kind"] == "inference" and led.counts(c):
            payer = led.payer(c)
            calls[c["response_id"]].append({**led.now(c), **{key: payer[key] for key in PAYER}})
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
    ("I15 what was booked and what was revised come to what each call costs", i15),
    ("I16 what was told later, asked again, passed on or joined refers to what it says, once each", i16),
    ("I17 readers are given what the rows come to", i17),
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
