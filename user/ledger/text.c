#include "ledger/text.h"

#define REPLACED     "\xef\xbf\xbd" /* U+FFFD */
#define REPLACED_LEN 3

/* Bytes of the character at the start of `s`, 0 where there is none. RFC 3629, table of section 4. */
static size_t character(struct str s)
{
	static const struct {
		unsigned char first, last, low, high; /* first byte; second byte */
		unsigned char n;
	} rows[] = {
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *p = (const unsigned char *)s.p;
	size_t row = 0;

	while (row < COUNT_OF(rows) && (p[0] < rows[row].first || p[0] > rows[row].last))
		row++;
	if (row == COUNT_OF(rows) || s.n < rows[row].n)
		return 0;
	for (size_t i = 1; i < rows[row].n; i++)
		if (p[i] < (i == 1 ? rows[row].low : 0x80) ||
		    p[i] > (i == 1 ? rows[row].high : 0xbf))
			return 0;
	return rows[row].n;
}

bool text_valid(struct str s)
{
	for (size_t n; s.n; s = str_skip(s, n)) {
		n = character(s);
		if (n == 0)
			return false;
	}
	return true;
}

int text_clean(struct arena *a, struct str s, size_t most, struct str *ret)
{
	size_t room = s.n > most / REPLACED_LEN ? most : s.n * REPLACED_LEN, n;
	struct str out;
	char *p;

	if (!s.p) {
		*ret = STR_NONE;
		return 0;
	}
	if (s.n <= most && text_valid(s))
		return arena_str(a, s, ret);
	p = arena_get(a, room + 1);
	if (!p)
		return -ENOMEM;
	for (out = (struct str){ p, 0 }; s.n; s = str_skip(s, MAX(n, (size_t)1))) {
		n = character(s);
		if (out.n + (n ? n : REPLACED_LEN) > room)
			break;
		memcpy(p + out.n, n ? s.p : REPLACED, n ? n : REPLACED_LEN);
		out.n += n ? n : REPLACED_LEN;
	}
	*ret = out;
	return 0;
}
