#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "abi.h"
#include "probe/kernel.h"
#include "probe/link.h"
#include "submeter.skel.h"

#define RING_LEAST  (1u << 20)
#define QUOTA_SHARE 4
#define FD_PATH     32

enum { CONTROLLER_NONE, CONTROLLER_PIDS, CONTROLLER_MEMORY }; /* as in bpf/maps.bpf.h */

enum shape_end { END_NEVER, END_RETURN, END_SITES };
static const enum shape_end shape_end[] = {
#define SHAPE(name, end) END_##end,
#include "tbl/shape.h"
#undef SHAPE
};
enum shape {
#define SHAPE(name, end) SHAPE_##name,
#include "tbl/shape.h"
#undef SHAPE
};
static const enum shape row_shape[] = {
#define TLS(row, family, function, shape, dir, finder, tried) [TLS_##row] = SHAPE_##shape,
#include "tbl/tls.h"
#undef TLS
};

static int why_not(char why[256], int r, const char *what)
{
	const char *hint = "";

	if (r == -EPERM || r == -EACCES)
		hint = "; CAP_BPF and CAP_PERFMON are needed, and no kernel lockdown";
	else if (r == -ESRCH || r == -ENOENT)
		hint = "; the kernel needs BTF (/sys/kernel/btf/vmlinux)";
	snprintf(why, 256, "%s: %s%s", what, strerror(-r), hint);
	return r;
}

static int keep(int fd, int *ret)
{
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return fd < 0 ? -EBADF : -errno;
	*ret = copy;
	return 0;
}

static int keep_all(struct submeter_bpf *s, struct kernel *k)
{
	/* libbpf wants the name; the table has it */
	static const struct {
		const char *name;
	} kfd[] = {
#define KFD(name, text, words) [KFD_##name] = { text },
#include "tbl/kfd.h"
#undef KFD
	};
	struct bpf_program *p;
	struct bpf_map *m;
	size_t i;
	int r;

	for (i = 0; i < KFD_COUNT; i++) {
		m = bpf_object__find_map_by_name(s->obj, kfd[i].name);
		p = m ? NULL : bpf_object__find_program_by_name(s->obj, kfd[i].name);
		if (p && !bpf_program__autoload(p))
			continue;
		r = keep(m ? bpf_map__fd(m) : p ? bpf_program__fd(p) : -1, &k->fd[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Numbers `from` to `to - 1` into a queue or stack, so that the smallest comes out first. */
static int pool_fill(int map, uint32_t from, uint32_t to, bool stack)
{
	uint32_t i, slot;

	for (i = from; i < to; i++) {
		slot = stack ? to - 1 - (i - from) : i;
		if (bpf_map_update_elem(map, NULL, &slot, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

static int events_attach(struct submeter_bpf *s, struct kernel *k)
{
	struct bpf_program *const event[] = { s->progs.proc_exit, s->progs.proc_exec,
					      s->progs.proc_cgroup, s->progs.sock_state };
	struct bpf_link *link;
	size_t i;
	int r;

	static_assert(COUNT_OF(event) <= KERNEL_EVENTS, "room for the links");
	for (i = 0; i < COUNT_OF(event); i++) {
		if (!bpf_program__autoload(event[i]))
			continue;
		link = bpf_program__attach(event[i]);
		if (!link)
			return -errno;
		r = keep(bpf_link__fd(link), &k->event[i]);
		bpf_link__destroy(link);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Which number the kernel has given to a hierarchy: "8:pids:/path", "9:name=systemd:/path". */
static int hierarchy_number(const char *name, uint32_t *ret)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096], *rest, *names, *one;
	int r = -ENOENT;

	if (!f)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), f)) {
		rest = line;
		one = strsep(&rest, ":");
		*ret = (uint32_t)strtoul(one, NULL, 10);
		names = strsep(&rest, ":");
		while (names && (one = strsep(&names, ",")))
			if (strcmp(one, name) == 0)
				r = 0;
	}
	fclose(f);
	return r;
}

static int hierarchy_set(enum cgroup_hierarchy h, struct submeter_bpf *s)
{
	static const struct {
		const char *name;
		uint32_t controller;
	} v1[] = { [CGROUP_PIDS] = { "pids", CONTROLLER_PIDS },
		   [CGROUP_MEMORY] = { "memory", CONTROLLER_MEMORY },
		   [CGROUP_SYSTEMD] = { "name=systemd", CONTROLLER_NONE } };
	uint32_t number;
	int r;

	if (h == CGROUP_AUTO || h == CGROUP_V2)
		return 0;
	r = hierarchy_number(v1[h].name, &number);
	if (r < 0)
		return r;
	s->rodata->hierarchy = number;
	s->rodata->controller = v1[h].controller;
	return 0;
}

static void sockets(const struct kernel_opts *o, struct submeter_bpf *s)
{
	struct bpf_program *const prog[] = { s->progs.sock_egress, s->progs.sock_ingress,
					     s->progs.sock_connect4, s->progs.sock_connect6,
					     s->progs.sock_state };
	size_t i;

	static_assert(sizeof(s->rodata->plain_ports) == sizeof(o->plain), "as many ports");
	memcpy((void *)s->rodata->plain_ports, o->plain, sizeof(o->plain));
	for (i = 0; i < COUNT_OF(prog); i++)
		bpf_program__set_autoload(prog[i], o->sockets);
}

static int load(const struct kernel_opts *o, struct submeter_bpf *s, struct kernel *k,
		char why[256])
{
	int r;

	r = hierarchy_set(o->hierarchy, s);
	if (r < 0)
		return why_not(why, r, "this host has no such hierarchy of cgroups");
	s->rodata->supervisor = o->supervisor;
	s->rodata->quota = o->quota_bytes ? o->quota_bytes : o->ring_bytes / QUOTA_SHARE;
	r = bpf_map__set_max_entries(s->maps.data, o->ring_bytes);
	if (r < 0)
		return why_not(why, r, "the ring cannot have this size");
	sockets(o, s);
	k->multi = !o->no_multi && link_multi_works();
	if (k->multi) {
		bpf_program__set_expected_attach_type(s->progs.tls_enter,
						      (enum bpf_attach_type)LINK_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(s->progs.tls_leave,
						      (enum bpf_attach_type)LINK_UPROBE_MULTI);
	}
	r = submeter_bpf__load(s);
	if (r < 0)
		return why_not(why, r, "the kernel refuses the probe programs");
	r = keep_all(s, k);
	if (r == 0)
		r = pool_fill(k->fd[KFD_CONN_FREE], 0, ABI_CONN_SLOTS, false);
	if (r == 0)
		r = pool_fill(bpf_map__fd(s->maps.cg_free), 1, ABI_CG_SLOTS, true);
	if (r < 0)
		return why_not(why, r, "cannot set up the maps");
	r = events_attach(s, k);
	if (r < 0)
		return why_not(why, r, "cannot follow process and cgroup events");
	return 0;
}

static void kernel_init(struct kernel *k)
{
	size_t i;

	for (i = 0; i < KFD_COUNT; i++)
		k->fd[i] = -1;
	for (i = 0; i < KERNEL_EVENTS; i++)
		k->event[i] = -1;
	k->multi = false;
}

int kernel_load(const struct kernel_opts *o, struct kernel *ret, char why[256])
{
	struct submeter_bpf *s;
	struct kernel k;
	int r;

	why[0] = 0;
	if (o->ring_bytes < RING_LEAST || o->ring_bytes & (o->ring_bytes - 1))
		return why_not(why, -EINVAL, "the ring must be a power of two from 1 MiB on");
	kernel_init(&k);
	libbpf_set_print(NULL);
	s = submeter_bpf__open();
	if (!s)
		return why_not(why, -errno, "the probe programs cannot be read");
	r = load(o, s, &k, why);
	submeter_bpf__destroy(s);
	if (r < 0)
		kernel_close(&k);
	else
		*ret = k;
	return r;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void kernel_close(struct kernel *k)
{
	size_t i;

	for (i = 0; i < KERNEL_EVENTS; i++)
		shut(&k->event[i]);
	for (i = 0; i < KFD_COUNT; i++)
		shut(&k->fd[i]);
}

/* ---- attaching ------------------------------------------------------------------------------ */

struct batch { /* sites of one program */
	uint64_t offset[KERNEL_SITES], cookie[KERNEL_SITES];
	uint32_t count;
};

static void batch_add(struct batch *b, const struct site *s, uint32_t target)
{
	b->offset[b->count] = s->offset;
	b->cookie[b->count++] = (uint64_t)target << 32 | s->row;
}

static int batch_attach(const struct kernel *k, const char *path, int prog, const struct batch *b,
			bool leave, int *links, size_t *count)
{
	uint32_t i;
	int r;

	if (!b->count)
		return 0;
	if (k->multi) {
		r = link_multi(prog, path, b->offset, b->cookie, b->count, leave);
		if (r < 0)
			return r;
		links[(*count)++] = r;
		return 0;
	}
	if (*count + b->count > KERNEL_LINKS)
		return -E2BIG;
	for (i = 0; i < b->count; i++) {
		r = link_perf(prog, path, b->offset[i], b->cookie[i], leave);
		if (r < 0)
			return r;
		links[(*count)++] = r;
	}
	return 0;
}

enum { BATCH_LEAVE, BATCH_RET, BATCH_ENTER, BATCH_COUNT }; /* in the order of attaching */

/* -EINVAL: a function of this shape has no such site. */
static int batch_sort(struct batch b[BATCH_COUNT], const struct site *s, uint32_t target)
{
	enum shape shape = s->row < TLS_COUNT ? row_shape[s->row] : SHAPE_NONE;

	if (shape == SHAPE_NONE || (s->leave && shape_end[shape] != END_SITES))
		return -EINVAL;
	batch_add(&b[s->leave ? BATCH_RET : BATCH_ENTER], s, target);
	if (shape_end[shape] == END_RETURN)
		batch_add(&b[BATCH_LEAVE], s, target);
	return 0;
}

int kernel_attach(const struct kernel *k, int file, uint32_t target, const struct site *site,
		  size_t count, int ret_links[KERNEL_LINKS], size_t *ret_count)
{
	struct batch b[BATCH_COUNT] = { 0 };
	int link[KERNEL_LINKS], r = 0;
	char path[FD_PATH];
	size_t i, n = 0;

	if (!count)
		return -EINVAL;
	if (count > KERNEL_SITES)
		return -E2BIG;
	for (i = 0; i < count && r == 0; i++)
		r = batch_sort(b, &site[i], target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	/* Returns first: an entry whose return is not watched yet would look like a call that never came back. */
	for (i = 0; i < BATCH_COUNT && r == 0; i++)
		r = batch_attach(k, path, k->fd[i == BATCH_ENTER ? KFD_ENTER : KFD_LEAVE], &b[i],
				 i == BATCH_LEAVE, link, &n);
	if (r < 0) {
		while (n)
			close(link[--n]);
		return r;
	}
	/* Handed out with the entries first, for the same reason: they are to be closed first. */
	for (i = 0; i < n; i++)
		ret_links[i] = link[n - 1 - i];
	*ret_count = n;
	return 0;
}
