#!/usr/bin/python3
"""Compares the JSON scanner and the decimals with Python's json, decimal and fractions. Prints TAP.

The C sources are compiled into a shared library in a temporary folder and called through ctypes.
`json_diff.py [SEED [COUNT]]`; the same seed gives the same documents.
"""
import ctypes
import decimal
import fractions
import json
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = "json jsonpath jsontext jsonscan jsonw dec buf obj str".split()
NULL, FALSE, TRUE, NUMBER, STRING, OBJECT, ARRAY = range(7)
RAW, EACH = 1, 2
EBADMSG, ERANGE, EDOM, EMSGSIZE = 74, 34, 33, 90
DEPTH = 64
PATHS = ["", "a", "b", "a.b", "a.b.c", "[]", "[].a", "a[]", "a[].b", "[][]", "c", "a.a", "b[][]", "key"]


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]


class Want(ctypes.Structure):
    _fields_ = [("path", ctypes.c_char_p), ("id", ctypes.c_int), ("flags", ctypes.c_uint)]


class Rate(ctypes.Structure):
    _fields_ = [("pico", ctypes.c_int64), ("per", ctypes.c_uint64)]


FN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, Str)


def build(folder):
    lib = os.path.join(folder, "base.so")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-I" + ROOT + "/include"]
        + [f"{ROOT}/user/base/{s}.c" for s in SOURCES] + ["-o", lib], check=True)
    c = ctypes.CDLL(lib)
    c.json_new.argtypes = [ctypes.POINTER(Want), ctypes.c_size_t, FN, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    c.json_feed.argtypes = [ctypes.c_void_p, Str]
    c.json_end.argtypes = [ctypes.c_void_p]
    c.json_free.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    c.dec_pico.argtypes = [Str, ctypes.POINTER(ctypes.c_int64)]
    c.dec_rate.argtypes = [Str, ctypes.c_uint64, ctypes.POINTER(Rate)]
    c.dec_line.argtypes = [ctypes.c_uint64, Rate, ctypes.POINTER(ctypes.c_int64)]
    return c


def borrow(data):
    keep = ctypes.create_string_buffer(data, len(data) or 1)
    return Str(ctypes.addressof(keep), len(data)), keep


# ---- the scanner -------------------------------------------------------------------------------

def ours(c, doc, wants, rng):
    """(result, [(id, type, text)]) with the document cut at random."""
    told = []

    def note(_, number, kind, text):
        told.append((number, kind, ctypes.string_at(text.p, text.n) if text.p else None))
        return 0

    table = (Want * max(len(wants), 1))(*[Want(path.encode(), i, flags) for i, (path, flags) in enumerate(wants)])
    scanner = ctypes.c_void_p()
    fn = FN(note)
    assert c.json_new(table, len(wants), fn, None, ctypes.byref(scanner)) == 0
    cuts = sorted(rng.randrange(len(doc) + 1) for _ in range(rng.choice([0, 1, 3, len(doc)])))
    r = 0
    for start, end in zip([0] + cuts, cuts + [len(doc)]):
        s, keep = borrow(doc[start:end])
        r = c.json_feed(scanner, s)
        del keep
        if r:
            break
    if r == 0:
        r = c.json_end(scanner)
    c.json_free(ctypes.byref(scanner))
    return r, told


class Number(str):
    pass


class Object(list):
    pass


def refuse(word):
    raise ValueError(word)


def steps(path):
    return re.findall(r"\[\]|[^.\[\]]+", path)


def theirs(doc, wants):
    """What has to be told: (result, [(id, type, value)])."""
    try:
        value = json.loads(doc.decode(), object_pairs_hook=Object, parse_int=Number, parse_float=Number,
                           parse_constant=refuse)
    except (ValueError, RecursionError):
        return False, []
    told, rows = [], [steps(path) for path, _ in wants]

    def walk(v, live, depth):
        wanted = [i for i in live if len(rows[i]) == depth]
        kinds = {type(None): NULL, Number: NUMBER, str: STRING, Object: OBJECT, list: ARRAY}
        kind = (TRUE if v else FALSE) if isinstance(v, bool) else kinds[type(v)]
        if kind < OBJECT:
            told.extend((i, kind, v) for i in wanted)
            return
        for item in v:
            name, inner = item if kind == OBJECT else ("[]", item)
            walk(inner, [i for i in live if len(rows[i]) > depth and rows[i][depth] == name
                         and (kind == ARRAY) == (rows[i][depth] == "[]")], depth + 1)
        told.extend((i, kind, v) for i in wanted if wants[i][1])

    walk(value, range(len(wants)), 0)
    return True, told


def plain(text):
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def same(mine, his, wants, doc):
    if mine[:2] != his[:2]:
        return False
    (number, kind, text), value = mine, his[2]
    if kind == STRING:
        return text.decode() == plain(value)
    if kind == NUMBER:
        return text.decode() == value
    if kind < OBJECT:
        return text == [b"null", b"false", b"true"][kind]
    if not wants[number][1] & RAW:
        return text == b""
    return text in doc and theirs(text, [("", EACH)])[1][0][2] == value


def random_string(rng):
    parts = ["a", "b", "key", "", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "é", "€", "😀", "\\ud83d\\ude00", "\\ud83d",
             "\\uDE00", "\\u0000", "\\u0061", "x" * 9, " ", "[", "}", "\u007f"]
    return '"' + "".join(rng.choice(parts) for _ in range(rng.randrange(4))) + '"'


def random_value(rng, depth):
    kind = rng.randrange(8 if depth else 5)
    space = rng.choice(["", "", " ", "\n\t", "\r"])
    if kind == 0:
        return rng.choice(["null", "true", "false"])
    if kind in (1, 2):
        return rng.choice(["0", "-0", "12", "1.50", "-3e5", "1E+2", "0.1e-7", "20000.10", "123456789012345678901234567890"])
    if kind in (3, 4):
        return random_string(rng)
    count = rng.randrange(4)
    if kind == 5:
        return "[" + space + ("," + space).join(random_value(rng, depth - 1) for _ in range(count)) + space + "]"
    keys = ['"a"', '"b"', '"c"', '"\\u0061"', '"k\\u0065y"', '"[]"', '""', random_string(rng)]
    return "{" + space + (space + ",").join(
        rng.choice(keys) + space + ":" + space + random_value(rng, depth - 1) for _ in range(count)) + "}" + space


def mutate(rng, doc):
    b = list(doc)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        at = rng.randrange(len(b) + 1)
        piece = rng.choice(['"', "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "1", "\t", "\u0001", "t", "\\u12", " "])
        b[at:at + rng.randrange(2)] = piece
    return "".join(b)


def scanner_test(c, rng, count):
    good = 0
    for _ in range(count):
        doc = mutate(rng, random_value(rng, rng.randrange(1, 6))).encode()
        wants = [(rng.choice(PATHS), rng.choice([0, RAW, EACH, RAW | EACH])) for _ in range(rng.randrange(8))]
        r, told = ours(c, doc, wants, rng)
        valid, expected = theirs(doc, wants)
        if (r == 0) != valid or r not in (0, -EBADMSG):
            return f"{doc!r}: result {r}, Python says {'valid' if valid else 'invalid'}"
        if valid and (len(told) != len(expected) or not all(same(m, h, wants, doc) for m, h in zip(told, expected))):
            return f"{doc!r} {wants}: told {told}, expected {expected}"
        good += valid
    return None if good > count / 10 and good < count * 0.95 else f"{good} of {count} documents are valid: a poor mix"


def depth_test(c, rng):
    for n in (1, DEPTH, DEPTH + 1, 100000):
        for doc in (b"[" * n + b"]" * n, b'{"a":' * n + b"1" + b"}" * n):
            r, _ = ours(c, doc, [("a", 0)], random.Random(0) if n < 1000 else random.Random(2))
            if r != (0 if n <= DEPTH else -EMSGSIZE):
                return f"depth {n}: {r}"
    return None


# ---- the decimals ------------------------------------------------------------------------------

def random_decimal(rng):
    digits = lambda n: "".join(rng.choice("0123456789") for _ in range(n))
    text = rng.choice(["", "", "-"]) + digits(rng.randrange(1, rng.choice([3, 8, 24])))
    if rng.randrange(2):
        text += "." + digits(rng.randrange(1, rng.choice([3, 14])))
    if rng.randrange(4) == 0:
        text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.randrange(14))
    return text


def expected_pico(exact):
    if exact.denominator != 1:
        return -EDOM
    return int(exact) if -2**63 <= exact < 2**63 else -ERANGE


def pico_test(c, rng, count):
    seen = set()
    for _ in range(count):
        text = random_decimal(rng)
        want = expected_pico(fractions.Fraction(decimal.Decimal(text)) * 10**12)
        got = ctypes.c_int64()
        s, keep = borrow(text.encode())
        r = c.dec_pico(s, ctypes.byref(got))
        if (r or got.value) != want:
            return f"dec_pico {text}: {r} {got.value}, expected {want}"
        seen.add(r)
    return None if seen == {0, -EDOM, -ERANGE} else f"results seen: {seen}"


def line_test(c, rng, count):
    halves = 0
    for _ in range(count):
        text, per = random_decimal(rng).lstrip("-"), rng.choice([1, 2, 3, 60, 1000, 60000, 1000000])
        quantity = rng.randrange(2**rng.choice([4, 20, 40, 64]))
        rate, got = Rate(), ctypes.c_int64()
        s, keep = borrow(text.encode())
        exact = fractions.Fraction(decimal.Decimal(text)) * 10**12 / per
        r = c.dec_rate(s, per, ctypes.byref(rate))
        fits = exact.numerator < 2**63 and exact.denominator < 2**64
        if r != (0 if fits else -ERANGE) or (fits and (rate.pico, rate.per) != (exact.numerator, exact.denominator)):
            return f"dec_rate {text}/{per}: {r} {rate.pico}/{rate.per}, expected {exact}"
        if not fits:
            continue
        whole = round(exact * quantity)  # half to even, exactly
        halves += (exact * quantity).denominator == 2
        r = c.dec_line(quantity, rate, ctypes.byref(got))
        if r != (0 if whole < 2**63 else -ERANGE) or (r == 0 and got.value != whole):
            return f"dec_line {quantity} x {text}/{per}: {r} {got.value}, expected {whole}"
    return None if halves > count / 1000 else f"only {halves} halves"


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    rng = random.Random(seed)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        c = build(folder)
        tests = [("the scanner tells what Python's json reads", lambda: scanner_test(c, rng, count)),
                 ("depth is limited without recursion", lambda: depth_test(c, rng)),
                 ("dec_pico equals exact decimals", lambda: pico_test(c, rng, count)),
                 ("dec_rate and dec_line equal exact fractions", lambda: line_test(c, rng, count))]
        print(f"1..{len(tests)}")
        for i, (name, test) in enumerate(tests, 1):
            problem = test()
            failed |= problem is not None
            print(f"{'not ok' if problem else 'ok'} {i} - {name} (seed {seed})")
            if problem:
                print(f"# {problem}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
