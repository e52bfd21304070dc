"""The shapes of Amazon Bedrock and of the Gemini API, from the truth of one call (answer.Truth)."""
import base64
import re
import struct
import urllib.parse
import zlib

from answer import dump

BEDROCK = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")
GEMINI = re.compile(r"/v1(?:beta)?/models/([^/:]+):(generateContent|streamGenerateContent)$")
STREAMS = ("converse-stream", "invoke-with-response-stream", "streamGenerateContent")


def asked(path):
    """(api, model, whether a stream), told by the path alone; None: neither of the two."""
    m = BEDROCK.match(path)
    if m:
        return m[2].split("-")[0], urllib.parse.unquote(m[1]), m[2] in STREAMS
    m = GEMINI.match(path)
    return m and ("gemini", urllib.parse.unquote(m[1]), m[2] in STREAMS)


# ---- application/vnd.amazon.eventstream


def message(payload, **headers):
    """One message: lengths, CRC of these, headers (all text), payload, CRC of everything before. In names _ stands for -."""
    head = b""
    for name, value in headers.items():
        name, value = (":" + name.replace("_", "-")).encode(), value.encode()
        head += bytes([len(name)]) + name + b"\7" + struct.pack(">H", len(value)) + value
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind, value):
    return message(dump(value), event_type=kind, content_type="application/json", message_type="event")


# ---- Bedrock


def _counts(truth):
    """(fresh, read from a cache, written to it, output): here the first three are disjoint."""
    get = truth.leaves.get
    written = sum(get(leaf, 0) for leaf in ("in_cache_write", "in_cache_write_5m", "in_cache_write_1h"))
    return get("in_text"), get("in_cache_read", 0), written, get("out_text", 0) + get("out_reasoning", 0)


def converse_usage(truth):
    fresh, cached, written, out = _counts(truth)
    return {"cacheReadInputTokenCount": cached, "cacheReadInputTokens": cached, "cacheWriteInputTokenCount": written,
            "cacheWriteInputTokens": written, "inputTokens": fresh, "outputTokens": out, "serverToolUsage": {},
            "totalTokens": fresh + cached + written + out}


def _converse(truth):
    return dump({"metrics": {"latencyMs": 531}, "output": {"message": {"content": [{"text": truth.whole_text()}], "role": "assistant"}},
                 "stopReason": "end_turn", "usage": converse_usage(truth)})


def _converse_stream(truth):
    yield event("messageStart", {"p": "abcdefgh", "role": "assistant"})
    for i in range(truth.count):
        yield event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": truth.word(i)}, "p": "abcdefghijklmnopqrstuvwxyz"[:i % 27]})
    yield event("contentBlockStop", {"contentBlockIndex": 0, "p": "abc"})
    yield event("messageStop", {"p": "abcdefghijkl", "stopReason": "end_turn"})
    yield event("metadata", {"metrics": {"latencyMs": 742}, "p": "abcdef", "usage": converse_usage(truth)})


def _invoke_stream(truth):
    fresh, cached, written, out = _counts(truth)
    for one in truth.message_events():
        if one["type"] == "message_stop":
            one["amazon-bedrock-invocationMetrics"] = {
                "inputTokenCount": fresh, "outputTokenCount": out, "invocationLatency": 742, "firstByteLatency": 101,
                "cacheReadInputTokenCount": cached, "cacheWriteInputTokenCount": written}
        yield event("chunk", {"bytes": base64.b64encode(dump(one)).decode(), "p": "abcdefghij"})


# ---- Gemini


def gemini_usage(truth):
    fresh, cached, _, _ = _counts(truth)
    thoughts = truth.leaves.get("out_reasoning", 0)
    usage = {"promptTokenCount": fresh + cached, "candidatesTokenCount": truth.leaves["out_text"],
             "totalTokenCount": fresh + cached + truth.leaves["out_text"] + thoughts,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": fresh + cached}]}
    if cached:
        usage.update(cachedContentTokenCount=cached, cacheTokensDetails=[{"modality": "TEXT", "tokenCount": cached}])
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return usage


def _gemini_chunk(truth, text, usage, last):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **({"finishReason": "STOP"} if last else {})}
    return dump({"candidates": [candidate], "usageMetadata": usage, "modelVersion": truth.served, "responseId": truth.ident})


def _gemini_chunks(truth):
    """Each with the usage until then: the last one counts."""
    usage = gemini_usage(truth)
    early = {k: v for k, v in usage.items() if k in ("promptTokenCount", "promptTokensDetails")}
    for i in range(truth.count):
        so_far = {**early, "candidatesTokenCount": min(i + 1, usage["candidatesTokenCount"])}
        so_far["totalTokenCount"] = so_far["promptTokenCount"] + so_far["candidatesTokenCount"]
        yield _gemini_chunk(truth, truth.word(i), so_far, False)
    yield _gemini_chunk(truth, "", usage, True)


def _array(chunks):
    """One JSON array that grows: the form without ?alt=sse."""
    start = b"["
    for chunk in chunks:
        yield start + chunk
        start = b"\n,\r\n"
    yield b"]"


# ---- both


def answer(truth, headers, query, stream):
    """The body, or an iterator of pieces; `headers` gets what belongs to it."""
    headers["content-type"] = "application/json"
    if truth.api == "gemini":
        if not stream:
            return _gemini_chunk(truth, truth.whole_text(), gemini_usage(truth), True)
        if "alt=sse" not in query:
            return _array(_gemini_chunks(truth))
        headers["content-type"] = "text/event-stream"
        return (b"data: " + chunk + b"\r\n\r\n" for chunk in _gemini_chunks(truth))
    if stream:
        headers["content-type"] = "application/vnd.amazon.eventstream"
        return _converse_stream(truth) if truth.api == "converse" else _invoke_stream(truth)
    if truth.api == "converse":
        return _converse(truth)
    for name, count in zip(("input", "cache-read-input", "cache-write-input", "output"), _counts(truth)):
        headers[f"x-amzn-bedrock-{name}-token-count"] = str(count)
    headers["x-amzn-bedrock-invocation-latency"] = "531"
    return dump(truth.message())
