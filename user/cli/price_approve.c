/* price_approve.c -- an approved import goes into a price book: written, read back, compared, and only then put in its place. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/obj.h"
#include "cli/price_import.h"
#include "price/merge.h"

static int by_line(const void *a, const void *b)
{
	const struct merge *x = a, *y = b;

	/* new models have no line and go last */
	return x->line - 1 < y->line - 1 ? -1 : x->line - 1 > y->line - 1;
}

static bool is_taken(const struct price_item *i)
{
	return i->is == ITEM_NEW || i->is == ITEM_CHANGED;
}

/* A model may be in the list under several of its names; verify() sees to it that they say the same. */
static size_t choose(const struct price_items *t, const struct import_stamp *stamp,
		     struct merge *ret)
{
	size_t n = 0, kept = 0;

	for (size_t k = 0; k < t->count; k++) {
		const struct price_item *i = &t->item[k];

		if (!is_taken(i))
			continue;
		ret[n] = (struct merge){ i->e, i->is == ITEM_NEW ? 0 : i->entry->line, *stamp };
		ret[n++].stamp.any_tier = i->entry && i->entry->any_tier;
	}
	qsort(ret, n, sizeof(*ret), by_line);
	for (size_t k = 0; k < n; k++)
		if (!kept || !ret[k].line || ret[k].line != ret[kept - 1].line)
			ret[kept++] = ret[k];
	return kept;
}

/* ---- is what was written what was meant? -------------------------------------------------------- */

static int no_row(void *ctx, const struct diff_row *row)
{
	const struct book_model *m = row->now ? row->now : row->old;
	const uint64_t *until_ns = ctx;

	if (until_ns
		    ? row->kind == DIFF_ADDED || (row->kind >= DIFF_RATE && row->at_ns >= *until_ns)
		    : row->kind < DIFF_RATE)
		return 0;
	log_line(LOG_ERR, 0, STR_FMT "/" STR_FMT " %s: '%s' instead of '%s'", STR_ARG(m->provider),
		 STR_ARG(m->id), row->what, row->is, row->was);
	return -EBADMSG;
}

struct chosen {
	const struct price_items *t;
	size_t at;
};

static int says_list(void *ctx, const struct diff_row *row)
{
	(void)ctx;
	return no_row(NULL, row);
}

static bool is_chosen(void *ctx, const struct book_model *m)
{
	struct chosen *c = ctx;

	while (c->t->item[c->at].now != m)
		c->at++;
	return is_taken(&c->t->item[c->at]);
}

/* A name that is new: until then its calls cost what they did. */
static int check_new(const struct price_items *t, const struct book *b)
{
	for (size_t k = 0; k < t->count; k++) {
		const struct book_model *m = t->item[k].now;
		const struct book_price *was, *is;
		struct diff_old way;

		if (t->item[k].is != ITEM_NEW)
			continue;
		was = diff_priced(t->active, m->provider, m->id, t->at_ns - 1, &way);
		is = diff_priced(b, m->provider, m->id, t->at_ns - 1, &way);
		if (was ? is && str_eq(was->name, is->name) : !is)
			continue;
		log_line(LOG_ERR, 0,
			 STR_FMT "/" STR_FMT " is priced by another entry before that day",
			 STR_ARG(m->provider), STR_ARG(m->id));
		return -EBADMSG;
	}
	return 0;
}

/* From that day on what the list says, on every day before it what the books said. */
static int verify(const struct price_ask *a, const struct price_items *t, const char *path)
{
	_cleanup_(book_free) struct book *b = NULL;
	struct chosen chosen = { t, 0 };
	uint64_t until_ns = t->at_ns;
	struct diff_opts then = { .at_ns = t->at_ns,
				  .stated = true,
				  .wanted = is_chosen,
				  .fn = says_list,
				  .ctx = &chosen };
	struct diff_opts before = { .removed = true, .fn = no_row, .ctx = &until_ns };
	struct price_ask other = *a;
	int r;

	other.instead_of = a->into;
	other.instead = path;
	r = price_books(&other, a->into, &b);
	if (r != CLI_OK)
		return r;
	r = diff_books(b, t->list, &then);
	if (r == 0)
		r = diff_books(t->active, b, &before);
	if (r == 0)
		r = check_new(t, b);
	if (r == 0)
		return CLI_OK;
	log_err(r == -EBADMSG ? 0 : r, "nothing was written: '%s' would not say what was approved",
		a->into);
	return CLI_ERROR;
}

/* ---- files -------------------------------------------------------------------------------------- */

static int write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		text = str_skip(text, n < 0 ? 0 : (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(const char *path, const char *like, struct str text)
{
	struct stat st;
	mode_t mode = stat(like, &st) == 0 ? st.st_mode & 07777 : 0644;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

int price_write(const char *path, struct str text)
{
	char new_path[PATH_MAX];
	int r = -ENAMETOOLONG;

	if (snprintf(new_path, sizeof(new_path), "%s.new", path) < (int)sizeof(new_path))
		r = write_new(new_path, path, text);
	if (r == 0 && rename(new_path, path) < 0) {
		r = -errno;
		unlink(new_path);
	}
	if (r == 0)
		return CLI_OK;
	log_err(r, "cannot write '%s'", path);
	return CLI_ERROR;
}

static int put(const struct price_ask *a, const struct price_items *t, struct str text)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s.approve", a->into) >= (int)sizeof(path))
		r = -ENAMETOOLONG;
	else
		r = write_new(path, a->into, text);
	if (r < 0) {
		log_err(r, "cannot write beside '%s'", a->into);
		return CLI_ERROR;
	}
	r = verify(a, t, path);
	if (r == CLI_OK && rename(path, a->into) == 0)
		return CLI_OK;
	if (r == CLI_OK)
		log_err(-errno, "cannot replace '%s'", a->into);
	unlink(path);
	return r == CLI_OK ? CLI_ERROR : r;
}

int price_approve(const struct price_ask *a, const struct price_items *t)
{
	_cleanup_(buf_done) struct buf old = { .limit = LIMIT_YAML_BYTES };
	_cleanup_(buf_done) struct buf text = { .limit = LIMIT_YAML_BYTES };
	struct merge *items = mem_zero(t->count + 1, sizeof(*items));
	char error[YAML_ERROR] = "", today[CLOCK_TEXT];
	struct merge_opts o = { .name = a->into,
				.today = str_head(clock_text(clock_utc_ns(), today), 10) };
	struct price_stamp stamp;
	size_t count;
	int r = items ? price_read(a->into, true, &old) : CLI_ERROR;

	price_stamp(a, a->word[0], &stamp);
	count = items ? choose(t, &stamp.is, items) : 0;
	if (r == CLI_OK && count) {
		r = merge_text(buf_str(&old), items, count, &o, &text, error);
		if (r < 0)
			log_err(error[0] ? 0 : r, "nothing was written: %s",
				error[0] ? error : a->into);
		r = r < 0 ? CLI_ERROR : put(a, t, buf_str(&text));
	}
	if (r == CLI_OK && !a->cli->quiet)
		fprintf(stderr, "%s: %zu entries written\n", a->into, count);
	mem_free(items);
	return r;
}
