/* proc.h -- facts about a process, from /proc. Every call may answer -ESRCH: it is gone. */
#ifndef HOST_PROC_H
#define HOST_PROC_H

#include "base/str.h"
#include "host/cgroup.h"
#include <sys/types.h>

/* CLOCK_BOOTTIME, cut to a clock tick (proc_tick_ns), as the kernel's start_boottime would be. */
int proc_start_ns(pid_t pid, uint64_t *ret) _must_use_;
uint64_t proc_tick_ns(void);
/* The path in that hierarchy (not CGROUP_AUTO). A process that is ending has none: -ESRCH; -ENOENT: no such hierarchy. */
int proc_cgroup(pid_t pid, enum cgroup_hierarchy h, char *ret, size_t room) _must_use_;
int proc_exe(pid_t pid, char *ret, size_t room) _must_use_;
int proc_uid(pid_t pid, uint32_t *ret) _must_use_;
/* fn returns 0, or a negative errno that ends the walk and is passed up. */
int proc_pids(int (*fn)(void *ctx, pid_t pid), void *ctx) _must_use_;

/* A descriptor (O_RDONLY | O_CLOEXEC) of a regular file that the process has mapped from `start` to `end`; through
 * map_files where allowed, else through its root. -ENOENT: not there any more; -EACCES. */
int proc_open(pid_t pid, uint64_t start, uint64_t end, const char *path, int *ret) _must_use_;
/* One for every file that the process maps executable, each inode once. `fd` is closed after fn returns. */
int proc_code(pid_t pid, int (*fn)(void *ctx, int fd, const char *path), void *ctx) _must_use_;

#endif
