#include <inttypes.h>
#include "base/jsonw.h"

#define REPLACEMENT S("\xEF\xBF\xBD") /* U+FFFD */

void jsonw_init(struct jsonw *w, struct buf *out)
{
	*w = (struct jsonw){ .out = out };
}

static void jsonw_add(struct jsonw *w, struct str s)
{
	if (w->error == 0)
		w->error = buf_add(w->out, s);
}

/* An item begins: the comma that is due, and one will be due after it. */
static void jsonw_item(struct jsonw *w)
{
	if (w->comma)
		jsonw_add(w, S(","));
	w->comma = true;
}

void jsonw_open(struct jsonw *w, char bracket)
{
	jsonw_item(w);
	jsonw_add(w, (struct str){ &bracket, 1 });
	w->comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
	jsonw_add(w, (struct str){ &bracket, 1 });
	w->comma = true;
}

/* The length of the UTF-8 sequence at the start of s; 0 where there is none (RFC 3629: shortest
 * form, no surrogates, at most U+10FFFF). */
static size_t utf8_len(struct str s)
{
	unsigned char a = (unsigned char)s.p[0], low = 0x80, high = 0xBF;
	size_t n = a < 0x80                ? 1
		   : a >= 0xC2 && a < 0xE0 ? 2
		   : a >= 0xE0 && a < 0xF0 ? 3
		   : a >= 0xF0 && a < 0xF5 ? 4
					   : 0;

	if (n > s.n)
		return 0;
	if (a == 0xE0)
		low = 0xA0;
	else if (a == 0xED)
		high = 0x9F;
	else if (a == 0xF0)
		low = 0x90;
	else if (a == 0xF4)
		high = 0x8F;
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < low || c > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return n;
}

static void jsonw_escape(struct jsonw *w, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
	const char *at = c ? strchr(from, c) : NULL;
	char out[] = "\\u0000";

	if (at) {
		out[1] = to[at - from];
		jsonw_add(w, (struct str){ out, 2 });
		return;
	}
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	jsonw_add(w, (struct str){ out, 6 });
}

static bool is_plain(char c)
{
	return c >= ' ' && c != '"' && c != '\\' && c != 0x7F;
}

static void jsonw_text(struct jsonw *w, struct str s)
{
	jsonw_add(w, S("\""));
	while (s.n && w->error == 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] > 0 && is_plain(s.p[n]))
			n++;
		if (n == 0 && s.p[0] >= 0) {
			jsonw_escape(w, s.p[0]);
			n = 1;
		} else if (n == 0) {
			n = utf8_len(s);
			jsonw_add(w, n ? str_head(s, n) : REPLACEMENT);
			n = MAX(n, (size_t)1);
		} else {
			jsonw_add(w, str_head(s, n));
		}
		s = str_skip(s, n);
	}
	jsonw_add(w, S("\""));
}

void jsonw_key(struct jsonw *w, const char *key)
{
	jsonw_item(w);
	jsonw_text(w, str_of(key));
	jsonw_add(w, S(":"));
	w->comma = false;
}

void jsonw_str(struct jsonw *w, struct str s)
{
	jsonw_item(w);
	jsonw_text(w, s);
}

void jsonw_u64(struct jsonw *w, uint64_t n)
{
	jsonw_item(w);
	if (w->error == 0)
		w->error = buf_printf(w->out, "%" PRIu64, n);
}

void jsonw_i64(struct jsonw *w, int64_t n)
{
	jsonw_item(w);
	if (w->error == 0)
		w->error = buf_printf(w->out, "%" PRId64, n);
}

void jsonw_bool(struct jsonw *w, bool b)
{
	jsonw_raw(w, b ? S("true") : S("false"));
}

void jsonw_raw(struct jsonw *w, struct str json)
{
	jsonw_item(w);
	jsonw_add(w, json);
}

int jsonw_done(struct jsonw *w)
{
	return w->error;
}

void jsonw_key_str(struct jsonw *w, const char *key, struct str s)
{
	if (!s.p)
		return;
	jsonw_key(w, key);
	jsonw_str(w, s);
}

void jsonw_key_u64(struct jsonw *w, const char *key, uint64_t n)
{
	jsonw_key(w, key);
	jsonw_u64(w, n);
}
