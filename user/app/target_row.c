#include <stdio.h>
#include "app/targets.h"
#include "base/clock.h"

/* Numbers of one row: BOARD_TARGETS rows of files, and as many for others. */
#define NUMBER_STEP (2u * BOARD_TARGETS)

enum shape_end { END_NEVER, END_RETURN, END_SITES };
enum shape {
#define SHAPE(name, end) SHAPE_##name,
#include "tbl/shape.h"
#undef SHAPE
	SHAPE_COUNT
};
static const enum shape_end shape_end[SHAPE_COUNT] = {
#define SHAPE(name, end) [SHAPE_##name] = END_##end,
#include "tbl/shape.h"
#undef SHAPE
};
enum finder {
#define FINDER(name, text, proof, versions) FINDER_##name,
#include "tbl/finder.h"
#undef FINDER
};

static const struct {
	const char *family;
	enum shape shape;
	enum finder finder;
} rows[TLS_COUNT] = {
#define TLS(row, family, function, shape, dir, finder, tried) \
	[TLS_##row] = { family, SHAPE_##shape, FINDER_##finder },
#include "tbl/tls.h"
#undef TLS
};

static const struct {
	const char *text;
	bool proof;
} finders[] = {
#define FINDER(name, text, proof, versions) [FINDER_##name] = { text, proof },
#include "tbl/finder.h"
#undef FINDER
};

bool target_proof(const struct site *s)
{
	return s->row < TLS_COUNT && finders[rows[s->row].finder].proof;
}

bool target_returns(const struct site *s)
{
	return s->row < TLS_COUNT && shape_end[rows[s->row].shape] == END_RETURN;
}

/* ---- rows and numbers ------------------------------------------------------------------------- */

struct board_target *target_own_row(const struct target *e)
{
	return e->row && e->row->dev == e->key.dev && e->row->ino == e->key.ino ? e->row : NULL;
}

/* What is gone makes room first, then what was never attached. */
static struct board_target *target_row(struct targets *t, const struct target_key *key)
{
	struct board *b = t->world->board;
	struct board_target *spare = NULL, *gone = NULL;

	for (uint32_t i = 0; i < b->target_count; i++) {
		struct board_target *row = &b->target[i];

		if (row->dev == key->dev && row->ino == key->ino)
			return row;
		if (row->state == TARGET_GONE)
			gone = row;
		else if (row->state != TARGET_ATTACHED)
			spare = row;
	}
	if (b->target_count < BOARD_TARGETS)
		return &b->target[b->target_count];
	return gone ? gone : spare;
}

static struct board_target *target_claim(struct targets *t, struct target *e)
{
	struct board *b = t->world->board;
	struct board_target *row = target_own_row(e);

	if (!row)
		row = target_row(t, &e->key);
	e->row = row;
	if (!row)
		return NULL;
	if (row->dev != e->key.dev || row->ino != e->key.ino) {
		row->dev = e->key.dev;
		row->ino = e->key.ino;
		row->path[0] = row->family[0] = row->how[0] = row->why[0] = '\0';
		__atomic_store_n(&row->state, TARGET_GONE, __ATOMIC_RELEASE);
	}
	if (row == &b->target[b->target_count])
		__atomic_store_n(&b->target_count, b->target_count + 1, __ATOMIC_RELEASE);
	return row;
}

uint32_t target_number(struct targets *t, struct target *e)
{
	struct board_target *row = target_claim(t, e);
	uint32_t index, next;

	if (!row)
		return 0;
	index = (uint32_t)(row - t->world->board->target);
	next = row->number / NUMBER_STEP * NUMBER_STEP + NUMBER_STEP + index;
	/* after two million uses it begins anew; 0 would be no target */
	row->number = next < NUMBER_STEP ? next + NUMBER_STEP : next;
	return row->number;
}

/* ---- what is shown ---------------------------------------------------------------------------- */

/* "openssl, rustls": each name once, as many as fit */
static void target_list(char *list, size_t room, const char *name)
{
	size_t n = strlen(list), more = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at++)
		if ((at == list || at[-1] == ' ') && (!at[more] || at[more] == ','))
			return;
	if (n + more + 2 < room)
		snprintf(list + n, room - n, "%s%s", n ? ", " : "", name);
}

void target_show(struct targets *t, struct target *e, const char *path, const char *why)
{
	struct board_target *row = target_claim(t, e);
	char family[sizeof(row->family)] = "", how[sizeof(row->how)] = "";
	bool trial = false;

	if (!row)
		return;
	for (uint32_t i = 0; i < e->sites; i++) {
		target_list(family, sizeof(family), rows[e->site[i].row].family);
		target_list(how, sizeof(how), finders[rows[e->site[i].row].finder].text);
		trial |= target_proof(&e->site[i]);
	}
	row->sites = e->sites;
	row->trial = trial;
	row->attached_ns = e->state == TARGET_ATTACHED ? clock_utc_ns() : 0;
	memcpy(row->family, family, sizeof(family));
	memcpy(row->how, how, sizeof(how));
	target_say(e, path, why);
	__atomic_store_n(&row->state, e->state, __ATOMIC_RELEASE);
}

void target_say(struct target *e, const char *path, const char *why)
{
	struct board_target *row = target_own_row(e);

	if (!row)
		return;
	if (path != row->path)
		snprintf(row->path, sizeof(row->path), "%s", path);
	snprintf(row->why, sizeof(row->why), "%s", why);
}
