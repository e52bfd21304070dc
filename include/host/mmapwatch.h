/* mmapwatch.h -- executable mappings and process starts as they happen (PERF_RECORD_MMAP2), for the observed cgroups.
 *
 * Per cgroup where the kernel's perf_event controller sits on the v2 hierarchy; else system-wide records are taken and
 * those of other cgroups are thrown away unread, by the process's cgroup. Needs CAP_PERFMON. */
#ifndef HOST_MMAPWATCH_H
#define HOST_MMAPWATCH_H

#include "base/str.h"
#include <sys/types.h>

struct mmapwatch;
struct mmapwatch_calls {
	/* `dev`/`ino` as the kernel says them; on overlays they are not what fstat says */
	int (*mapped)(void *ctx, pid_t tgid, uint64_t dev, uint64_t ino, struct str path);
	int (*lost)(void *ctx, uint64_t records); /* rescan */
};

int mmapwatch_new(const int *cgroup_dir, size_t count, const struct mmapwatch_calls *calls, void *ctx,
		  struct mmapwatch **ret) _must_use_;
int mmapwatch_fd(const struct mmapwatch *w); /* an epoll descriptor: readable when there is something */
int mmapwatch_drain(struct mmapwatch *w) _must_use_;
bool mmapwatch_per_cgroup(const struct mmapwatch *w);
void mmapwatch_free(struct mmapwatch **w);

#endif
