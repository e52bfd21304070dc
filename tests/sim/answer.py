"""What a provider would answer: the truth first (disjoint leaves), then the usage object it is told in, then the body.

Everything but the ids comes from the seed, so two calls with one seed have the same usage.
"""
import json
import random
import time

import prices

WORDS = ("the a of invoice contract ticket customer refund clause meter tenant tariff please review summary latency deploy "
         "branch kernel probe ledger price token cache window answer because however therefore naïve 電気 smörgåsbord").split()


def dump(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Truth:
    """One call as the provider knows it."""

    def __init__(self, api, model, seed, ident, events=None):
        rng = random.Random(seed)
        self.api, self.model, self.served = api, model, prices.served(model)
        self.ident, self.tool = ident, False
        self.created = int(time.time())
        self.leaves = leaves = {"in_text": rng.randrange(5, 9000)}
        if rng.random() < 0.5:
            leaves["in_cache_read"] = rng.randrange(1, 40000)
        if api == "embeddings":
            leaves.pop("in_cache_read", None)
            self.text = []
            return
        count = events or rng.randrange(4, 24)
        self.text = [rng.choice(WORDS) + " " for _ in range(min(count, 64))]
        self.count = count
        leaves["out_text"] = count + rng.randrange(3)
        # asked even where unused, so that the numbers that follow do not depend on the model
        think, search, write = rng.random(), rng.randrange(3), rng.randrange(1, 20000)
        if model in prices.REASONING and think < 0.6:
            leaves["out_reasoning"] = rng.randrange(1, 4000)
        if model in prices.SEARCHES and api != "chat" and search == 0:
            leaves["n_web_search"] = rng.randrange(1, 4)
        if api in ("messages", "invoke"):
            if write % 3:
                leaves["in_cache_write_5m"] = write
            if write % 2:
                leaves["in_cache_write_1h"] = write // 7 + 1
        elif api == "realtime":
            leaves.update(in_audio=write % 700, in_audio_cached=write % 90, out_audio=write % 300)
        elif write % 3 and "in_cache_write" in prices.MODELS.get(model, (0, 0, {}))[2]:
            leaves["in_cache_write"] = write

    def word(self, i):
        return self.text[i % len(self.text)]

    def whole_text(self):
        if self.count == len(self.text):
            return "".join(self.text)
        return "".join(self.word(i) for i in range(self.count))

    def usage(self):
        return {"chat": self._chat_usage, "responses": self._responses_usage, "messages": self._messages_usage,
                "invoke": self._messages_usage, "embeddings": self._embeddings_usage}[self.api]()

    def _sums(self):
        get = self.leaves.get
        cached, written = get("in_cache_read", 0), get("in_cache_write", 0)
        return (get("in_text") + cached + written, cached, written,
                get("out_text", 0) + get("out_reasoning", 0), get("out_reasoning", 0))

    def _chat_usage(self):
        prompt, cached, written, out, reasoning = self._sums()
        inside = {"cached_tokens": cached, "audio_tokens": 0}
        if written:
            inside["cache_write_tokens"] = written
        return {"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": prompt + out,
                "prompt_tokens_details": inside,
                "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0,
                                              "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}

    def _responses_usage(self):
        prompt, cached, written, out, reasoning = self._sums()
        inside = {"cached_tokens": cached}
        if written:
            inside["cache_write_tokens"] = written
        return {"input_tokens": prompt, "input_tokens_details": inside, "output_tokens": out,
                "output_tokens_details": {"reasoning_tokens": reasoning}, "total_tokens": prompt + out}

    def _embeddings_usage(self):
        return {"prompt_tokens": self.leaves["in_text"], "total_tokens": self.leaves["in_text"]}

    def _messages_usage(self):
        get = self.leaves.get
        five, hour = get("in_cache_write_5m", 0), get("in_cache_write_1h", 0)
        usage = {"input_tokens": get("in_text"), "cache_creation_input_tokens": five + hour,
                 "cache_read_input_tokens": get("in_cache_read", 0),
                 "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
                 "output_tokens": get("out_text", 0) + get("out_reasoning", 0), "service_tier": "standard",
                 "inference_geo": "not_available"}
        if "out_reasoning" in self.leaves:
            usage["output_tokens_details"] = {"thinking_tokens": self.leaves["out_reasoning"]}
        if "n_web_search" in self.leaves:
            usage["server_tool_use"] = {"web_search_requests": self.leaves["n_web_search"], "web_fetch_requests": 0}
        return usage

    def body(self):
        return dump({"chat": self._chat, "responses": lambda: self._response("completed"),
                     "messages": self.message, "embeddings": self._embeddings}[self.api]())

    def stream(self, include_usage):
        """The server-sent events, one bytes object each, ready for the wire."""
        if self.api == "chat":
            return self._chat_events(include_usage)
        return self._named(self._response_events() if self.api == "responses" else self.message_events())

    @staticmethod
    def _named(events):
        for event in events:
            yield b"event: %s\ndata: %s\n\n" % (event["type"].encode(), dump(event))

    # chat completions

    def _chat(self):
        return {"id": self.ident, "object": "chat.completion", "created": self.created, "model": self.served,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": self.whole_text(), "refusal": None,
                                                     "annotations": []}, "logprobs": None, "finish_reason": "stop"}],
                "usage": self.usage(), "service_tier": "default", "system_fingerprint": "fp_5a1e55c0de"}

    def _chat_events(self, include_usage):
        head = {"id": self.ident, "object": "chat.completion.chunk", "created": self.created, "model": self.served,
                "service_tier": "default", "system_fingerprint": "fp_5a1e55c0de"}
        tail = {"usage": None} if include_usage else {}

        def chunk(delta, finish=None):
            return b"data: " + dump({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None,
                                                          "finish_reason": finish}], **tail}) + b"\n\n"
        yield chunk({"role": "assistant", "content": "", "refusal": None})
        before, after = chunk({"content": "\0"}).split(b'"\\u0000"')
        for i in range(self.count):
            yield before + dump(self.word(i)) + after
        yield chunk({}, "stop")
        if include_usage:  # after the finish_reason, with no choices
            yield b"data: " + dump({**head, "choices": [], "usage": self.usage()}) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def _embeddings(self):
        return {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.0123, -0.5, 1e-05]}],
                "model": self.served, "usage": self.usage()}

    # responses

    def _items(self, full):
        key = self.ident[5:]
        items = [{"id": f"ws_{key}{i}", "type": "web_search_call", "status": "completed",
                  "action": {"type": "search", "query": "tariff of the day"}}
                 for i in range(self.leaves.get("n_web_search", 0))]
        if self.tool:  # one that an agent has and that does nothing
            items.append({"id": "fc_" + key, "type": "function_call", "status": "completed" if full else "in_progress",
                          "name": "update_plan", "call_id": "call_" + key,
                          "arguments": '{"plan":[{"step":"go on","status":"in_progress"}]}' if full else ""})
            return items
        items.append({"id": "msg_" + key, "type": "message", "status": "completed" if full else "in_progress",
                      "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": self.whole_text()}]
                      if full else [], "role": "assistant"})
        return items

    def _response(self, status):
        done = status == "completed"
        return {"id": self.ident, "object": "response", "created_at": self.created, "status": status,
                "background": False, "error": None, "incomplete_details": None, "instructions": None,
                "max_output_tokens": None, "model": self.served, "output": self._items(True) if done else [],
                "parallel_tool_calls": True, "previous_response_id": None, "service_tier": "default" if done else "auto",
                "store": True, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
                "tools": [], "top_p": 1.0, "truncation": "disabled", "usage": self.usage() if done else None,
                "user": None, "metadata": {}}

    def background(self, status):
        """What is answered at once, and what a GET tells later."""
        return dump({**self._response(status), "background": True})

    def turn(self, generate):
        """The events of one turn over a WebSocket; without `generate` the provider is only warmed up."""
        if generate:
            yield from self._response_events()
            return
        none = {"output": [], "usage": {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0}}
        yield {"type": "response.created", "sequence_number": 0, "response": self._response("in_progress")}
        yield {"type": "response.completed", "sequence_number": 1, "response": {**self._response("completed"), **none}}

    def _response_events(self):
        number = 0

        def event(kind, **rest):
            nonlocal number
            number += 1
            return {"type": kind, "sequence_number": number - 1, **rest}
        yield event("response.created", response=self._response("in_progress"))
        yield event("response.in_progress", response=self._response("in_progress"))
        full, begun = self._items(True), self._items(False)
        for index, item in enumerate(full):
            yield event("response.output_item.added", output_index=index, item=begun[index])
            if item["type"] == "message":
                where = {"item_id": item["id"], "output_index": index, "content_index": 0}
                yield event("response.content_part.added", **where,
                            part={"type": "output_text", "annotations": [], "logprobs": [], "text": ""})
                for i in range(self.count):
                    yield event("response.output_text.delta", **where, delta=self.word(i), logprobs=[])
                yield event("response.output_text.done", **where, text=item["content"][0]["text"], logprobs=[])
                yield event("response.content_part.done", **where, part=item["content"][0])
            if item["type"] == "function_call":
                where = {"item_id": item["id"], "output_index": index}
                yield event("response.function_call_arguments.delta", **where, delta=item["arguments"])
                yield event("response.function_call_arguments.done", **where, arguments=item["arguments"])
            yield event("response.output_item.done", output_index=index, item=item)
        yield event("response.completed", response=self._response("completed"))

    # realtime

    def realtime(self):
        """The events of one response of a Realtime session; each has usage of its own, which is not added up."""
        get = self.leaves.get
        head = {"object": "realtime.response", "id": self.ident, "conversation_id": "conv_1", "output_modalities": ["audio"]}
        item = {"id": "item_" + self.ident[5:], "object": "realtime.item", "type": "message", "role": "assistant"}
        where = {"response_id": self.ident, "item_id": item["id"], "output_index": 0, "content_index": 0}
        fresh, cached = get("in_text"), get("in_cache_read", 0)
        sound, heard = get("in_audio", 0), get("in_audio_cached", 0)
        out = get("out_text", 0) + get("out_audio", 0)
        usage = {"total_tokens": fresh + cached + sound + heard + out, "input_tokens": fresh + cached + sound + heard,
                 "output_tokens": out, "input_token_details": {
                     "text_tokens": fresh + cached, "audio_tokens": sound + heard, "image_tokens": 0, "cached_tokens": cached + heard,
                     "cached_tokens_details": {"text_tokens": cached, "audio_tokens": heard, "image_tokens": 0}},
                 "output_token_details": {"text_tokens": get("out_text", 0), "audio_tokens": get("out_audio", 0)}}
        yield {"type": "response.created", "event_id": "event_1", "response": {**head, "status": "in_progress", "output": [], "usage": None}}
        yield {"type": "response.output_item.added", "event_id": "event_2", "response_id": self.ident, "output_index": 0, "item": item}
        for i in range(self.count):
            yield {"type": "response.output_audio_transcript.delta", "event_id": f"event_t{i}", **where, "delta": self.word(i)}
            yield {"type": "response.output_audio.delta", "event_id": f"event_a{i}", **where, "delta": "UklGRiQAAABXQVZF" * (1 + i * 40)}
        yield {"type": "rate_limits.updated", "event_id": "event_r", "rate_limits": [{"name": "tokens", "limit": 1, "remaining": 1}]}
        yield {"type": "response.done", "event_id": "event_3", "response": {
            **head, "status": "completed", "status_details": None, "output": [{**item, "content": [{"type": "output_audio",
                                                                               "transcript": self.whole_text()}]}], "usage": usage}}

    # messages

    def message(self):
        return self._message(self.usage(), True)

    def _message(self, usage, full):
        return {"model": self.served, "id": self.ident, "type": "message", "role": "assistant",
                "content": [{"type": "text", "text": self.whole_text()}] if full else [],
                "stop_reason": "end_turn" if full else None, "stop_sequence": None, "usage": usage}

    def message_events(self):
        usage = self.usage()
        early = {k: v for k, v in usage.items() if k not in ("server_tool_use", "output_tokens_details")}
        early["output_tokens"] = 1  # a placeholder, as the provider sends it
        yield {"type": "message_start", "message": self._message(early, False)}
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        yield {"type": "ping"}
        for i in range(self.count):
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": self.word(i)}}
        yield {"type": "content_block_stop", "index": 0}
        late = {k: v for k, v in usage.items() if k not in ("cache_creation", "service_tier", "inference_geo")}
        half = {**late, "output_tokens": usage["output_tokens"] // 2}
        if half.get("output_tokens_details"):  # cumulative: told more than once, the last one counts
            half["output_tokens_details"] = {"thinking_tokens": usage["output_tokens_details"]["thinking_tokens"] // 2}
        if usage["output_tokens"] % 2:
            yield {"type": "message_delta", "delta": {"stop_reason": None, "stop_sequence": None}, "usage": half}
        yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": late}
        yield {"type": "message_stop"}


def error(provider, status, ident):
    """The body of a refusal, as each provider words it."""
    kind = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error",
            529: "overloaded_error"}.get(status, "api_error")
    words = "refused by the simulator"
    if provider == "anthropic":
        return dump({"type": "error", "error": {"type": kind, "message": words}, "request_id": ident})
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    return dump({"error": {"message": words, "type": kind, "param": None, "code": code}})
