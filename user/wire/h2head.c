/* h2head.c -- a block says what it is by its pseudo headers: a table of them, then the rules that decide meaning.
 *
 * Strict where two readers could understand different things: pseudo headers twice or behind others, a host beside
 * another authority, lengths that differ, upper case, control characters. Such a message has no meaning. Headers that only
 * HTTP/1 has a use for have none here and do no harm. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/h2head.h"

struct h2head {
	unsigned magic;
#define H2HEAD_MAGIC 0x42ead001u
	struct counters *counters;
	struct arena text;
	unsigned pseudo;
	unsigned status;
	struct str method, path, authority;
	struct str header[HDR_COUNT];
	uint32_t too_long; /* bit per enum header */
	uint64_t length;
	bool has_length, websocket;
	bool regular; /* a field that is no pseudo header was there */
	bool blurred;
	bool bad;
};

static const struct str header_names[] = {
#define HEADER(name, text) [HDR_##name] = { text, sizeof(text) - 1 },
#include "tbl/header.h"
#undef HEADER
};

int h2head_new(struct counters *c, struct h2head **ret)
{
	struct h2head *h = mem_lend(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->magic = H2HEAD_MAGIC;
	h->counters = c;
	h->text.limit = 2 * LIMIT_HEAD_BYTES;
	*ret = h;
	return 0;
}

void h2head_free(struct h2head **ph)
{
	struct h2head *h = obj_take(ph, H2HEAD_MAGIC);

	if (!h)
		return;
	arena_reset(&h->text);
	mem_free(h);
}

/* ---- pseudo headers -------------------------------------------------------------------------- */

static int keep(struct h2head *h, struct str value, struct str *ret)
{
	return arena_str(&h->text, value, ret);
}

static int on_method(struct h2head *h, struct str value)
{
	return keep(h, value, &h->method);
}

static int on_path(struct h2head *h, struct str value)
{
	h->bad |= !value.n;
	return keep(h, value, &h->path);
}

static int on_authority(struct h2head *h, struct str value)
{
	return keep(h, value, &h->authority);
}

static int on_status(struct h2head *h, struct str value)
{
	uint64_t status;

	if (value.n != 3 || str_u64(value, &status) < 0 || status < 100)
		h->bad = true;
	else
		h->status = (unsigned)status;
	return 0;
}

static int on_protocol(struct h2head *h, struct str value)
{
	h->websocket = str_eq(value, S("websocket"));
	return 0;
}

static const struct {
	struct str name;
	enum h2_pseudo bit;
	int (*fn)(struct h2head *h, struct str value); /* NULL: that it is there is all */
} pseudos[] = {
	{ { ":method", 7 }, H2_METHOD, on_method },
	{ { ":scheme", 7 }, H2_SCHEME, NULL },
	{ { ":authority", 10 }, H2_AUTHORITY, on_authority },
	{ { ":path", 5 }, H2_PATH, on_path },
	{ { ":protocol", 9 }, H2_PROTOCOL, on_protocol },
	{ { ":status", 7 }, H2_STATUS, on_status },
};

static int field_pseudo(struct h2head *h, struct str name, struct str value)
{
	for (size_t i = 0; i < COUNT_OF(pseudos); i++) {
		if (!str_eq(name, pseudos[i].name))
			continue;
		if (h->pseudo & pseudos[i].bit || h->regular) {
			h->bad =
				true; /* the first one stands: it tells at least whose the block is */
			return 0;
		}
		h->pseudo |= pseudos[i].bit;
		return pseudos[i].fn ? pseudos[i].fn(h, value) : 0;
	}
	h->bad = true;
	return 0;
}

/* ---- the others ------------------------------------------------------------------------------ */

static bool name_fits(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= ' ' || c >= 0x7f || (c >= 'A' && c <= 'Z') || (c == ':' && i > 0))
			return false;
	}
	return name.n;
}

static bool value_fits(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	return true;
}

static void field_length(struct h2head *h, struct str value)
{
	uint64_t length;

	if (str_u64(value, &length) < 0 || (h->has_length && h->length != length))
		h->bad = true;
	else
		h->length = length;
	h->has_length = true;
}

static int field_keep(struct h2head *h, enum header id, struct str value)
{
	struct str *have = &h->header[id];
	size_t n = have->p ? have->n + 2 + value.n : value.n;
	char *p;

	if (h->too_long >> id & 1)
		return 0;
	if (n > LIMIT_HEADER_VALUE || n + 32 > h->text.limit - h->text.used) {
		count_limit(h->counters, HEADER_VALUE);
		h->too_long |= 1u << id;
		*have = STR_NONE;
		return 0;
	}
	p = arena_get(&h->text, n + 1);
	if (!p)
		return -ENOMEM;
	if (have->p) {
		memcpy(p, have->p, have->n);
		memcpy(p + have->n, ", ", 2);
	}
	if (value.n)
		memcpy(p + n - value.n, value.p, value.n);
	*have = (struct str){ p, n };
	return 0;
}

static int field_regular(struct h2head *h, struct str name, struct str value)
{
	static_assert(HDR_COUNT <= 32, "a bit for each");
	h->regular = true;
	if (str_eq(name, S("content-length")))
		field_length(h, value);
	for (int id = 0; id < HDR_COUNT; id++)
		if (str_eq(name, header_names[id]))
			return field_keep(h, id, str_trim(value));
	return 0;
}

int h2head_field(void *head, struct str name, struct str value, bool unknown)
{
	struct h2head *h = head;

	obj_check(h, H2HEAD_MAGIC);
	if (unknown) {
		h->blurred = true;
		return 0;
	}
	if (!name_fits(name) || !value_fits(value)) {
		h->bad = true;
		return 0;
	}
	return name.p[0] == ':' ? field_pseudo(h, name, value) : field_regular(h, name, value);
}

bool h2head_uses(struct str name)
{
	bool uses = !name_fits(name) || name.p[0] == ':' || str_eq(name, S("content-length"));

	for (int id = 0; id < HDR_COUNT; id++)
		uses |= str_eq(name, header_names[id]);
	return uses;
}

/* ---- what they make -------------------------------------------------------------------------- */

void h2head_lost(struct h2head *h)
{
	h->blurred = true;
}

unsigned h2head_pseudo(const struct h2head *h)
{
	return h->pseudo;
}

bool h2head_blurred(const struct h2head *h)
{
	return h->blurred;
}

static void head_fill(const struct h2head *h, struct part *ret)
{
	memcpy(ret->header, h->header, sizeof(ret->header));
	ret->blurred = h->blurred;
}

static bool has(const struct h2head *h, unsigned what)
{
	return h->blurred || (h->pseudo & what) == what;
}

bool h2head_request(struct h2head *h, struct part *ret)
{
	bool tunnel = str_eq(h->method, S("CONNECT")) && !(h->pseudo & H2_PROTOCOL);
	struct str *host;

	head_fill(h, ret);
	ret->method = h->method;
	ret->target = tunnel ? h->authority : h->path;
	host = &ret->header[HDR_HOST];
	if (h->pseudo & H2_AUTHORITY) {
		if (host->p && !str_ieq(*host, h->authority))
			h->bad = true;
		*host = h->authority;
	}
	if (h->bad || h->pseudo & H2_STATUS || !has(h, H2_METHOD))
		return false;
	if (tunnel)
		return has(h, H2_AUTHORITY) && !(h->pseudo & (H2_SCHEME | H2_PATH));
	return has(h, H2_SCHEME | H2_PATH);
}

bool h2head_response(struct h2head *h, struct part *ret)
{
	head_fill(h, ret);
	ret->status = h->status;
	return !h->bad && !(h->pseudo & H2_ASKS) && has(h, H2_STATUS);
}

bool h2head_length(const struct h2head *h, uint64_t *ret)
{
	if (h->has_length)
		*ret = h->length;
	return h->has_length;
}

bool h2head_websocket(const struct h2head *h)
{
	return h->websocket;
}
