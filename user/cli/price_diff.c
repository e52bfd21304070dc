/* price_diff.c -- `submeter price diff`: two books, or public lists, row by row. */
#include "base/clock.h"
#include "base/log.h"
#include "cli/price.h"
#include "cli/price_diff.h"
#include "price/say.h"

int price_diff_row(struct sheet *s, const struct diff_row *row)
{
	static const char *const kinds[] = { "added", "removed", "name", "price", "rule" };
	const struct book_model *m = row->now ? row->now : row->old;
	char day[CLOCK_TEXT];
	int r = sheet_cell(s, kinds[row->kind]);

	if (r == 0)
		r = sheet_str(s, m->provider);
	if (r == 0)
		r = sheet_str(s, m->id);
	if (r == 0)
		r = sheet_str(s, row->kind >= DIFF_RATE ? say_day(row->at_ns, day) : STR_NONE);
	if (r == 0)
		r = sheet_cell(s, row->kind >= DIFF_RATE ? row->band : "");
	if (r == 0)
		r = sheet_cell(s, row->kind >= DIFF_RATE ? row->tier : "");
	if (r == 0)
		r = sheet_cell(s, row->what);
	if (r == 0)
		r = sheet_cell(s, row->kind == DIFF_RATE ? row->percent : "");
	if (r == 0)
		r = sheet_cell(s, row->was);
	return r < 0 ? r : sheet_cell(s, row->is);
}

static int on_row(void *ctx, const struct diff_row *row)
{
	return price_diff_row(ctx, row);
}

/* A price book, "shipped", or a public list. */
static int open_side(const struct price_ask *a, const char *path, struct book **ret)
{
	char error[YAML_ERROR] = "out of memory";
	int r;

	if (str_ends(str_of(path), S(".json")))
		return price_take(a, a->list, path, NULL, ret);
	r = book_new(ret);
	if (r == 0 && strcmp(path, "shipped") == 0)
		r = book_add(*ret, book_shipped(), "shipped price book", error);
	else if (r == 0)
		r = book_load(*ret, path, error);
	if (r == 0)
		return CLI_OK;
	log_line(LOG_ERR, 0, "%s", error);
	return CLI_ERROR;
}

int price_diff(struct price_ask *a)
{
	_cleanup_(book_free) struct book *old = NULL, *now = NULL;
	_cleanup_(sheet_free) struct sheet *s = NULL;
	bool list = str_ends(str_of(a->word[0]), S(".json")) ||
		    str_ends(str_of(a->word[1]), S(".json"));
	struct diff_opts o = { .removed = true, .fn = on_row };
	int r;

	if (list && !a->has_at) /* lists have no dates: as of today */
		a->at_ns = clock_day_start(a->at_ns);
	if (list || a->has_at)
		o.at_ns = a->at_ns;
	r = open_side(a, a->word[0], &old);

	if (r == CLI_OK)
		r = open_side(a, a->word[1], &now);
	if (r != CLI_OK)
		return r;
	r = sheet_new(a->cli, PRICE_DIFF_COLUMNS, &s);
	o.ctx = s;
	if (r == 0)
		r = diff_books(old, now, &o);
	if (r == 0)
		r = sheet_print(s, stdout);
	if (r == 0)
		return CLI_OK;
	log_err(r, "cannot compare");
	return CLI_ERROR;
}
