#include "llm/multipart.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The one boundary of a Content-Type; absent where it has none, or two. */
static struct str boundary_of(struct str type)
{
	const struct str name = S("boundary=");
	struct str found = STR_NONE;

	for (size_t i = 0; i + name.n <= type.n; i++) {
		struct str rest = str_skip(type, i + name.n);
		bool quoted = str_starts(rest, S("\""));
		size_t n = 0;

		if (!str_ieq(str_head(str_skip(type, i), name.n), name))
			continue;
		if (found.p)
			return STR_NONE;
		rest = str_skip(rest, quoted);
		while (n < rest.n && !strchr(quoted ? "\"" : ";, \t", rest.p[n]))
			n++;
		found = str_head(rest, n);
	}
	return found;
}

void multipart_init(struct multipart *m, const char *field, struct str type)
{
	struct str boundary = boundary_of(type);

	*m = (struct multipart){ .field = field };
	if (!boundary.n || boundary.n > MULTIPART_BOUNDARY) {
		m->state = MULTIPART_DONE;
		return;
	}
	memcpy(m->delimiter, "--", 2);
	memcpy(m->delimiter + 2, boundary.p, boundary.n);
	m->delimiter_n = 2 + boundary.n;
}

static struct str line_of(const struct multipart *m)
{
	return (struct str){ m->line, m->n };
}

/* It may end the body, and blanks may stand behind it. */
static bool is_delimiter(const struct multipart *m, bool *ret_last)
{
	struct str delimiter = { m->delimiter, m->delimiter_n }, line = line_of(m), rest;

	rest = str_trim(str_skip(line, delimiter.n));
	*ret_last = str_eq(rest, S("--"));
	return !m->cut && str_starts(line, delimiter) && (!rest.n || *ret_last);
}

/* Content-Disposition: form-data; name="model" -- and whatever else some server may take for it: blanks, quotes, escapes and
 * case do not count. */
static bool names_field(const struct multipart *m)
{
	char text[MULTIPART_LINE];
	struct str line = { text, 0 }, field = str_of(m->field);

	for (size_t i = 0; i < m->n; i++)
		if (!strchr(" \t\"\\", m->line[i]) || !m->line[i])
			text[line.n++] = lower(m->line[i]);
	if (!str_starts(line, S("content-disposition:")))
		return false;
	for (; line.n; line = str_skip(line, 1)) {
		struct str value = str_skip(line, 6);

		if (str_starts(line, S(";name*"))) /* in yet another writing */
			return true;
		if (str_starts(line, S(";name=")) && str_starts(value, field) &&
		    (value.n == field.n || value.p[field.n] == ';'))
			return true;
	}
	return false;
}

static void give_up(struct multipart *m)
{
	m->value_n = 0;
	m->state = MULTIPART_DONE;
}

/* Servers differ in which of two they take. */
static void keep_value(struct multipart *m)
{
	size_t n = MIN(m->n, sizeof(m->value));

	if (m->value_n && (n != m->value_n || memcmp(m->value, m->line, n) != 0)) {
		give_up(m);
		return;
	}
	memcpy(m->value, m->line, n);
	m->value_n = n;
	m->state = MULTIPART_SEEK;
}

/* Of a part's head. One that is folded or too long to look at may name the field, too. */
static void head_line(struct multipart *m)
{
	if (!m->n)
		m->state = m->wanted ? MULTIPART_VALUE : MULTIPART_SEEK;
	else if (m->cut || m->line[0] == ' ' || m->line[0] == '\t')
		give_up(m);
	else
		m->wanted |= names_field(m);
}

static void end_line(struct multipart *m)
{
	bool last;

	if (m->n && m->line[m->n - 1] == '\r')
		m->n--;
	if (is_delimiter(m, &last)) {
		m->state = last ? MULTIPART_DONE : MULTIPART_HEAD;
		m->wanted = false;
	} else if (m->state == MULTIPART_HEAD) {
		head_line(m);
	} else if (m->state == MULTIPART_VALUE) {
		keep_value(m);
	}
	m->n = 0;
	m->cut = false;
}

void multipart_feed(struct multipart *m, struct str bytes)
{
	while (bytes.n && m->state != MULTIPART_DONE) {
		const char *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end ? (size_t)(end - bytes.p) : bytes.n;
		size_t keep = MIN(n, sizeof(m->line) - m->n);

		memcpy(m->line + m->n, bytes.p, keep);
		m->n += keep;
		m->cut |= keep < n;
		if (end)
			end_line(m);
		bytes = str_skip(bytes, end ? n + 1 : n);
	}
}

struct str multipart_value(const struct multipart *m)
{
	if (!m->value_n)
		return STR_NONE;
	return (struct str){ m->value, m->value_n };
}
