#include "app/facts.h"
#include "base/clock.h"
#include "base/obj.h"
#include "base/table.h"
#include "host/proc.h"

struct process {
	struct process_key {
		uint64_t start_ticks; /* /proc knows the start no finer */
		uint64_t tgid;
	} key;
	char *exe, *library;
	UT_hash_handle hh; /* in order of arrival: the head is the oldest */
};

struct facts {
	unsigned magic;
#define FACTS_MAGIC 0x46414354u
	struct cgroups *cgroups;
	struct process *processes;
	struct cgroup_facts subject; /* of the last one asked for */
	char mount[256];             /* of the hierarchy; empty: none */
	uint64_t looked_ns;          /* last look at the whole hierarchy, CLOCK_BOOTTIME */
};

int facts_new(enum cgroup_hierarchy h, struct facts **ret)
{
	_cleanup_(facts_free) struct facts *f = obj_new(f, FACTS_MAGIC);
	int r;

	if (!f)
		return -ENOMEM;
	r = cgroups_new(&f->cgroups);
	if (r < 0)
		return r;
	if (cgroup_mount(&h, f->mount, sizeof(f->mount)) < 0)
		f->mount[0] = '\0';
	*ret = take(f);
	return 0;
}

void facts_cgroup(struct facts *f, uint64_t id, struct str path)
{
	obj_check(f, FACTS_MAGIC);
	/* Full or out of memory: the call will be unattributed, and counted as such. */
	if (cgroups_add(f->cgroups, id, path) < 0)
		return;
}

static void process_drop(struct facts *f, struct process *p)
{
	HASH_DEL(f->processes, p);
	mem_free(p->exe);
	mem_free(p->library);
	mem_free(p);
}

void facts_library(struct facts *f, uint32_t tgid, uint64_t start_ns, struct str path)
{
	struct process_key key = { start_ns / proc_tick_ns(), tgid };
	struct process *p;

	obj_check(f, FACTS_MAGIC);
	HASH_FIND(hh, f->processes, &key, sizeof(key), p);
	if (!p || p->library) /* the process is told before what it maps */
		return;
	p->library = mem_text(path.p, path.n);
}

struct str facts_library_of(struct facts *f, const struct origin *from)
{
	struct process_key key = { from->start_ns / proc_tick_ns(), from->tgid };
	struct process *p;

	obj_check(f, FACTS_MAGIC);
	HASH_FIND(hh, f->processes, &key, sizeof(key), p);
	return p ? str_of(p->library) : STR_NONE;
}

void facts_process(struct facts *f, uint32_t tgid, uint64_t start_ns, struct str exe)
{
	struct process_key key = { start_ns / proc_tick_ns(), tgid };
	struct process *p;
	char *library = NULL;

	obj_check(f, FACTS_MAGIC);
	HASH_FIND(hh, f->processes, &key, sizeof(key), p);
	if (p) {
		library = take(p->library);
		process_drop(f, p);
	}
	p = mem_zero(1, sizeof(*p));
	if (!p) {
		mem_free(library);
		return;
	}
	p->key = key;
	p->library = library;
	p->exe = mem_text(exe.p, exe.n);
	if (!p->exe) {
		mem_free(p->library);
		mem_free(p);
		return;
	}
	HASH_ADD(hh, f->processes, key, sizeof(key), p);
	if (!p->hh.tbl) {
		mem_free(p->exe);
		mem_free(p->library);
		mem_free(p);
		return;
	}
	if (HASH_COUNT(f->processes) > FACTS_PROCESSES)
		process_drop(f, f->processes);
}

struct str facts_path(const struct facts *f, uint64_t cgroup)
{
	obj_check(f, FACTS_MAGIC);
	return cgroups_path(f->cgroups, cgroup);
}

static int facts_seen(void *ctx, uint64_t id, struct str path)
{
	struct facts *f = ctx;

	facts_cgroup(f, id, path);
	return 0;
}

/* A cgroup that nobody told us about: the event was lost, or is on its way. */
static void facts_look(struct facts *f)
{
	uint64_t now = clock_boot_ns();

	if (!f->mount[0] || (f->looked_ns && now - f->looked_ns < NS_PER_SEC))
		return;
	f->looked_ns = now;
	if (cgroup_walk(f->mount, "/", facts_seen, f) < 0)
		return; /* what could not be walked stays unknown */
}

bool facts_subject(struct facts *f, const struct origin *from, struct subject *ret)
{
	struct process_key key = { from->start_ns / proc_tick_ns(), from->tgid };
	struct process *p;

	obj_check(f, FACTS_MAGIC);
	*ret = (struct subject){ .uid = from->uid, .has_uid = from->tgid != 0 };
	ret->cgroup = facts_path(f, from->cgroup);
	if (!ret->cgroup.p) {
		facts_look(f);
		ret->cgroup = facts_path(f, from->cgroup);
	}
	HASH_FIND(hh, f->processes, &key, sizeof(key), p);
	if (p)
		ret->exe = str_of(p->exe);
	if (!ret->cgroup.p)
		return false;
	cgroup_facts(ret->cgroup, &f->subject);
	ret->unit = f->subject.unit;
	ret->container = f->subject.container;
	ret->pod_uid = f->subject.pod_uid;
	return true;
}

void facts_free(struct facts **fp)
{
	struct facts *f = obj_take(fp, FACTS_MAGIC);
	struct process *p, *next;

	if (!f)
		return;
	HASH_ITER (hh, f->processes, p, next)
		process_drop(f, p);
	cgroups_free(&f->cgroups);
	mem_free(f);
}
