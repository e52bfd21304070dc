/* cgroup.h -- cgroup v2 ids, paths and what a path says of a unit, container or pod. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include "base/str.h"

/* The mount point of the v2 hierarchy (/sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid host). -ENOENT. */
int cgroup_mount(char *ret, size_t room) _must_use_;
/* "/a/b" below the mount -> id. -ENOENT */
int cgroup_id(const char *mount, const char *path, uint64_t *ret) _must_use_;
/* Every cgroup of the subtree, parents first. */
int cgroup_walk(const char *mount, const char *path, int (*fn)(void *ctx, uint64_t id, struct str path),
		void *ctx) _must_use_;

/* id -> path, remembered after the cgroup is gone; bounded. */
struct cgroups;
int cgroups_new(struct cgroups **ret) _must_use_;
int cgroups_add(struct cgroups *c, uint64_t id, struct str path) _must_use_; /* again: replaces */
struct str cgroups_path(const struct cgroups *c, uint64_t id);		      /* absent if unknown */
void cgroups_free(struct cgroups **c);

struct cgroup_facts { /* borrowed from the path */
	struct str unit, container, pod_uid;
};
void cgroup_facts(struct str path, struct cgroup_facts *ret);

#endif
