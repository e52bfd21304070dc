/* cgroup.h -- cgroup ids, paths and what a path says of a unit, container or pod. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include "base/str.h"

/* Which tree of cgroups names the payer: the v2 one, or one of the v1 trees of an older host. */
enum cgroup_hierarchy { CGROUP_AUTO, CGROUP_V2, CGROUP_PIDS, CGROUP_MEMORY, CGROUP_SYSTEMD };

/* "auto", "v2", "pids", "memory", "systemd"; -EINVAL. */
int cgroup_named(const char *name, enum cgroup_hierarchy *ret) _must_use_;
const char *cgroup_name(enum cgroup_hierarchy h);
/* The mount point of a hierarchy; -ENOENT. CGROUP_AUTO becomes the first of v2, systemd and pids that is in use: that has
 * more than its root; where none is, the first that is mounted. */
int cgroup_mount(enum cgroup_hierarchy *h, char *ret, size_t room) _must_use_;
/* "/a/b" below the mount -> id. -ENOENT; -EINVAL for a path that is not absolute or has a "..". */
int cgroup_id(const char *mount, const char *path, uint64_t *ret) _must_use_;
/* A descriptor of its directory (O_RDONLY | O_DIRECTORY | O_CLOEXEC). */
int cgroup_open(const char *mount, const char *path, int *ret) _must_use_;
/* Every cgroup of the subtree, parents first. What disappears meanwhile is passed over; fn returns 0 or a negative
 * errno that ends the walk. */
int cgroup_walk(const char *mount, const char *path,
		int (*fn)(void *ctx, uint64_t id, struct str path), void *ctx) _must_use_;
/* Is `path` the cgroup `root` or below it? */
bool cgroup_below(struct str path, struct str root);

/* id -> path, remembered after the cgroup is gone; bounded by LIMIT_CGROUPS: at it the one told longest ago goes. */
struct cgroups;
int cgroups_new(struct cgroups **ret) _must_use_;
int cgroups_add(struct cgroups *c, uint64_t id, struct str path) _must_use_; /* again: replaces */
struct str cgroups_path(const struct cgroups *c, uint64_t id);               /* absent if unknown */
void cgroups_free(struct cgroups **c);

struct cgroup_facts { /* point into `path` or into this struct: do not copy it */
	struct str
		unit; /* systemd: the .service or .scope below nothing but slices, "\x2d" as "-" */
	struct str container; /* 64 hex digits: docker, containerd, CRI-O, podman; the deepest */
	struct str pod_uid;   /* with "-", or the 32 hex digits of a static pod */
	char unit_text[256], pod_text[64];
};
void cgroup_facts(struct str path, struct cgroup_facts *ret);

#endif
