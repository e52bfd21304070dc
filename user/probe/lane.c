#include <sys/stat.h>
#include <unistd.h>
#include "probe/lane.h"

size_t lane_page_up(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

int lane_map(int fd, size_t size, int prot, off_t off, void **ret)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, off);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

void lane_unmap(const void *p, size_t size)
{
	if (p)
		munmap((void *)(uintptr_t)p, size);
}

/* The kernel refuses to map more than the ring has, so the largest size that it maps is the ring's. This needs
 * neither bpf() nor /proc. */
static int lane_fit(struct lane *l, void **ret)
{
	struct stat st;
	size_t size;
	int r = -EINVAL;

	if (fstat(l->fd, &st) < 0)
		return -errno;
	if (st.st_size > 0) { /* a plain file tells its size, and would be mapped beyond it */
		size = ((size_t)st.st_size / l->page - 2) / 2 * l->page;
		if (size < l->page || size & (size - 1) || size > RING_MOST)
			return -EINVAL;
		l->size = size;
		l->mapped = l->page + 2 * size;
		return lane_map(l->fd, l->mapped, PROT_READ, (off_t)l->page, ret);
	}
	for (size = RING_MOST; size >= l->page; size /= 2) {
		l->size = size;
		l->mapped = l->page + 2 * size;
		r = lane_map(l->fd, l->mapped, PROT_READ, (off_t)l->page, ret);
		if (r != -EINVAL)
			return r;
	}
	return r;
}

int lane_init(struct lane *l, int fd)
{
	void *p = NULL;
	int r;

	l->fd = fd;
	l->page = (size_t)sysconf(_SC_PAGESIZE);
	r = lane_map(fd, l->page, PROT_READ | PROT_WRITE, 0, &p);
	if (r < 0)
		return r;
	l->consumer = p;
	r = lane_fit(l, &p);
	if (r < 0)
		return r;
	l->producer = p;
	l->data = (const char *)p + l->page;
	l->at = atomic_load(l->consumer) & ~(uint64_t)(RING_ALIGN - 1);
	l->goal = l->at;
	return 0;
}

void lane_done(struct lane *l)
{
	lane_unmap((const void *)l->consumer, l->page);
	lane_unmap((const void *)l->producer, l->mapped);
}
