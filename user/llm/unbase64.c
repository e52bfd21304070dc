#include "llm/unbase64.h"

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool digit(struct unbase64 *u, char c)
{
	int v = value(c);

	if (c == '=' && u->count >= 2) {
		u->pads++;
		u->bits <<= 6;
		u->count++;
		return true;
	}
	if (v < 0 || u->pads)
		return false;
	u->bits = u->bits << 6 | (unsigned)v;
	u->count++;
	return true;
}

bool unbase64_feed(struct unbase64 *u, struct str from, char *to, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < from.n && !u->bad; i++) {
		/* after padding nothing may come */
		u->bad = (u->pads && !u->count) || !digit(u, from.p[i]);
		if (u->bad || u->count < 4)
			continue;
		for (unsigned k = 0; k + u->pads < 3; k++)
			to[n++] = (char)(u->bits >> (16 - 8 * k));
		u->bits = u->count = 0;
	}
	*ret_n = n;
	return !u->bad;
}

bool unbase64_end(const struct unbase64 *u)
{
	return !u->bad && !u->count;
}
