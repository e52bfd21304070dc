#include <inttypes.h>
#include "base/limit.h"
#include "base/obj.h"
#include "base/table.h"
#include "llm/fold.h"
#include "llm/lanes.h"
#include "llm/results.h"

struct entry {
	struct { /* names an exchange */
		uint64_t gen, off;
	} key;
	struct xchg *x;
	struct lanes *lanes;     /* of a WebSocket */
	struct results *results; /* of a batch */
	UT_hash_handle hh;
};

struct llm {
	unsigned magic;
#define LLM_MAGIC 0x6c6c6d01u
	struct llm_opts o;
	struct usage_sink out;
	struct entry *open;
	size_t lanes; /* under way on all sockets */
	struct ratios *ratios;
};

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

enum { CRED_BYTES = 6, HTTP_OK = 200, HTTP_REDIRECT = 300 };

int llm_new(const struct llm_opts *o, struct usage_sink out, struct llm **ret)
{
	struct llm *l = obj_new(l, LLM_MAGIC);

	if (!l)
		return -ENOMEM;
	if (!o->alone && ratios_new(o->counters, &l->ratios) < 0) {
		mem_free(l);
		return -ENOMEM;
	}
	l->o = *o;
	l->out = out;
	*ret = l;
	return 0;
}

static void entry_free(struct llm *l, struct entry *e)
{
	if (e->hh.tbl)
		HASH_DEL(l->open, e);
	lanes_free(&e->lanes);
	results_free(&e->results);
	xchg_free(&e->x);
	mem_free(e);
}

void llm_free(struct llm **ll)
{
	struct llm *l = obj_take(ll, LLM_MAGIC);
	struct entry *e, *next;

	if (!l)
		return;
	HASH_ITER (hh, l->open, e, next)
		entry_free(l, e);
	ratios_free(&l->ratios);
	mem_free(l);
}

static struct entry *entry_find(struct llm *l, const struct part *in)
{
	struct entry want = { .key = { in->from->gen, in->off } }, *e;

	HASH_FIND(hh, l->open, &want.key, sizeof(want.key), e);
	return e;
}

static int entry_new(struct llm *l, const struct part *in, struct entry **ret)
{
	struct entry *e;
	int r;

	*ret = NULL;
	if (HASH_COUNT(l->open) >= LIMIT_XCHGS) {
		count_limit(l->o.counters, XCHGS);
		return 0;
	}
	e = mem_zero(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key.gen = in->from->gen;
	e->key.off = in->off;
	r = xchg_new(in->from, in->off, in->at_ns, &e->x);
	if (r == 0) {
		e->x->ratios = l->ratios;
		e->x->opts = &l->o;
	}
	if (r == 0)
		HASH_ADD(hh, l->open, key, sizeof(e->key), e);
	if (r < 0 || !e->hh.tbl) {
		entry_free(l, e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

/* ---- the request --------------------------------------------------------------------------------- */

/* Whom the server takes itself for: the authority of an absolute target beats the Host beside it (RFC 9112
 * section 3.2.2). */
static struct str asked_host(const struct part *in)
{
	static const struct str schemes[] = { { "https://", 8 }, { "http://", 7 } };

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		struct str rest = str_skip(in->target, schemes[i].n), host = STR_NONE;

		if (!str_ieq(str_head(in->target, schemes[i].n), schemes[i]))
			continue;
		for (size_t n = 0; n < rest.n && !strchr("/?#", rest.p[n]); n++)
			host = rest.p[n] == '@'
				       ? str_head(str_skip(rest, n + 1), 0)
				       : (struct str){ host.p ? host.p : rest.p, host.n + 1 };
		return host;
	}
	return in->header[HDR_HOST];
}

/* AWS resource names that end with the model's own name; those of an account's own profiles name no model. */
static struct str named_model(struct str s)
{
	static const struct str kinds[] = { { ":inference-profile/", 19 },
					    { ":foundation-model/", 18 } };

	if (!str_starts(s, S("arn:")))
		return s;
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		for (size_t i = 0; i + kinds[k].n < s.n; i++)
			if (str_starts(str_skip(s, i), kinds[k]))
				return str_skip(s, i + kinds[k].n);
	return s;
}

static int keep_decoded(struct xchg *x, struct str s, struct str *ret)
{
	char text[LIMIT_MODEL_TEXT];
	size_t n = 0, step;

	for (; s.n && n < sizeof(text); s = str_skip(s, step))
		text[n++] = provider_char(s, &step);
	return xchg_note(x, named_model((struct str){ text, n }), ret);
}

static struct str bearer(const struct part *in)
{
	struct str s = str_trim(in->header[HDR_AUTHORIZATION]);

	return str_ieq(str_head(s, 7), S("bearer ")) ? str_trim(str_skip(s, 7)) : STR_NONE;
}

/* Asks to be paid by a plan, not by the token: the beta and the OAuth token that it belongs to. Others log in with such a
 * token, too (workload identity), and are billed: only the answer tells that a plan pays. */
static bool by_plan(const struct part *in)
{
	struct str beta = in->header[HDR_ANTHROPIC_BETA], token = bearer(in);
	bool labelled = false;

	for (size_t i = 0; i + 6 <= beta.n; i++)
		labelled |= memcmp(beta.p + i, "oauth-", 6) == 0;
	for (size_t i = 0; i < token.n; i++) /* the header may have been sent twice */
		if (str_starts(str_skip(token, i), S("sk-ant-api")))
			return false;
	return labelled && str_starts(token, S("sk-ant-oat")) && !in->header[HDR_X_API_KEY].n;
}

/* The credential itself ends here. */
static int set_credential(struct llm *l, struct xchg *x, const struct part *in)
{
	static const enum header where[] = { HDR_AUTHORIZATION, HDR_X_API_KEY, HDR_API_KEY,
					     HDR_X_GOOG_API_KEY };
	unsigned char digest[XCHG_HASH_BYTES];
	char text[5 + 2 * CRED_BYTES + 1] = "cred:";
	struct str key = bearer(in);
	struct hash h;

	for (size_t i = 0; i < COUNT_OF(where) && !key.n; i++)
		key = str_trim(in->header[where[i]]);
	if (!key.n)
		return 0;
	hash_init(&h, l->o.key, sizeof(digest));
	hash_field(&h, S("credential"));
	hash_field(&h, key);
	hash_end(&h, digest, sizeof(digest));
	hash_hex(digest, CRED_BYTES, text + 5);
	return xchg_keep(x, str_of(text), &x->u.credential);
}

/* Google leaves out of an answer what a mask does not name. */
static bool is_masked(const struct xchg *x, const struct part *in)
{
	if (x->provider != &llm_gemini && x->provider != &llm_vertex)
		return false;
	return in->header[HDR_GOOG_FIELD_MASK].n || provider_query(in->target, S("fields")).p ||
	       provider_query(in->target, S("$fields")).p;
}

static int find_provider(struct llm *l, struct xchg *x, const struct part *in)
{
	const struct llm_host *row = NULL;
	struct str host = asked_host(in), named = STR_NONE, model, place;
	enum llm_use use;

	if (l->o.endpoint)
		named = l->o.endpoint(l->o.ctx, host);
	x->provider = named.n ? provider_by_name(named) : provider_by_host(host, &row);
	if (!named.n && x->provider == &llm_unknown && in->from->row == ROW_PLAIN)
		x->provider = provider_local(in->method, in->target);
	x->route = provider_route(x->provider, in->method, in->target, &model);
	if (!x->route && x->upgrade) /* a WebSocket opens with GET on the path of the call */
		x->route = provider_route(x->provider, S("POST"), in->target, &model);
	if (x->tunnel)
		x->route = provider_route(x->provider, S("GET"), in->target, &model);
	if (!x->upgrade && llm_route_socket(x->route))
		x->route = NULL; /* a list, a page: nothing that is billed */
	if (x->route && !llm_route_socket(x->route))
		x->format = x->route->format;
	if (in->blurred && (!x->route || (x->route->kind == KIND_INFERENCE && !x->format)))
		x->format = &llm_orphan;
	else if (!x->route && x->provider != &llm_unknown && str_eq(in->method, S("POST")))
		x->format = &llm_stray;
	/* one's own server, which is known by no host, may serve much else, too */
	use = row ? row->use : x->provider->host_count ? HOST_LLM : HOST_MIXED;
	x->u.provider = str_of(x->provider->name);
	x->u.operation = str_of(x->route ? x->route->operation : NULL);
	x->u.billing = use == HOST_PLAN || provider_plan(x->provider, in->target)
			       ? BILLING_SUBSCRIPTION
			       : BILLING_METERED;
	x->unlisted = !x->route && use == HOST_LLM && x->u.billing == BILLING_METERED;
	x->masked = is_masked(x, in);
	x->plan = x->provider == &llm_anthropic && by_plan(in);
	place = row ? provider_region(row, host) : STR_NONE;
	if (!place.n)
		place = provider_place(x->provider, in->target);
	return xchg_keep_lower(x, place, &x->u.region);
}

/* How often this was tried before, or -1: "1", or as the AWS SDKs say it "attempt=2; max=3". */
static int retries(const struct part *in)
{
	struct str attempt = str_trim(in->header[HDR_AMZ_ATTEMPT]), rest = attempt;
	uint64_t n;

	if (str_u64(str_trim(in->header[HDR_RETRY_COUNT]), &n) == 0)
		return n < INT32_MAX ? (int)n : -1;
	(void)str_cut(&rest, &attempt, ';');
	attempt = str_trim(attempt);
	if (!str_starts(attempt, S("attempt=")) || str_u64(str_skip(attempt, 8), &n) < 0)
		return -1;
	return n > 0 && n < INT32_MAX ? (int)n - 1 : -1;
}

static int on_request(struct llm *l, struct xchg *x, const struct part *in)
{
	struct str type = in->header[HDR_CONTENT_TYPE], model = STR_NONE;
	int r;

	x->asked = true;
	x->blurred = in->blurred;
	x->tunnel = str_eq(in->method, S("CONNECT"));
	x->upgrade = x->tunnel || in->header[HDR_UPGRADE].n > 0;
	r = find_provider(l, x, in);
	if (r == 0)
		r = xchg_keep_lower(x, provider_host_name(asked_host(in)), &x->u.host);
	if (r == 0 && x->route) {
		(void)provider_route(x->provider, str_of(x->route->method), in->target, &model);
		if (llm_route_socket(x->route))
			model = provider_query(in->target, S("model"));
		if (llm_route_socket(x->route) && !model.n) /* Azure */
			model = provider_query(in->target, S("deployment"));
		x->routed = model.n > 0;
		r = keep_decoded(x, model,
				 x->format && x->format->deferred ? &x->u.response_id
								  : &x->u.model_requested);
	}
	if (r == 0)
		r = set_credential(l, x, in);
	if (r == 0)
		r = xchg_keep(x, in->header[HDR_SESSION_ID], &x->u.session);
	if (r == 0 && x->format && x->format->headers)
		r = xchg_head_tier(x, in, &x->tier_asked);
	if (r == 0 && x->provider == &llm_vertex)
		r = xchg_note(x, str_trim(in->header[HDR_VERTEX_TIER]), &x->tier_asked);
	if (r < 0)
		return r;
	x->u.retry = retries(in);
	if (!x->route || x->route->kind != KIND_INFERENCE || in->body_less)
		return 0;
	x->hash = mem_zero(1, sizeof(*x->hash));
	if (!x->hash)
		return -ENOMEM;
	hash_init(x->hash, l->o.key, XCHG_HASH_BYTES);
	if ((x->format && !x->format->upload) ||
	    !str_ieq(str_head(type, 19), S("multipart/form-data")))
		return 0;
	x->form = mem_zero(1, sizeof(*x->form));
	if (!x->form)
		return -ENOMEM;
	multipart_init(x->form, "model", type);
	return 0;
}

static int end_request(struct xchg *x)
{
	char text[XCHG_HASH_TEXT];

	if (!x->hash || !x->guess.asked_bytes || x->cut[DIR_OUT])
		return 0;
	xchg_hash_text(x->hash, text);
	return xchg_keep(x, str_of(text), &x->u.request_hash);
}

/* ---- the answer ------------------------------------------------------------------------------------ */

/* Bedrock tells counts in headers too, and for some models nowhere else. */
static int header_usage(struct xchg *x, const struct part *in)
{
	static const struct {
		enum header from;
		const char *member;
	} rows[] = {
		{ HDR_BEDROCK_IN, "inputTokenCount" },
		{ HDR_BEDROCK_OUT, "outputTokenCount" },
		{ HDR_BEDROCK_CACHE_READ, "cacheReadInputTokenCount" },
		{ HDR_BEDROCK_CACHE_WRITE, "cacheWriteInputTokenCount" },
	};
	char text[2 * LIMIT_MODEL_TEXT] = "{";
	struct buf b = { .p = text, .n = 1, .room = sizeof(text), .limit = sizeof(text) - 2 };
	uint64_t n;
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str value = str_trim(in->header[rows[i].from]);

		if (r == 0 && value.n && str_u64(value, &n) == 0)
			r = buf_printf(&b, "%s\"%s\":%" PRIu64, b.n > 1 ? "," : "", rows[i].member,
				       n);
	}
	if (r < 0 || b.n == 1)
		return 0;
	text[b.n++] = '}';
	return xchg_beside(x, buf_str(&b));
}

/* What a LiteLLM proxy says the call cost it; of a stream its head cannot know yet. */
static int hop_cost(struct xchg *x, const struct part *in)
{
	char cost[DEC_TEXT];

	if (x->u.stream || !x->format || in->status / 100 != 2 ||
	    !llm_dollars(str_trim(in->header[HDR_LITELLM_COST]), cost))
		return 0;
	return xchg_keep(x, str_of(cost), &x->u.reported_cost);
}

static int on_response(struct llm *l, struct entry *e, const struct part *in)
{
	static const enum header ids[] = { HDR_REQUEST_ID, HDR_X_REQUEST_ID, HDR_X_AMZN_REQUESTID,
					   HDR_APIM_REQUEST_ID };
	struct xchg *x = e->x;
	int r = 0;

	x->u.status = (int)in->status;
	x->u.stream = in->framing != FRAMING_NONE && in->framing != FRAMING_ARRAY &&
		      in->framing != FRAMING_GRPC;
	x->blurred |= in->blurred || in->orphan || !x->asked;
	if (in->orphan || !x->asked) {
		x->u.provider = str_of(llm_unknown.name);
		x->format = &llm_orphan;
	}
	for (size_t i = 0; r == 0 && i < COUNT_OF(ids) && !x->u.request_id.n; i++)
		r = xchg_keep(x, in->header[ids[i]], &x->u.request_id);
	if (r == 0 && x->format && x->format->headers)
		r = header_usage(x, in);
	if (r == 0 && x->format && x->format->headers)
		r = xchg_head_tier(x, in, &x->tier);
	if (r == 0)
		r = xchg_note(x, str_trim(in->header[HDR_GEMINI_TIER]), &x->tier);
	if (r == 0 && x->provider == &llm_azure)
		r = xchg_keep_lower(x, str_trim(in->header[HDR_MS_REGION]), &x->u.region);
	if (r == 0 && x->provider == &llm_huggingface)
		r = xchg_keep_lower(x, str_trim(in->header[HDR_INFERENCE_PROVIDER]), &x->u.region);
	if (x->plan && in->header[HDR_PLAN_STATUS].n)
		x->u.billing = BILLING_SUBSCRIPTION;
	if (r == 0)
		r = hop_cost(x, in);
	if (r == 0 && in->upgraded && llm_route_socket(x->route))
		r = lanes_new(x, l->o.key, &l->lanes, l->o.counters, l->out, &e->lanes);
	if (r == 0 && in->status >= HTTP_OK && in->status < HTTP_REDIRECT && x->format &&
	    x->format->later == LATER_RESULT)
		r = results_new(x, l->o.counters, l->out, &e->results);
	x->socket = e->lanes || e->results;
	return r;
}

static int on_body(struct entry *e, const struct part *in)
{
	struct xchg *x = e->x;

	if (in->kind == PART_EVENT && in->framing == FRAMING_MESSAGES)
		return e->lanes ? lanes_feed(e->lanes, in) : 0;
	if (in->dir == DIR_OUT)
		return xchg_ask(x, in->bytes);
	if (!x->u.first_ns && in->bytes.n)
		x->u.first_ns = in->at_ns;
	if (e->results)
		return results_feed(e->results, in);
	return in->kind == PART_EVENT ? xchg_event(x, in) : xchg_answer(x, in->bytes);
}

static int on_cut(struct entry *e, const struct part *in)
{
	if (!e->x->cut[in->dir])
		e->x->cut[in->dir] = in->why ? in->why : WHY_GAP;
	if (e->results && in->dir == DIR_IN)
		results_cut(e->results, in->why ? in->why : WHY_GAP);
	return e->lanes ? lanes_cut(e->lanes, in) : 0;
}

static int on_end(struct llm *l, struct entry *e, const struct part *in)
{
	struct xchg *x = e->x;
	int r = 0;

	if (e->lanes)
		r = lanes_end(e->lanes, in, &x->unread);
	if (e->results)
		r = results_end(e->results, in, &x->unread);
	x->final |= e->results && !in->aborted;
	if (r == 0)
		r = end_request(x);
	if (r == 0)
		r = xchg_finish(x, in);
	xchg_limits(x, l->o.counters);
	if (r == 0)
		r = usage_put(l->out, &x->u);
	entry_free(l, e);
	return r;
}

int llm_feed(struct llm *l, const struct part *in)
{
	struct entry *e;
	int r = 0;

	obj_check(l, LLM_MAGIC);
	e = entry_find(l, in);
	if (!e && (in->kind == PART_REQUEST || in->kind == PART_RESPONSE))
		r = entry_new(l, in, &e);
	if (!e)
		return r; /* refused above, at the limit */
	switch (in->kind) {
	case PART_REQUEST:
		return on_request(l, e->x, in);
	case PART_RESPONSE:
		return on_response(l, e, in);
	case PART_BODY:
	case PART_EVENT:
		return on_body(e, in);
	case PART_CUT:
		return on_cut(e, in);
	case PART_END:
		return on_end(l, e, in);
	}
	return 0;
}
