/* llmkit.h -- one exchange poured into the llm stage, whole or cut, and what came out of it. */
#ifndef TESTS_LLMKIT_H
#define TESTS_LLMKIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/obj.h"
#include "llm/llm.h"
#include "wire/events.h"

struct kit {
	const char *method, *host, *target, *ask; /* ask NULL: no body */
	/* JSON; or events, split at each line feed: "!" in front of a damaged one, "NAME\t" of a named one */
	const char *answer;
	const char *type, *auth, *key, *beta, *answer_type;
	unsigned status;
	uint32_t row;         /* of tbl/tls.h */
	const char *count[4]; /* headers: Bedrock's */
	enum header head;     /* one more, of the request, of the answer */
	const char *ask_head, *answer_head;
	enum framing framing; /* of events; NONE: server-sent */
	enum why end;         /* why it ended, if not by itself */
	bool events, aborted, orphan, cut, ask_cut, no_answer;
	bool blurred, ask_blurred; /* both heads; only the request's */
	size_t step;               /* bytes per part; 0 = all */
	struct str (*endpoint)(void *ctx, struct str host);
	unsigned char secret; /* first byte of the key */
};

struct kit_out {
	size_t count;
	struct usage u;
	char text
		[8]
		[512]; /* copies: provider, model_requested, model_served, tier, credential, hash, id, region */
	char raw[4096];
};

static inline void kit_copy(char *to, size_t size, struct str *s)
{
	size_t n = MIN(s->n, size - 1);

	if (!s->p)
		return;
	memcpy(to, s->p, n);
	to[n] = 0;
	*s = (struct str){ to, n };
}

static inline int kit_put(void *ctx, const struct usage *u)
{
	struct kit_out *o = ctx;

	o->count++;
	o->u = *u;
	kit_copy(o->text[0], sizeof(o->text[0]), &o->u.provider);
	kit_copy(o->text[1], sizeof(o->text[1]), &o->u.model_requested);
	kit_copy(o->text[2], sizeof(o->text[2]), &o->u.model_served);
	kit_copy(o->text[3], sizeof(o->text[3]), &o->u.tier);
	kit_copy(o->text[4], sizeof(o->text[4]), &o->u.credential);
	kit_copy(o->text[5], sizeof(o->text[5]), &o->u.request_hash);
	kit_copy(o->text[6], sizeof(o->text[6]), &o->u.response_id);
	kit_copy(o->text[7], sizeof(o->text[7]), &o->u.region);
	kit_copy(o->raw, sizeof(o->raw), &o->u.raw);
	return 0;
}

static inline int kit_bytes(struct llm *l, struct part p, struct str s, size_t step, bool end)
{
	int r = 0;

	do {
		p.bytes = step ? str_head(s, step) : s;
		s = str_skip(s, p.bytes.n);
		p.last = end && !s.n;
		r = llm_feed(l, &p);
	} while (r == 0 && s.n);
	return r;
}

static inline int kit_events(struct llm *l, struct part p, const struct kit *k)
{
	struct str rest = str_of(k->answer), one;
	int r = 0;

	p.kind = PART_EVENT;
	p.framing = k->framing ? k->framing : FRAMING_SSE;
	while (r == 0 && str_cut(&rest, &one, '\n')) {
		bool bad = str_starts(one, S("!"));
		struct str data = bad ? str_skip(one, 1) : one;

		p.name = STR_NONE;
		if (memchr(data.p, '\t', data.n))
			str_cut(&data, &p.name, '\t');
		p.why = WHY_NONE;
		r = kit_bytes(l, p, data, k->step, !bad);
		if (r == 0 && bad) {
			p.last = true;
			p.why = WHY_GAP;
			r = llm_feed(l, &p);
			p.last = false;
		}
	}
	return r;
}

struct kit_split {
	struct llm *l;
	struct part p;
};

static inline int kit_event(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	struct kit_split *to = ctx;

	to->p.kind = PART_EVENT;
	to->p.name = name;
	to->p.bytes = data;
	to->p.last = last;
	to->p.why = why;
	return llm_feed(to->l, &to->p);
}

/* As the wire stage would split it. */
static inline int kit_split(struct llm *l, struct part p, const struct events *e, struct str s,
			    size_t step)
{
	struct kit_split to = { l, p };
	void *state = NULL;
	int r = e->open(kit_event, &to, NULL, &state);

	while (r == 0 && s.n) {
		struct str head = step ? str_head(s, step) : s;

		r = e->feed(state, head);
		s = str_skip(s, head.n);
	}
	if (r == 0)
		r = e->end(state);
	if (state)
		e->close(state);
	return r;
}

static inline int kit_answer(struct llm *l, const struct kit *k, struct part p)
{
	const struct events *split;
	int r;

	p.dir = DIR_IN;
	p.kind = PART_RESPONSE;
	p.status = k->status ? k->status : 200;
	p.orphan = k->orphan;
	p.header[HDR_CONTENT_TYPE] = str_of(k->answer_type);
	p.at_ns = 20;
	for (int i = 0; i < 4; i++)
		p.header[HDR_BEDROCK_IN + i] = str_of(k->count[i]);
	if (k->answer_head)
		p.header[k->head] = str_of(k->answer_head);
	p.blurred = k->blurred;
	split = events_find(p.header[HDR_CONTENT_TYPE]);
	p.framing = split ? split->framing : FRAMING_NONE;
	r = llm_feed(l, &p);
	p.kind = PART_BODY;
	p.at_ns = 30;
	if (r == 0 && k->answer)
		r = k->events ? kit_events(l, p, k)
		    : split   ? kit_split(l, p, split, str_of(k->answer), k->step)
			      : kit_bytes(l, p, str_of(k->answer), k->step, false);
	if (r == 0 && k->cut) {
		p.kind = PART_CUT;
		p.why = WHY_GAP;
		r = llm_feed(l, &p);
	}
	return r;
}

static inline int kit_pour(struct llm *l, const struct kit *k)
{
	const struct origin from = { .gen = 7, .tgid = 42, .row = k->row };
	struct part p = { .from = &from, .at_ns = 10, .off = 5, .kind = PART_REQUEST };
	int r = 0;

	p.method = k->method && !*k->method ? STR_NONE : str_of(k->method ? k->method : "POST");
	p.target = str_of(k->target);
	p.header[HDR_HOST] = str_of(k->host);
	p.header[HDR_CONTENT_TYPE] = str_of(k->type);
	p.header[HDR_AUTHORIZATION] = str_of(k->auth);
	p.header[HDR_X_API_KEY] = str_of(k->key);
	p.header[HDR_ANTHROPIC_BETA] = str_of(k->beta);
	if (k->ask_head)
		p.header[k->head] = str_of(k->ask_head);
	p.body_less = !k->ask;
	p.blurred = k->blurred || k->ask_blurred;
	if (!k->orphan)
		r = llm_feed(l, &p);
	memset(p.header, 0, sizeof(p.header));
	p.kind = PART_BODY;
	if (r == 0 && k->ask)
		r = kit_bytes(l, p, str_of(k->ask), k->step, false);
	if (r == 0 && k->ask_cut) {
		p.kind = PART_CUT;
		p.why = WHY_GAP;
		r = llm_feed(l, &p);
		p.kind = PART_BODY;
		p.why = WHY_NONE;
	}
	if (r == 0 && !k->no_answer)
		r = kit_answer(l, k, p);
	p.kind = PART_END;
	p.aborted = k->aborted;
	p.why = k->end;
	p.at_ns = 40;
	return r < 0 ? r : llm_feed(l, &p);
}

static inline int kit_try(const struct kit *k, struct kit_out *o)
{
	struct counters counters = { 0 };
	struct llm_opts opts = { .counters = &counters, .endpoint = k->endpoint };
	struct llm *l = NULL;
	int r;

	memset(o, 0, sizeof(*o));
	opts.key[0] = k->secret;
	r = llm_new(&opts, (struct usage_sink){ kit_put, o }, &l);
	if (r == 0)
		r = kit_pour(l, k);
	llm_free(&l);
	return r;
}

static inline struct kit_out kit_run(struct kit k)
{
	struct kit_out o;

	assert_int_equal(kit_try(&k, &o), 0);
	assert_int_equal(o.count, 1);
	return o;
}

#define assert_text(s, want)                                      \
	do {                                                      \
		struct str text_ = (s);                           \
		assert_int_equal(text_.n, strlen(want));          \
		assert_memory_equal(text_.p, want, strlen(want)); \
	} while (0)
#define assert_leaf(o, name, want)                                 \
	do {                                                       \
		assert_true(leaf_has(&(o).u.used, LEAF_##name));   \
		assert_int_equal((o).u.used.n[LEAF_##name], want); \
	} while (0)
#define assert_no_leaf(o, name) assert_false(leaf_has(&(o).u.used, LEAF_##name))

#define OPENAI                  .host = "api.openai.com"
#define CHAT                    OPENAI, .target = "/v1/chat/completions"
#define RESPONSES               OPENAI, .target = "/v1/responses"
#define ANTHROPIC               .host = "api.anthropic.com", .target = "/v1/messages"

/* ---- answers ------------------------------------------------------------------------------- */

#define CHAT_ANSWER                                                                                \
	"{\"id\":\"c1\",\"model\":\"gpt-5-2025-08-07\",\"service_tier\":\"default\",\"choices\":[" \
	"{"                                                                                        \
	"\"message\":"                                                                             \
	"{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":100,"      \
	"\"completion_tokens\":50,"                                                                \
	"\"total_tokens\":150,\"prompt_tokens_details\":{\"cached_tokens\":60,\"cache_write_"      \
	"tokens\":10,"                                                                             \
	"\"audio_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":20}}}"

#define START(usage)                                                                     \
	"{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-x\"," \
	"\"usage\":" usage "}}\n"
#define DELTA(usage)                                                                            \
	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":" usage \
	"}\n"
#define STOP "{\"type\":\"message_stop\"}\n"

#define TOOLS_EVENT                                                                                \
	"{\"type\":\"response.created\",\"response\":{\"output\":[],\"usage\":null}}\n"            \
	"{\"type\":\"response.output_text.delta\",\"delta\":\"hi\",\"obfuscation\":"               \
	"\"xxxxxxxxxxxx\"}\n"                                                                      \
	"{\"response\":{\"model\":\"m\",\"error\":null,\"output\":["                               \
	"{\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":\"search\"}}" \
	","                                                                                        \
	"{\"status\":\"completed\",\"type\":\"web_search_call\"},"                                 \
	"{\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":\"find\"}},"  \
	"{\"type\":\"web_search_call\",\"status\":\"completed\",\"action\":{\"type\":\"open_"      \
	"page\"}"                                                                                  \
	"},"                                                                                       \
	"{\"type\":\"web_search_call\",\"status\":\"failed\",\"action\":{\"type\":\"search\"}},"   \
	"{\"type\":\"file_search_call\",\"status\":\"completed\"},"                                \
	"{\"type\":\"code_interpreter_call\",\"container_id\":\"a\"},"                             \
	"{\"type\":\"code_interpreter_call\",\"container_id\":\"a\"},"                             \
	"{\"type\":\"code_interpreter_call\",\"container_id\":\"b\"},"                             \
	"{\"type\":\"message\",\"content\":[]}],"                                                  \
	"\"usage\":{\"input_tokens\":5,\"output_tokens\":6,\"total_tokens\":11,"                   \
	"\"output_tokens_details\":{\"reasoning_tokens\":2}}},\"type\":\"response.completed\"}\n"

#endif
