/* exchange.c -- decoders are made by the first byte of a body and freed by its last: an idle or
 * waiting exchange costs a few hundred bytes. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/body.h"
#include "wire/coding.h"
#include "wire/exchange.h"

int exchange_new(struct proto_env *env, const struct origin *from, uint64_t off,
		 struct exchange **ret)
{
	struct exchange *x = mem_lend(1, sizeof(*x));

	if (!x)
		return proto_refused(env) ? -EMSGSIZE : -ENOMEM;
	x->magic = EXCHANGE_MAGIC;
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
	if (side->splitter)
		side->events->close(side->splitter);
	side->splitter = NULL;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static int exchange_event(struct exchange *x, struct part p, enum flow_dir dir)
{
	p.kind = PART_EVENT;
	p.dir = dir;
	p.at_ns = x->now_ns;
	return exchange_pour(x, &p);
}

static int side_event(struct exchange *x, enum flow_dir dir, struct part p)
{
	p.framing = x->side[dir].events->framing;
	return exchange_event(x, p, dir);
}

static int event_out(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	return side_event(ctx, DIR_OUT,
			  (struct part){ .name = name, .bytes = data, .last = last, .why = why });
}

static int event_in(void *ctx, struct str name, struct str data, bool last, enum why why)
{
	return side_event(ctx, DIR_IN,
			  (struct part){ .name = name, .bytes = data, .last = last, .why = why });
}

int exchange_message(struct exchange *x, enum flow_dir dir, uint64_t at_ns, uint64_t off,
		     struct str data, bool last, enum why why)
{
	obj_check(x, EXCHANGE_MAGIC);
	if (x->side[dir].cut || x->side[dir].done)
		return 0;
	x->now_ns = at_ns;
	x->side[dir].decoded += data.n;
	return exchange_event(x,
			      (struct part){ .framing = FRAMING_MESSAGES,
					     .message = off,
					     .bytes = data,
					     .last = last,
					     .why = why },
			      dir);
}

static int side_split(struct exchange *x, enum flow_dir dir)
{
	struct exchange_side *side = &x->side[dir];

	return side->events->open(dir == DIR_OUT ? event_out : event_in, x, x->env->opts->counters,
				  &side->splitter);
}

/* The first byte that is no blank tells an array from a document. Blanks are of neither, and are poured as they come. */
static int side_guess(struct exchange *x, enum flow_dir dir, struct str *bytes)
{
	struct exchange_side *side = &x->side[dir];
	struct part p = { .kind = PART_BODY, .dir = dir, .at_ns = x->now_ns, .bytes = *bytes };
	size_t n = 0;
	int r = 0;

	while (n < bytes->n && strchr(" \t\r\n", bytes->p[n]) && bytes->p[n])
		n++;
	p.bytes.n = n;
	if (n < bytes->n) {
		side->guess = false;
		side->events = events_guess(bytes->p[n], side->json);
		r = side->events ? side_split(x, dir) : 0;
	}
	*bytes = str_skip(*bytes, n);
	return r == 0 && n ? exchange_pour(x, &p) : r;
}

static int exchange_decoded(struct exchange *x, enum flow_dir dir, struct str bytes)
{
	struct exchange_side *side = &x->side[dir];
	struct part p = { .kind = PART_BODY, .dir = dir, .at_ns = x->now_ns };
	int r = 0;

	side->decoded += bytes.n;
	if (side->guess)
		r = side_guess(x, dir, &bytes);
	if (r < 0 || !bytes.n)
		return r;
	p.bytes = bytes;
	return side->splitter ? side->events->feed(side->splitter, bytes) : exchange_pour(x, &p);
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
	enum why why = WHY_NONE;

	if (r == -ENOMEM && proto_refused(x->env))
		r = -EMSGSIZE;
	if (r == -EBADMSG)
		why = WHY_BAD_BODY;
	else if (r == -EMSGSIZE)
		why = WHY_LIMIT;
	else if (r == -EOPNOTSUPP)
		why = WHY_ENCODING;
	if (r >= 0 || x->env->sink_r < 0 || why == WHY_NONE)
		return r;
	return exchange_cut(x, dir, x->now_ns, why);
}

static int side_open(struct exchange *x, enum flow_dir dir)
{
	struct exchange_side *side = &x->side[dir];
	bool begins = !side->decoded && !side->body && !side->splitter;
	int r = begins && !proto_room(x->env) ? -EMSGSIZE : 0;

	if (r == 0 && side->events && !side->splitter)
		r = side_split(x, dir);
	if (r == 0 && side->coding.n && !side->body)
		r = body_new(side->coding, dir == DIR_OUT ? decoded_out : decoded_in, x,
			     x->env->opts->counters, &side->body);
	return r;
}

static int side_feed(struct exchange *x, enum flow_dir dir, struct str bytes)
{
	struct exchange_side *side = &x->side[dir];
	int r = bytes.n ? side_open(x, dir) : 0;

	if (r < 0 || !bytes.n)
		return r;
	return side->body ? body_feed(side->body, bytes) : exchange_decoded(x, dir, bytes);
}

static bool is_binary(const struct exchange_side *side)
{
	return side->events == &eventstream_events || side->events == &grpc_events;
}

/* Holds the first bytes until they are enough to tell the coding, or all there are. */
static int side_sniff(struct exchange *x, enum flow_dir dir, struct str *bytes, bool over)
{
	struct exchange_side *side = &x->side[dir];
	struct str held = { side->held, MIN(side->held_bytes + bytes->n, sizeof(side->held)) };
	const struct coding *coding;

	memcpy(side->held + side->held_bytes, bytes->n ? bytes->p : "", held.n - side->held_bytes);
	*bytes = str_skip(*bytes, held.n - side->held_bytes);
	side->held_bytes = (uint8_t)held.n;
	if (held.n < CODING_MAGIC && !over)
		return 0;
	side->unknown = false;
	coding = coding_guess(held);
	if (!coding && !is_binary(side))
		return -EOPNOTSUPP;
	if (coding && coding->open)
		side->coding = coding->name;
	return side_feed(x, dir, held);
}

int exchange_body(struct exchange *x, enum flow_dir dir, uint64_t at_ns, struct str bytes)
{
	struct exchange_side *side = &x->side[dir];
	int r = 0;

	obj_check(x, EXCHANGE_MAGIC);
	if (side->cut || side->done)
		return 0;
	x->now_ns = at_ns;
	if (side->unknown)
		r = side_sniff(x, dir, &bytes, false);
	if (r == 0)
		r = side_feed(x, dir, bytes);
	return exchange_verdict(x, dir, r);
}

int exchange_done(struct exchange *x, enum flow_dir dir, uint64_t at_ns)
{
	struct exchange_side *side = &x->side[dir];
	struct str none = STR_NONE;
	int r = 0;

	obj_check(x, EXCHANGE_MAGIC);
	x->now_ns = at_ns;
	if (!side->cut && !side->done) {
		if (side->unknown)
			r = exchange_verdict(x, dir, side_sniff(x, dir, &none, true));
		if (r == 0 && side->body)
			r = exchange_verdict(x, dir, body_end(side->body));
		if (r == 0 && side->splitter && !side->cut)
			r = exchange_verdict(x, dir, side->events->end(side->splitter));
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

int exchange_gap(struct exchange *x, enum flow_dir dir, uint64_t at_ns, uint64_t bytes)
{
	struct exchange_side *side = &x->side[dir];
	int r = -EBADMSG;

	obj_check(x, EXCHANGE_MAGIC);
	if (side->cut || side->done)
		return 0;
	x->now_ns = at_ns;
	if (side->events && side->events->gap && !side->coding.n && !side->unknown) {
		r = side_open(x, dir);
		if (r == 0)
			r = side->events->gap(side->splitter, bytes);
	}
	return r == -EBADMSG && x->env->sink_r >= 0 ? exchange_cut(x, dir, at_ns, WHY_GAP)
						    : exchange_verdict(x, dir, r);
}

/* ---- heads and the end ----------------------------------------------------------------------- */

int exchange_head(struct exchange *x, struct part *p)
{
	enum flow_dir dir = p->kind == PART_REQUEST ? DIR_OUT : DIR_IN;
	struct exchange_side *side = &x->side[dir];
	struct str type = p->header[HDR_CONTENT_TYPE];
	const struct coding *coding = coding_find(p->header[HDR_CONTENT_ENCODING]);
	int r;

	obj_check(x, EXCHANGE_MAGIC);
	assert(!side->head);
	side->head = true;
	x->now_ns = p->at_ns;
	p->dir = dir;
	p->orphan = x->orphan && dir == DIR_IN;
	side->events = events_find(type);
	side->json = events_json(type);
	/* nobody asks in events without saying so */
	side->guess = dir == DIR_IN && (side->json || (p->blurred && !type.n));
	side->unknown = p->blurred && !p->body_less && !p->header[HDR_CONTENT_ENCODING].n;
	p->framing = p->upgraded    ? FRAMING_MESSAGES
		     : side->events ? side->events->framing
				    : FRAMING_NONE;
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
