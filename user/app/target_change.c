#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/targets.h"
#include "base/clock.h"
#include "base/log.h"

#define UNSEEN_ROUNDS 2
#define TRIAL_WRONG   3 /* connections that do not speak HTTP, and none that does */
#define TRIAL_DOUBT \
	32 /* the same of processes that ran before, whose connections were perhaps joined midway */

/* The first connections of a program may be to a database: what was distrusted gets another trial. */
#define TRIAL_AGAIN_NS (900 * NS_PER_SEC)

static const char *target_name(const struct target *e)
{
	const struct board_target *row = target_own_row(e);

	return row && row->path[0] ? row->path : "a library";
}

/* ---- files that change ---------------------------------------------------------------------- */

int targets_fd(const struct targets *t)
{
	obj_check(t, TARGETS_MAGIC);
	return t->inotify;
}

static int target_event(struct targets *t, const struct inotify_event *ev)
{
	struct target *e, *next;

	HASH_ITER (hh, t->all, e, next) {
		if (e->watch != ev->wd)
			continue;
		if (ev->mask & IN_IGNORED)
			e->watch = -1;
		if (!(ev->mask & IN_MODIFY) || e->state != TARGET_ATTACHED)
			continue;
		log_warn(0, "%s is written to while programs use it: let go", target_name(e));
		return target_drop(t, e, TARGET_GONE);
	}
	return 0;
}

int targets_changed(struct targets *t, bool *ret_rescan)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n;
	int r;

	obj_check(t, TARGETS_MAGIC);
	*ret_rescan = t->changed;
	t->changed = false;
	while ((n = read(t->inotify, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *ev;

		for (char *p = bytes; p < bytes + n; p += sizeof(*ev) + ev->len) {
			ev = (const void *)p;
			*ret_rescan = true;
			r = target_event(t, ev);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* A probe holds its file, and the mount it was reached by: not longer than somebody may use it. */
static bool target_there(const struct target *e)
{
	const struct board_target *row = target_own_row(e);
	struct stat st;

	return row && stat(row->path, &st) == 0 && st.st_dev == e->key.dev &&
	       st.st_ino == e->key.ino;
}

/* Refused for its signature, and long enough ago: as if it had not been looked at. */
static void target_pardon(struct target *e, uint64_t now_ns)
{
	if (!e->distrusted || e->state != TARGET_REFUSED || now_ns < e->again_ns)
		return;
	e->distrusted = false;
	e->state = TARGET_GONE;
}

int targets_round(struct targets *t, uint64_t now_ns)
{
	struct target *e, *next;

	obj_check(t, TARGETS_MAGIC);
	t->search_full = false;
	t->gone = 0;
	HASH_ITER (hh, t->all, e, next) {
		target_pardon(e, now_ns);
		e->gone = e->state == TARGET_ATTACHED && ++e->unseen > UNSEEN_ROUNDS &&
			  !target_there(e);
		t->gone += e->gone;
	}
	return 0;
}

/* A link takes the kernel tens of milliseconds to close: hundreds at once would keep us from what comes meanwhile. */
int targets_retire(struct targets *t)
{
	struct target *e, *next;

	obj_check(t, TARGETS_MAGIC);
	if (t->gone == 0)
		return 0;
	HASH_ITER (hh, t->all, e, next) {
		if (!e->gone || e->state != TARGET_ATTACHED)
			continue;
		e->gone = false;
		t->gone--;
		log_info("%s is gone: let go", target_name(e));
		return target_drop(t, e, TARGET_GONE);
	}
	t->gone = 0;
	return 0;
}

/* ---- trials --------------------------------------------------------------------------------- */

static int trial_lost(struct targets *t, struct target *e)
{
	struct board_target *row = e->row;
	bool named = false;

	for (uint32_t i = 0; i < e->sites; i++)
		named |= !target_proof(&e->site[i]);
	log_warn(0, "%s: let go: %s", target_name(e), target_lie);
	/* this file alone: anybody can write another's build id into his own */
	e->distrusted = true;
	e->again_ns = clock_boot_ns() + TRIAL_AGAIN_NS;
	snprintf(row->why, sizeof(row->why), "%s", target_lie);
	row->trial = row->sites = 0;
	/* what has names is attached again, at the next look */
	return target_drop(t, e, named ? TARGET_GONE : TARGET_REFUSED);
}

int targets_trial(struct targets *t, bool *ret_rescan)
{
	struct target *e, *next;

	obj_check(t, TARGETS_MAGIC);
	*ret_rescan = false;
	HASH_ITER (hh, t->all, e, next) {
		struct board_target *row = target_own_row(e);
		const struct board_proof *p;
		int r;

		if (e->state != TARGET_ATTACHED || !row || !row->trial)
			continue;
		p = &t->world->board->proof[row - t->world->board->target];
		if (__atomic_load_n(&p->number, __ATOMIC_ACQUIRE) != row->number)
			continue;
		if (__atomic_load_n(&p->right, __ATOMIC_RELAXED)) {
			row->trial = 0;
			log_info("%s: its signature is proven", target_name(e));
		} else if (__atomic_load_n(&p->wrong, __ATOMIC_RELAXED) >= TRIAL_WRONG ||
			   __atomic_load_n(&p->doubt, __ATOMIC_RELAXED) >= TRIAL_DOUBT) {
			*ret_rescan = true;
			r = trial_lost(t, e);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- rules ---------------------------------------------------------------------------------- */

int targets_deny(struct targets *t)
{
	struct target *e, *next;

	obj_check(t, TARGETS_MAGIC);
	HASH_ITER (hh, t->all, e, next) {
		const struct board_target *row = target_own_row(e);
		bool denied = pick_denied(t->pick, row ? row->path : "", e->key.dev, e->key.ino);
		int r;

		if (!denied && e->state == TARGET_DENIED)
			target_detached(t, e, TARGET_GONE);
		if (!denied || e->state != TARGET_ATTACHED)
			continue;
		log_info("%s: let go, by observe.deny", target_name(e));
		r = target_refuse_denied(t, e, row ? row->path : "");
		if (r < 0)
			return r;
	}
	return 0;
}
