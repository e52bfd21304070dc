/* mmapwatch.h -- executable mappings as they happen, exec's own among them (PERF_RECORD_MMAP2), for the observed
 * cgroups and what is below them.
 *
 * Per cgroup where the kernel's perf_event controller sits on their hierarchy; else system-wide records are taken and
 * whoever gets them must throw those of other cgroups away, by the process's cgroup. Needs CAP_PERFMON. */
#ifndef HOST_MMAPWATCH_H
#define HOST_MMAPWATCH_H

#include "base/str.h"
#include <sys/types.h>

struct mmapwatch;
struct mapping {
	pid_t tgid;
	uint64_t start, end; /* addresses in the process */
	uint64_t dev, ino;   /* as the kernel says them; on overlays they are not what fstat says */
	struct str path;     /* NUL-terminated, as the process sees it */
};
struct mmapwatch_calls {
	int (*mapped)(void *ctx, const struct mapping *m);
	int (*lost)(void *ctx, uint64_t records); /* rescan */
};

/* `cgroup_dir`: descriptors of their directories, not kept; none of them: nothing is reported. */
int mmapwatch_new(const int *cgroup_dir, size_t count, const struct mmapwatch_calls *calls,
		  void *ctx, struct mmapwatch **ret) _must_use_;
int mmapwatch_fd(
	const struct mmapwatch *w); /* an epoll descriptor: readable when there is something */
/* Reports what has happened until now. A negative return of a call ends it and is passed up. */
int mmapwatch_drain(struct mmapwatch *w) _must_use_;
bool mmapwatch_per_cgroup(const struct mmapwatch *w);
void mmapwatch_free(struct mmapwatch **w);

#endif
