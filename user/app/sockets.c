#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/priv.h"
#include "app/sockets.h"
#include "base/log.h"
#include "probe/sock.h"

static void say(struct board *b, const char *why)
{
	snprintf(b->no_sockets, sizeof(b->no_sockets), "%s", why);
}

void sockets_ask(struct board *b, struct kernel_opts *o)
{
	const struct conf *c = &b->conf;

	static_assert(CONF_LIST <= KERNEL_PORTS, "all of the list");
	b->no_sockets[0] = '\0';
	if (!c->sockets)
		say(b, "observe.sockets is false");
	else if (b->hierarchy != CGROUP_V2)
		say(b, "observe.hierarchy is not v2");
	else if (!priv_has_sockets())
		say(b, "CAP_NET_ADMIN is missing");
	o->sockets = !b->no_sockets[0];
	for (unsigned i = 0; i < c->plaintext.count; i++)
		o->plain[i] = (uint16_t)strtoul(c->plaintext.item[i], NULL, 10);
	if (c->sockets && !o->sockets)
		log_warn(0, "plain HTTP is not metered, and TLS connections are not counted: %s",
			 b->no_sockets);
}

void sockets_refused(struct board *b, struct kernel_opts *o, const char *why)
{
	o->sockets = false;
	say(b, why);
	log_warn(0, "plain HTTP is not metered, and TLS connections are not counted: %s", why);
}

static bool root_name(int folder, char *ret, size_t room)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	n = readlink(link, ret, room - 1);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0 && (size_t)n < room - 1;
}

/* Is one of the others above it? Its programs run for this one too. */
static bool root_nested(const int *dir, size_t count, size_t which)
{
	char name[2 * CONF_TEXT], other[2 * CONF_TEXT];

	if (!root_name(dir[which], name, sizeof(name)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (i != which && root_name(dir[i], other, sizeof(other)) &&
		    cgroup_below(str_of(name), str_of(other)) &&
		    (strcmp(name, other) != 0 || i < which))
			return true;
	return false;
}

static struct attacher_root *root_known(struct attacher *a, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < a->root_count; i++)
		if (a->root[i].dev == dev && a->root[i].ino == ino)
			return &a->root[i];
	return NULL;
}

/* An attacher before us attached these. */
static void roots_take_over(struct attacher *a)
{
	for (size_t i = 0; i < a->world->link_count; i++) {
		const struct links *l = &a->world->links[i];

		if (l->count && MSG_IS_CGROUP(l->dev) && a->root_count < COUNT_OF(a->root))
			a->root[a->root_count++] =
				(struct attacher_root){ .dev = l->dev, .ino = l->ino };
	}
	a->roots_known = true;
}

static int root_attach(struct attacher *a, int folder, const struct stat *st)
{
	struct keep k = { .op = KEEP_LINKS,
			  .count = SOCK_LINKS,
			  .dev = MSG_CGROUP_DEV(st->st_dev),
			  .ino = st->st_ino };
	int link[SOCK_LINKS], r;

	if (a->root_count == COUNT_OF(a->root))
		return -ENOSPC;
	r = sock_attach(&a->world->kernel, folder, link);
	if (r < 0)
		return r;
	r = errand_keep(a->world, &k, link, SOCK_LINKS);
	for (size_t i = 0; i < SOCK_LINKS; i++)
		close(link[i]);
	if (r == 0)
		a->root[a->root_count++] =
			(struct attacher_root){ .dev = k.dev, .ino = k.ino, .seen = true };
	return r;
}

static int roots_drop(struct attacher *a)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < a->root_count; i++) {
		struct attacher_root root = a->root[i];
		struct keep k = { .op = KEEP_DROP, .dev = root.dev, .ino = root.ino };

		if (root.seen || r < 0)
			a->root[kept++] = root;
		else
			r = errand_keep(a->world, &k, NULL, 0);
	}
	a->root_count = kept;
	return r;
}

int sockets_attach(struct attacher *a)
{
	int dir[CONF_LIST], r = 0;
	struct stat st;
	size_t count;

	if (!sock_loaded(&a->world->kernel) || a->off)
		return 0;
	if (!a->roots_known)
		roots_take_over(a);
	for (size_t i = 0; i < a->root_count; i++)
		a->root[i].seen = false;
	count = scope_dirs(a->scope, dir);
	for (size_t i = 0; i < count && r != -EPIPE; i++) {
		struct attacher_root *known;

		if (root_nested(dir, count, i) || fstat(dir[i], &st) < 0)
			continue;
		known = root_known(a, MSG_CGROUP_DEV(st.st_dev), st.st_ino);
		if (known)
			known->seen = true;
		else
			r = root_attach(a, dir[i], &st);
		if (r < 0 && r != -EPIPE && !a->board->no_sockets[0]) {
			say(a->board, strerror(-r));
			log_warn(r, "the sockets of an observed cgroup cannot be looked at");
		}
	}
	while (count)
		close(dir[--count]);
	if (r != -EPIPE)
		r = roots_drop(a);
	return r == -EPIPE ? r : 0;
}

void sockets_off(struct attacher *a)
{
	a->root_count = 0;
	a->roots_known = true;
}
