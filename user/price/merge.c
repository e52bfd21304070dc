#include <stdio.h>
#include "price/merge.h"

enum { VERSION = 64 };

struct place {                 /* where things are in the file */
	unsigned version_line; /* 0: there is none */
	struct str version;
	unsigned end_line; /* before this line new models go; 0: at the end */
	int indent;        /* of the elements of `models` */
	bool models;
};

/* ---- one entry ends ----------------------------------------------------------------------------- */

static size_t spaces(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == ' ')
		n++;
	return n;
}

/* Cuts "from: DATE" off the head of `rest`. */
static bool cut_from(struct str *rest)
{
	size_t n = sizeof("from: ") - 1;

	if (!str_starts(*rest, S("from: ")))
		return false;
	while (n < rest->n && !strchr(" ,}#\r", rest->p[n]))
		n++;
	*rest = str_skip(*rest, n);
	return true;
}

/* "- from: DATE" gets a line `until` behind it, "- {from: DATE, ..." a member; the new entry goes in front. */
static int end_entry(const struct merge *m, struct str line, struct buf *out)
{
	int indent = (int)spaces(line), r;
	struct str rest = str_skip(line, (size_t)indent), head;
	bool flow = str_starts(rest, S("- {"));

	if (!str_starts(rest, S("- ")))
		return -EBADMSG;
	rest = str_skip(rest, flow ? 3 : 2);
	if (!cut_from(&rest) || (flow && !str_starts(rest, S(","))))
		return -EBADMSG;
	head = str_head(line, line.n - rest.n);
	r = import_yaml_price(m->e, &m->stamp, indent, out);
	if (r == 0)
		r = buf_add(out, head);
	if (r == 0 && flow)
		r = buf_printf(out, ", until: " STR_FMT, STR_ARG(m->stamp.from));
	if (r == 0)
		r = buf_add(out, rest);
	if (r == 0 && !flow)
		r = buf_printf(out, "\n%*suntil: " STR_FMT, indent + 2, "", STR_ARG(m->stamp.from));
	return r < 0 ? r : buf_put(out, '\n');
}

/* ---- the version -------------------------------------------------------------------------------- */

/* "2026-11-22.1", and one more where that day has had one */
static void next_version(struct str old, struct str today, char out[static VERSION])
{
	uint64_t n = 0;

	if (str_starts(old, today) && old.n > today.n + 1 && old.p[today.n] == '.' &&
	    (str_u64(str_skip(old, today.n + 1), &n) < 0 || n > INT32_MAX))
		n = 0;
	snprintf(out, VERSION, STR_FMT ".%llu", STR_ARG(str_head(today, 10)),
		 (unsigned long long)n + 1);
}

static int put_version(const struct place *p, const struct merge_opts *o, struct str line,
		       struct buf *out)
{
	const char key[] = "version: ";
	const char *at = memmem(line.p, line.n, key, sizeof(key) - 1);
	size_t head = at ? (size_t)(at - line.p) + sizeof(key) - 1 : 0;
	struct str rest = str_skip(line, head);
	char version[VERSION];
	int r;

	if (at && rest.n && rest.p[0] == '"')
		rest = str_skip(rest, 1);
	if (!at || !str_starts(rest, p->version))
		return -EBADMSG;
	next_version(p->version, o->today, version);
	r = buf_add(out, str_head(line, line.n - rest.n));
	if (r == 0)
		r = buf_add(out, str_of(version));
	if (r == 0)
		r = buf_add(out, str_skip(rest, p->version.n));
	return r < 0 ? r : buf_put(out, '\n');
}

/* ---- the file ----------------------------------------------------------------------------------- */

static int find_place(const struct yaml_node *root, const struct merge_opts *o, struct str text,
		      struct place *p, char *error)
{
	const struct yaml_node *models = yaml_get(root, "models");
	const struct yaml_node *version = yaml_get(yaml_get(root, "book"), "version");
	struct str rest = text, line = STR_NONE;

	*p = (struct place){ .indent = 2, .models = models != NULL };
	if (version) {
		p->version_line = version->line;
		p->version = version->text;
	}
	if (!models)
		return 0;
	if (models->next)
		p->end_line = models->next->line;
	if (models->type != YAML_LIST || !models->kids)
		return yaml_wrong(error, o->name, models, "'models' has no model to stand behind");
	for (unsigned n = 1; n < models->kids->line && str_cut(&rest, &line, '\n');)
		n++;
	line = rest; /* from the first model on */
	if (!str_starts(str_skip(line, spaces(line)), S("- ")))
		return yaml_wrong(error, o->name, models->kids,
				  "the first model does not begin with '- ' on a line of its own");
	p->indent = (int)spaces(line);
	return 0;
}

static int add_models(const struct place *p, const struct merge *item, size_t count,
		      struct buf *out)
{
	int r = 0;

	if (count && !p->models)
		r = buf_add(out, S("models:\n"));
	for (size_t i = 0; i < count && r == 0; i++)
		r = import_yaml_model(item[i].e, &item[i].stamp, p->indent, out);
	return r;
}

static int walk(struct str text, const struct place *p, const struct merge *item, size_t count,
		const struct merge_opts *o, struct buf *out, unsigned *ret_line)
{
	struct str rest = text, line;
	bool added = false;
	size_t i = 0;
	int r = 0;

	for (*ret_line = 1; rest.n && r == 0; ++*ret_line) {
		if (!str_cut(&rest, &line, '\n')) {
			line = rest;
			rest = STR_NONE;
		}
		if (*ret_line == p->end_line) {
			added = true;
			while (i < count && item[i].line)
				i++; /* below this line: never */
			r = add_models(p, item + i, count - i, out);
			count = i;
		}
		if (r == 0 && i < count && item[i].line == *ret_line)
			r = end_entry(&item[i++], line, out);
		else if (r == 0 && count && *ret_line == p->version_line)
			r = put_version(p, o, line, out);
		else if (r == 0 && (r = buf_add(out, line)) == 0)
			r = buf_put(out, '\n');
		if (r < 0)
			return r;
	}
	return added ? r : add_models(p, item + i, count - i, out);
}

int merge_text(struct str text, const struct merge *item, size_t count, const struct merge_opts *o,
	       struct buf *out, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	struct place p = { .indent = 2 };
	struct yaml_node at = { 0 };
	int r;

	error[0] = 0;
	if (!text.n) {
		r = buf_printf(out,
			       "schema: submeter.pricebook/1\n"
			       "book: {id: imported, version: " STR_FMT ".1, currency: USD}\n",
			       STR_ARG(o->today));
		return r < 0 ? r : add_models(&p, item, count, out);
	}
	r = yaml_parse(text, o->name, &y, error);
	if (r == 0)
		r = find_place(yaml_root(y), o, text, &p, error);
	if (r == 0)
		r = walk(text, &p, item, count, o, out, &at.line);
	if (r == -EBADMSG && !error[0])
		r = yaml_wrong(
			error, o->name, &at,
			"cannot be edited: write '- from: DATE' (or 'version: ...') first on its "
			"line");
	return r;
}
