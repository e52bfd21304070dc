/* eventstream.c -- AWS event stream messages (application/vnd.amazon.eventstream), numbers big-endian:
 *
 *   u32 all bytes | u32 bytes of headers | u32 CRC of these 8 | headers | payload | u32 CRC of all before it
 *   a header: u8 length, name, u8 type, value: none, 1, 2, 4, 8 or 16 bytes, or u16 length and bytes
 *
 * The payload is handed on before its CRC is known; damage is said with `last`. The lengths have a CRC of their own, so a
 * message that is damaged or too large otherwise is passed over exactly. Where the lengths are damaged the next message is
 * found by the 12 bytes whose CRC fits: what was passed over on the way, one message or several, is said as one damaged event. */
#include <zlib.h>
#include "base/limit.h"
#include "base/obj.h"
#include "wire/events.h"

enum { PRELUDE = 12, CRC = 4, KEY = 16 /* one more than ":exception-type" */ };

enum stage { /* what the next byte is of */
	     AT_PRELUDE,
	     AT_NAME_LENGTH,
	     AT_NAME,
	     AT_TYPE,
	     AT_VALUE_LENGTH,
	     AT_VALUE,
	     AT_PAYLOAD,
	     AT_CRC,
	     AT_DAMAGED, /* passed over */
};

/* Bytes of a value by its type: true, false, 8 to 64 bits, bytes, text, time, UUID. Of bytes and text: of the length. */
static const unsigned char type_bytes[] = { 0, 0, 1, 2, 4, 8, 2, 2, 8, 16 };

enum { TYPE_BYTES = 6, TYPE_TEXT = 7 };

enum means { MEANS_NOTHING, MEANS_KIND, MEANS_NAME, MEANS_FAULT };

static const struct {
	struct str name;
	enum means means;
} wanted[] = {
	{ { ":message-type", 13 }, MEANS_KIND },
	{ { ":event-type", 11 }, MEANS_NAME },
	{ { ":exception-type", 15 }, MEANS_FAULT },
	{ { ":error-code", 11 }, MEANS_FAULT },
};

struct aws {
	unsigned magic;
#define AWS_MAGIC 0xa3500001u
	event_fn *fn;
	void *ctx;
	struct counters *counters;
	enum stage stage;
	bool lost;        /* the prelude is being looked for */
	uint32_t crc;     /* of the message so far */
	uint32_t headers; /* bytes of them still to come */
	uint32_t payload; /* the same; AT_DAMAGED: of the whole message */
	size_t need;      /* bytes of this stage still to come */
	unsigned char held[PRELUDE];
	size_t held_bytes;
	/* the header under way */
	char key[KEY]; /* a longer one is none of ours */
	size_t key_bytes;
	unsigned type;
	enum means means;
	char value[LIMIT_SSE_NAME];
	size_t value_bytes;
	/* the event under way; the name's first byte is EVENT_FAULT's, used or not */
	bool fault;
	char name[1 + LIMIT_SSE_NAME];
	size_t name_bytes;
};

static int aws_open(event_fn *fn, void *ctx, struct counters *c, void **ret)
{
	struct aws *a = obj_new(a, AWS_MAGIC);

	if (!a)
		return -ENOMEM;
	a->fn = fn;
	a->ctx = ctx;
	a->counters = c;
	a->name[0] = EVENT_FAULT[0];
	*ret = a;
	return 0;
}

static void aws_close(void *state)
{
	struct aws *a = state;

	mem_free(obj_take(&a, AWS_MAGIC));
}

static int aws_say(struct aws *a, struct str data, bool last, enum why why)
{
	struct str name = { a->name, 1 + a->name_bytes };

	return a->fn(a->ctx, a->fault ? name : str_skip(name, 1), data, last, why);
}

static uint32_t number(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t crc_of(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32(crc, p, (unsigned)n);
}

static void aws_next(struct aws *a)
{
	a->stage = AT_PRELUDE;
	a->held_bytes = 0;
	a->fault = false;
	a->name_bytes = 0;
}

/* The message is of no use; its end is known. */
static int aws_damaged(struct aws *a, enum why why)
{
	a->payload += a->headers + CRC - (a->stage == AT_CRC ? (uint32_t)a->held_bytes : 0);
	a->headers = 0;
	a->stage = AT_DAMAGED;
	return aws_say(a, STR_NONE, true, why);
}

/* ---- the prelude ----------------------------------------------------------------------------- */

static bool prelude_fits(const struct aws *a)
{
	uint32_t all = number(a->held), headers = number(a->held + 4);

	/* while it is looked for, this is asked at every byte: what is cheap or unlikely first */
	if (a->lost && (all > LIMIT_EVENT_BYTES || headers > LIMIT_EVENT_HEADERS))
		return false;
	return all >= PRELUDE + CRC && headers <= all - PRELUDE - CRC &&
	       crc_of(0, a->held, 8) == number(a->held + 8);
}

static int aws_prelude(struct aws *a)
{
	uint32_t all = number(a->held);
	bool lost = a->lost;

	if (!prelude_fits(a)) {
		a->lost = true;
		memmove(a->held, a->held + 1, --a->held_bytes);
		return lost ? 0 : aws_say(a, STR_NONE, true, WHY_BAD_BODY);
	}
	a->lost = false;
	a->crc = crc_of(0, a->held, PRELUDE);
	a->headers = number(a->held + 4);
	a->payload = all - PRELUDE - CRC - a->headers;
	a->held_bytes = 0;
	a->stage = a->headers ? AT_NAME_LENGTH : a->payload ? AT_PAYLOAD : AT_CRC;
	if (a->headers > LIMIT_EVENT_HEADERS) {
		count_limit(a->counters, EVENT_HEADERS);
		return aws_damaged(a, WHY_LIMIT);
	}
	if (all > LIMIT_EVENT_BYTES) {
		count_limit(a->counters, EVENT_BYTES);
		return aws_damaged(a, WHY_LIMIT);
	}
	return 0;
}

/* ---- headers --------------------------------------------------------------------------------- */

static void header_known(struct aws *a)
{
	struct str key = { a->key, a->key_bytes };

	a->means = MEANS_NOTHING;
	a->value_bytes = 0;
	for (size_t i = 0; i < COUNT_OF(wanted) && a->type == TYPE_TEXT; i++)
		if (str_eq(key, wanted[i].name))
			a->means = wanted[i].means;
}

/* An exception's name is never hidden by an event's, in whatever order they come. */
static void header_end(struct aws *a)
{
	struct str value = { a->value, a->value_bytes };

	if (a->means == MEANS_KIND)
		a->fault |= !str_eq(value, S("event"));
	else if (a->means == MEANS_FAULT || (a->means == MEANS_NAME && !a->fault)) {
		a->fault |= a->means == MEANS_FAULT;
		memcpy(a->name + 1, value.p, value.n);
		a->name_bytes = value.n;
	}
	a->held_bytes = 0;
	a->stage = a->headers ? AT_NAME_LENGTH : a->payload ? AT_PAYLOAD : AT_CRC;
}

/* Lengths and types are of one or two bytes: taken one by one. */
static int header_byte(struct aws *a, unsigned char c)
{
	switch (a->stage) {
	case AT_NAME_LENGTH:
		a->need = c;
		a->key_bytes = 0;
		a->stage = AT_NAME;
		return c ? 0 : aws_damaged(a, WHY_BAD_BODY);
	case AT_TYPE:
		if (c >= sizeof(type_bytes))
			return aws_damaged(a, WHY_BAD_BODY);
		a->type = c;
		a->need = type_bytes[c];
		header_known(a);
		if (c == TYPE_BYTES || c == TYPE_TEXT) {
			a->stage = AT_VALUE_LENGTH;
			a->held_bytes = 0;
			return 0;
		}
		break;
	default: /* AT_VALUE_LENGTH */
		a->held[a->held_bytes++] = c;
		if (a->held_bytes < 2)
			return 0;
		a->need = (size_t)a->held[0] << 8 | a->held[1];
		break;
	}
	a->stage = AT_VALUE;
	if (a->means > MEANS_KIND && a->need > sizeof(a->value))
		count_limit(a->counters, SSE_NAME);
	if (!a->need)
		header_end(a);
	return 0;
}

static void keep(char *to, size_t room, size_t *n, struct str s)
{
	size_t fits = MIN(s.n, room - *n);

	memcpy(to + *n, s.p, fits);
	*n += fits;
}

static int header_run(struct aws *a, struct str run)
{
	if (a->stage == AT_NAME) {
		keep(a->key, sizeof(a->key), &a->key_bytes, run);
	} else if (a->stage == AT_VALUE) {
		if (a->means != MEANS_NOTHING)
			keep(a->value, sizeof(a->value), &a->value_bytes, run);
	} else {
		return header_byte(a, (unsigned char)run.p[0]);
	}
	a->need -= run.n;
	if (!a->need && a->stage == AT_NAME)
		a->stage = AT_TYPE;
	else if (!a->need)
		header_end(a);
	return 0;
}

static int aws_headers(struct aws *a, struct str in, size_t *ret_n)
{
	size_t n = a->stage == AT_NAME || a->stage == AT_VALUE ? MIN(in.n, a->need) : 1;
	int r;

	n = MIN(n, a->headers);
	a->crc = crc_of(a->crc, in.p, n);
	a->headers -= (uint32_t)n;
	*ret_n = n;
	r = header_run(a, str_head(in, n));
	if (r == 0 && !a->headers && a->stage < AT_PAYLOAD) /* they end within one */
		r = aws_damaged(a, WHY_BAD_BODY);
	return r;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static size_t hold(struct aws *a, struct str in, size_t all)
{
	size_t n = MIN(in.n, all - a->held_bytes);

	memcpy(a->held + a->held_bytes, in.p, n);
	a->held_bytes += n;
	return n;
}

static int aws_payload(struct aws *a, struct str in, size_t *ret_n)
{
	struct str run = str_head(in, a->payload);

	*ret_n = run.n;
	a->crc = crc_of(a->crc, run.p, run.n);
	a->payload -= (uint32_t)run.n;
	if (!a->payload)
		a->stage = AT_CRC;
	return aws_say(a, run, false, WHY_NONE);
}

static int aws_crc(struct aws *a, struct str in, size_t *ret_n)
{
	int r;

	*ret_n = hold(a, in, CRC);
	if (a->held_bytes < CRC)
		return 0;
	r = aws_say(a, STR_NONE, true, number(a->held) == a->crc ? WHY_NONE : WHY_BAD_BODY);
	aws_next(a);
	return r;
}

static size_t aws_pass(struct aws *a, uint64_t bytes)
{
	uint32_t n = (uint32_t)MIN(bytes, a->payload);

	a->payload -= n;
	if (!a->payload)
		aws_next(a);
	return n;
}

static int aws_feed(void *state, struct str bytes)
{
	struct aws *a = state;

	obj_check(a, AWS_MAGIC);
	while (bytes.n) {
		size_t n = 0;
		int r = 0;

		switch (a->stage) {
		case AT_PRELUDE:
			n = hold(a, bytes, PRELUDE);
			r = a->held_bytes == PRELUDE ? aws_prelude(a) : 0;
			break;
		case AT_PAYLOAD:
			r = aws_payload(a, bytes, &n);
			break;
		case AT_CRC:
			r = aws_crc(a, bytes, &n);
			break;
		case AT_DAMAGED:
			n = aws_pass(a, bytes.n);
			break;
		default:
			r = aws_headers(a, bytes, &n);
		}
		if (r < 0)
			return r;
		bytes = str_skip(bytes, n);
	}
	return 0;
}

static int aws_gap(void *state, uint64_t bytes)
{
	struct aws *a = state;
	bool within = a->stage != AT_PRELUDE;
	int r = 0;

	obj_check(a, AWS_MAGIC);
	if (within && a->stage != AT_DAMAGED)
		r = aws_damaged(a, WHY_GAP);
	if (r < 0)
		return r;
	if (within && bytes <= a->payload) {
		aws_pass(a, bytes);
		return 0;
	}
	aws_next(a);
	a->lost = true;
	return aws_say(a, STR_NONE, true, WHY_GAP);
}

static int aws_end(void *state)
{
	struct aws *a = state;

	obj_check(a, AWS_MAGIC);
	return a->stage == AT_PRELUDE && !a->held_bytes && !a->lost ? 0 : -EBADMSG;
}

const struct events eventstream_events = {
	.framing = FRAMING_EVENTSTREAM,
	.open = aws_open,
	.feed = aws_feed,
	.end = aws_end,
	.gap = aws_gap,
	.close = aws_close,
};
