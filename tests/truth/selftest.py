#!/usr/bin/python3
"""selftest.py -- the checker can say no: a good ledger passes, and each thing that can be wrong with it is found.

Builds its ledgers from user/ledger/*.sql alone, without submeter. Prints TAP."""
import glob
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

import check

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = sorted(glob.glob(os.path.join(HERE, "../../user/ledger/*.sql")))
LOCKED = ("transfer", "call", "charge_line", "revision", "revision_line", "handover")
UNLOCK = "".join(f"DROP TRIGGER {t}_{w};" for t in LOCKED for w in ("stays", "kept"))
ID = tuple(bytes([n] * 16) for n in range(32))


def insert(db, table, **row):
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def transfer(db, before, seq, debit, credit, amount, call=None, reason="charge"):
    row = dict(seq=seq, id=bytes([0xaa] * 15 + [seq]), debit=debit, credit=credit, amount=amount, kind="posted",
               refers_to=None, reason=reason, ts_ns=1000 + seq, period="2026-11", call_id=call, actor=None)
    row["hash"] = check.chain(before, row)
    insert(db, "transfer", **row)
    for account, by in ((debit, -amount), (credit, amount)):
        high, low = db.execute("SELECT balance_high, balance_low FROM account WHERE id = ?", (account,)).fetchone()
        high, low = divmod(high * 2 ** 63 + low + by, 2 ** 63)
        db.execute("UPDATE account SET balance_high = ?, balance_low = ? WHERE id = ?", (high, low, account))
    return row["hash"]


def build(path):
    db = sqlite3.connect(path)
    for name in SCHEMA:
        with open(name) as f:
            db.executescript(f.read())
    insert(db, "period", month="2026-11")
    for i, (team, kind) in enumerate([("__org__", "funding"), ("red", "wallet"), ("red", "spend"),
                                      ("blue", "wallet"), ("blue", "spend")], 1):
        insert(db, "account", id=i, team=team, kind=kind)
    head = transfer(db, bytes(32), 1, 1, 2, 2 ** 63 - 1, reason="allocate")
    for seq, team in ((1, "red"), (2, "blue"), (3, "red")):
        ident = bytes([seq] * 16)
        insert(db, "call", seq=seq, id=ident, content=b"", booked_ns=1, period="2026-11", kind="inference",
               ts_start=10, ts_end=20, team=team, cgroup="/" + team, provider="openai", stream=0, outcome="ok",
               response_id=f"resp_{seq}", usage=json.dumps({"in_text": 5, "out_text": 7}), source="reported",
               billing="metered", cost_pico=16, low_pico=16, high_pico=16)
        # 5 x 5/10 = 2.5 -> 2; 7 x 2 = 14
        insert(db, "charge_line", call_seq=seq, leaf="in_text", quantity=5, rate_pico=5, rate_per=10, amount=2)
        insert(db, "charge_line", call_seq=seq, leaf="out_text", quantity=7, rate_pico=2, rate_per=1, amount=14)
        wallet = 2 if team == "red" else 4
        head = transfer(db, head, 1 + seq, wallet, wallet + 1, 16, ident)
    insert(db, "call", seq=4, id=bytes([4] * 16), content=b"", booked_ns=1, period="2026-11", kind="inference",
           ts_start=10, ts_end=20, team="red", provider="openai", stream=0, outcome="ok", response_id="resp_4",
           usage="{}", source="none", why="no_usage", billing="unpriced")
    seen_twice(db, told_later(db, passed_on(db, head)))
    db.commit()
    return db


PRICED = dict(source="reported", billing="metered", cost_pico=16, low_pico=16, high_pico=16,
              usage=json.dumps({"in_text": 5, "out_text": 7}))
UNPRICED = dict(source="none", why="background", billing="unpriced", usage="{}")


def call(db, seq, team, **row):
    insert(db, "call", **{**dict(seq=seq, id=ID[seq], content=b"", booked_ns=1, period="2026-11", kind="inference", ts_start=10,
                                 ts_end=20, team=team, cgroup="/" + team, provider="openai", stream=0, outcome="ok",
                                 response_id=f"resp_{seq}"), **row})
    if row.get("cost_pico"):
        lines(db, "charge_line", call_seq=seq)


def lines(db, table, **of):
    insert(db, table, **of, leaf="in_text", quantity=5, rate_pico=5, rate_per=10, amount=2)
    insert(db, table, **of, leaf="out_text", quantity=7, rate_pico=2, rate_per=1, amount=14)


def passed_on(db, head):
    """Blue's gateway called on behalf of red."""
    call(db, 5, "blue", gateway=1, response_id="passed", epoch=b"epoch--1", **PRICED)
    head = transfer(db, head, 5, 4, 5, 16, ID[5])
    call(db, 6, "red", plain=1, response_id="passed", epoch=b"epoch--1", joined_to=ID[5], **{**UNPRICED, "why": "unknown_host"})
    insert(db, "handover", call_seq=5, caller_seq=6, booked_ns=2)
    head = transfer(db, head, 6, 5, 4, 16, ID[5], "gateway")
    return transfer(db, head, 7, 2, 3, 16, ID[5], "gateway")


def told_later(db, head):
    """An answer that was fetched, one that got a price, results told twice, a call that was tried again."""
    call(db, 7, "red", response_id="queued", **UNPRICED)
    call(db, 8, "blue", response_id="queued", later="fetched", joined_to=ID[7], **PRICED)
    insert(db, "revision", seq=1, after_seq=8, call_seq=7, number=1, booked_ns=2, reason="fetched", told_by=ID[8], amount=16, **PRICED)
    lines(db, "revision_line", revision_seq=1)
    head = transfer(db, head, 8, 2, 3, 16, ID[7], "fetched")
    call(db, 9, "blue", **{**UNPRICED, "why": "no_price"})
    insert(db, "revision", seq=2, after_seq=9, call_seq=9, number=1, booked_ns=2, reason="repriced", amount=16, **PRICED)
    lines(db, "revision_line", revision_seq=2)
    head = transfer(db, head, 9, 4, 5, 16, ID[9], "repriced")
    call(db, 10, "red", later="result", response_id="result", **PRICED)
    head = transfer(db, head, 10, 2, 3, 16, ID[10])
    call(db, 11, "blue", later="result", response_id="result", joined_to=ID[10], **PRICED)
    call(db, 12, "red", request_hash="aa", **{**UNPRICED, "why": "error_status", "kind": "error", "outcome": "rate_limited"})
    call(db, 13, "red", request_hash="aa", retry_of=ID[12], **PRICED)
    return transfer(db, head, 11, 2, 3, 16, ID[13])


def seen_twice(db, head):
    """Both sides of a gateway, without a price at first; and two that were one call, seen by two epochs."""
    new = dict(source="reported", why="no_price", billing="unpriced", usage_billing="metered", usage=PRICED["usage"])
    for seq, team, host, pid in ((14, "blue", "api.openai.com", 5), (15, "red", "localhost:4000", 6)):
        call(db, seq, team, response_id="both", epoch=b"epoch--1", plain=seq == 15, server_address=host, pid=pid, **new)
    told = dict(after_seq=15, number=1, booked_ns=3, usage_billing="metered", **PRICED)
    insert(db, "revision", seq=3, call_seq=14, reason="repriced", amount=16, **told)
    insert(db, "revision", seq=4, call_seq=15, reason="joined", told_by=ID[14], amount=0, **told)
    lines(db, "revision_line", revision_seq=3)
    lines(db, "revision_line", revision_seq=4)
    head = transfer(db, head, 12, 4, 5, 16, ID[14], "repriced")
    for seq, epoch in ((16, b"epoch--1"), (17, b"epoch--2")):
        call(db, seq, "red", response_id="epochs", epoch=epoch, usage_billing="metered", joined_to=ID[16] if seq == 17 else None, **PRICED)
    transfer(db, head, 13, 2, 3, 16, ID[16])


JOURNAL = [{"response_id": f"resp_{n}", "team": team, "cost_pico": 16, "usage": {"in_text": 5, "out_text": 7}}
           for n, team in ((1, "red"), (2, "blue"), (3, "red"))] + [{"id": "resp_4", "team": "red"}] + [
               {"response_id": ident, "team": team, "cost_pico": 16} for ident, team in (
                   ("passed", "red"), ("queued", "red"), ("resp_9", "blue"), ("result", "red"), ("resp_13", "red"), ("both", "blue"), ("epochs", "red"))]

WRONG = [  # invariant, what was done to the file
    ("I2", "UPDATE account SET balance_low = balance_low + 1 WHERE id = 3"),
    ("I3", "UPDATE account SET balance_low = balance_low + 1 WHERE id = 3"),
    ("I3", "UPDATE account SET balance_high = balance_high + 1 WHERE id = 2"),
    ("I6", "UPDATE call SET cost_pico = 17 WHERE seq = 1"),
    ("I6", "UPDATE call SET why = NULL WHERE seq = 4"),
    ("I6", "UPDATE call SET cost_pico = 0 WHERE seq = 4"),
    ("I6", "UPDATE call SET team = 'blue' WHERE seq = 1"),
    ("I6", "UPDATE call SET joined_to = id WHERE seq = 2"),
    ("I7", "UPDATE charge_line SET amount = 3 WHERE call_seq = 1 AND leaf = 'in_text'"),
    ("I7", "UPDATE charge_line SET quantity = 8, amount = 16 WHERE call_seq = 2 AND leaf = 'out_text'"),
    ("I7", "DELETE FROM charge_line WHERE call_seq = 3 AND leaf = 'in_text'"),
    ("I7", "UPDATE call SET usage = json_set(usage, '$.out_audio', 5) WHERE seq = 1"),
    ("I8", "UPDATE transfer SET refers_to = id WHERE seq = 2"),
    ("I9", "UPDATE transfer SET reason = 'charged' WHERE seq = 2"),
    ("I9", "UPDATE transfer SET amount = 15 WHERE seq = 3"),
    ("I9", "UPDATE transfer SET hash = zeroblob(32) WHERE seq = 4"),
    ("I9", "DELETE FROM transfer WHERE seq = 2"),
    ("I10", "UPDATE transfer SET ts_ns = 5 WHERE seq = 3"),
    ("I10", "UPDATE call SET ts_end = 5 WHERE seq = 3"),
    ("I10", "PRAGMA foreign_keys = OFF; UPDATE call SET period = '2026-13' WHERE seq = 1"),
    ("I12", "UPDATE call SET team = 'blue' WHERE seq = 1"),
    ("I14", "PRAGMA foreign_keys = OFF; UPDATE transfer SET credit = 99 WHERE seq = 2"),
    ("I6", "UPDATE revision SET why = NULL, source = 'partial' WHERE seq = 1"),
    ("I6", "UPDATE call SET kind = 'other' WHERE seq = 9"),
    ("I7", "UPDATE revision_line SET amount = 3 WHERE revision_seq = 2 AND leaf = 'in_text'"),
    ("I12", "DELETE FROM handover"),
    ("I15", "DELETE FROM handover"),
    ("I15", "UPDATE revision SET amount = 15 WHERE seq = 2"),
    ("I15", "UPDATE revision SET cost_pico = 17 WHERE seq = 2"),
    ("I15", "UPDATE revision SET billing = 'free' WHERE seq = 1"),
    ("I15", "UPDATE revision SET number = 2 WHERE seq = 1"),
    ("I15", "UPDATE revision SET reason = 'repriced' WHERE seq = 1"),
    ("I15", "DELETE FROM revision_line; DELETE FROM revision WHERE seq = 2"),
    ("I15", "UPDATE transfer SET debit = 4, credit = 5 WHERE seq = 8"),
    ("I15", "UPDATE transfer SET debit = 3, credit = 2 WHERE seq = 9"),
    ("I16", "UPDATE call SET joined_to = NULL WHERE seq = 8"),
    ("I16", "UPDATE call SET response_id = 'other' WHERE seq = 7"),
    ("I16", "UPDATE call SET why = 'no_price' WHERE seq = 7"),
    ("I16", "UPDATE call SET joined_to = NULL WHERE seq = 11"),
    ("I16", "UPDATE call SET outcome = 'ok' WHERE seq = 12"),
    ("I16", "UPDATE call SET cgroup = '/x' WHERE seq = 13"),
    ("I16", "UPDATE call SET gateway = 0 WHERE seq = 5"),
    ("I16", "UPDATE call SET plain = 0 WHERE seq = 6"),
    ("I16", "UPDATE call SET response_id = 'other' WHERE seq = 6"),
    ("I16", "UPDATE call SET ts_start = 100, ts_end = 200 WHERE seq = 6"),
    ("I16", "UPDATE revision SET told_by = NULL WHERE seq = 1"),
    ("I16", "UPDATE revision SET reason = 'repriced', told_by = NULL, amount = 16 WHERE seq = 4"),
    ("I16", "UPDATE revision SET told_by = x'" + "01" * 16 + "' WHERE seq = 4"),
    ("I16", "UPDATE call SET response_id = 'other' WHERE seq = 14"),
    ("I16", "UPDATE call SET pid = 5 WHERE seq = 15"),
    ("I16", "UPDATE call SET joined_to = NULL WHERE seq = 17"),
    ("I16", "UPDATE revision SET after_seq = 13, usage_billing = 'metered' WHERE seq = 2; "
            "UPDATE call SET response_id = 'resp_9', usage_why = 'midstream' WHERE seq = 13"),
    ("I15", "UPDATE revision SET amount = 16 WHERE seq = 4"),
    ("I15", "UPDATE revision SET after_seq = 6 WHERE seq = 1"),
    ("I17", "DROP VIEW call_paid; CREATE VIEW call_paid AS SELECT * FROM call"),
    ("I1", "PRAGMA foreign_keys = OFF; UPDATE transfer SET credit = 99 WHERE seq = 2"),
]

LIES = [  # what the journal says instead
    lambda j: j.pop(0),
    lambda j: j.append({"response_id": "resp_99"}),
    lambda j: j[0].update(cost_pico=17),
    lambda j: j[1].update(team="red"),
    lambda j: j[2].update(usage={"in_text": 5}),
    lambda j: j[4].update(team="blue"),
    lambda j: j[5].update(cost_pico=17),
    lambda j: j.pop(),
]


def run(path, journal, folder):
    name = os.path.join(folder, "journal.jsonl")
    with open(name, "w") as f:
        f.writelines(json.dumps(line) + "\n" for line in journal)
    done = subprocess.run([sys.executable, os.path.join(HERE, "check.py"), path, "--journal", name],
                          capture_output=True, text=True)
    return done.returncode, done.stdout


def main():
    failed = 0

    def say(good, name, out):
        nonlocal failed
        failed += not good
        say.n += 1
        print(f"{'ok' if good else 'not ok'} {say.n} - {name}")
        if not good:
            print("".join(f"# {line}\n" for line in out.splitlines()), end="")
    say.n = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "good.db")
        build(path).close()
        code, out = run(path, JOURNAL, folder)
        say(code == 0, "a good ledger passes", out)
        for n, (which, sql) in enumerate(WRONG):
            path = os.path.join(folder, f"{n}.db")
            db = build(path)
            db.executescript(UNLOCK + sql)
            db.close()
            code, out = run(path, JOURNAL, folder)
            found = any(line.startswith("not ok") and f"- {which} " in line for line in out.splitlines())
            say(code == 1 and found, f"{which}: {sql}", out)
        for n, lie in enumerate(LIES):
            journal = json.loads(json.dumps(JOURNAL))
            lie(journal)
            code, out = run(os.path.join(folder, "good.db"), journal, folder)
            say(code == 1 and any(line.startswith("not ok") and "- I13 " in line for line in out.splitlines()), f"I13: journal {n}", out)
    print(f"1..{say.n}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
