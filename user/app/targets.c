#include <sys/inotify.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/targets.h"
#include "base/clock.h"
#include "base/log.h"

/* ---- off and on ----------------------------------------------------------------------------- */

int targets_off(struct targets *t)
{
	struct keep k = { .op = KEEP_DROP_ALL };
	struct target *e, *next;

	obj_check(t, TARGETS_MAGIC);
	if (t->off)
		return 0;
	t->off = true;
	/* the gap begins here, however long the rest takes */
	if (t->world->board->off_ns <= t->world->board->on_ns)
		__atomic_store_n(&t->world->board->off_ns,
				 MAX(clock_utc_ns(), t->world->board->on_ns + 1), __ATOMIC_RELEASE);
	target_search_end(t);
	HASH_ITER (hh, t->all, e, next)
		if (e->state == TARGET_ATTACHED || e->owed)
			target_detached(t, e, TARGET_GONE);
	log_info("every probe is taken away, until `submeter attach`");
	return errand_keep(t->world, &k, NULL, 0);
}

void targets_on(struct targets *t)
{
	obj_check(t, TARGETS_MAGIC);
	t->off = false;
	log_info("probes are attached again");
}

/* ---- life ----------------------------------------------------------------------------------- */

static int targets_take_over(struct targets *t)
{
	struct board *b = t->world->board;

	for (size_t i = 0; i < t->world->link_count; i++) {
		const struct links *l = &t->world->links[i];
		struct target seen = { .key = { l->dev, l->ino }, .watch = -1 }, *e;
		int r;

		if (!l->count || MSG_IS_CGROUP(l->dev))
			continue;
		seen.size = l->size;
		seen.mtime_ns = l->mtime_ns;
		seen.state = TARGET_ATTACHED;
		seen.owed = l->owed;
		/* else it was not told: 0 */
		if (l->dev >> 63)
			seen.ctime_ns = l->dev & ~MSG_OVERLAY_DEV(0);
		r = target_add(t, &seen, &e);
		if (r < 0)
			return r;
		if (TARGET_ROW(l->target) < BOARD_TARGETS)
			e->row = &b->target[TARGET_ROW(l->target)];
		/* died before it could say so on the board: the name comes with the next look at the file */
		if (target_own_row(e) && e->row->state != TARGET_ATTACHED)
			target_show(t, e, e->row->path, "");
	}
	return 0;
}

int targets_new(struct world *w, const struct pick *p, struct targets **ret)
{
	_cleanup_(targets_free) struct targets *t = obj_new(t, TARGETS_MAGIC);
	int r;

	if (!t)
		return -ENOMEM;
	t->world = w;
	t->pick = p;
	t->inotify = -1;
	/* questions of an attacher that died may still be answered: its ids are never ours */
	t->asked = clock_boot_ns();
	t->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (t->inotify < 0)
		return -errno;
	r = targets_take_over(t);
	if (r < 0)
		return r;
	*ret = take(t);
	return 0;
}

void targets_free(struct targets **ptr)
{
	struct targets *t = obj_take(ptr, TARGETS_MAGIC);

	if (!t)
		return;
	target_search_end(t);
	while (t->all)
		target_forget(t, t->all);
	if (t->inotify >= 0)
		close(t->inotify);
	mem_free(t);
}
