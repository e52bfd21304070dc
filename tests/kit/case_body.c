/* case_body.c -- the body of one message of a case: its lines, as events where the head says so, and coded.
 *
 * What is written together (a run of lines) stays together: the coder is flushed behind each run, and edge[] says where that
 * came to lie. A flush is found again as what two bodies with the same beginning have in common when coded. */
#include "case.h"
#include "make.h"

bool case_text(struct buf *to, struct str raw)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i], next = i + 1 < raw.n ? raw.p[i + 1] : '\0';
		const char *a, *b;

		if (c != '\\') {
			make_add(to, (struct str){ &c, 1 });
			continue;
		}
		if (i + 1 == raw.n)
			return true;
		a = i + 3 < raw.n + 0 && next == 'x' ? strchr(hex, raw.p[i + 2] | 0x20) : NULL;
		b = a ? strchr(hex, raw.p[i + 3] | 0x20) : NULL;
		i++;
		switch (next) {
		case 'r':
			make_add(to, S("\r"));
			break;
		case 'n':
			make_add(to, S("\n"));
			break;
		case 't':
			make_add(to, S("\t"));
			break;
		case '0':
			make_add(to, S("\0"));
			break;
		case '\\':
			make_add(to, S("\\"));
			break;
		default:
			if (!a || !b) { /* a backslash that is meant: \" of JSON */
				make_add(to, (struct str){ raw.p + i - 1, 2 });
				break;
			}
			make_number(to, (uint64_t)((a - hex) * 16 + (b - hex)), 1);
			i += 2;
		}
	}
	return false;
}

/* NAME JSON, !EXCEPTION JSON, @JSON (a chunk of InvokeModel); "~" in front: with a wrong checksum, "~~": of the prelude. */
static void aws_line(struct case_message *m, struct str s)
{
	enum make_damage damage = MAKE_WHOLE;
	struct str name = STR_NONE, rest;

	for (; s.n && s.p[0] == '~'; s = str_skip(s, 1))
		damage = damage == MAKE_WHOLE ? MAKE_BAD_MESSAGE : MAKE_BAD_PRELUDE;
	if (s.n && s.p[0] == '@') {
		make_aws_chunk(&m->plain, str_skip(s, 1));
		return;
	}
	rest = s;
	str_cut(&rest, &name, ' ');
	if (name.n && name.p[0] == '!') {
		struct make_header h[] = { { S(":message-type"), S("exception"), 0 },
					   { S(":exception-type"), str_skip(name, 1), 0 },
					   { S(":content-type"), S("application/json"), 0 } };

		make_aws(&m->plain, h, COUNT_OF(h), rest, damage);
	} else {
		struct make_header h[] = { { S(":event-type"), name, 0 },
					   { S(":content-type"), S("application/json"), 0 },
					   { S(":message-type"), S("event"), 0 } };

		make_aws(&m->plain, h, COUNT_OF(h), rest, damage);
	}
}

void case_body_line(struct case_file *c, struct case_message *m, const struct case_item *i)
{
	struct buf text = { .limit = m->plain.limit };

	for (unsigned n = 0; n < i->times; n++) {
		bool open;

		buf_reset(&text);
		open = case_text(&text, i->text);
		if (m->kind == CASE_AWS && !m->how.as_is) {
			aws_line(m, buf_str(&text));
		} else if (m->kind == CASE_GRPC && !m->how.as_is) {
			make_grpc(&m->plain, 0, buf_str(&text));
		} else {
			make_add(&m->plain, buf_str(&text));
			if (!open)
				make_add(&m->plain, S("\n"));
		}
	}
	buf_done(&text);
	if (m->runs >= CASE_RUNS)
		case_die(c, i->line, "too many writes of one body");
	m->flush[m->runs] = m->plain.n;
}

/* ---- codings --------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum make_coding coding;
} codings[] = {
	{ "gzip", MAKE_GZIP }, { "x-gzip", MAKE_GZIP }, { "deflate", MAKE_ZLIB },
	{ "br", MAKE_BR },     { "zstd", MAKE_ZSTD },   { "raw-deflate", MAKE_DEFLATE },
};

static enum make_coding coding_named(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(codings); i++)
		if (str_ieq(name, str_of(codings[i].name)))
			return codings[i].coding;
	return MAKE_PLAIN;
}

static size_t common(struct str a, struct str b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n;
}

static void code_whole(struct case_message *m, enum make_coding coding)
{
	struct buf other = { .limit = m->coded.limit }, longer = { .limit = m->plain.limit };

	make_coded(&m->coded, coding, buf_str(&m->plain), m->flush, m->runs);
	for (unsigned r = 0; r < m->runs; r++) {
		struct str head = str_head(buf_str(&m->plain), m->flush[r]);

		/* the same beginning, and something else behind it */
		buf_reset(&other);
		buf_reset(&longer);
		make_add(&longer, head);
		make_add(&longer, S("\x01\x02\x03 something else"));
		make_coded(&other, coding, buf_str(&longer), m->flush, r + 1);
		m->edge[r] = common(buf_str(&m->coded), buf_str(&other));
	}
	if (!m->how.unfinished && m->runs)
		m->edge[m->runs - 1] = m->coded.n;
	buf_done(&other);
	buf_done(&longer);
}

/* Each run is a gzip member or a zstd frame of its own. */
static void code_members(struct case_message *m, enum make_coding coding)
{
	size_t from = 0;

	for (unsigned r = 0; r < m->runs; r++) {
		struct str s = { m->plain.p + from, m->flush[r] - from };

		make_coded(&m->coded, coding, s, NULL, 0);
		m->edge[r] = m->coded.n;
		from = m->flush[r];
	}
}

/* "gzip, br": one over the other; only the whole of it has an edge. */
static void code_stack(struct case_message *m, struct str list)
{
	struct buf under = { .limit = m->coded.limit };
	struct str name;

	make_add(&m->coded, buf_str(&m->plain));
	while (list.n) {
		if (!str_cut(&list, &name, ','))
			name = list, list = STR_NONE;
		buf_reset(&under);
		make_add(&under, buf_str(&m->coded));
		buf_reset(&m->coded);
		make_coded(&m->coded, coding_named(str_trim(name)), buf_str(&under), NULL, 0);
	}
	for (unsigned r = 0; r < m->runs; r++)
		m->edge[r] = r + 1 == m->runs ? m->coded.n : 0;
	buf_done(&under);
}

void case_body_code(struct case_file *c, struct case_message *m)
{
	struct str list = m->how.coding.n ? m->how.coding : m->how.as_is ? STR_NONE : m->coding;
	struct str rest = list, first;
	enum make_coding coding = coding_named(list);

	(void)c;
	if (!m->runs)
		return;
	if (str_cut(&rest, &first, ',') && coding_named(first) != MAKE_PLAIN)
		code_stack(m, list);
	else if (coding == MAKE_PLAIN) {
		make_add(&m->coded, buf_str(&m->plain));
		memcpy(m->edge, m->flush, m->runs * sizeof(*m->edge));
	} else if (m->how.members)
		code_members(m, coding);
	else
		code_whole(m, coding);
}

struct str case_body_run(const struct case_message *m, unsigned run)
{
	size_t from = run ? m->edge[run - 1] : 0;

	return (struct str){ m->coded.p + from, m->edge[run] - from };
}
