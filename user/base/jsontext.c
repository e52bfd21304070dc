#include "base/jsontext.h"
#include "base/limit.h"

#define REPLACEMENT 0xFFFDu

void jsontext_init(struct jsontext *t)
{
	*t = (struct jsontext){ .kept.limit = LIMIT_JSON_TEXT };
}

void jsontext_done(struct jsontext *t)
{
	buf_done(&t->kept);
}

void jsontext_start(struct jsontext *t, bool keep)
{
	buf_reset(&t->kept);
	t->size = 0;
	t->keep = keep;
	t->count = false;
	t->escape = false;
	t->hex_left = 0;
	t->high = 0;
}

int jsontext_add(struct jsontext *t, struct str s)
{
	int r;

	if (!t->keep)
		return 0;
	t->size += s.n;
	if (t->count)
		return 0;
	r = buf_add(&t->kept, s); /* what does not fit is missing from now on: see jsontext_get() */
	return r == -EMSGSIZE ? 0 : r;
}

struct str jsontext_get(const struct jsontext *t)
{
	if (t->size != t->kept.n)
		return (struct str){ NULL, t->size };
	return t->size ? buf_str(&t->kept) : S("");
}

static int text_rune(struct jsontext *t, unsigned u)
{
	char b[4];
	size_t n = 0;

	if (u < 0x80) {
		b[n++] = (char)u;
		return jsontext_add(t, (struct str){ b, n });
	}
	if (u < 0x800) {
		b[n++] = (char)(0xC0 | u >> 6);
	} else if (u < 0x10000) {
		b[n++] = (char)(0xE0 | u >> 12);
		b[n++] = (char)(0x80 | (u >> 6 & 0x3F));
	} else {
		b[n++] = (char)(0xF0 | u >> 18);
		b[n++] = (char)(0x80 | (u >> 12 & 0x3F));
		b[n++] = (char)(0x80 | (u >> 6 & 0x3F));
	}
	b[n++] = (char)(0x80 | (u & 0x3F));
	return jsontext_add(t, (struct str){ b, n });
}

/* A high surrogate that was waiting stays alone. */
static int text_lone(struct jsontext *t)
{
	bool lone = t->high != 0;

	t->high = 0;
	return lone ? text_rune(t, REPLACEMENT) : 0;
}

/* One UTF-16 unit, from \uXXXX. */
static int text_unit(struct jsontext *t, unsigned u)
{
	unsigned high = t->high;
	int r;

	if (u >= 0xDC00 && u <= 0xDFFF && high) {
		t->high = 0;
		return text_rune(t, 0x10000 + ((high - 0xD800) << 10) + (u - 0xDC00));
	}
	r = text_lone(t);
	if (r < 0)
		return r;
	if (u >= 0xD800 && u <= 0xDBFF) {
		t->high = u;
		return 0;
	}
	return text_rune(t, u >= 0xDC00 && u <= 0xDFFF ? REPLACEMENT : u);
}

static int text_hex(struct jsontext *t, char c)
{
	t->hex <<= 4;
	if (c >= '0' && c <= '9')
		t->hex |= (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		t->hex |= (unsigned)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		t->hex |= (unsigned)(c - 'A' + 10);
	else
		return -EBADMSG;
	return --t->hex_left ? 0 : text_unit(t, t->hex);
}

static int text_escape(struct jsontext *t, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int r;

	t->escape = false;
	if (c == 'u') {
		t->hex = 0;
		t->hex_left = 4;
		return 0;
	}
	at = c ? strchr(from, c) : NULL;
	if (!at)
		return -EBADMSG;
	r = text_lone(t);
	return r < 0 ? r : jsontext_add(t, (struct str){ to + (at - from), 1 });
}

/* How many bytes stand before the next quote, backslash or control character: eight at a time,
 * since nearly all of what we see is text that nobody asked for. */
static size_t plain_run(struct str s)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	size_t i = 0;

	for (; s.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t w, q, b;

		memcpy(&w, s.p + i, sizeof(w));
		q = w ^ ones * '"';
		b = w ^ ones * '\\';
		if ((((q - ones) & ~q) | ((b - ones) & ~b) | ((w - ones * ' ') & ~w)) & tops)
			break;
	}
	while (i < s.n && s.p[i] != '"' && s.p[i] != '\\' && (unsigned char)s.p[i] >= ' ')
		i++;
	return i;
}

/* Bytes that stand for themselves, then what ended them. 1: the closing quote. */
static int text_plain(struct jsontext *t, struct str *bytes)
{
	size_t n = plain_run(*bytes);
	char c;
	int r = 0;

	if (n)
		r = text_lone(t);
	if (r == 0)
		r = jsontext_add(t, str_head(*bytes, n));
	*bytes = str_skip(*bytes, n);
	if (r < 0 || !bytes->n)
		return r;
	c = bytes->p[0];
	*bytes = str_skip(*bytes, 1);
	if (c == '\\') {
		t->escape = true;
		return 0;
	}
	if (c != '"')
		return -EBADMSG;
	r = text_lone(t);
	return r < 0 ? r : 1;
}

int jsontext_feed(struct jsontext *t, struct str *bytes)
{
	int r = 0;

	while (bytes->n && r == 0) {
		char c = bytes->p[0];

		if (!t->escape && !t->hex_left) {
			r = text_plain(t, bytes);
			continue;
		}
		*bytes = str_skip(*bytes, 1);
		r = t->escape ? text_escape(t, c) : text_hex(t, c);
	}
	return r;
}
