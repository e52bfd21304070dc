/* socketkit.h -- the messages of a WebSocket poured into the llm stage, and the calls that came out of it. */
#ifndef TESTS_SOCKETKIT_H
#define TESTS_SOCKETKIT_H

#include "base/limit.h"
#include "llmkit.h"

enum { CALLS = 80, TEXT = 96 };

struct sock { /* what is poured */
	const char *host, *target;
	/* lines: '>' the client's message, '<' the server's; "!>", "!<" damaged; "x>", "x<" the direction is lost from here */
	const char *script;
	size_t step;
	enum why why; /* of the end */
	bool closed;  /* by handshake: the socket ended by itself */
	bool tunnel;
	uint64_t conn; /* on HTTP/2: this many came before on the TLS object */
};

struct got {
	struct usage u;
	char model[TEXT], asked[TEXT], id[TEXT], operation[TEXT], hash[TEXT];
};

struct out {
	size_t count;
	struct got got[CALLS];
	struct counters counters;
};

static inline void keep(char to[TEXT], struct str s)
{
	size_t n = MIN(s.n, (size_t)TEXT - 1);

	if (s.p)
		memcpy(to, s.p, n);
	to[n] = 0;
}

static inline int put(void *ctx, const struct usage *u)
{
	struct out *o = ctx;
	struct got *g = &o->got[o->count];

	assert_true(o->count++ < CALLS);
	g->u = *u;
	keep(g->model, u->model_served);
	keep(g->asked, u->model_requested);
	keep(g->id, u->response_id);
	keep(g->operation, u->operation);
	keep(g->hash, u->request_hash);
	return 0;
}

static inline int message(struct llm *l, struct part p, const char *mark, struct str text,
			  size_t step)
{
	int r = 0;

	p.dir = mark[strlen(mark) - 1] == '>' ? DIR_OUT : DIR_IN;
	p.framing = FRAMING_MESSAGES;
	p.kind = PART_EVENT;
	if (mark[0] == 'x') {
		p.kind = PART_CUT;
		p.why = WHY_GAP;
		return llm_feed(l, &p);
	}
	do {
		p.bytes = step ? str_head(text, step) : text;
		text = str_skip(text, p.bytes.n);
		p.last = !text.n;
		p.why = p.last && mark[0] == '!' ? WHY_GAP : WHY_NONE;
		r = llm_feed(l, &p);
	} while (r == 0 && text.n);
	return r;
}

static inline int pour(struct llm *l, const struct sock *k)
{
	const struct origin from = { .gen = 7 };
	struct part p = {
		.from = &from, .at_ns = 10, .off = 5 | k->conn << 32, .kind = PART_REQUEST
	};
	struct str rest = str_of(k->script), line;
	int r;

	p.method = k->tunnel ? S("CONNECT") : S("GET");
	p.target = str_of(k->target);
	p.header[HDR_HOST] = str_of(k->host);
	p.header[HDR_UPGRADE] = k->tunnel ? STR_NONE : S("websocket");
	p.header[HDR_AUTHORIZATION] = S("Bearer x");
	p.body_less = true;
	r = llm_feed(l, &p);
	memset(p.header, 0, sizeof(p.header));
	p.kind = PART_RESPONSE;
	p.dir = DIR_IN;
	p.status = k->tunnel ? 200 : 101;
	p.upgraded = true;
	p.framing = FRAMING_MESSAGES;
	if (r == 0)
		r = llm_feed(l, &p);
	p.upgraded = false;
	p.message = 100;
	while (r == 0 && str_cut(&rest, &line, '\n')) {
		char mark[3] = { line.p[0], 0, 0 };
		size_t n = 1;

		if (mark[0] == '!' || mark[0] == 'x')
			mark[n++] = line.p[1];
		p.at_ns += 10;
		r = message(l, p, mark, str_skip(line, n), k->step);
		p.message += 100;
	}
	p.kind = PART_END;
	p.at_ns += 10;
	p.why = k->why;
	p.aborted = !k->closed;
	return r < 0 ? r : llm_feed(l, &p);
}

static inline int try(const struct sock *k, struct out *o)
{
	struct llm_opts opts = { .counters = &o->counters };
	struct llm *l = NULL;
	int r;

	memset(o, 0, sizeof(*o));
	r = llm_new(&opts, (struct usage_sink){ put, o }, &l);
	if (r == 0)
		r = pour(l, k);
	llm_free(&l);
	return r;
}

/* The calls, without the socket itself, which is the last. */
static inline void run(struct out *o, struct sock k, size_t calls)
{
	k.host = k.host ? k.host : "api.openai.com";
	k.target = k.target ? k.target : "/v1/responses";
	assert_int_equal(try(&k, o), 0);
	assert_int_equal(o->count, calls + 1);
	assert_int_equal(o->got[calls].u.off, 5 | k.conn << 32);
}

#define CREATE(more)   ">{\"type\":\"response.create\",\"model\":\"gpt-5\"" more "}\n"
#define CREATED(id)    "<{\"type\":\"response.created\",\"response\":{\"id\":\"" id "\"}}\n"
#define TEXT_DELTA     "<{\"type\":\"response.output_text.delta\",\"delta\":\"12345678\"}\n"
#define USAGE(in, out) "\"usage\":{\"input_tokens\":" in ",\"output_tokens\":" out "}"
#define DONE(id, in, out)                               \
	"<{\"response\":{\"id\":\"" id                  \
	"\",\"model\":\"gpt-5-x\"," USAGE(in, out) "}," \
						   "\"type\":\"response.completed\"}\n"
#define ONE(id, in, out) CREATED(id) TEXT_DELTA DONE(id, in, out)

#define assert_reported(g, in, out)                                 \
	do {                                                        \
		assert_int_equal((g).u.kind, KIND_INFERENCE);       \
		assert_int_equal((g).u.source, SOURCE_REPORTED);    \
		assert_int_equal((g).u.billing, BILLING_METERED);   \
		assert_int_equal((g).u.why, WHY_NONE);              \
		assert_int_equal((g).u.outcome, OUTCOME_OK);        \
		assert_int_equal((g).u.used.n[LEAF_IN_TEXT], in);   \
		assert_int_equal((g).u.used.n[LEAF_OUT_TEXT], out); \
	} while (0)
#define assert_unsure(g, reason)                                  \
	do {                                                      \
		assert_int_equal((g).u.kind, KIND_INFERENCE);     \
		assert_int_equal((g).u.source, SOURCE_ESTIMATED); \
		assert_int_equal((g).u.why, reason);              \
	} while (0)

#endif
