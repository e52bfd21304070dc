/* scope.h -- which cgroups are observed: the configured subtrees, also those that do not exist yet. */
#ifndef APP_SCOPE_H
#define APP_SCOPE_H

#include <sys/types.h>
#include "app/conf.h"
#include "host/cgroup.h"
#include "probe/kernel.h"

struct scope_set;

/* -ENOENT: this host has no such hierarchy. */
int scope_new(const struct conf *c, enum cgroup_hierarchy h, struct scope_set **ret) _must_use_;
/* As proc_cgroup(), in the hierarchy of the set. */
int scope_cgroup(const struct scope_set *s, pid_t pid, char *ret, size_t room) _must_use_;
const char *scope_mount(const struct scope_set *s);
/* Tells the kernel of every configured cgroup that has come (or come again). *ret_new: how many have. */
int scope_refresh(struct scope_set *s, const struct kernel *k, size_t *ret_new) _must_use_;
int scope_fd(
	const struct scope_set *s); /* readable when a cgroup that is waited for may have come */
/* By its path in the hierarchy; the deepest configured subtree decides. */
bool scope_observed(const struct scope_set *s, struct str path);
/* Descriptors of the observed directories that exist; the caller closes them. */
size_t scope_dirs(const struct scope_set *s, int ret[CONF_LIST]);
/* Every observed cgroup, parents first. */
int scope_walk(const struct scope_set *s, int (*fn)(void *ctx, uint64_t id, struct str path),
	       void *ctx) _must_use_;
void scope_free(struct scope_set **s);

#endif
