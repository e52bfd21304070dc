#!/usr/bin/python3
"""nav -- can a newcomer find things? Ten questions; the file that answers each must be linked from README.md, or
from a page that README.md links: two hops."""
import os
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
QUESTIONS = [
    ("Where are server-sent events decoded?", "user/wire/sse.c"),
    ("In what order do the stages run, and who joins them?", "user/app/pipeline.c"),
    ("What do the stages hand to each other?", "include/flow.h"),
    ("Which rule decides who pays?", "user/team/map.c"),
    ("Where do the prices stand, and from what source?", "user/price/book.yaml"),
    ("What does the kernel side check before it reads a byte?", "bpf/scope.bpf.h"),
    ("Which capabilities does each process keep?", "user/app/priv.c"),
    ("What tables does the ledger have?", "user/ledger/001.sql"),
    ("How is a provider added?", "user/llm/README.md"),
    ("Where is every size limit?", "include/tbl/limit.h"),
]


def links(page):
    path = os.path.join(TOP, page)
    if not page.endswith(".md") or not os.path.isfile(path):
        return set()
    with open(path, encoding="utf-8") as f:
        found = re.findall(r"\]\(([^)#\s]+)", f.read())
    out = set()
    for target in found:
        if "://" in target:
            continue
        full = os.path.normpath(os.path.join(os.path.dirname(page), target))
        out.add(full)
        if os.path.isdir(os.path.join(TOP, full)):
            out.add(os.path.join(full, "README.md"))
    return out


one = links("README.md")
two = set(one)
for p in one:
    two |= links(p)
print(f"1..{len(QUESTIONS)}")
for n, (question, answer) in enumerate(QUESTIONS, 1):
    ok = answer in two and os.path.isfile(os.path.join(TOP, answer))
    print(f"{'ok' if ok else 'not ok'} {n} - {question} {answer}")
