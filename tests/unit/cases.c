/* cases -- plays the case files of tests/cases/ and its folders, each in four ways: whole, cut at every byte, with each piece
 * lost, with each allocation failing. A folder's book.yaml prices its cases. What has to hold is in tests/cases/README.md.
 *
 *	cases [-v] [FILE...]		TAP; -v: what came out of the whole, too
 *	cases --seeds DIR [FILE...]	writes the bytes of the cases as seeds for the fuzz targets */
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include "../kit/case.h"
#include "../kit/make.h"

#define CASES "tests/cases/*.case"
#define MORE  "tests/cases/*/*.case"

/* Bytes of one way of one case, all plays together: above it only every n-th place is tried. */
enum { BUDGET = 24 << 20, SETUP = 256, WINDOWS = 64, SHORTEST = 7, WHY_LIMIT_BYTES = 1 << 20 };

struct bench {
	struct case_world *w;
	char book[PATH_MAX]; /* whose prices w has */
	const struct case_file *c;
	struct case_acts acts;
	struct case_run whole, run;
	struct buf why;
	size_t size; /* bytes that are delivered */
	unsigned point;
	bool verbose;
	int failed;
};

static void point(struct bench *b, const char *way, bool ok)
{
	printf("%sok %u - %s: " STR_FMT ": %s\n", ok ? "" : "not ", ++b->point, b->c->path,
	       STR_ARG(b->c->title), way);
	if (!ok || b->verbose)
		printf(STR_FMT, STR_ARG(buf_str(&b->why)));
	fflush(stdout);
	buf_reset(&b->why);
	b->failed += !ok;
}

/* So that `plays` of them stay within the budget. */
static size_t stride(const struct bench *b, size_t plays)
{
	size_t each = SETUP + b->acts.bytes.n + b->acts.plain;

	return 1 + plays * each / BUDGET;
}

static bool fits(struct bench *b, const struct case_way *way)
{
	case_play(b->w, b->c, &b->acts, way, &b->run);
	return case_books(&b->run, &b->why) && case_honest(&b->whole, &b->run, &b->why);
}

static bool whole(struct bench *b)
{
	case_play(b->w, b->c, &b->acts, &case_way_whole, &b->whole);
	if (b->verbose)
		case_say(&b->whole, &b->why);
	return case_expected(b->c, &b->whole, &b->why) && case_books(&b->whole, &b->why);
}

static bool same(struct bench *b, const struct case_way *way)
{
	if (b->c->loose)
		return fits(b, way);
	case_play(b->w, b->c, &b->acts, way, &b->run);
	return case_books(&b->run, &b->why) && case_same(&b->whole, &b->run, &b->why);
}

static bool cut(struct bench *b)
{
	static const size_t steps[] = { 1, 2, 3, 16 };
	size_t by = stride(b, b->size);

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct case_way way = case_way_whole;

		way.step = steps[i];
		if (!same(b, &way)) {
			make_printf(&b->why, "# in pieces of %zu\n", steps[i]);
			return false;
		}
	}
	for (size_t at = 1; at < b->size; at += by) {
		struct case_way way = case_way_whole;

		way.cut = at;
		if (!same(b, &way)) {
			make_printf(&b->why, "# cut at %zu of %zu\n", at, b->size);
			return false;
		}
	}
	return true;
}

static bool lose(struct bench *b, size_t from, size_t upto, bool midway)
{
	struct case_way way = case_way_whole;

	way.midway = midway;
	way.lose[0] = from;
	way.lose[1] = upto;
	if (from == upto || fits(b, &way))
		return true;
	make_printf(&b->why, "# bytes %zu to %zu of %zu lost%s\n", from, upto, b->size,
		    midway ? ", and nobody knows" : "");
	return false;
}

/* Each write; everything up to it (by its offset, or as if we came then), everything from it on; and, finer, windows of the
 * whole. */
static bool lost(struct bench *b)
{
	size_t at = 0, window = MAX(b->size / WINDOWS, (size_t)SHORTEST);

	for (size_t i = 0; i < b->acts.count; i++) {
		const struct case_act *a = &b->acts.act[i];

		if (a->what != CASE_LINE || a->lost)
			continue;
		if (!lose(b, at, at + a->n, false) || !lose(b, 0, at, false) ||
		    !lose(b, 0, at, true) || !lose(b, at, b->size, false))
			return false;
		at += a->n;
	}
	for (at = 0; at < b->size; at += window)
		if (!lose(b, at, at + window, false))
			return false;
	return true;
}

static bool no_memory(struct bench *b)
{
	struct case_way way = case_way_whole;
	size_t by = 1, count = 0;

	do {
		way.fail_after = (long)count;
		if (!fits(b, &way) || (b->run.failed && b->run.first_r != -ENOMEM)) {
			make_printf(&b->why, "# allocation %ld failing: %d\n", way.fail_after,
				    b->run.first_r);
			return false;
		}
		by = stride(b, count + 1);
		count += by;
	} while (b->run.failed);
	return true;
}

static void four_ways(struct bench *b)
{
	point(b, "whole", whole(b));
	point(b, "cut", cut(b));
	point(b, "lost", lost(b));
	point(b, "no memory", no_memory(b));
}

static void use_book(struct bench *b, const char *path)
{
	const char *slash = strrchr(path, '/');
	char book[PATH_MAX];

	snprintf(book, sizeof(book), "%.*sbook.yaml", slash ? (int)(slash - path + 1) : 0, path);
	if (b->w && strcmp(book, b->book) == 0)
		return;
	case_world_free(&b->w);
	b->w = case_world_new(book);
	memcpy(b->book, book, sizeof(book));
}

static void one(struct bench *b, const char *path, const char *seeds)
{
	struct case_file *c = case_read(path);

	use_book(b, path);
	b->c = c;
	b->size = 0;
	case_make(c, &b->acts);
	for (size_t i = 0; i < b->acts.count; i++)
		b->size += b->acts.act[i].what == CASE_LINE && !b->acts.act[i].lost
				   ? b->acts.act[i].n
				   : 0;
	if (seeds)
		case_seeds(c, &b->acts, seeds);
	else
		four_ways(b);
	case_acts_done(&b->acts);
	case_free(&c);
}

int main(int argc, char **argv)
{
	static struct bench b = { .why = { .limit = WHY_LIMIT_BYTES } };
	const char *seeds = NULL;
	glob_t found = { 0 };
	char **files;
	size_t count;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		b.verbose |= strcmp(argv[1], "-v") == 0;
		if (strcmp(argv[1], "--seeds") == 0 && argc > 2) {
			seeds = argv[2];
			argc--, argv++;
		}
	}
	glob(CASES, 0, NULL, &found);
	glob(MORE, GLOB_APPEND, NULL, &found);
	count = argc > 1 ? (size_t)argc - 1 : found.gl_pathc;
	files = argc > 1 ? argv + 1 : found.gl_pathv;
	if (!seeds)
		printf("1..%zu\n", count * 4);
	for (size_t i = 0; i < count; i++)
		one(&b, files[i], seeds);
	globfree(&found);
	buf_done(&b.why);
	case_world_free(&b.w);
	return b.failed > 0;
}
