#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "app/scope.h"
#include "base/log.h"
#include "base/obj.h"
#include "host/proc.h"

struct scope_root {
	const char *path; /* of the configuration */
	enum scope side;
	uint64_t id; /* as told to the kernel; 0: not there */
	bool logged;
};

struct scope_set {
	unsigned magic;
#define SCOPE_MAGIC 0x53636f70u
	enum cgroup_hierarchy hierarchy;
	char mount[256];
	int inotify; /* on the deepest folder that exists above each missing cgroup */
	size_t count;
	struct scope_root root[2 * CONF_LIST];
};

/* A service that is started again is another cgroup each time: what is gone makes room. */
static int scope_gone(struct scope_root *root, const struct kernel *k)
{
	uint64_t old = root->id;

	root->id = 0;
	return old ? kernel_scope(k, old, SCOPE_NONE) : 0;
}

static void scope_add(struct scope_set *s, const struct conf_list *l, enum scope side)
{
	for (unsigned i = 0; i < l->count; i++)
		s->root[s->count++] = (struct scope_root){ .path = l->item[i], .side = side };
}

int scope_new(const struct conf *c, enum cgroup_hierarchy h, struct scope_set **ret)
{
	_cleanup_(scope_free) struct scope_set *s = obj_new(s, SCOPE_MAGIC);
	int r;

	if (!s)
		return -ENOMEM;
	s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify < 0)
		return -errno;
	s->hierarchy = h;
	r = cgroup_mount(&s->hierarchy, s->mount, sizeof(s->mount));
	if (r < 0)
		return r;
	scope_add(s, &c->cgroups, SCOPE_IN);
	scope_add(s, &c->exclude, SCOPE_OUT);
	*ret = take(s);
	return 0;
}

int scope_cgroup(const struct scope_set *s, pid_t pid, char *ret, size_t room)
{
	obj_check(s, SCOPE_MAGIC);
	return proc_cgroup(pid, s->hierarchy, ret, room);
}

const char *scope_mount(const struct scope_set *s)
{
	obj_check(s, SCOPE_MAGIC);
	return s->mount;
}

/* Watches the deepest folder above a missing cgroup for what is made in it. */
static void scope_await(struct scope_set *s, const char *path)
{
	char full[sizeof(s->mount) + CONF_TEXT], *cut;

	snprintf(full, sizeof(full), "%s%s", s->mount, path);
	while ((cut = strrchr(full, '/')) && (size_t)(cut - full) >= strlen(s->mount)) {
		*cut = '\0';
		if (inotify_add_watch(s->inotify, full, IN_CREATE | IN_ONLYDIR) >= 0)
			return;
	}
}

int scope_refresh(struct scope_set *s, const struct kernel *k, size_t *ret_new)
{
	char events[4096];
	size_t fresh = 0;
	int r;

	obj_check(s, SCOPE_MAGIC);
	while (read(s->inotify, events, sizeof(events)) > 0)
		;
	for (size_t i = 0; i < s->count; i++) {
		struct scope_root *root = &s->root[i];
		uint64_t id = 0;

		r = cgroup_id(s->mount, root->path, &id);
		if (r == -ENOENT) {
			scope_await(s, root->path);
			/* made between the look and the watch */
			r = cgroup_id(s->mount, root->path, &id);
		}
		if (r < 0 && !root->logged)
			log_info("cgroup %s is not there yet: waiting for it", root->path);
		root->logged |= r < 0;
		if (r == 0 && id == root->id)
			continue;
		if ((r == 0 || r == -ENOENT) && scope_gone(root, k) < 0)
			log_debug("a cgroup that is gone keeps its place in the kernel");
		if (r < 0)
			continue;
		r = kernel_scope(k, id, root->side);
		if (r < 0)
			return r;
		if (root->logged)
			log_info("cgroup %s is there: %s", root->path,
				 root->side == SCOPE_IN ? "observed" : "left alone");
		root->logged = false;
		root->id = id;
		fresh++;
	}
	*ret_new = fresh;
	return 0;
}

int scope_fd(const struct scope_set *s)
{
	obj_check(s, SCOPE_MAGIC);
	return s->inotify;
}

bool scope_observed(const struct scope_set *s, struct str path)
{
	const struct scope_root *best = NULL;

	obj_check(s, SCOPE_MAGIC);
	/* of two that are alike the later one wins: an exclusion */
	for (size_t i = 0; i < s->count; i++)
		if (cgroup_below(path, str_of(s->root[i].path)) &&
		    (!best || strlen(s->root[i].path) >= strlen(best->path)))
			best = &s->root[i];
	return best && best->side == SCOPE_IN;
}

size_t scope_dirs(const struct scope_set *s, int ret[CONF_LIST])
{
	size_t count = 0;

	obj_check(s, SCOPE_MAGIC);
	for (size_t i = 0; i < s->count; i++)
		if (s->root[i].side == SCOPE_IN && s->root[i].id &&
		    cgroup_open(s->mount, s->root[i].path, &ret[count]) == 0)
			count++;
	return count;
}

struct scope_visit {
	const struct scope_set *set;
	int (*fn)(void *ctx, uint64_t id, struct str path);
	void *ctx;
};

static int scope_visit(void *ctx, uint64_t id, struct str path)
{
	struct scope_visit *v = ctx;

	return scope_observed(v->set, path) ? v->fn(v->ctx, id, path) : 0;
}

int scope_walk(const struct scope_set *s, int (*fn)(void *ctx, uint64_t id, struct str path),
	       void *ctx)
{
	struct scope_visit v = { s, fn, ctx };

	obj_check(s, SCOPE_MAGIC);
	for (size_t i = 0; i < s->count; i++) {
		int r = s->root[i].side == SCOPE_IN
				? cgroup_walk(s->mount, s->root[i].path, scope_visit, &v)
				: 0;

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

void scope_free(struct scope_set **ptr)
{
	struct scope_set *s = obj_take(ptr, SCOPE_MAGIC);

	if (!s)
		return;
	if (s->inotify >= 0)
		close(s->inotify);
	mem_free(s);
}
