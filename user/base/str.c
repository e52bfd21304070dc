#include "base/str.h"

static char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (str_lower(a.p[i]) != str_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str head)
{
	return s.n >= head.n && str_eq(str_head(s, head.n), head);
}

bool str_ends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq(str_skip(s, s.n - tail.n), tail);
}

struct str str_trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool str_cut(struct str *rest, struct str *head, char at)
{
	const char *found = rest->n ? memchr(rest->p, at, rest->n) : NULL;

	if (!found)
		return false;
	*head = (struct str){ rest->p, (size_t)(found - rest->p) };
	*rest = str_skip(*rest, head->n + 1);
	return true;
}

int str_u64(struct str s, uint64_t *ret)
{
	uint64_t n = 0;

	if (!s.n)
		return -EBADMSG;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EBADMSG;
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
			return -ERANGE;
	}
	*ret = n;
	return 0;
}
