/* proc.h -- facts about a process, from /proc. Every call may answer -ESRCH: it is gone. */
#ifndef HOST_PROC_H
#define HOST_PROC_H

#include "base/str.h"
#include <sys/types.h>

int proc_start_ns(pid_t pid, uint64_t *ret) _must_use_; /* CLOCK_BOOTTIME, as the kernel's start_boottime to a clock tick */
int proc_cgroup(pid_t pid, char *ret, size_t room) _must_use_; /* the v2 path */
int proc_exe(pid_t pid, char *ret, size_t room) _must_use_;
int proc_uid(pid_t pid, uint32_t *ret) _must_use_;
int proc_pids(int (*fn)(void *ctx, pid_t pid), void *ctx) _must_use_;
/* A descriptor (O_RDONLY | O_CLOEXEC) of every file that the process maps executable, each inode once;
 * through map_files where allowed, else through its root. `fd` is closed after fn returns. */
int proc_code(pid_t pid, int (*fn)(void *ctx, int fd, const char *path), void *ctx) _must_use_;

#endif
