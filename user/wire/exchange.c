/* exchange.c -- decoders are made by the first byte of a body and freed by its last: an idle or
 * waiting exchange costs a few hundred bytes. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/body.h"
#include "wire/coding.h"
#include "wire/exchange.h"
#include "wire/sse.h"

int exchange_new(struct proto_env *env, const struct origin *from, uint64_t off,
		 struct exchange **ret)
{
	struct exchange *x = obj_new(x, EXCHANGE_MAGIC);

	if (!x)
		return -ENOMEM;
	x->env = env;
	x->from = *from;
	x->off = off;
	env->open++;
	count_add(env->opts->counters, CALLS_OPEN, 1);
	*ret = x;
	return 0;
}

static int exchange_pour(struct exchange *x, struct part *p)
{
	p->from = &x->from;
	p->off = x->off;
	return proto_pour(x->env, p);
}

static void side_free(struct exchange_side *side)
{
	body_free(&side->body);
	sse_free(&side->sse);
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static int exchange_event(void *ctx, struct str name, struct str data, bool last)
{
	struct exchange *x = ctx;
	struct part p = { .kind = PART_EVENT, .dir = DIR_IN, .at_ns = x->now_ns };

	p.name = name;
	p.bytes = data;
	p.last = last;
	return exchange_pour(x, &p);
}

static int exchange_decoded(struct exchange *x, enum flow_dir dir, struct str bytes)
{
	struct exchange_side *side = &x->side[dir];
	struct part p = { .kind = PART_BODY, .dir = dir, .at_ns = x->now_ns, .bytes = bytes };

	side->decoded += bytes.n;
	return side->sse ? sse_feed(side->sse, bytes) : exchange_pour(x, &p);
}

static int decoded_out(void *ctx, struct str bytes)
{
	return exchange_decoded(ctx, DIR_OUT, bytes);
}

static int decoded_in(void *ctx, struct str bytes)
{
	return exchange_decoded(ctx, DIR_IN, bytes);
}

/* Turns the verdict of a decoder into a cut; passes up what is not the fault of the bytes. */
static int exchange_verdict(struct exchange *x, enum flow_dir dir, int r)
{
	enum why why = r == -EBADMSG      ? WHY_BAD_BODY
		       : r == -EMSGSIZE   ? WHY_LIMIT
		       : r == -EOPNOTSUPP ? WHY_ENCODING
					  : WHY_NONE;

	if (r >= 0 || x->env->sink_r < 0 || why == WHY_NONE)
		return r;
	if (why == WHY_LIMIT)
		count_add(x->env->opts->counters, LIMIT_HIT, 1);
	return exchange_cut(x, dir, x->now_ns, why);
}

static int side_open(struct exchange *x, enum flow_dir dir)
{
	struct exchange_side *side = &x->side[dir];
	int r = 0;

	if (side->events && !side->sse)
		r = sse_new(exchange_event, x, &side->sse);
	if (r == 0 && side->coding.n && !side->body)
		r = body_new(side->coding, dir == DIR_OUT ? decoded_out : decoded_in, x,
			     &side->body);
	return r;
}

int exchange_body(struct exchange *x, enum flow_dir dir, uint64_t at_ns, struct str bytes)
{
	struct exchange_side *side = &x->side[dir];
	int r;

	obj_check(x, EXCHANGE_MAGIC);
	if (side->cut || side->done)
		return 0;
	x->now_ns = at_ns;
	r = side_open(x, dir);
	if (r == 0)
		r = side->body ? body_feed(side->body, bytes) : exchange_decoded(x, dir, bytes);
	return exchange_verdict(x, dir, r);
}

int exchange_done(struct exchange *x, enum flow_dir dir, uint64_t at_ns)
{
	struct exchange_side *side = &x->side[dir];
	int r = 0;

	obj_check(x, EXCHANGE_MAGIC);
	x->now_ns = at_ns;
	if (!side->cut && !side->done) {
		if (side->body)
			r = exchange_verdict(x, dir, body_end(side->body));
		if (r == 0 && side->sse && !side->cut)
			r = sse_end(side->sse);
	}
	side->done = true;
	side_free(side);
	return r;
}

int exchange_cut(struct exchange *x, enum flow_dir dir, uint64_t at_ns, enum why why)
{
	struct exchange_side *side = &x->side[dir];
	struct part p = { .kind = PART_CUT, .dir = dir, .at_ns = at_ns, .why = why };

	obj_check(x, EXCHANGE_MAGIC);
	if (side->cut || side->done)
		return 0;
	side->cut = true;
	side_free(side);
	return exchange_pour(x, &p);
}

/* ---- heads and the end ----------------------------------------------------------------------- */

/* "text/event-stream; charset=utf-8" */
static bool is_event_stream(struct str type)
{
	struct str head = type;

	str_cut(&type, &head, ';');
	return str_ieq(str_trim(head), S("text/event-stream"));
}

int exchange_head(struct exchange *x, struct part *p)
{
	enum flow_dir dir = p->kind == PART_REQUEST ? DIR_OUT : DIR_IN;
	struct exchange_side *side = &x->side[dir];
	const struct coding *coding = coding_find(p->header[HDR_CONTENT_ENCODING]);
	int r;

	obj_check(x, EXCHANGE_MAGIC);
	assert(!side->head);
	side->head = true;
	p->dir = dir;
	p->orphan = x->orphan && dir == DIR_IN;
	side->events = dir == DIR_IN && is_event_stream(p->header[HDR_CONTENT_TYPE]);
	if (dir == DIR_OUT)
		x->method = str_eq(p->method, S("HEAD"))      ? S("HEAD")
			    : str_eq(p->method, S("CONNECT")) ? S("CONNECT")
							      : STR_NONE;
	if (p->orphan)
		count_add(x->env->opts->counters, CALLS_ORPHAN, 1);
	if (coding && coding->open)
		side->coding = coding->name;
	r = exchange_pour(x, p);
	if (r == 0 && !coding && !p->body_less)
		r = exchange_verdict(x, dir, -EOPNOTSUPP);
	return r;
}

int exchange_end(struct exchange **px, uint64_t at_ns, enum why why, bool aborted)
{
	struct exchange *x = *px;
	struct part p = { .kind = PART_END, .at_ns = at_ns, .why = why, .aborted = aborted };
	int r;

	obj_check(x, EXCHANGE_MAGIC);
	for (int dir = DIR_OUT; dir <= DIR_IN; dir++)
		p.body_bytes[dir] = x->side[dir].decoded;
	count_add(x->env->opts->counters, CALLS, 1);
	r = exchange_pour(x, &p);
	exchange_free(px);
	return r;
}

void exchange_free(struct exchange **px)
{
	struct exchange *x = obj_take(px, EXCHANGE_MAGIC);

	if (!x)
		return;
	side_free(&x->side[DIR_OUT]);
	side_free(&x->side[DIR_IN]);
	x->env->open--;
	count_add(x->env->opts->counters, CALLS_OPEN, (uint64_t)-1);
	mem_free(x);
}
