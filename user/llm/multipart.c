#include "llm/multipart.h"

/* A part's head line that names the field: Content-Disposition: form-data; name="model" */
static bool names_field(const struct multipart *m)
{
	size_t want = strlen(m->field);
	struct str line = { m->line, m->n };

	if (line.n < 20 || !str_ieq(str_head(line, 20), S("content-disposition:")))
		return false;
	for (size_t i = 0; i + want + 8 <= line.n; i++)
		if (memcmp(line.p + i, " name=\"", 7) == 0 &&
		    memcmp(line.p + i + 7, m->field, want) == 0 && line.p[i + 7 + want] == '"')
			return true;
	return false;
}

/* A file may hold a line that looks like a field, and servers differ in which of two they take. */
static void keep_value(struct multipart *m)
{
	size_t n = MIN(m->n, sizeof(m->value));
	bool other = m->value_n && (n != m->value_n || memcmp(m->value, m->line, n) != 0);

	memcpy(m->value, m->line, n);
	m->value_n = other ? 0 : n;
	m->state = other ? MULTIPART_DONE : MULTIPART_SEEK;
}

static void end_line(struct multipart *m)
{
	if (m->n && m->line[m->n - 1] == '\r')
		m->n--;
	switch (m->state) {
	case MULTIPART_SEEK:
		if (names_field(m))
			m->state = MULTIPART_HEAD;
		break;
	case MULTIPART_HEAD:
		if (!m->n)
			m->state = MULTIPART_VALUE;
		break;
	case MULTIPART_VALUE:
		keep_value(m);
		break;
	case MULTIPART_DONE:
		break;
	}
	m->n = 0;
}

void multipart_feed(struct multipart *m, struct str bytes)
{
	while (bytes.n && m->state != MULTIPART_DONE) {
		const char *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end ? (size_t)(end - bytes.p) : bytes.n;
		size_t keep = MIN(n, sizeof(m->line) - m->n);

		memcpy(m->line + m->n, bytes.p, keep);
		m->n += keep;
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
