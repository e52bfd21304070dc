#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/pick.h"
#include "base/log.h"
#include "base/obj.h"
#include "host/proc.h"

struct file_id {
	uint64_t dev, ino; /* 0: not there, or no path */
};

struct pick_set {
	struct conf_rules rules;
	struct file_id exe[CONF_LIST], exclude_exe[CONF_LIST], deny[CONF_LIST];
};

struct pick {
	unsigned magic;
#define PICK_MAGIC 0x5069636bu
	const struct world *world;
	uint32_t taken; /* board's rules_count + 1 when they were; 0 = never */
	struct pick_set now, old;
};

int pick_new(const struct world *w, struct pick **ret)
{
	struct pick *p = obj_new(p, PICK_MAGIC);

	if (!p)
		return -ENOMEM;
	p->world = w;
	*ret = p;
	return 0;
}

/* ---- what is in force ------------------------------------------------------------------------- */

bool pick_stale(const struct pick *p)
{
	obj_check(p, PICK_MAGIC);
	return p->taken != __atomic_load_n(&p->world->board->rules_count, __ATOMIC_ACQUIRE) + 1;
}

/* The supervisor writes the part that is not in force; only a second SIGHUP while we copy could spoil it. */
static void pick_take(struct pick *p)
{
	const struct board *b = p->world->board;

	while (pick_stale(p)) {
		uint32_t now = __atomic_load_n(&b->rules_count, __ATOMIC_ACQUIRE);

		p->now.rules = b->rules[now % 2];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		p->taken = now + 1;
	}
}

static void pick_resolve(const struct conf_list *l, struct file_id id[CONF_LIST])
{
	struct stat st;

	memset(id, 0, CONF_LIST * sizeof(*id));
	for (unsigned i = 0; i < l->count; i++)
		if (strchr(l->item[i], '/') && stat(l->item[i], &st) == 0)
			id[i] = (struct file_id){ st.st_dev, st.st_ino };
}

/* ---- the kernel, which alone sees every call -------------------------------------------------- */

static const struct pick_side {
	size_t list, files; /* in struct pick_set; files 0: user ids */
	enum scope scope;
} sides[] = {
	/* the left alone last: what is named twice is left alone */
	{ offsetof(struct pick_set, rules.uid), 0, SCOPE_IN },
	{ offsetof(struct pick_set, rules.exclude_uid), 0, SCOPE_OUT },
	{ offsetof(struct pick_set, rules.exe), offsetof(struct pick_set, exe), SCOPE_IN },
	{ offsetof(struct pick_set, rules.exclude_exe), offsetof(struct pick_set, exclude_exe),
	  SCOPE_OUT },
};

static const struct conf_list *pick_list(const struct pick_set *s, const struct pick_side *side)
{
	return (const void *)((const char *)s + side->list);
}

static struct file_id pick_file(const struct pick_set *s, const struct pick_side *side, unsigned i)
{
	const struct file_id *id = (const void *)((const char *)s + side->files);

	return side->files ? id[i] : (struct file_id){ 0 };
}

static int pick_tell_one(const struct kernel *k, const struct pick_set *s,
			 const struct pick_side *side, unsigned i, enum scope scope)
{
	const char *text = pick_list(s, side)->item[i];
	struct file_id id = pick_file(s, side, i);

	if (!side->files)
		return kernel_uid(k, (uint32_t)strtoul(text, NULL, 10), scope);
	if (!strchr(text, '/'))
		return kernel_exe_name(k, text, scope);
	/* one that is not there is nobody's: but a list of nothing else still leaves everybody out */
	return id.ino || scope == SCOPE_IN ? kernel_exe_file(k, (dev_t)id.dev, id.ino, scope) : 0;
}

static bool pick_still(const struct pick_set *now, const struct pick_set *old,
		       const struct pick_side *side, unsigned i)
{
	struct file_id was = pick_file(old, side, i), is;

	for (size_t s = 0; s < COUNT_OF(sides); s++)
		for (unsigned j = 0;
		     !sides[s].files == !side->files && j < pick_list(now, &sides[s])->count; j++) {
			is = pick_file(now, &sides[s], j);
			if (strcmp(pick_list(now, &sides[s])->item[j],
				   pick_list(old, side)->item[i]) == 0 &&
			    is.dev == was.dev && is.ino == was.ino)
				return true;
		}
	return false;
}

/* What is new first: of two programs that are observed one after the other none is observed by mistake. */
static int pick_tell(struct pick *p, const struct pick_set *old)
{
	const struct kernel *k = &p->world->kernel;
	int r = 0;

	for (size_t s = 0; s < COUNT_OF(sides); s++)
		for (unsigned i = 0; r == 0 && i < pick_list(&p->now, &sides[s])->count; i++)
			r = pick_tell_one(k, &p->now, &sides[s], i, sides[s].scope);
	for (size_t s = 0; s < COUNT_OF(sides); s++)
		for (unsigned i = 0; r == 0 && i < pick_list(old, &sides[s])->count; i++)
			if (!pick_still(&p->now, old, &sides[s], i))
				r = pick_tell_one(k, old, &sides[s], i, SCOPE_NONE);
	return r;
}

int pick_refresh(struct pick *p, bool *ret_changed)
{
	const struct board *b = p->world->board;
	bool first = !p->taken;

	obj_check(p, PICK_MAGIC);
	p->old = p->now;
	pick_take(p);
	/* what an attacher before us may have told the kernel */
	if (first)
		p->old.rules = b->rules[(b->rules_count + 1) % 2];
	pick_resolve(&p->now.rules.exe, p->now.exe);
	pick_resolve(&p->now.rules.exclude_exe, p->now.exclude_exe);
	pick_resolve(&p->now.rules.deny, p->now.deny);
	*ret_changed = first || memcmp(&p->now, &p->old, sizeof(p->now)) != 0;
	if (first) {
		pick_resolve(&p->old.rules.exe, p->old.exe);
		pick_resolve(&p->old.rules.exclude_exe, p->old.exclude_exe);
	}
	return *ret_changed ? pick_tell(p, &p->old) : 0;
}

/* ---- processes and files ---------------------------------------------------------------------- */

static bool pick_is(const struct file_id *id, uint64_t dev, uint64_t ino)
{
	return id->ino && id->ino == ino && id->dev == dev;
}

static bool pick_exe(const struct conf_list *l, const struct file_id id[CONF_LIST],
		     const struct stat *st, const char *name)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strchr(l->item[i], '/') ? pick_is(&id[i], st->st_dev, st->st_ino)
					    : strcmp(l->item[i], name) == 0)
			return true;
	return false;
}

static bool pick_uid(const struct conf_list *l, uint32_t uid)
{
	for (unsigned i = 0; i < l->count; i++)
		if ((uint32_t)strtoul(l->item[i], NULL, 10) == uid)
			return true;
	return false;
}

static bool pick_by_exe(const struct pick *p, pid_t pid)
{
	char link[64], path[PATH_MAX], *name, *cut;
	struct stat st;

	if (!p->now.rules.exe.count && !p->now.rules.exclude_exe.count)
		return true;
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	if (stat(link, &st) < 0 || proc_exe(pid, path, sizeof(path)) < 0)
		return true;
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	cut = strstr(name, " (deleted)");
	if (cut)
		*cut = '\0';
	if (pick_exe(&p->now.rules.exclude_exe, p->now.exclude_exe, &st, name))
		return false;
	return !p->now.rules.exe.count || pick_exe(&p->now.rules.exe, p->now.exe, &st, name);
}

bool pick_process(const struct pick *p, pid_t pid)
{
	uint32_t uid;

	obj_check(p, PICK_MAGIC);
	if ((p->now.rules.uid.count || p->now.rules.exclude_uid.count) &&
	    proc_uid(pid, &uid) == 0 &&
	    (pick_uid(&p->now.rules.exclude_uid, uid) ||
	     (p->now.rules.uid.count && !pick_uid(&p->now.rules.uid, uid))))
		return false;
	return pick_by_exe(p, pid);
}

bool pick_denied(const struct pick *p, const char *path, uint64_t dev, uint64_t ino)
{
	obj_check(p, PICK_MAGIC);
	for (unsigned i = 0; i < p->now.rules.deny.count; i++)
		if (pick_is(&p->now.deny[i], dev, ino) ||
		    (path[0] && fnmatch(p->now.rules.deny.item[i], path, 0) == 0))
			return true;
	return false;
}

void pick_free(struct pick **ptr)
{
	struct pick *p = obj_take(ptr, PICK_MAGIC);

	mem_free(p);
}
