/* jsonscan.c -- what json.h offers beside the scanner itself. */
#include "base/dec.h"
#include "base/json.h"

#define COUNT_MAX (1ull << 53) /* the largest count every JSON reader agrees on */

int json_scan(struct str doc, const struct json_want *want, size_t count, json_fn *fn, void *ctx)
{
	_cleanup_(json_free) struct json *j = NULL;
	int r;

	r = json_new(want, count, fn, ctx, &j);
	if (r < 0)
		return r;
	r = json_feed(j, doc);
	if (r < 0)
		return r;
	return json_end(j);
}

int json_count(struct str number, uint64_t *ret)
{
	__int128 n;
	int r;

	if (number.p && number.n && number.p[0] == '-')
		return -EBADMSG;
	r = dec_scaled(number, 0, &n);
	if (r < 0)
		return r == -EDOM ? -EBADMSG : r;
	if (n > (__int128)COUNT_MAX)
		return -ERANGE;
	*ret = (uint64_t)n;
	return 0;
}
