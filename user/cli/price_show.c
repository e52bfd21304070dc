/* price_show.c -- `submeter price list|show|check`: what stands in the price books. */
#include "base/clock.h"
#include "base/log.h"
#include "base/names.h"
#include "cli/price.h"
#include "cli/sheet.h"
#include "cli/show.h"
#include "price/diff.h"
#include "price/say.h"

enum { TEXT = 65536 };

static bool is_wanted(const struct price_ask *a, const struct book_model *m)
{
	if (!a->provider[0])
		return true;
	for (size_t i = 0; a->provider[i]; i++)
		if (str_eq(str_of(a->provider[i]), m->provider))
			return true;
	return false;
}

static int print(struct sheet *s, int r)
{
	if (r == 0)
		r = sheet_print(s, stdout);
	if (r == 0)
		return CLI_OK;
	log_err(r, "cannot print");
	return CLI_ERROR;
}

/* ---- list --------------------------------------------------------------------------------------- */

static int put_rate(struct sheet *s, const struct rates *rates, enum leaf leaf)
{
	char text[SAY_RATE];

	if (!(rates->has >> leaf & 1))
		return sheet_cell(s, "");
	return sheet_str(s, say_rate(leaf, rates->rate[leaf], text));
}

static const struct rates *standard(const struct book_price *p)
{
	static const struct rates none;

	for (const struct book_tier *t = p->band[0].tiers; t; t = t->next)
		if (str_eq(t->name, S("standard")))
			return &t->rates;
	return &none;
}

static int put_offers(struct sheet *s, const struct book_price *p)
{
	_cleanup_(buf_done) struct buf b = { .limit = TEXT };
	int r = p->free ? buf_add(&b, S("free")) : 0;

	for (const struct book_tier *t = p->band[0].tiers; t && r == 0; t = t->next)
		r = buf_printf(&b, "%s" STR_FMT, b.n ? " " : "", STR_ARG(t->name));
	return r < 0 ? r : sheet_str(s, buf_str(&b));
}

static int put_line(struct sheet *s, const struct book_model *m, const struct book_price *p)
{
	char day[CLOCK_TEXT], bands[16];
	int r = sheet_str(s, m->provider);

	snprintf(bands, sizeof(bands), "%zu", p->bands);
	if (r == 0)
		r = sheet_str(s, m->id);
	if (r == 0)
		r = put_rate(s, standard(p), LEAF_IN_TEXT);
	if (r == 0)
		r = put_rate(s, standard(p), LEAF_IN_CACHE_READ);
	if (r == 0)
		r = put_rate(s, standard(p), LEAF_OUT_TEXT);
	if (r == 0)
		r = sheet_cell(s, bands);
	if (r == 0)
		r = put_offers(s, p);
	if (r == 0)
		r = sheet_str(s, say_day(p->from_ns, day));
	if (r == 0)
		r = sheet_str(s, p->checked);
	return r < 0 ? r : sheet_str(s, m->file);
}

int price_list(struct price_ask *a)
{
	_cleanup_(book_free) struct book *b = NULL;
	_cleanup_(sheet_free) struct sheet *s = NULL;
	int r = price_books(a, NULL, &b);

	if (r != CLI_OK)
		return r;
	r = sheet_new(a->cli,
		      "provider,model,>input,>cached,>output,>bands,tiers,since,checked,file", &s);
	for (const struct book_model *m = book_first(b); m && r == 0; m = m->next) {
		const struct book_price *p = book_entry(m, a->at_ns);

		if (p && is_wanted(a, m))
			r = put_line(s, m, p);
	}
	return print(s, r);
}

/* ---- show --------------------------------------------------------------------------------------- */

struct shown {
	struct sheet *s;
	const struct book_model *m;
	const struct book_price *p;
};

static int put_row(const struct shown *w, const char *band, const char *tier, const char *what,
		   struct str price)
{
	char from[CLOCK_TEXT], until[CLOCK_TEXT], line[16];
	int r = sheet_str(w->s, say_day(w->p->from_ns, from));

	snprintf(line, sizeof(line), "%u", w->p->line);
	if (r == 0)
		r = sheet_str(w->s, say_day(w->p->until_ns, until));
	if (r == 0)
		r = sheet_cell(w->s, band);
	if (r == 0)
		r = sheet_cell(w->s, tier);
	if (r == 0)
		r = sheet_cell(w->s, what);
	if (r == 0)
		r = sheet_str(w->s, price);
	if (r == 0)
		r = sheet_cell(w->s, line);
	return r;
}

static int put_rates(const struct shown *w, const char *band, const char *tier,
		     const struct rates *rates)
{
	char text[SAY_RATE];
	int r = 0;

	for (int leaf = 0; leaf < LEAF_COUNT && r == 0; leaf++)
		if (rates->has >> leaf & 1)
			r = put_row(w, band, tier, names_leaf[leaf],
				    say_rate(leaf, rates->rate[leaf], text));
	return r;
}

/* As written: the book has the last one first. */
static int put_tiers_of(const struct shown *w, const char *band, const struct book_tier *t)
{
	int r = t->next ? put_tiers_of(w, band, t->next) : 0;

	return r < 0 ? r : put_rates(w, band, t->name.p, &t->rates);
}

static int put_bands(const struct shown *w)
{
	_cleanup_(buf_done) struct buf b = { .limit = TEXT };
	int r = 0;

	for (size_t i = 0; i < w->p->bands && r == 0; i++) {
		buf_reset(&b);
		r = say_band(w->p, i, &b);
		if (r == 0)
			r = buf_put(&b, 0);
		if (r == 0 && w->p->band[i].tiers)
			r = put_tiers_of(w, b.p, w->p->band[i].tiers);
	}
	return r;
}

static int put_rules(const struct shown *w)
{
	_cleanup_(buf_done) struct buf b = { .limit = TEXT };
	int r = w->p->free ? put_row(w, "", "", "free", S("yes")) : 0;

	if (r == 0 && w->p->uplift) {
		r = say_uplifts(w->p->uplift, &b);
		if (r == 0)
			r = put_row(w, "", "", "uplift", buf_str(&b));
	}
	buf_reset(&b);
	if (r == 0 && w->p->windows) {
		r = say_windows(w->p->windows, &b);
		if (r == 0)
			r = put_row(w, "", "", "windows", buf_str(&b));
	}
	if (r == 0 && w->p->any_tier)
		r = put_row(w, "", "", "missing_tier", S("standard"));
	if (r == 0)
		r = put_row(w, "", "", "source", w->p->source);
	if (r == 0)
		r = put_row(w, "", "", "checked", w->p->checked);
	return r < 0 || !w->p->note.n ? r : put_row(w, "", "", "note", w->p->note);
}

static void put_head(const struct book_model *m)
{
	printf(STR_FMT "/" STR_FMT "\n", STR_ARG(m->provider), STR_ARG(m->id));
	for (const struct book_name *n = m->aliases; n; n = n->next)
		printf("%s" STR_FMT, n == m->aliases ? "also  " : ", ", STR_ARG(n->text));
	if (m->aliases)
		putchar('\n');
	if (m->allow_dated)
		puts("also  with a date behind it");
	printf("file  " STR_FMT ":%u\n\n", STR_ARG(m->file), m->line);
}

/* The entries by their beginning: the n-th, or NULL. */
static const struct book_price *next_entry(const struct book_model *m,
					   const struct book_price *last)
{
	const struct book_price *next = NULL;

	for (const struct book_price *p = m->prices; p; p = p->next)
		if ((!last || p->from_ns > last->from_ns) && (!next || p->from_ns < next->from_ns))
			next = p;
	return next;
}

int price_show(struct price_ask *a)
{
	_cleanup_(book_free) struct book *b = NULL;
	_cleanup_(sheet_free) struct sheet *s = NULL;
	struct str id = str_of(a->word[0]), provider;
	struct shown w = { 0 };
	int r;

	if (!str_cut(&id, &provider, '/'))
		return cli_usage("price", "price show PROVIDER/MODEL, as openai/gpt-5.5");
	r = price_books(a, NULL, &b);
	if (r != CLI_OK)
		return r;
	w.m = diff_find(b, provider, id);
	if (!w.m) {
		log_line(LOG_ERR, 0,
			 "no price book has '%s'; `submeter price list` shows what they have",
			 a->word[0]);
		return CLI_ERROR;
	}
	r = sheet_new(a->cli, "from,until,prompt,tier,what,price,>line", &s);
	w.s = s;
	for (w.p = next_entry(w.m, NULL); w.p && r == 0; w.p = next_entry(w.m, w.p)) {
		if (a->has_at && w.p != book_entry(w.m, a->at_ns))
			continue;
		r = put_bands(&w);
		if (r == 0)
			r = put_rates(&w, "", "", &w.p->counts);
		if (r == 0)
			r = put_rules(&w);
	}
	if (r == 0 && a->cli->format == FORMAT_TABLE)
		put_head(w.m);
	return print(s, r);
}

/* ---- check -------------------------------------------------------------------------------------- */

static size_t models_of(const struct book *b, const char *path)
{
	size_t n = 0;

	for (const struct book_model *m = book_first(b); m; m = m->next)
		n += str_eq(m->file, str_of(path));
	return n;
}

int price_check(struct price_ask *a)
{
	int worst = CLI_OK;

	for (int i = 0; i < a->words; i++) {
		_cleanup_(book_free) struct book *b = NULL;
		int r = price_books(a, a->word[i], &b);

		if (r == CLI_OK && !a->cli->quiet)
			printf("%s: %zu models\n", a->word[i], models_of(b, a->word[i]));
		if (r != CLI_OK)
			worst = r;
	}
	return worst;
}
