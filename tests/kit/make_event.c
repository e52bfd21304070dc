#include "make.h"

enum { PRELUDE = 8, CRC = 4, STRING = 7, BYTES = 6, MOST = 1 << 26 };

static uint32_t crc(const struct buf *b, size_t from)
{
	return (uint32_t)crc32(0, (const unsigned char *)b->p + from, (unsigned)(b->n - from));
}

void make_aws(struct buf *out, const struct make_header *h, size_t count, struct str payload,
	      enum make_damage damage)
{
	_cleanup_(buf_done) struct buf headers = { .limit = MOST };
	size_t from = out->n;

	for (size_t i = 0; i < count; i++) {
		unsigned type = h[i].type ? h[i].type : STRING;

		make_number(&headers, h[i].name.n, 1);
		make_add(&headers, h[i].name);
		make_number(&headers, type, 1);
		if (type == STRING || type == BYTES)
			make_number(&headers, h[i].value.n, 2);
		make_add(&headers, h[i].value);
	}
	make_number(out, PRELUDE + CRC + headers.n + payload.n + CRC, 4);
	make_number(out, headers.n, 4);
	make_number(out, crc(out, from) ^ (damage == MAKE_BAD_PRELUDE), 4);
	make_add(out, buf_str(&headers));
	make_add(out, payload);
	make_number(out, crc(out, from) ^ (damage == MAKE_BAD_MESSAGE), 4);
}

void make_aws_event(struct buf *out, struct str name, struct str payload)
{
	const struct make_header h[] = { { S(":event-type"), name, 0 },
					 { S(":content-type"), S("application/json"), 0 },
					 { S(":message-type"), S("event"), 0 } };

	make_aws(out, h, COUNT_OF(h), payload, MAKE_WHOLE);
}

void make_base64(struct buf *out, struct str bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; bytes.n; bytes = str_skip(bytes, 3)) {
		uint32_t v = 0;
		char text[4];

		for (size_t i = 0; i < 3; i++)
			v = v << 8 | (i < bytes.n ? (unsigned char)bytes.p[i] : 0);
		for (size_t i = 0; i < 4; i++)
			text[i] = i <= bytes.n ? digits[v >> (18 - 6 * i) & 63] : '=';
		make_add(out, (struct str){ text, sizeof(text) });
	}
}

void make_aws_chunk(struct buf *out, struct str json)
{
	_cleanup_(buf_done) struct buf b = { .limit = MOST };

	make_add(&b, S("{\"bytes\":\""));
	make_base64(&b, json);
	make_add(&b, S("\",\"p\":\"abcdefgh\"}"));
	make_aws_event(out, S("chunk"), buf_str(&b));
}

void make_grpc(struct buf *out, unsigned flag, struct str payload)
{
	make_number(out, flag, 1);
	make_number(out, payload.n, 4);
	make_add(out, payload);
}

static void varint(struct buf *out, uint64_t n)
{
	for (; n > 127; n >>= 7)
		make_number(out, (n & 127) | 128, 1);
	make_number(out, n, 1);
}

void make_proto_number(struct buf *out, unsigned field, uint64_t value)
{
	varint(out, (uint64_t)field << 3);
	varint(out, value);
}

void make_proto_bytes(struct buf *out, unsigned field, struct str value)
{
	varint(out, (uint64_t)field << 3 | 2);
	varint(out, value.n);
	make_add(out, value);
}

/* What "type" says near the start of a document, as the providers put it. */
static struct str type_of(struct str json)
{
	struct str name = json, head;
	const char *at = memmem(json.p, json.n, "\"type\":", 7);

	if (!at)
		return STR_NONE;
	name = str_skip(json, (size_t)(at - json.p) + 7);
	return str_cut(&name, &head, '"') && str_cut(&name, &head, '"') ? head : STR_NONE;
}

void make_sse(struct buf *out, struct str lines, const struct make_sse *how)
{
	struct str eol = how && how->eol ? str_of(how->eol) : S("\n"), line;
	bool first = true;

	while (lines.n) {
		if (!str_cut(&lines, &line, '\n')) {
			line = lines;
			lines = STR_NONE;
		}
		if (!line.n)
			continue;
		if (!first)
			make_add(out, eol);
		first = false;
		if (how && how->named && type_of(line).n) {
			make_add(out, S("event: "));
			make_add(out, type_of(line));
			make_add(out, eol);
		}
		make_add(out, S("data: "));
		make_add(out, line);
		make_add(out, eol);
	}
	if (how && how->done) {
		make_add(out, eol);
		make_add(out, S("data: [DONE]"));
		make_add(out, eol);
	}
	if (!how || !how->open_end)
		make_add(out, eol);
}
