/* import_yaml.c -- imported entries in the schema of our price book (README.md), as people would write them. */
#include <stdio.h>
#include "base/limit.h"
#include "base/names.h"
#include "price/import.h"

enum { BAND_NAME = 32 };

struct bands { /* lower ends, upwards */
	size_t n;
	uint64_t from[LIMIT_PRICE_BANDS];
};

static struct bands bands_of(const struct import_entry *e)
{
	struct bands b = { .n = 1 };

	for (const struct import_rate *r = e->rates; r; r = r->next) {
		size_t i = 0;

		while (i < b.n && b.from[i] < r->above)
			i++;
		if (i < b.n && b.from[i] == r->above)
			continue;
		assert(b.n < LIMIT_PRICE_BANDS); /* import_gates() saw to it */
		memmove(&b.from[i + 1], &b.from[i], (b.n - i) * sizeof(b.from[0]));
		b.from[i] = r->above;
		b.n++;
	}
	return b;
}

/* "all"; "std" and "long"; or "upto_32000" and so on, the last one "above_256000" */
static const char *band_name(const struct bands *b, size_t i, char out[static BAND_NAME])
{
	if (b->n <= 2)
		return b->n == 1 ? "all" : i ? "long" : "std";
	if (i + 1 < b->n)
		snprintf(out, BAND_NAME, "upto_%llu", (unsigned long long)b->from[i + 1]);
	else
		snprintf(out, BAND_NAME, "above_%llu", (unsigned long long)b->from[i]);
	return out;
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    (i == 0 || ((c < '0' || c > '9') && !strchr("._/-", c))))
			return false;
	}
	return s.n > 0;
}

/* Text that came from outside: names are ASCII, a path may be anything. */
static int put_text(struct buf *out, struct str s)
{
	int r = is_plain(s) ? buf_add(out, s) : buf_put(out, '"');

	if (r < 0 || is_plain(s))
		return r;
	for (size_t i = 0; i < s.n && r == 0; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f)
			r = buf_put(out, '?');
		else if (c == '"' || c == '\\')
			r = buf_printf(out, "\\%c", c);
		else
			r = buf_put(out, (char)c);
	}
	return r < 0 ? r : buf_put(out, '"');
}

/* ---- rates -------------------------------------------------------------------------------------- */

/* What is counted costs the same in every band and tier, but where one has its own. */
static bool is_count(const struct import_entry *e, const struct import_rate *r)
{
	return r->leaf >= LEAF_N_WEB_SEARCH && !r->above && str_eq(r->tier, S("standard")) &&
	       !(e->sized && r->leaf == LEAF_N_IMAGE);
}

/* The rates of one tier of one band, or the counts: "{in_text: "5/Mtok", ...}" */
static int put_rates(struct buf *out, const struct import_entry *e, uint64_t above, struct str tier,
		     bool counts)
{
	const char *comma = "";
	int r = buf_put(out, '{');

	for (int leaf = 0; leaf < LEAF_COUNT && r == 0; leaf++) {
		for (const struct import_rate *x = e->rates; x && r == 0; x = x->next) {
			if ((int)x->leaf != leaf || is_count(e, x) != counts || x->above != above ||
			    !str_eq(x->tier, tier))
				continue;
			r = buf_printf(out, "%s%s: \"" STR_FMT "/%s\"", comma, names_leaf[leaf],
				       STR_ARG(x->dollars), x->unit);
			comma = ", ";
		}
	}
	return r < 0 ? r : buf_put(out, '}');
}

static bool first_of_tier(const struct import_entry *e, const struct import_rate *at)
{
	for (const struct import_rate *r = e->rates; r != at; r = r->next)
		if (r->above == at->above && str_eq(r->tier, at->tier))
			return false;
	return true;
}

static int put_band(struct buf *out, const struct import_entry *e, uint64_t above, const char *name,
		    int indent)
{
	int r = buf_printf(out, "%*s%s:\n%*sstandard: ", indent + 2, "", name, indent + 4, "");

	if (r == 0)
		r = put_rates(out, e, above, S("standard"), false);
	for (const struct import_rate *x = e->rates; x && r == 0; x = x->next) {
		if (x->above != above || !first_of_tier(e, x) || str_eq(x->tier, S("standard")))
			continue;
		r = buf_printf(out, "\n%*s" STR_FMT ": ", indent + 4, "", STR_ARG(x->tier));
		if (r == 0)
			r = put_rates(out, e, above, x->tier, false);
	}
	return r < 0 ? r : buf_put(out, '\n');
}

static int put_bands(struct buf *out, const struct import_entry *e, const struct bands *b,
		     int indent)
{
	char name[BAND_NAME];
	int r;

	if (b->n == 1)
		return 0;
	r = buf_printf(out, "%*scontext: {measure: prompt_total, bands: [", indent, "");
	for (size_t i = 0; i + 1 < b->n && r == 0; i++)
		r = buf_printf(out, "{upto: %llu, cmp: %s, name: %s}, ",
			       (unsigned long long)b->from[i + 1], e->ge ? "lt" : "le",
			       band_name(b, i, name));
	return r < 0 ? r : buf_printf(out, "{name: %s}]}\n", band_name(b, b->n - 1, name));
}

static int put_counts(struct buf *out, const struct import_entry *e, int indent)
{
	int r = 0;

	for (const struct import_rate *x = e->rates; x; x = x->next) {
		if (!is_count(e, x))
			continue;
		r = buf_printf(out, "%*scounts: ", indent, "");
		if (r == 0)
			r = put_rates(out, e, 0, S("standard"), true);
		return r < 0 ? r : buf_put(out, '\n');
	}
	return r;
}

static int put_uplifts(struct buf *out, const struct import_entry *e, int indent)
{
	bool any = false;
	int r = 0;

	for (const struct import_uplift *u = e->uplifts; u && r == 0; u = u->next) {
		if (str_eq(u->mul, S("1/1")))
			continue;
		r = any ? buf_add(out, S(", ")) : buf_printf(out, "%*suplift: [", indent, "");
		if (r == 0)
			r = buf_printf(out, "{when: {%s: ", u->facet);
		if (r == 0)
			r = put_text(out, u->place);
		if (r == 0)
			r = buf_printf(out, "}, mul: " STR_FMT ", on: tokens}", STR_ARG(u->mul));
		any = true;
	}
	return r < 0 || !any ? r : buf_add(out, S("]\n"));
}

static int put_windows(struct buf *out, const struct import_entry *e, int indent)
{
	int r = e->windows ? buf_printf(out, "%*swindows:\n", indent, "") : 0, n = 0;

	for (const struct import_window *w = e->windows; w && r == 0; w = w->next)
		r = buf_printf(out,
			       "%*s- {name: off_peak_%d, tz: UTC, time: [" STR_FMT
			       "], mul: " STR_FMT ", on: tokens}\n",
			       indent + 2, "", ++n, STR_ARG(w->time), STR_ARG(w->mul));
	return r;
}

static int put_provenance(struct buf *out, const struct import_entry *e,
			  const struct import_stamp *stamp, int indent)
{
	const char *comma = ", note: \"";
	int r = buf_printf(out, "%*sprovenance: {source: ", indent, "");

	if (r == 0)
		r = put_text(out, stamp->source);
	if (r == 0)
		r = buf_printf(out, ", checked: " STR_FMT, STR_ARG(stamp->checked));
	for (int i = 1; i < IMPORT_COUNT && r == 0; i++) {
		if (!(e->notes >> i & 1))
			continue;
		r = buf_printf(out, "%s%s", comma, import_words[i].text);
		comma = " ";
	}
	return r < 0 ? r : buf_add(out, e->notes ? S("\"}\n") : S("}\n"));
}

int import_yaml_price(const struct import_entry *e, const struct import_stamp *stamp, int indent,
		      struct buf *out)
{
	struct bands b = bands_of(e);
	char name[BAND_NAME];
	int r = buf_printf(out, "%*s- from: " STR_FMT "\n", indent, "", STR_ARG(stamp->from));

	indent += 2;
	if (r == 0)
		r = put_bands(out, e, &b, indent);
	if (r == 0)
		r = buf_printf(out, "%*srates:\n", indent, "");
	for (size_t i = 0; i < b.n && r == 0; i++)
		r = put_band(out, e, b.from[i], band_name(&b, i, name), indent);
	if (r == 0)
		r = put_counts(out, e, indent);
	if (r == 0)
		r = put_uplifts(out, e, indent);
	if (r == 0)
		r = put_windows(out, e, indent);
	if (r == 0 && stamp->any_tier)
		r = buf_printf(out, "%*smissing_tier: standard\n", indent, "");
	return r < 0 ? r : put_provenance(out, e, stamp, indent);
}

static int put_aliases(struct buf *out, const struct import_entry *e, int indent)
{
	const char *comma = "";
	int r = e->aliases ? buf_printf(out, "%*saliases: [", indent, "") : 0;

	for (const struct import_text *t = e->aliases; t && r == 0; t = t->next) {
		r = buf_add(out, str_of(comma));
		if (r == 0)
			r = put_text(out, t->text);
		comma = ", ";
	}
	return r < 0 || !e->aliases ? r : buf_add(out, S("]\n"));
}

int import_yaml_model(const struct import_entry *e, const struct import_stamp *stamp, int indent,
		      struct buf *out)
{
	int r = buf_printf(out, "%*s- provider: ", indent, "");

	indent += 2;
	if (r == 0)
		r = put_text(out, e->provider);
	if (r == 0)
		r = buf_printf(out, "\n%*sid: ", indent, "");
	if (r == 0)
		r = put_text(out, e->id);
	if (r == 0)
		r = buf_put(out, '\n');
	if (r == 0)
		r = put_aliases(out, e, indent);
	if (r == 0 && e->allow_dated)
		r = buf_printf(out, "%*sallow_dated: true\n", indent, "");
	if (r == 0)
		r = buf_printf(out, "%*sprices:\n", indent, "");
	return r < 0 ? r : import_yaml_price(e, stamp, indent + 2, out);
}

int import_yaml(const struct import *m, const struct import_stamp *stamp, struct buf *out)
{
	int r = buf_printf(out,
			   "# Imported from %s; what was flagged is in the notes.\n"
			   "schema: submeter.pricebook/1\n"
			   "book: {id: %s, version: " STR_FMT ", currency: USD}\nmodels:\n",
			   import_list(m), import_list(m), STR_ARG(stamp->from));

	for (const struct import_entry *e = import_first(m); e && r == 0; e = e->next)
		if (!e->refused)
			r = import_yaml_model(e, stamp, 2, out);
	return r;
}
