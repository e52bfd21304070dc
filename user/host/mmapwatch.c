#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/obj.h"
#include "host/mmapwatch.h"

#define RING_PAGES \
	64 /* within what the kernel grants a user per CPU without CAP_IPC_LOCK (516 KiB) */

struct mmapwatch_cpu {
	void *ring; /* header page, then RING_PAGES of records; NULL: CPU is off */
	int fd;     /* the event that owns the ring; others of this CPU write into it */
};

struct mmapwatch {
	unsigned magic;
#define MMAPWATCH_MAGIC 0x6d6d6170u
	struct mmapwatch_calls calls;
	void *ctx;
	size_t page;
	int epoll;
	bool per_cgroup;
	size_t cpu_count, fd_count, fd_room;
	struct mmapwatch_cpu *cpu;
	int *fd;
	_Alignas(8) unsigned char record
		[65536]; /* a record has a 16-bit size; it may wrap in the ring */
};

/* What follows the header of PERF_RECORD_MMAP2. */
struct mmap2 {
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t major, minor;
	uint64_t ino, generation;
	uint32_t prot, flags;
	char name[];
};

static int mmapwatch_perf(int cpu, int cgroup_dir)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(a),
		.mmap = 1,
		.mmap2 = 1,
		.watermark = 1, /* these records never count as events: wake at the first byte */
		.wakeup_watermark = 1,
	};
	unsigned long flags = PERF_FLAG_FD_CLOEXEC | (cgroup_dir >= 0 ? PERF_FLAG_PID_CGROUP : 0);
	long fd = syscall(SYS_perf_event_open, &a, cgroup_dir, cpu, -1, flags);

	return fd < 0 ? -errno : (int)fd;
}

static int mmapwatch_ring(struct mmapwatch *w, int cpu, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };
	void *p;

	if (w->cpu[cpu].ring)
		return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, w->cpu[cpu].fd) < 0 ? -errno : 0;
	p = mmap(NULL, (1 + RING_PAGES) * w->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	w->cpu[cpu].ring = p;
	w->cpu[cpu].fd = fd;
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int mmapwatch_add(struct mmapwatch *w, int cgroup_dir)
{
	for (size_t i = 0; i < w->cpu_count; i++) {
		int fd = mmapwatch_perf((int)i, cgroup_dir), r;

		if (fd == -ENODEV)
			continue; /* a CPU that is off */
		if (fd < 0)
			return fd;
		assert(w->fd_count < w->fd_room);
		w->fd[w->fd_count++] = fd;
		r = mmapwatch_ring(w, (int)i, fd);
		if (r < 0)
			return r;
	}
	return 0;
}

static void mmapwatch_close(struct mmapwatch *w)
{
	for (size_t i = 0; w->cpu && i < w->cpu_count; i++)
		if (w->cpu[i].ring)
			munmap(w->cpu[i].ring, (1 + RING_PAGES) * w->page);
	while (w->fd_count)
		close(w->fd[--w->fd_count]);
	if (w->cpu)
		memset(w->cpu, 0, w->cpu_count * sizeof(*w->cpu));
	if (w->epoll >= 0)
		close(w->epoll);
	w->epoll = -1;
}

static int mmapwatch_open(struct mmapwatch *w, const int *cgroup_dir, size_t count)
{
	int r = 0;

	mmapwatch_close(w);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = mmapwatch_add(w, cgroup_dir[i]);
	return r;
}

int mmapwatch_new(const int *cgroup_dir, size_t count, const struct mmapwatch_calls *calls,
		  void *ctx, struct mmapwatch **ret)
{
	static const int everywhere = -1;
	_cleanup_(mmapwatch_free) struct mmapwatch *w = obj_new(w, MMAPWATCH_MAGIC);
	int r;

	if (!w)
		return -ENOMEM;
	w->epoll = -1;
	w->calls = *calls;
	w->ctx = ctx;
	w->page = (size_t)sysconf(_SC_PAGESIZE);
	w->cpu_count = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	w->fd_room = MAX(count, (size_t)1) * w->cpu_count;
	w->cpu = mem_zero(w->cpu_count, sizeof(*w->cpu));
	w->fd = mem_zero(w->fd_room, sizeof(*w->fd));
	if (!w->cpu || !w->fd)
		return -ENOMEM;
	w->per_cgroup = true;
	r = mmapwatch_open(w, cgroup_dir, count);
	/* -EBADF, -ENOENT: the controller is on another hierarchy, or the cgroup is just gone; -EINVAL: a kernel without it */
	if (r == -EBADF || r == -ENOENT || r == -EINVAL) {
		w->per_cgroup = false;
		r = mmapwatch_open(w, &everywhere, 1);
	}
	if (r < 0)
		return r;
	*ret = take(w);
	return 0;
}

int mmapwatch_fd(const struct mmapwatch *w)
{
	obj_check(w, MMAPWATCH_MAGIC);
	return w->epoll;
}

bool mmapwatch_per_cgroup(const struct mmapwatch *w)
{
	obj_check(w, MMAPWATCH_MAGIC);
	return w->per_cgroup;
}

static void mmapwatch_copy(const struct mmapwatch *w, const void *ring, uint64_t at, void *ret,
			   size_t n)
{
	const char *data = (const char *)ring + w->page;
	size_t size = RING_PAGES * w->page, from = at % size, head = MIN(n, size - from);

	memcpy(ret, data + from, head);
	memcpy((char *)ret + head, data, n - head);
}

static int mmapwatch_record(struct mmapwatch *w, const struct perf_event_header *h)
{
	const void *body = w->record;
	const struct mmap2 *m = body;
	size_t n = h->size - sizeof(*h);

	if (h->type == PERF_RECORD_LOST && n >= 2 * sizeof(uint64_t))
		return w->calls.lost(w->ctx, ((const uint64_t *)body)[1]);
	if (h->type != PERF_RECORD_MMAP2 || n <= sizeof(*m) || m->ino == 0)
		return 0;
	w->record[n - 1] = '\0';
	return w->calls.mapped(w->ctx, &(struct mapping){
					       .tgid = (pid_t)m->pid,
					       .start = m->addr,
					       .end = m->addr + m->len,
					       .dev = makedev(m->major, m->minor),
					       .ino = m->ino,
					       .path = str_of(m->name),
				       });
}

static int mmapwatch_drain_ring(struct mmapwatch *w, void *ring)
{
	struct perf_event_mmap_page *page = ring;
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = page->data_tail;
	struct perf_event_header h;
	int r = 0;

	while (r == 0 && head - tail >= sizeof(h)) {
		mmapwatch_copy(w, ring, tail, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > head - tail)
			return -EBADMSG;
		mmapwatch_copy(w, ring, tail + sizeof(h), w->record, h.size - sizeof(h));
		tail += h.size;
		/* given back before the call: handling one takes milliseconds */
		__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
		r = mmapwatch_record(w, &h);
	}
	return r;
}

int mmapwatch_drain(struct mmapwatch *w)
{
	int r = 0;

	obj_check(w, MMAPWATCH_MAGIC);
	for (size_t i = 0; r == 0 && i < w->cpu_count; i++)
		if (w->cpu[i].ring)
			r = mmapwatch_drain_ring(w, w->cpu[i].ring);
	return r;
}

void mmapwatch_free(struct mmapwatch **ptr)
{
	struct mmapwatch *w = obj_take(ptr, MMAPWATCH_MAGIC);

	if (!w)
		return;
	mmapwatch_close(w);
	mem_free(w->cpu);
	mem_free(w->fd);
	mem_free(w);
}
