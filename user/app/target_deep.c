#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/targets.h"
#include "base/clock.h"
#include "base/log.h"

#define SEARCH_NS (30 * NS_PER_SEC) /* the searcher ends itself much sooner */
#define TRIES     2
#define SOON_NS   (4 * NS_PER_SEC) /* of a file that takes too long the searcher dies later */

/* ---- who waits ------------------------------------------------------------------------------ */

static void search_remove(struct targets *t, size_t i)
{
	t->search[i] = t->search[--t->search_count];
}

static bool search_same(const struct target_search *s, const struct target_key *key)
{
	return s->key.dev == key->dev && s->key.ino == key->ino;
}

/* A full table: it stays owed, and the next look that comes by it tries again. */
void target_owe(struct targets *t, struct target *e, int fd, const char *path)
{
	struct target_search *s;
	int copy;

	if (t->deep.id && search_same(&t->deep.of, &e->key))
		return;
	for (size_t i = 0; i < t->search_count; i++)
		if (search_same(&t->search[i], &e->key))
			return;
	copy = t->search_count < LIMIT_DEEP_LOOKS ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (copy < 0) {
		if (!t->search_full)
			log_info("%d files wait for a search of their code: others come later",
				 LIMIT_DEEP_LOOKS);
		t->search_full = true;
		return;
	}
	s = &t->search[t->search_count++];
	*s = (struct target_search){ .key = e->key, .number = t->searched++, .fd = copy };
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->library = strstr(s->path, ".so") != NULL;
}

static bool search_before(const struct target_search *a, const struct target_search *b)
{
	return a->library != b->library ? !a->library : a->number > b->number;
}

void target_search_end(struct targets *t)
{
	if (t->deep.id)
		close(t->deep.of.fd);
	t->deep.id = 0;
	while (t->search_count)
		close(t->search[--t->search_count].fd);
}

/* ---- asking --------------------------------------------------------------------------------- */

static uint32_t search_pid(const struct targets *t)
{
	return __atomic_load_n(&t->world->board->role[ROLE_SEARCHER].pid, __ATOMIC_RELAXED);
}

static void search_ask(struct targets *t)
{
	t->deep.id = ++t->asked;
	t->deep.until_ns = clock_boot_ns() + SEARCH_NS;
	t->deep.searcher = search_pid(t);
	t->deep.tries++;
	/* one that cannot be sent has no answer */
	if (errand_search(t->world, t->deep.id, t->deep.of.fd) < 0)
		log_debug("the searcher takes no question");
}

static void search_next(struct targets *t)
{
	size_t best = 0;

	if (!t->search_count || !search_pid(t))
		return;
	for (size_t i = 1; i < t->search_count; i++)
		if (search_before(&t->search[i], &t->search[best]))
			best = i;
	t->deep.of = t->search[best];
	t->deep.tries = 0;
	search_remove(t, best);
	search_ask(t);
}

/* It has died of the file, or says nothing: what the quick look found stays. */
static void search_fail(struct targets *t, struct target *e)
{
	static const char why[] = "the search of its code was not finished";

	e->owed = false;
	if (e->state == TARGET_ATTACHED)
		target_say(e, t->deep.of.path, why);
	else
		target_refuse(t, e, t->deep.of.path, why);
}

static int search_take(struct targets *t, struct find_answer *a)
{
	const struct target_search *of = &t->deep.of;
	struct target *e = target_find(t, &of->key), now;

	/* let go, written to or attached anew meanwhile: whoever looks next begins again */
	if (!e || !e->owed || e->state == TARGET_GONE || e->state == TARGET_DENIED ||
	    target_stat(of->fd, &now) < 0 || !target_same(e, &now))
		return 0;
	if (a && a->r == 0) {
		e->owed = false;
		return target_answer(t, e, of->fd, of->path, a, true);
	}
	search_fail(t, e);
	return 0;
}

static int search_done(struct targets *t, struct find_answer *a)
{
	int r = search_take(t, a);

	close(t->deep.of.fd);
	t->deep.id = 0;
	return r;
}

static int search_under_way(struct targets *t)
{
	struct find_answer a;
	uint32_t pid = search_pid(t);
	int r;

	while ((r = errand_found(t->world, &a)) == 0)
		if (a.id == t->deep.id)
			return search_done(t, &a);
	if (r != -EAGAIN)
		return r;
	if (pid && pid != t->deep.searcher) {
		if (t->deep.tries < TRIES &&
		    clock_boot_ns() + SEARCH_NS < t->deep.until_ns + SOON_NS)
			search_ask(t);
		else
			return search_done(t, NULL);
	}
	return clock_boot_ns() >= t->deep.until_ns ? search_done(t, NULL) : 0;
}

int targets_search(struct targets *t)
{
	int r = 0;

	obj_check(t, TARGETS_MAGIC);
	if (t->deep.id)
		r = search_under_way(t);
	if (r == 0 && !t->deep.id && !t->off)
		search_next(t);
	return r;
}

int targets_search_fd(const struct targets *t)
{
	obj_check(t, TARGETS_MAGIC);
	return t->world->chan[CHAN_SEARCH][0];
}
