/* The llm stage under any parts of any provider. Input: which route, how heads and framing are, a seed of cuts, where the route
 * has none its target (a byte of length, the bytes), then records: a control byte (bit 0: direction; bits 1-2: run, whole event
 * or message, damaged one, cut), two bytes of length, the bytes. Holds for any input: an exchange without an end says nothing,
 * one with an end says one usage (a socket: one more than its calls); the same input says the same, however it is cut; leaves
 * come to no more than the provider's own numbers; bounds hold what is between them; what is no inference has no usage and no
 * price; raw usage is JSON; memory is bounded and given back. */
#include "base/obj.h"
#include "fuzz.h"
#include "llm/llm.h"
#include "llm/provider.h"

enum { ENOUGH = 64, PER_CALL = 48 << 10 };

enum {
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

static const char local[] = "gpu:8000";           /* not over TLS */
static const char file[] = "/v1/files/f/content"; /* of batch results: many calls */
static const struct {
	const char *method, *host, *target, *type;
} routes[] = {
	{ "POST", "api.openai.com", "/v1/chat/completions", "application/json" },
	{ "POST", "api.openai.com", "/v1/responses", "application/json" },
	{ "POST", "api.openai.com", "/v1/audio/transcriptions", "multipart/form-data; boundary=b" },
	{ "POST", "api.anthropic.com", "/v1/messages", "application/json" },
	{ "POST", "bedrock-runtime.us-east-1.amazonaws.com", "/model/anthropic.claude-x/converse",
	  "" },
	{ "POST", "bedrock-runtime.us-east-1.amazonaws.com", "/model/us.openai.x/converse-stream",
	  "" },
	{ "POST", "bedrock-runtime.us-east-1.amazonaws.com", "/model/amazon.nova-x/invoke", "" },
	{ "POST", "bedrock-runtime.us-east-1.amazonaws.com",
	  "/model/anthropic.x/invoke-with-response-stream", "" },
	{ "POST", "generativelanguage.googleapis.com", "/v1/models/gemini-x:generateContent", "" },
	{ "POST", "generativelanguage.googleapis.com", "/v1/models/gemini-3:streamGenerateContent",
	  "" },
	{ "POST", "x-aiplatform.googleapis.com",
	  "/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent", "" },
	{ "POST", "ollama.com", "/api/chat", "" },
	{ "POST", "api.openai.com", "/v1/unheard/of", "" },
	{ "POST", "example.com", "/v1/messages", "" },
	{ "GET", "api.openai.com", "/v1/responses", "" },
	{ "GET", "api.openai.com", "/v1/realtime?model=x", "" },
	{ "POST", "api.openai.com", NULL, "application/json" },
	{ "GET", "api.openai.com", NULL, "" },
	{ "POST", local, NULL, "application/json" },
	{ "GET", "api.openai.com", file, "" },
};

struct digest { /* of one usage */
	struct leaves used, low, high;
	uint64_t off;
	int kind, outcome, source, billing, why, status;
	size_t raw, model, id;
};

struct world {
	struct digest said[ENOUGH];
	size_t count, ends;
	bool socket, many; /* many: calls of one exchange */
	struct llm *l;
	struct counters counters;
	struct mem_account account;
	int64_t most;
};

static uint64_t numbers(struct str s)
{
	uint64_t sum = 0, n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9') {
			if (__builtin_mul_overflow(n, 10u, &n) ||
			    __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
				return UINT64_MAX;
			continue;
		}
		/* 6e3 is 6000: a number with an exponent is not added up here */
		if ((s.p[i] | 32) == 'e' && i && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
			return UINT64_MAX;
		if (__builtin_add_overflow(sum, n, &sum))
			return UINT64_MAX;
		n = 0;
	}
	return __builtin_add_overflow(sum, n, &sum) ? UINT64_MAX : sum;
}

static int nothing(void *ctx, int id, enum json_type type, struct str text)
{
	(void)ctx, (void)id, (void)type, (void)text;
	return 0;
}

static void check(const struct usage *u)
{
	static const struct json_want want[] = { { "", 0, 0 } };
	uint64_t tokens = 0;

	if (u->kind != KIND_INFERENCE) {
		MUST(!u->used.has && u->billing == BILLING_UNPRICED && u->why);
		return;
	}
	MUST(u->billing != BILLING_UNPRICED || u->why);
	MUST(u->source != SOURCE_NONE || u->billing == BILLING_UNPRICED);
	MUST((u->source != SOURCE_ESTIMATED && u->source != SOURCE_PARTIAL) || u->why);
	for (int i = 0; i < LEAF_COUNT; i++) {
		MUST(leaf_has(&u->used, i) || !u->used.n[i]);
		/* the least input is counted as read from a cache */
		MUST(!u->used.has || i == LEAF_IN_CACHE_READ || u->low.n[i] <= u->used.n[i]);
		MUST(!u->used.has || u->used.n[i] <= u->high.n[i]);
		if (i < LEAF_N_WEB_SEARCH)
			MUST(!__builtin_add_overflow(tokens, u->used.n[i], &tokens));
	}
	MUST(!u->used.has || u->low.n[LEAF_IN_TEXT] + u->low.n[LEAF_IN_CACHE_READ] <=
				     u->used.n[LEAF_IN_TEXT] + u->used.n[LEAF_IN_CACHE_READ]);
	/* what Bedrock counts itself stands beside the object */
	if (u->source == SOURCE_REPORTED && u->used.has && !str_eq(u->operation, S("invoke")))
		MUST(tokens <= numbers(u->raw));
	MUST(!u->raw.n || json_scan(u->raw, want, 1, nothing, NULL) == 0);
}

static int put(void *ctx, const struct usage *u)
{
	struct world *w = ctx;
	struct digest *d = &w->said[w->count % ENOUGH];

	check(u);
	w->count++;
	memset(d, 0, sizeof(*d)); /* padding is compared too */
	d->used = u->used;
	d->low = u->low;
	d->high = u->high;
	d->off = u->off;
	d->kind = (int)u->kind;
	d->outcome = (int)u->outcome;
	d->source = (int)u->source;
	d->billing = (int)u->billing;
	d->why = (int)u->why;
	d->status = u->status;
	d->raw = u->raw.n;
	d->model = u->model_served.n;
	d->id = u->response_id.n;
	return 0;
}

static void feed(struct world *w, struct part *p)
{
	size_t before = w->count;

	MUST(llm_feed(w->l, p) == 0);
	w->most = MAX(w->most, w->account.held);
	w->ends += p->kind == PART_END;
	MUST(w->many || w->count == before + (p->kind == PART_END));
}

static void heads(struct world *w, struct part *p, const uint8_t *in, struct str target)
{
	const unsigned how = in[1];
	const size_t r = in[0] % COUNT_OF(routes);

	w->many = routes[r].method[0] == 'G';
	w->socket = w->many && routes[r].target != file;
	p->kind = PART_REQUEST;
	p->dir = DIR_OUT;
	p->blurred = how & 1;
	p->method = str_of(routes[r].method);
	p->target = how & 2 ? STR_NONE : routes[r].target ? str_of(routes[r].target) : target;
	p->header[HDR_HOST] = how & 4 ? STR_NONE : str_of(routes[r].host);
	p->header[HDR_CONTENT_TYPE] = str_of(routes[r].type);
	p->header[HDR_UPGRADE] = w->socket ? S("websocket") : STR_NONE;
	if (!(how & 8))
		feed(w, p);
	memset(p->header, 0, sizeof(p->header));
	p->kind = PART_RESPONSE;
	p->dir = DIR_IN;
	p->orphan = how & 8;
	p->upgraded = w->socket;
	p->status = how & 16 ? 429 : w->socket ? 101 : 200;
	p->framing = w->socket ? FRAMING_MESSAGES : (how >> 5) % FRAMING_MESSAGES;
	p->header[HDR_BEDROCK_IN] = how & 1 ? S("5") : STR_NONE;
	feed(w, p);
	memset(p->header, 0, sizeof(p->header));
	p->upgraded = false;
}

/* One record, in pieces where seed is not 0. */
static void record(struct world *w, struct part *p, unsigned control, struct str bytes,
		   unsigned *seed)
{
	bool event = p->framing != FRAMING_NONE && (w->socket || !(control & 1));
	unsigned kind = control >> 1 & 3;

	p->dir = control & 1 ? DIR_OUT : DIR_IN;
	p->kind = kind == 3 ? PART_CUT : event ? PART_EVENT : PART_BODY;
	p->why = kind == 3 ? WHY_GAP : WHY_NONE;
	p->name = STR_NONE;
	if (p->framing == FRAMING_EVENTSTREAM && bytes.n && bytes.p[0] != '{')
		str_cut(&bytes, &p->name, '\t');
	do {
		size_t n = bytes.n;

		if (*seed) {
			*seed = *seed * 1103515245 + 12345;
			n = MIN(n, 1 + (*seed >> 16) % 40);
		}
		p->bytes = str_head(bytes, n);
		bytes = str_skip(bytes, n);
		p->last = event && !bytes.n && (kind == 1 || kind == 2);
		if (p->last && kind == 2)
			p->why = WHY_GAP;
		feed(w, p);
	} while (bytes.n && kind != 3);
	p->last = false;
	p->why = WHY_NONE;
	p->message += 1000;
}

/* A copy of its own: nothing beyond it may be read. */
static char *target_of(const uint8_t **at, size_t *size, struct str *ret)
{
	size_t n = *size ? MIN((size_t)(*at)[0], *size - 1) : 0;
	char *copy = malloc(n + !n);

	MUST(copy);
	memcpy(copy, *at + !!*size, n);
	*at += n + !!*size;
	*size -= n + !!*size;
	*ret = (struct str){ copy, n };
	return copy;
}

static void play(struct world *w, const uint8_t *in, size_t size, unsigned seed, bool end)
{
	const size_t r = in[0] % COUNT_OF(routes);
	const struct origin from = { .gen = 7, .row = routes[r].host == local ? ROW_PLAIN : 0 };
	struct llm_opts o = { .counters = &w->counters };
	struct part p = { .from = &from, .at_ns = 1, .off = 1 };
	const uint8_t *at = in + 3;
	struct str target = STR_NONE;
	enum framing framing;
	char *copy = NULL;

	memset(w, 0, sizeof(*w));
	w->account.limit = w->account.last = INT64_MAX;
	mem_pay(&w->account);
	MUST(llm_new(&o, (struct usage_sink){ put, w }, &w->l) == 0);
	size -= 3;
	if (!routes[r].target)
		copy = target_of(&at, &size, &target);
	heads(w, &p, in, target);
	free(copy);
	framing = p.framing;
	while (size >= 3) {
		struct str bytes = { (const char *)at + 3,
				     MIN((size_t)(at[1] | at[2] << 8), size - 3) };

		p.at_ns++;
		p.framing = framing;
		record(w, &p, at[0], bytes, &seed);
		size -= 3 + bytes.n;
		at += 3 + bytes.n;
	}
	p.kind = PART_END;
	p.aborted = in[2] & 1;
	p.why = in[2] & 2 ? WHY_DESYNC : WHY_NONE;
	MUST(w->many || !w->count);
	if (end)
		feed(w, &p);
	llm_free(&w->l);
	mem_pay(NULL);
	MUST(w->account.held == 0);
	MUST(w->most < PER_CALL * 2 + (int64_t)(w->socket ? 64 * 8192 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world a, b;

	if (size < 4 || size > 1u << 15)
		return 0;
	play(&a, data, size, 0, true);
	play(&b, data, size, data[2] + 1u, true);
	MUST(a.count == b.count && (a.many || a.count == 1));
	MUST(memcmp(a.said, b.said, sizeof(a.said)) == 0);
	play(&b, data, size, 0, false);
	MUST(b.count <= a.count);
	return 0;
}
