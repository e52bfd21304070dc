/* price_report.c -- what an import would do, and what it refused: counts for people, every entry for programs. */
#include <stdio.h>
#include "base/jsonw.h"
#include "base/limit.h"
#include "base/log.h"
#include "cli/price_import.h"
#include "cli/show.h"

static const struct {
	const char *text, *words;
} items[ITEM_COUNT] = {
	[ITEM_SAME] = { "same_price", "cost what the book says" },
	[ITEM_NEW] = { "new", "are in no book yet; above, what priced such calls so far" },
	[ITEM_CHANGED] = { "changed", "have another price, in the file that is written" },
	[ITEM_JUMPS] = { "jump", "have a rate that became more than five times another: --jumps "
				 "takes them" },
	[ITEM_RULES] = { "rule",
			 "have another rule (uplift, hours): see above; --jumps takes them" },
	[ITEM_LOSES] = { "loses", "would lose rates or rules that the list lacks: "
				  "write them by "
				  "hand, or --drops" },
	[ITEM_ELSEWHERE] = { "elsewhere", "have another price, in a book that is not written: "
					  "--into says which is" },
	[ITEM_LATER] = { "later",
			 "have an entry of that day or later, or one that ends: not touched" },
	[ITEM_NAMED] = { "named", "are new, under a name that another model has" },
};

struct counts {
	size_t all, imported, flagged, item[ITEM_COUNT], note[IMPORT_COUNT];
};

static void count(const struct price_items *t, struct counts *c)
{
	*c = (struct counts){ 0 };
	for (const struct import_entry *e = import_first(t->import); e; e = e->next) {
		c->all++;
		c->imported += !e->refused;
		c->flagged += !e->refused && e->notes;
		for (int n = 1; n < IMPORT_COUNT; n++)
			if (e->refused ? e->refused == (enum import_note)n : e->notes >> n & 1)
				c->note[n]++;
	}
	for (size_t i = 0; i < t->count; i++)
		c->item[t->item[i].is]++;
}

/* ---- for people --------------------------------------------------------------------------------- */

static int say_notes(const struct counts *c, bool refused)
{
	for (int n = 1; n < IMPORT_COUNT; n++)
		if (c->note[n] && import_words[n].refused == refused)
			printf("%8zu  %-18s %s\n", c->note[n], import_words[n].text,
			       import_words[n].words);
	return 0;
}

static void say_entries(const struct price_items *t)
{
	for (const struct import_entry *e = import_first(t->import); e; e = e->next) {
		if (!e->notes)
			continue;
		printf("%-8s " STR_FMT ":", e->refused ? "refused" : "flagged", STR_ARG(e->key));
		for (int n = 1; n < IMPORT_COUNT; n++)
			if (e->notes >> n & 1 && (!e->refused || e->refused == (enum import_note)n))
				printf(" %s (" STR_FMT ")", import_words[n].text,
				       STR_ARG(e->about[n]));
		putchar('\n');
	}
}

static int say(const struct price_ask *a, const struct price_items *t)
{
	struct counts c;
	int r = 0;

	count(t, &c);
	if (sheet_rows(t->sheet))
		r = sheet_print(t->sheet, stdout);
	if (r < 0 || a->cli->format != FORMAT_TABLE)
		return r;
	if (a->cli->verbose)
		say_entries(t);
	printf("%s%s: %zu entries, %zu imported, %zu of them flagged, %zu refused\n",
	       sheet_rows(t->sheet) ? "\n" : "", import_list(t->import), c.all, c.imported,
	       c.flagged, c.all - c.imported);
	puts("Of those imported:");
	for (int i = 0; i < ITEM_COUNT; i++)
		if (c.item[i])
			printf("%8zu  %-18s %s\n", c.item[i], items[i].text, items[i].words);
	if (c.flagged)
		puts("Flagged:");
	say_notes(&c, false);
	if (c.all > c.imported)
		puts("Refused:");
	return say_notes(&c, true);
}

/* ---- for programs ------------------------------------------------------------------------------- */

static void put_notes(struct jsonw *w, const struct import_entry *e)
{
	jsonw_key(w, "notes");
	jsonw_open(w, '{');
	for (int n = 1; n < IMPORT_COUNT; n++)
		if (e->notes >> n & 1)
			jsonw_key_str(w, import_words[n].text, e->about[n].p ? e->about[n] : S(""));
	jsonw_close(w, '}');
}

static void put_entry(struct jsonw *w, const struct import_entry *e, const struct price_item *i)
{
	jsonw_open(w, '{');
	jsonw_key_str(w, "key", e->key);
	if (e->provider.n)
		jsonw_key_str(w, "provider", e->provider);
	if (e->id.n)
		jsonw_key_str(w, "model", e->id);
	jsonw_key_str(w, "verdict",
		      str_of(e->refused ? "refused"
			     : e->notes ? "flagged"
					: "imported"));
	if (e->refused)
		jsonw_key_str(w, "reason", str_of(import_words[e->refused].text));
	else
		jsonw_key_str(w, "book", str_of(items[i->is].text));
	if (e->notes)
		put_notes(w, e);
	jsonw_close(w, '}');
}

static int put_json(const struct price_items *t, struct buf *out)
{
	const struct price_item *i = t->item;
	struct counts c;
	struct jsonw w;

	count(t, &c);
	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "list", str_of(import_list(t->import)));
	jsonw_key_u64(&w, "imported", c.imported);
	jsonw_key_u64(&w, "flagged", c.flagged);
	jsonw_key(&w, "refused");
	jsonw_open(&w, '{');
	for (int n = 1; n < IMPORT_COUNT; n++)
		if (import_words[n].refused && c.note[n])
			jsonw_key_u64(&w, import_words[n].text, c.note[n]);
	jsonw_close(&w, '}');
	jsonw_key(&w, "books");
	jsonw_open(&w, '{');
	for (int n = 0; n < ITEM_COUNT; n++)
		jsonw_key_u64(&w, items[n].text, c.item[n]);
	jsonw_close(&w, '}');
	jsonw_key(&w, "entries");
	jsonw_open(&w, '[');
	for (const struct import_entry *e = import_first(t->import); e; e = e->next)
		put_entry(&w, e, e->refused ? NULL : i++);
	jsonw_close(&w, ']');
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

int price_report(const struct price_ask *a, const struct price_items *t)
{
	_cleanup_(buf_done) struct buf json = { .limit = LIMIT_API_ANSWER };
	int r;

	if (show_as_json(a->cli)) {
		r = put_json(t, &json);
		if (r == 0)
			show_raw(buf_str(&json));
	} else {
		r = say(a, t);
	}
	if (r == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return CLI_OK;
	log_err(r < 0 ? r : -EIO, "cannot print");
	return CLI_ERROR;
}
