#!/usr/bin/python3
"""audit.py [SUBMETER] -- `submeter audit` on HAR files of its own: what browsers and proxies write. Prints TAP."""
import base64
import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = [os.path.join(ROOT, "out", *d, "bin", "submeter") for d in ((), ("san",))]
SUBMETER = sys.argv[1] if len(sys.argv) > 1 else next(filter(os.path.exists, BUILDS), BUILDS[0])
count = failed = 0

ANSWER = json.dumps({"id": "c1", "object": "chat.completion", "model": "gpt-4.1-2025-04-14", "choices": [
    {"message": {"content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}})
EVENTS = ('data: {"model":"gpt-4.1-2025-04-14","choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
          'data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}\n\n'
          'data: [DONE]\n\n')


def entry(text=ANSWER, status=200, encoding=None, size=None, headers=(), url="https://api.openai.com/v1/chat/completions",
          kind="application/json", method="POST"):
    content = {"mimeType": kind}
    if text is not None:
        content["text"] = text
    if encoding:
        content["encoding"] = encoding
    if size:
        content["size"] = size
    return {"startedDateTime": "2026-10-01T12:00:00.250+02:00", "time": 1500,
            "request": {"method": method, "url": url, "httpVersion": "h2", "headers": [
                {"name": ":authority", "value": "api.openai.com"}, {"name": "authorization", "value": "Bearer sk-secret"},
                {"name": "bad header", "value": "x"}, {"name": "x-evil", "value": "a\r\nContent-Length: 0"},
                {"name": "content-type", "value": "application/json"}],
                "postData": {"mimeType": "application/json", "text": '{"model":"gpt-4.1","messages":[]}'}},
            "response": {"status": status, "headers": [{"name": "content-type", "value": kind},
                                                       {"name": "transfer-encoding", "value": "chunked"},
                                                       *headers], "content": content}}


def har(*entries):
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def audit(text, *args, suffix=".har"):
    with tempfile.NamedTemporaryFile("w", suffix=suffix, encoding="utf-8") as f:
        f.write(text)
        f.flush()
        got = subprocess.run([SUBMETER, "-o", "jsonl", "audit", *args, f.name], capture_output=True, text=True)
    got.path = f.name
    got.records = [json.loads(x) for x in got.stdout.splitlines()] if "-o" not in args else None
    return got


def test(name, ok, note=""):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    if not ok:
        print(f"#   {note}")


def has(name, text, want):
    got = audit(text)
    r = got.records[0] if len(got.records) == 1 else {}
    bad = {k: r.get(k) for k, v in want.items() if r.get(k) != v}
    test(name, not bad and got.returncode == 0 and not got.stderr, f"{bad} {got.stderr} {got.stdout}")


PRICED = {"kind": "inference", "cost_usd": "0.0028", "usage_source": "reported", "model_requested": "gpt-4.1",
          "http_status": 200, "ts_start": "2026-10-01T10:00:00.250000000Z", "ts_end": "2026-10-01T10:00:01.750000000Z"}
GZIP = [{"name": "content-encoding", "value": "gzip"}]
BR = [{"name": "content-encoding", "value": "br"}]

has("a HAR entry", har(entry()), PRICED)
has("a body in base64", har(entry(base64.b64encode(ANSWER.encode()).decode(), encoding="base64")), PRICED)
has("a body that is still compressed", har(entry(base64.b64encode(gzip.compress(ANSWER.encode())).decode(),
                                                 encoding="base64", headers=GZIP)), PRICED)
has("a body that was decompressed by the recorder", har(entry(headers=GZIP)), PRICED)
has("the same, br", har(entry(headers=BR)), PRICED)
has("a stream", har(entry(EVENTS, kind="text/event-stream")), {**PRICED, "stream": True})
has("a body that was not stored", har(entry(None, size=500)), {"usage_source": "estimated", "why": "gap"})
has("no answer", har(entry(None, status=0)), {"kind": "inference", "usage_source": "estimated", "outcome": "aborted"})
has("an error", har(entry("{}", status=500)), {"kind": "error", "outcome": "server_error", "billing": "unpriced"})
has("a WebSocket", har(entry(None, status=101, method="GET", url="https://api.openai.com/v1/responses")),
    {"kind": "inference", "why": "gap", "billing": "unpriced"})  # its messages are not in such files
has("another site", har(entry(url="https://example.com/a b?ä#x")), {"kind": "other", "provider": "unknown"})

RESULT = ('{"custom_id":"%s","response":{"status_code":200,"body":{"id":"%s","object":"chat.completion","model":"gpt-4.1",'
          '"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}}}\n')
got = audit(har(entry(RESULT % ("a", "c1") + RESULT % ("b", "c2"), kind="application/octet-stream", method="GET",
                      url="https://api.openai.com/v1/files/file-1/content")))
test("a file of batch results: a record each, and one of the exchange",
     [(r["kind"], r.get("later"), r.get("response_id")) for r in got.records] ==
     [("inference", "result", "c1"), ("inference", "result", "c2"), ("other", None, None)] and
     len({r["id"] for r in got.records}) == 3 and got.returncode == 0, got.stdout + got.stderr)
FETCHED = json.dumps({"id": "resp_1", "object": "response", "model": "gpt-4.1", "background": True, "status": "completed",
                      "output": [], "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}})
got = audit(har(entry(FETCHED, method="GET", url="https://api.openai.com/v1/responses/resp_1")))
r = got.records[0]
test("an answer fetched by its id is billed where there are books, and here are none",
     (r["kind"], r["billing"], r["why"], r["usage_source"]) == ("other", "unpriced", "not_inference", "none") and
     not {"later", "usage", "cost_usd", "lines", "raw_usage"} & set(r), got.stdout)
got = audit(har(entry(), entry(url="nonsense"), entry()))
test("an entry without a url is named, the others are printed",
     got.returncode == 1 and len(got.records) == 2 and f"{got.path}:2:" in got.stderr, got.stderr)
again = audit(har(entry(), entry(url="nonsense"), entry()))
test("ids differ within a file and are the same in a copy of it",
     len({r["id"] for r in got.records}) == 2 and [r["id"] for r in got.records] == [r["id"] for r in again.records])
test("no secret is printed", "sk-secret" not in got.stdout and got.records[0]["credential"].startswith("cred:"))
got = audit("{}")
test("not a HAR file", got.returncode == 1 and "HAR" in got.stderr, got.stderr)
got = audit("nonsense")
test("not JSON", got.returncode == 1 and f"{got.path}:1:" in got.stderr, got.stderr)
got = subprocess.run([SUBMETER, "audit", "/nonexistent.har"], capture_output=True, text=True)
test("a missing file", got.returncode == 1 and "/nonexistent.har" in got.stderr, got.stderr)
for args in ([], ["--format", "xml", "x"], ["--what", "x", "y"], ["--at", "noon", "x"]):
    got = subprocess.run([SUBMETER, "audit", *args], capture_output=True, text=True)
    test(f"usage: audit {' '.join(args)}", got.returncode == 2 and got.stderr, f"{got.returncode} {got.stderr}")
got = audit(har(entry(), entry(url="https://example.com/")), "-o", "csv")
rows = list(csv.DictReader(io.StringIO(got.stdout)))
test("CSV", len(rows) == 2 and rows[0]["cost_usd"] == "0.0028" and rows[1]["cost_usd"] == "", got.stdout)
got = audit(har(entry(), entry()), "-o", "json")
test("JSON is a list", len(json.loads(got.stdout)) == 2, got.stdout)
got = audit(har(entry(), entry()), "-o", "table")
test("a table ends with the total", "0.0056" in got.stdout.splitlines()[-1], got.stdout)

BOOK = """schema: submeter.pricebook/1
book: {id: ours, version: 1, currency: USD}
models:
  - provider: openai
    id: %s
    prices:
      - {from: 2026-01-01, rates: {all: {standard: {in_text: "1/Mtok"}}}, provenance: {source: x, checked: 2026-01-01}}
"""
for model, code in (("mine", 0), ("gpt-4.1", 1)):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        f.write(BOOK % model)
        f.flush()
        got = audit(har(entry()), "--prices", f.name)
        test(f"a price book that adds {model}", got.returncode == code and (not code or f"{f.name}:5:" in got.stderr),
             got.stderr)
print(f"1..{count}")
sys.exit(1 if failed else 0)
