#include "llm/protobuf.h"

enum { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_FIXED32 = 5 };

void protobuf_init(struct protobuf *p, const struct protobuf_want *want, size_t count,
		   protobuf_fn *fn, void *ctx)
{
	*p = (struct protobuf){ .want = want, .want_count = count, .fn = fn, .ctx = ctx };
}

void protobuf_reset(struct protobuf *p)
{
	p->depth = 0;
	p->state = PROTOBUF_TAG;
	p->varint = p->shift = 0;
	p->keep = NULL;
}

bool protobuf_whole(const struct protobuf *p)
{
	return !p->depth && p->state == PROTOBUF_TAG && !p->shift;
}

/* The row for field `field` of the message that is open; *ret_inside: rows lie within it. */
static const struct protobuf_want *find(const struct protobuf *p, unsigned field, bool *ret_inside)
{
	const struct protobuf_want *found = NULL;

	*ret_inside = false;
	for (size_t i = 0; i < p->want_count; i++) {
		const struct protobuf_want *w = &p->want[i];
		unsigned d = 0;

		while (d < p->depth && w->path[d] == p->at[d].field)
			d++;
		if (d < p->depth || w->path[d] != field)
			continue;
		if (d + 1 == PROTOBUF_DEPTH || !w->path[d + 1])
			found = w;
		else
			*ret_inside = true;
	}
	return found;
}

static int tell(struct protobuf *p, const struct protobuf_want *w, enum protobuf_type type)
{
	struct str text = { p->size <= sizeof(p->text) ? p->text : NULL, p->size };

	return w ? p->fn(p->ctx, w->id, type, p->varint, type == PROTOBUF_TEXT ? text : STR_NONE)
		 : 0;
}

/* The bytes of a field, or of a sub-message that is walked into, have come. */
static int close_field(struct protobuf *p)
{
	int r = 0;

	p->state = PROTOBUF_TAG;
	while (r == 0 && p->depth && !p->at[p->depth - 1].left) {
		const struct protobuf_want *w;
		bool inside;

		p->depth--;
		w = find(p, p->at[p->depth].field, &inside);
		r = tell(p, w && w->message ? w : NULL, PROTOBUF_CLOSE);
	}
	return r;
}

static int open_bytes(struct protobuf *p, uint64_t size)
{
	const struct protobuf_want *w;
	bool inside;
	int r;

	if (p->depth && size > p->at[p->depth - 1].left)
		return -EBADMSG;
	w = find(p, p->field, &inside);
	if (inside || (w && w->message)) {
		if (p->depth)
			p->at[p->depth - 1].left -= size; /* its own account from here on */
		p->at[p->depth].field = p->field;
		p->at[p->depth++].left = size;
		p->state = PROTOBUF_TAG;
		r = tell(p, w, PROTOBUF_OPEN);
		return r < 0 || size ? r : close_field(p);
	}
	p->keep = w;
	p->size = 0;
	p->left = size;
	p->state = PROTOBUF_BYTES;
	if (size)
		return 0;
	r = tell(p, w, PROTOBUF_TEXT);
	return r < 0 ? r : close_field(p);
}

static int on_tag(struct protobuf *p, uint64_t tag)
{
	p->keep = NULL;
	p->field = tag >> 3 > UINT32_MAX ? 0 : (unsigned)(tag >> 3);
	if (!p->field)
		return -EBADMSG;
	switch (tag & 7) {
	case WIRE_VARINT:
		p->state = PROTOBUF_VALUE;
		return 0;
	case WIRE_BYTES:
		p->state = PROTOBUF_LENGTH;
		return 0;
	case WIRE_FIXED64:
	case WIRE_FIXED32:
		p->left = (tag & 7) == WIRE_FIXED64 ? 8 : 4;
		p->state = PROTOBUF_BYTES;
		return p->depth && p->left > p->at[p->depth - 1].left ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

static int on_varint(struct protobuf *p)
{
	bool inside;
	int r;

	p->shift = 0;
	switch (p->state) {
	case PROTOBUF_TAG:
		r = on_tag(p, p->varint);
		/* a tag that ends its message has no value */
		return r == 0 && p->depth && !p->at[p->depth - 1].left ? -EBADMSG : r;
	case PROTOBUF_LENGTH:
		return open_bytes(p, p->varint);
	default:
		r = tell(p, find(p, p->field, &inside), PROTOBUF_NUMBER);
		return r < 0 ? r : close_field(p);
	}
}

static int on_byte(struct protobuf *p, unsigned char c)
{
	if (p->depth) {
		if (!p->at[p->depth - 1].left)
			return -EBADMSG;
		p->at[p->depth - 1].left--;
	}
	if (!p->shift)
		p->varint = 0;
	if (p->shift > 63 || (p->shift == 63 && c > 1))
		return -EBADMSG;
	p->varint |= (uint64_t)(c & 0x7f) << p->shift;
	if (!(c & 0x80))
		return on_varint(p);
	p->shift += 7;
	return 0;
}

static int on_bytes(struct protobuf *p, struct str *bytes)
{
	size_t n = (size_t)MIN((uint64_t)bytes->n, p->left), room;
	int r = 0;

	if (p->keep && p->size < sizeof(p->text)) {
		room = MIN(n, sizeof(p->text) - p->size);
		memcpy(p->text + p->size, bytes->p, room);
	}
	p->size += n;
	p->left -= n;
	if (p->depth)
		p->at[p->depth - 1].left -= n;
	*bytes = str_skip(*bytes, n);
	if (p->left)
		return 0;
	r = tell(p, p->keep, PROTOBUF_TEXT);
	return r < 0 ? r : close_field(p);
}

int protobuf_feed(struct protobuf *p, struct str bytes)
{
	int r = 0;

	while (r == 0 && bytes.n) {
		if (p->state == PROTOBUF_BYTES) {
			r = on_bytes(p, &bytes);
			continue;
		}
		r = on_byte(p, (unsigned char)bytes.p[0]);
		bytes = str_skip(bytes, 1);
	}
	return r;
}
