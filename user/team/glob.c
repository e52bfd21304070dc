#include "team/glob.h"

bool glob_text(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	/* Only the last star ever needs to grow: what the ones before took can stay. */
	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* The next segment of `rest`; false at its end. Empty segments do not count. */
static bool segment(struct str *rest, struct str *ret)
{
	size_t n = 0;

	while (rest->n && rest->p[0] == '/')
		*rest = str_skip(*rest, 1);
	while (n < rest->n && rest->p[n] != '/')
		n++;
	*ret = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return n > 0;
}

bool glob_path(struct str pattern, struct str path)
{
	struct str want, have, after = STR_NONE, from = STR_NONE, rest;
	bool stars = false;

	for (;;) {
		struct str tried = pattern;
		bool wants = segment(&tried, &want);

		if (wants && str_eq(want, S("**"))) {
			stars = true;
			after = pattern = tried;
			from = path;
			continue;
		}
		rest = path;
		if (!segment(&rest, &have))
			return !wants;
		if (wants && glob_text(want, have)) {
			pattern = tried;
			path = rest;
		} else if (stars) { /* the last "**" takes one segment more */
			segment(&from, &have);
			pattern = after;
			path = from;
		} else {
			return false;
		}
	}
}
