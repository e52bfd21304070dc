/* price_import.c -- `submeter price import`: a public list against the price books; with --approve, into one of them. */
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/obj.h"
#include "cli/price.h"
#include "cli/price_diff.h"
#include "cli/price_import.h"

/* Both are in the order of the list. */
static int pair(struct price_items *t)
{
	const struct book_model *m = book_first(t->list);
	size_t count = 0;

	for (const struct import_entry *e = import_first(t->import); e; e = e->next)
		count += !e->refused;
	t->item = mem_zero(count + 1, sizeof(*t->item));
	if (!t->item)
		return -ENOMEM;
	for (const struct import_entry *e = import_first(t->import); e; e = e->next) {
		struct price_item *i = &t->item[t->count];

		if (e->refused)
			continue;
		assert(m && str_eq(m->id, e->id));
		i->e = e;
		i->now = m;
		i->old.model = diff_find(t->active, m->provider, m->id);
		i->is = i->old.model ? ITEM_SAME : ITEM_NEW;
		if (i->old.model)
			i->entry = book_entry(i->old.model, t->at_ns);
		else
			i->entry = diff_priced(t->active, m->provider, m->id, t->at_ns, &i->old);
		t->count++;
		m = m->next;
	}
	return 0;
}

static struct price_item *item_of(struct price_items *t, const struct book_model *now)
{
	while (t->item[t->at].now != now)
		t->at++;
	return &t->item[t->at];
}

static struct diff_old find_old(void *ctx, const struct book_model *now)
{
	return item_of(ctx, now)->old;
}

/* What our book has and the list does not say is no change, but it would be lost. */
static int judge_row(void *ctx, const struct diff_row *row)
{
	struct price_items *t = ctx;
	struct price_item *i = item_of(t, row->now);

	if (row->kind < DIFF_RATE || !row->old)
		return 0;
	if (!row->is[0]) {
		i->loses = true;
		return 0;
	}
	if (i->is == ITEM_SAME)
		i->is = ITEM_CHANGED;
	i->jumps = i->jumps || row->jump;
	i->rules = i->rules || row->kind == DIFF_RULE;
	return 0;
}

/* All that would be another, with what would be lost by it. */
static int show_row(void *ctx, const struct diff_row *row)
{
	struct price_items *t = ctx;

	if (row->kind < DIFF_RATE || !row->old || item_of(t, row->now)->is == ITEM_SAME)
		return 0;
	return price_diff_row(t->sheet, row);
}

static bool is_in(const struct price_item *i, const char *into)
{
	return into && str_eq(i->old.model->file, str_of(into));
}

/* A new model must not take a name of another. */
static bool names_free(const struct price_items *t, const struct price_item *i)
{
	for (const struct book_name *n = i->now->aliases; n; n = n->next)
		if (diff_find(t->active, i->now->provider, n->text))
			return false;
	return true;
}

/* A changed price, or a new one: may it be written, and where? */
static enum price_is judge(const struct price_ask *a, const struct price_items *t,
			   const struct price_item *i)
{
	if (i->jumps && !a->jumps)
		return ITEM_JUMPS;
	if (i->rules && !a->jumps)
		return ITEM_RULES;
	if (i->loses && !a->drops)
		return ITEM_LOSES;
	if (i->is == ITEM_NEW)
		return names_free(t, i) ? ITEM_NEW : ITEM_NAMED;
	if (!is_in(i, a->into))
		return ITEM_ELSEWHERE;
	for (const struct book_price *p = i->old.model->prices; p; p = p->next)
		if (p->from_ns >= t->at_ns)
			return ITEM_LATER;
	if (!i->entry || i->entry->until_ns != UINT64_MAX)
		return ITEM_LATER;
	return ITEM_CHANGED;
}

static int compare(const struct price_ask *a, struct price_items *t)
{
	struct diff_opts o = {
		.at_ns = t->at_ns, .stated = true, .find = find_old, .fn = judge_row, .ctx = t
	};
	int r = pair(t);

	if (r == 0)
		r = diff_books(t->active, t->list, &o);
	for (size_t n = 0; n < t->count && r == 0; n++)
		if (t->item[n].is != ITEM_SAME)
			t->item[n].is = judge(a, t, &t->item[n]);
	o.fn = show_row;
	t->at = 0;
	return r < 0 ? r : diff_books(t->active, t->list, &o);
}

/* ---- what other lists say ----------------------------------------------------------------------- */

struct consensus {
	struct sheet *sheet;
	const struct book *other;
	const char *path;
};

static bool is_common(void *ctx, const struct book_model *m)
{
	const struct consensus *c = ctx;

	return diff_find(c->other, m->provider, m->id) != NULL;
}

static int on_other(void *ctx, const struct diff_row *row)
{
	struct consensus *c = ctx;
	int r;

	if (row->kind != DIFF_RATE || !row->was[0] || !row->is[0])
		return 0; /* one of them does not say */
	r = price_diff_row(c->sheet, row);
	return r < 0 ? r : sheet_cell(c->sheet, c->path);
}

static int ask_others(const struct price_ask *a, struct price_items *t)
{
	_cleanup_(sheet_free) struct sheet *s = NULL;
	int r = sheet_new(a->cli, PRICE_DIFF_COLUMNS ",list", &s);

	for (size_t i = 0; a->consensus[i] && r == 0; i++) {
		_cleanup_(book_free) struct book *other = NULL;
		struct consensus c = { s, NULL, a->consensus[i] };
		struct diff_opts o = {
			.at_ns = t->at_ns, .wanted = is_common, .fn = on_other, .ctx = &c
		};

		r = price_take(a, NULL, a->consensus[i], NULL, &other);
		if (r != CLI_OK)
			return r;
		c.other = other;
		r = diff_books(other, t->list, &o);
	}
	if (r == 0 && sheet_rows(s)) {
		if (a->cli->format == FORMAT_TABLE)
			puts("Lists that disagree with this one (was: theirs, is: this one's):");
		r = sheet_print(s, stdout);
	}
	if (r < 0)
		log_err(r, "cannot compare with the other lists");
	return r < 0 ? CLI_ERROR : r;
}

/* ---- the command -------------------------------------------------------------------------------- */

static int write_list(const struct price_ask *a, const struct price_items *t)
{
	_cleanup_(buf_done) struct buf yaml = { .limit = LIMIT_LIST_BYTES };
	struct price_stamp stamp;
	int r;

	price_stamp(a, a->word[0], &stamp);
	r = import_yaml(t->import, &stamp.is, &yaml);
	if (r < 0) {
		log_err(r, "cannot write '%s'", a->out);
		return CLI_ERROR;
	}
	return price_write(a->out, buf_str(&yaml));
}

static int run(const struct price_ask *a, struct price_items *t)
{
	int r = sheet_new(a->cli, PRICE_DIFF_COLUMNS, &t->sheet);

	if (r == 0)
		r = compare(a, t);
	if (r < 0) {
		log_err(r, "cannot compare");
		return CLI_ERROR;
	}
	r = price_report(a, t);
	if (r == CLI_OK && a->consensus[0])
		r = ask_others(a, t);
	if (r == CLI_OK && a->out)
		r = write_list(a, t);
	if (r == CLI_OK && a->approve)
		r = price_approve(a, t);
	return r;
}

/* What was booked is not priced anew by accident; nobody has looked tomorrow. */
static int check(const struct price_ask *a)
{
	uint64_t today_ns = clock_day_start(clock_utc_ns());

	if (a->approve != (a->into != NULL))
		return cli_usage("price", "price import: --approve goes with --into FILE");
	if ((a->approve || a->out) && a->at_ns < today_ns && !a->backdate)
		return cli_usage("price", "price import: --since is before today: calls since then "
					  "would have another price at the next reprice; leave it "
					  "out, or say --backdate");
	if (clock_day_start(a->checked_ns) > today_ns)
		return cli_usage("price", "price import: --checked is a day that has not been yet");
	return CLI_OK;
}

int price_import(struct price_ask *a)
{
	struct price_items t = { .at_ns = a->has_at ? a->at_ns : clock_day_start(a->at_ns) };
	int r;

	a->at_ns = t.at_ns;
	r = check(a);
	if (r != CLI_OK)
		return r;
	/* a file that is not there yet is made */
	r = price_books(a, a->into && access(a->into, F_OK) == 0 ? a->into : NULL, &t.active);
	if (r == CLI_OK)
		r = price_take(a, a->list, a->word[0], &t.import, &t.list);
	if (r == CLI_OK)
		r = run(a, &t);
	mem_free(t.item);
	sheet_free(&t.sheet);
	import_free(&t.import);
	book_free(&t.list);
	book_free(&t.active);
	return r;
}
