"""leaves.py -- what a provider's usage object comes to, in disjoint units: an independent reading of the rules, sharing no code with
submeter. A library for corpus.py, golden.py and properties.py.

    leaves(shape, raw, model="") -> {leaf: count} without zeros, or None: the object contradicts itself
    shape_of(provider, endpoint, model) -> which of the shapes below an exchange has
    searches(exchange, shape) -> hosted tools that no usage object tells
"""
import base64
import json
import zlib
from fractions import Fraction


def _n(obj, *path):
    """The number at a path, 0 where nothing is there."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    if obj is None:
        return 0
    if isinstance(obj, bool) or not isinstance(obj, (int, float)) or obj < 0 or obj != int(obj):
        raise ValueError(f"{path}: {obj!r}")
    return int(obj)


def _split(total, parts):
    """(what is left of total, parts); parts may not be more than their whole."""
    rest = total - sum(parts)
    if rest < 0:
        raise ValueError(f"{parts} are more than {total}")
    return rest


def _sum(claimed, *counts):
    if claimed is not None and sum(counts) != claimed:
        raise ValueError(f"{counts} do not come to {claimed}")


# ---- shapes ------------------------------------------------------------------------------------------------------


def chat(raw, model, hidden=False, reasoning="inside", loose=False):
    """Chat completions: what is cached, written, heard and seen is part of the prompt; reasoning part of the completion."""
    ins, outs = "prompt_tokens_details", "completion_tokens_details"
    prompt, completion, total = _n(raw, "prompt_tokens"), _n(raw, "completion_tokens"), raw.get("total_tokens")
    cached = max(_n(raw, ins, "cached_tokens"), _n(raw, "prompt_cache_hit_tokens"), _n(raw, "num_cached_tokens"))
    if "prompt_tokens" not in raw:
        prompt = _n(raw, "prompt_cache_hit_tokens") + _n(raw, "prompt_cache_miss_tokens")
    written = _n(raw, ins, "cache_write_tokens")
    left = _split(prompt, [cached, written])
    heard = min(_n(raw, ins, "audio_tokens"), left)
    seen = min(_n(raw, ins, "image_tokens"), left - heard)
    think = _n(raw, outs, "reasoning_tokens")
    spoken = _n(raw, outs, "audio_tokens")
    drawn = _n(raw, outs, "image_tokens")
    if reasoning == "by total" and total is not None and think and prompt + completion + think == total:
        completion += think
    elif hidden and total is not None and total > prompt + completion:
        think = total - prompt - completion
        completion += think
    else:
        _sum(total, prompt, completion)
    if loose:
        think = min(think, completion)
    return {"in_text": left - heard - seen, "in_cache_read": cached, "in_cache_write": written, "in_audio": heard,
            "in_image": seen, "out_text": _split(completion, [think, spoken, drawn]), "out_reasoning": think,
            "out_audio": spoken, "out_image": drawn}


def router(raw, model):
    """OpenRouter: as chat; its parts are counted by another tokenizer than its totals, so at most the whole is one. Its own tools."""
    searched = _n(raw, "server_tool_use_details", "web_search_requests")
    ran = _n(raw, "server_tool_use_details", "tool_calls_executed")
    return {**chat(raw, model, loose=True), "n_web_search": searched, "n_tool_call": max(ran - searched, 0)}


def responses(raw, model):
    ins, outs = "input_tokens_details", "output_tokens_details"
    total, cached, written = _n(raw, "input_tokens"), _n(raw, ins, "cached_tokens"), _n(raw, ins, "cache_write_tokens")
    out, think = _n(raw, "output_tokens"), _n(raw, outs, "reasoning_tokens")
    _sum(raw.get("total_tokens"), total, out)
    return {"in_text": _split(total, [cached, written]), "in_cache_read": cached, "in_cache_write": written,
            "out_text": _split(out, [think]), "out_reasoning": think}


def _message(raw):
    written, hour = _n(raw, "cache_creation_input_tokens"), _n(raw, "cache_creation", "ephemeral_1h_input_tokens")
    five = _n(raw, "cache_creation", "ephemeral_5m_input_tokens")
    if isinstance(raw.get("cache_creation"), dict):
        if "cache_creation_input_tokens" in raw and raw["cache_creation_input_tokens"] is not None:
            _sum(written, hour, five)
        write = {"in_cache_write_5m": five, "in_cache_write_1h": hour}
    else:
        write = {"in_cache_write_5m": written}
    think = _n(raw, "output_tokens_details", "thinking_tokens")
    return {"in_text": _n(raw, "input_tokens"), "in_cache_read": _n(raw, "cache_read_input_tokens"), **write,
            "out_text": _split(_n(raw, "output_tokens"), [think]), "out_reasoning": think}


def _declined(step, last):
    """Another model than the one that served: free as long as it had said nothing."""
    return step.get("model") not in (None, last.get("model")) and not step.get("output_tokens")


def messages(raw, model):
    """Anthropic: the cache stands beside the input; with iterations their sum is billed, but not attempts that were declined."""
    top, steps = _message(raw), raw.get("iterations") or []
    if steps:
        kept = [_message(s) for s in steps if not _declined(s, steps[-1])]
        summed = {leaf: sum(k.get(leaf, 0) for k in kept) for leaf in {x for k in kept for x in k}}
        # reasoning is told at the top only
        think = top.get("out_reasoning", 0)
        if think and not summed.get("out_reasoning"):
            summed["out_text"] = _split(summed["out_text"], [think])
            summed["out_reasoning"] = think
        top = summed
    top["n_web_search"] = _n(raw, "server_tool_use", "web_search_requests")
    return top


MODAL = {"TEXT": "text", 1: "text", "IMAGE": "image", 2: "image", "VIDEO": "video", 3: "video", "AUDIO": "audio", 4: "audio",
         "DOCUMENT": "image", 5: "image"}


def _modal(raw, *names):
    found = {}
    for name in names:
        for one in raw.get(name) or []:
            kind = MODAL.get(one.get("modality"), "text")
            found[kind] = found.get(kind, 0) + _n(one, "tokenCount")
    return found


def gemini(raw, model):
    """Cached tokens are part of the prompt, tool use is not; thoughts stand beside the candidates."""
    prompt, cached, tool = _n(raw, "promptTokenCount"), _n(raw, "cachedContentTokenCount"), _n(raw, "toolUsePromptTokenCount")
    out, think = _n(raw, "candidatesTokenCount"), _n(raw, "thoughtsTokenCount")
    _sum(raw.get("totalTokenCount"), prompt, tool, out, think)
    read, was = _modal(raw, "promptTokensDetails", "promptTokenDetails"), _modal(raw, "cacheTokensDetails")
    said = _modal(raw, "candidatesTokensDetails")
    _split(prompt, [cached])
    count = {"in_tool": tool, "out_reasoning": think, "in_cache_read": cached}
    rest = prompt - cached
    for kind in ("audio", "image", "video"):
        fresh = _split(read.get(kind, 0), [was.get(kind, 0)])
        count["in_" + kind] = fresh
        rest = _split(rest, [fresh])
        if kind != "video":  # film has no cached unit of its own
            count[f"in_{kind}_cached"] = was.get(kind, 0)
            count["in_cache_read"] = _split(count["in_cache_read"], [was.get(kind, 0)])
    count["in_text"] = rest
    drawn = {kind: said.get(kind, 0) for kind in ("audio", "image", "video")}
    count["out_text"] = _split(out, drawn.values())
    count.update({"out_" + kind: n for kind, n in drawn.items()})
    return count


def converse(raw, model):
    """Bedrock Converse: OpenAI's input holds what was cached, Anthropic's and Amazon's does not."""
    total, read = _n(raw, "inputTokens"), _n(raw, "cacheReadInputTokens")
    write = _n(raw, "cacheWriteInputTokens")
    if "openai." in model:
        total = _split(total, [read, write])
    hour = sum(_n(x, "inputTokens") for x in raw.get("cacheDetails") or [] if x.get("ttl") == "1h")
    five = sum(_n(x, "inputTokens") for x in raw.get("cacheDetails") or [] if x.get("ttl") == "5m")
    if "anthropic." in model and not raw.get("cacheDetails"):  # as where Anthropic itself does not split it
        five = write
    return {"in_text": total, "in_cache_read": read, "in_cache_write_1h": hour, "in_cache_write_5m": five,
            "in_cache_write": _split(write, [hour, five]), "out_text": _n(raw, "outputTokens")}


def invoke(raw, model):
    """Bedrock InvokeModel: each vendor's own names."""
    if "anthropic" in model:
        return messages(raw, model)
    if "inputTokens" in raw:
        return {"in_text": _n(raw, "inputTokens"), "out_text": _n(raw, "outputTokens"),
                "in_cache_read": _n(raw, "cacheReadInputTokenCount"), "in_cache_write": _n(raw, "cacheWriteInputTokenCount")}
    if "inputTextTokenCount" in raw:  # Titan
        out = sum(_n(r, "tokenCount") for r in raw.get("results") or []) + _n(raw, "totalOutputTextTokenCount")
        return {"in_text": _n(raw, "inputTextTokenCount"), "out_text": out}
    if "prompt_token_count" in raw:  # Llama
        return {"in_text": _n(raw, "prompt_token_count"), "out_text": _n(raw, "generation_token_count")}
    return chat(raw, model)


def cohere(raw, model):
    """What is billed, not what the template came to."""
    units = raw.get("billed_units") or {}
    return {"in_text": _n(units, "input_tokens"), "out_text": _n(units, "output_tokens"),
            "in_image": _n(units, "image_tokens"), "n_rerank_unit": _n(units, "search_units")}


def headers(raw, model):
    """Bedrock InvokeModel of a vendor whose body tells nothing: the heads do."""
    return {"in_text": _n(raw, "input-token-count"), "out_text": _n(raw, "output-token-count"),
            "in_cache_read": _n(raw, "cache-read-input-token-count"), "in_cache_write": _n(raw, "cache-write-input-token-count")}


def total_only(raw, model):
    """Voyage: input, and nothing else."""
    return {"in_text": _n(raw, "total_tokens")}


def transcription(raw, model):
    audio = _n(raw, "input_token_details", "audio_tokens")
    _sum(raw.get("total_tokens"), _n(raw, "input_tokens"), _n(raw, "output_tokens"))
    return {"in_text": _split(_n(raw, "input_tokens"), [audio]), "in_audio": audio, "out_text": _n(raw, "output_tokens")}


def pictures(raw, model):
    """Images that are billed by tokens: what is drawn is output, with the text that goes with it told apart."""
    ins = "input_tokens_details"
    seen, cached = _n(raw, ins, "image_tokens"), _n(raw, ins, "cached_tokens")
    text = _n(raw, "output_tokens_details", "text_tokens")
    _sum(raw.get("total_tokens"), _n(raw, "input_tokens"), _n(raw, "output_tokens"))
    return {"in_text": _split(_n(raw, "input_tokens"), [seen, cached]), "in_image": seen, "in_cache_read": cached,
            "out_image": _split(_n(raw, "output_tokens"), [text]), "out_text": text}


def pieces(raw, model):
    """Images that are billed a piece: `raw` is the whole answer."""
    return {"n_image": len(raw["data"])}


def seconds(raw, model):
    """Sound that is billed by its length, in milliseconds."""
    return {"n_audio_ms": int(Fraction(str(raw["seconds"])) * 1000)}


def sonar(raw, model):
    """Perplexity: reasoning, citations and searches stand beside the completion, and are billed for deep research alone."""
    deep = "deep-research" in model
    count = {"in_text": _n(raw, "prompt_tokens"), "out_text": _n(raw, "completion_tokens")}
    if deep:
        count.update(out_reasoning=_n(raw, "reasoning_tokens"), out_citation=_n(raw, "citation_tokens"),
                     n_web_search=_n(raw, "num_search_queries"))
    return count


def ollama(raw, model):
    cached = _n(raw, "prompt_eval_cached_count")
    return {"in_text": _split(_n(raw, "prompt_eval_count"), [cached]), "in_cache_read": cached, "out_text": _n(raw, "eval_count")}


SHAPES = {
    "chat": chat, "responses": responses, "messages": messages, "gemini": gemini, "converse": converse, "invoke": invoke,
    "cohere": cohere, "total_only": total_only, "transcription": transcription, "sonar": sonar, "ollama": ollama, "headers": headers,
    "router": router, "pictures": pictures, "pieces": pieces, "seconds": seconds,
    "chat, hidden thoughts": lambda raw, model: chat(raw, model, hidden=True),
    "chat, reasoning by total": lambda raw, model: chat(raw, model, reasoning="by total"),
}


def leaves(shape, raw, model=""):
    try:
        return {leaf: n for leaf, n in SHAPES[shape](raw, model).items() if n}
    except ValueError:
        return None


ENDPOINTS = {  # of corpus/dev
    "chat.completions": "chat", "embeddings": "chat", "responses": "responses", "responses.compact": "responses",
    "messages": "messages", "generateContent": "gemini", "streamGenerateContent": "gemini", "embedContent": "gemini",
    "batchEmbedContents": "gemini", "converse": "converse", "converse-stream": "converse", "invoke": "invoke",
    "invoke-with-response-stream": "invoke", "chat": "cohere", "embed": "cohere", "audio/transcriptions": "transcription",
}


def shape_of(provider, endpoint, model=""):
    """None: the endpoint tells usage in a way that none of the shapes has."""
    if provider == "voyage":
        return "total_only"
    if provider == "perplexity":
        return "sonar"
    if endpoint == "chat.completions" and provider == "openrouter":
        return "router"
    if endpoint == "chat.completions" and provider == "gemini":
        return "chat, hidden thoughts"
    if endpoint == "chat.completions" and provider == "xai":
        return "chat, reasoning by total"
    return ENDPOINTS.get(endpoint)


# ---- hosted tools ------------------------------------------------------------------------------------------------

TOOLS = {"web_search_call": "n_web_search", "file_search_call": "n_file_search"}


def _answers(exchange):
    """The JSON documents of the answer, in order."""
    body = base64.b64decode(exchange["response_body_b64"] or "")
    if body[:2] == b"\x1f\x8b":
        body = zlib.decompress(body, 31)
    text = body.decode("utf-8", "replace")
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].lstrip(" ") for line in block.split("\n") if line.startswith("data:"))
        try:
            found.append(json.loads(data))
        except ValueError:
            continue
    return found


def searches(exchange, shape):
    """{leaf: count} of what an answer's items are billed for."""
    count, sessions = {}, set()
    if shape == "responses":
        whole = [a.get("response", a) for a in _answers(exchange) if isinstance(a, dict)]
        whole = [a for a in whole if isinstance(a.get("output"), list) and a.get("usage")]
        for item in whole[-1]["output"] if whole else []:
            kind, action = item.get("type"), (item.get("action") or {}).get("type", "search")
            if kind == "code_interpreter_call":
                sessions.add(item.get("container_id"))
            elif kind == "image_generation_call":
                count["n_image"] = count.get("n_image", 0) + 1
            elif kind in TOOLS and (action == "search" or kind != "web_search_call"):
                count[TOOLS[kind]] = count.get(TOOLS[kind], 0) + 1
        if sessions:
            count["n_code_session"] = len(sessions)
    elif shape == "gemini":
        documents = _answers(exchange)
        documents = documents[0] if documents and isinstance(documents[0], list) else documents
        queries = {(where, q) for a in documents for c in a.get("candidates") or []
                   for where in ("webSearchQueries", "imageSearchQueries")
                   for q in (c.get("groundingMetadata") or {}).get(where) or [] if q}
        if queries:
            model = exchange["expected"].get("model_returned") or exchange["expected"].get("model_requested") or ""
            count["n_web_search"] = len(queries) if model.startswith("gemini-3") else 1
    return count
