#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "abi.h"
#include "probe/kernel.h"
#include "submeter.skel.h"

#define UPROBE_MULTI        48 /* BPF_TRACE_UPROBE_MULTI, kernel 6.6 */
#define UPROBE_MULTI_RETURN 1
#define RING_LEAST          (1u << 20)
#define QUOTA_SHARE         4
#define SCOPE_RULES         0 /* as in bpf/maps.bpf.h */
#define FD_PATH             32
#define UPROBE_PMU          "/sys/bus/event_source/devices/uprobe/"

enum shape {
	SHAPE_RET,
	SHAPE_PTR,
	SHAPE_INNER,
	SHAPE_FREE,
	SHAPE_GO,
	SHAPE_GOFREE,
	SHAPE_CHUNKS,
	SHAPE_TAKEN,
	SHAPE_NONE
};
static const enum shape row_shape[] = {
#define TLS(row, family, function, shape, dir, finder, tried) [TLS_##row] = SHAPE_##shape,
#include "tbl/tls.h"
#undef TLS
};

/* Our headers are older than this arm of the bpf() system call. */
struct multi_attr {
	uint32_t prog, zero, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, pad;
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

static int multi_link(int prog, const char *path, const uint64_t *offset, const uint64_t *cookie,
		      uint32_t count, uint32_t flags)
{
	struct multi_attr a = { .prog = (uint32_t)prog,
				.attach_type = UPROBE_MULTI,
				.path = (uintptr_t)path,
				.offsets = (uintptr_t)offset,
				.cookies = (uintptr_t)cookie,
				.count = count,
				.multi_flags = flags };
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a));

	return fd < 0 ? -errno : (int)fd;
}

/* A folder as the file: a kernel that knows these links says that the file is wrong, an older one that the
 * request is. */
static bool multi_works(void)
{
	static const struct bpf_insn nop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = UPROBE_MULTI);
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "Dual BSD/GPL", nop, 2, &o);
	uint64_t offset = 0;
	int r;

	if (prog < 0)
		return false;
	r = multi_link(prog, "/", &offset, NULL, 1, 0);
	close(prog);
	if (r >= 0)
		close(r);
	return r == -EBADF;
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
					      s->progs.proc_cgroup };
	struct bpf_link *link;
	size_t i;
	int r;

	static_assert(COUNT_OF(event) <= KERNEL_EVENTS, "room for the links");
	for (i = 0; i < COUNT_OF(event); i++) {
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

static int load(const struct kernel_opts *o, struct submeter_bpf *s, struct kernel *k,
		char why[256])
{
	int r;

	s->rodata->supervisor = o->supervisor;
	s->rodata->quota = o->quota_bytes ? o->quota_bytes : o->ring_bytes / QUOTA_SHARE;
	r = bpf_map__set_max_entries(s->maps.data, o->ring_bytes);
	if (r < 0)
		return why_not(why, r, "the ring cannot have this size");
	k->multi = !o->no_multi && multi_works();
	if (k->multi) {
		bpf_program__set_expected_attach_type(s->progs.tls_enter,
						      (enum bpf_attach_type)UPROBE_MULTI);
		bpf_program__set_expected_attach_type(s->progs.tls_leave,
						      (enum bpf_attach_type)UPROBE_MULTI);
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

int kernel_scope(const struct kernel *k, uint64_t cgroup, enum scope s)
{
	const uint64_t key = SCOPE_RULES;
	uint32_t value = s, rules = 0;
	int map = k->fd[KFD_SCOPE], r;

	r = s == SCOPE_NONE ? bpf_map_delete_elem(map, &cgroup)
			    : bpf_map_update_elem(map, &cgroup, &value, BPF_ANY);
	if (r < 0 && !(s == SCOPE_NONE && errno == ENOENT))
		return -errno;
	/* The rule first: an answer that was found without it is then out of date. */
	if (bpf_map_lookup_elem(map, &key, &rules) < 0 && errno != ENOENT)
		return -errno;
	rules++;
	return bpf_map_update_elem(map, &key, &rules, BPF_ANY) < 0 ? -errno : 0;
}

int kernel_self(const struct kernel *k, uint32_t tgid)
{
	uint32_t value = 1;

	return bpf_map_update_elem(k->fd[KFD_SELF], &tgid, &value, BPF_ANY) < 0 ? -errno : 0;
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

static int pmu_number(const char *file, const char *format, uint32_t *ret)
{
	FILE *f = fopen(file, "re");
	int n;

	if (!f)
		return -errno;
	n = fscanf(f, format, ret);
	fclose(f);
	return n == 1 ? 0 : -EBADMSG;
}

/* Kernels before 6.6: one perf event a site. The link keeps the event. */
static int perf_link(int prog, const char *path, uint64_t offset, uint64_t cookie, bool leave)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .perf_event.bpf_cookie = cookie);
	struct perf_event_attr a = { .size = sizeof(a) };
	uint32_t type, bit;
	int r, event, link;

	r = pmu_number(UPROBE_PMU "type", "%u", &type);
	if (r == 0)
		r = pmu_number(UPROBE_PMU "format/retprobe", "config:%u", &bit);
	if (r < 0)
		return r;
	if (bit > 63)
		return -EBADMSG;
	a.type = type;
	a.config = leave ? 1ull << bit : 0;
	a.uprobe_path = (uintptr_t)path;
	a.probe_offset = offset;
	event = (int)syscall(SYS_perf_event_open, &a, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	link = bpf_link_create(prog, event, BPF_PERF_EVENT, &o);
	if (link >= 0 && ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		r = -errno;
		close(link);
		link = r;
	}
	close(event);
	return link;
}

static int batch_attach(const struct kernel *k, const char *path, const struct batch *b, bool leave,
			int *links, size_t *count)
{
	int prog = k->fd[leave ? KFD_LEAVE : KFD_ENTER], r;
	uint32_t i;

	if (!b->count)
		return 0;
	if (k->multi) {
		r = multi_link(prog, path, b->offset, b->cookie, b->count,
			       leave ? UPROBE_MULTI_RETURN : 0);
		if (r < 0)
			return r;
		links[(*count)++] = r;
		return 0;
	}
	for (i = 0; i < b->count; i++) {
		r = perf_link(prog, path, b->offset[i], b->cookie[i], leave);
		if (r < 0)
			return r;
		links[(*count)++] = r;
	}
	return 0;
}

int kernel_attach(const struct kernel *k, int file, uint32_t target, const struct site *site,
		  size_t count, int ret_links[KERNEL_LINKS], size_t *ret_count)
{
	struct batch enter = { .count = 0 }, leave = { .count = 0 };
	int link[KERNEL_LINKS], r;
	char path[FD_PATH];
	size_t i, n = 0;

	if (!count)
		return -EINVAL;
	if (count > KERNEL_SITES)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		if (site[i].row >= TLS_COUNT)
			return -EINVAL;
		batch_add(&enter, &site[i], target);
		if (row_shape[site[i].row] != SHAPE_FREE)
			batch_add(&leave, &site[i], target);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	/* Returns first: an entry whose return is not watched yet would look like a call that never came back. */
	r = batch_attach(k, path, &leave, true, link, &n);
	if (r == 0)
		r = batch_attach(k, path, &enter, false, link, &n);
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

/* ---- dead connections ----------------------------------------------------------------------- */

static int sweep_one(const struct kernel *k, const struct abi_conn_key *key, size_t *freed)
{
	uint32_t slot;

	/* The kernel may have been faster; whoever deletes the key gives the slot back. */
	if (bpf_map_lookup_elem(k->fd[KFD_CONN_KEY], key, &slot) < 0 ||
	    bpf_map_delete_elem(k->fd[KFD_CONN_KEY], key) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_map_update_elem(k->fd[KFD_CONN_FREE], NULL, &slot, BPF_ANY) < 0)
		return -errno;
	++*freed;
	return 0;
}

int kernel_sweep(const struct kernel *k, bool (*alive)(void *ctx, uint32_t tgid, uint64_t start_ns),
		 void *ctx, size_t *ret_freed)
{
	struct abi_conn_key key, next, asked = { 0 };
	int map = k->fd[KFD_CONN_KEY], r;
	size_t freed = 0, left = ABI_CONN_SLOTS;
	bool more, lives = false;

	more = bpf_map_get_next_key(map, NULL, &key) == 0;
	/* A key that vanishes while we stand on it starts the walk again: so the walk has an end of its own. */
	while (more && left--) {
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (asked.tgid != key.tgid || asked.start_ns != key.start_ns) {
			asked = key;
			lives = alive(ctx, key.tgid, key.start_ns);
		}
		r = lives ? 0 : sweep_one(k, &key, &freed);
		if (r < 0)
			return r;
		key = next;
	}
	*ret_freed = freed;
	return 0;
}
