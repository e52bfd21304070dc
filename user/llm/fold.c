#include "base/limit.h"
#include "llm/fold.h"

struct member {
	struct str key, value; /* as written, key with its quotes */
};

struct members {
	struct member at[LIMIT_USAGE_MEMBERS];
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct str s, size_t i)
{
	while (i < s.n && is_space(s.p[i]))
		i++;
	return i;
}

static size_t skip_string(struct str s, size_t i)
{
	for (i++; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return MIN(i + 1, s.n);
}

/* The text is known to be JSON, so brackets balance and a value ends at the next ',' or '}' of its own level. */
static size_t skip_value(struct str s, size_t i)
{
	size_t depth = 0;

	while (i < s.n) {
		char c = s.p[i];

		if (c == '"') {
			i = skip_string(s, i);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		if (depth == 0 && (c == ',' || c == '}'))
			break;
		if (c == '}' || c == ']')
			depth--;
		i++;
	}
	while (i && is_space(s.p[i - 1]))
		i--;
	return i;
}

static int split(struct str s, struct members *ret)
{
	size_t i = skip_space(s, 0) + 1;

	ret->n = 0;
	for (;;) {
		struct member m;
		size_t from;

		i = skip_space(s, i);
		if (i >= s.n || s.p[i] != '"')
			return 0;
		if (ret->n == COUNT_OF(ret->at))
			return -E2BIG;
		from = i;
		i = skip_string(s, i);
		m.key = (struct str){ s.p + from, i - from };
		i = skip_space(s, skip_space(s, i) + 1);
		from = i;
		i = skip_value(s, i);
		m.value = (struct str){ s.p + from, i - from };
		ret->at[ret->n++] = m;
		i = skip_space(s, i) + 1;
	}
}

static struct member *find(struct members *m, struct str key)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->at[i].key, key))
			return &m->at[i];
	return NULL;
}

static int overlay(struct members *to, const struct members *more)
{
	for (size_t i = 0; i < more->n; i++) {
		struct member *old = find(to, more->at[i].key);

		if (str_eq(more->at[i].value, S("null")) && old)
			continue;
		if (!old) {
			if (to->n == COUNT_OF(to->at))
				return -E2BIG;
			old = &to->at[to->n++];
		}
		*old = more->at[i];
	}
	return 0;
}

static int join(const struct members *m, struct buf *out)
{
	int r = buf_put(out, '{');

	for (size_t i = 0; r == 0 && i < m->n; i++) {
		if (i)
			r = buf_put(out, ',');
		if (r == 0)
			r = buf_add(out, m->at[i].key);
		if (r == 0)
			r = buf_put(out, ':');
		if (r == 0)
			r = buf_add(out, m->at[i].value);
	}
	return r < 0 ? r : buf_put(out, '}');
}

int fold_overlay(struct buf *held, struct str more)
{
	_cleanup_(buf_done) struct buf out = { .limit = held->limit };
	struct members old = { 0 }, new;
	struct buf swap;
	int r = 0;

	if (!held->n)
		return buf_add(held, more);
	r = split(buf_str(held), &old);
	if (r == 0)
		r = split(more, &new);
	if (r == 0)
		r = overlay(&old, &new);
	if (r == 0)
		r = join(&old, &out);
	if (r < 0)
		return r;
	swap = *held;
	*held = out;
	out = swap;
	return 0;
}

void fold_compact(struct buf *held)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n;) {
		struct str s = buf_str(held);
		size_t end = i + 1;

		if (is_space(s.p[i])) {
			i++;
			continue;
		}
		if (s.p[i] == '"')
			end = skip_string(s, i);
		memmove(held->p + n, held->p + i, end - i);
		n += end - i;
		i = end;
	}
	held->n = n;
}

/* Bytes of the sequence that begins here, 0 where none does: shortest form, no surrogates (RFC 3629). */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char from, to, second_from, second_to;
		size_t length;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0xff, 1 },    { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t f = 0; f < COUNT_OF(forms); f++) {
		size_t i = 2, length = forms[f].length;

		if (p[0] < forms[f].from || p[0] > forms[f].to)
			continue;
		if (length > n)
			return 0;
		if (length > 1 && (p[1] < forms[f].second_from || p[1] > forms[f].second_to))
			return 0;
		while (i < length && p[i] >= 0x80 && p[i] <= 0xbf)
			i++;
		return length > 2 && i < length ? 0 : length;
	}
	return 0;
}

bool fold_is_utf8(struct str s)
{
	while (s.n) {
		size_t n = utf8_sequence((const unsigned char *)s.p, s.n);

		if (!n)
			return false;
		s = str_skip(s, n);
	}
	return true;
}
