/* facts.h -- what is known of the callers: cgroup paths and executables, remembered after both are gone.
 *
 * Bounded: the oldest process is forgotten first (FACTS_PROCESSES). */
#ifndef APP_FACTS_H
#define APP_FACTS_H

#include "flow.h"
#include "host/cgroup.h"
#include "team/team.h"

#define FACTS_PROCESSES 16384

struct facts;

/* `h`: where a cgroup is looked up that nobody has told. */
int facts_new(enum cgroup_hierarchy h, struct facts **ret) _must_use_;
void facts_cgroup(struct facts *f, uint64_t id, struct str path);
void facts_process(struct facts *f, uint32_t tgid, uint64_t start_ns, struct str exe);
/* A library that says something of how this process speaks TLS: its path. */
void facts_library(struct facts *f, uint32_t tgid, uint64_t start_ns, struct str path);
struct str facts_library_of(struct facts *f, const struct origin *from);
/* Absent members are unknown. Looks the cgroup up on the host once a second at most when it is new to us. Strings live
 * until the next call. False: the cgroup's path is unknown. */
bool facts_subject(struct facts *f, const struct origin *from, struct subject *ret);
struct str facts_path(const struct facts *f, uint64_t cgroup);
void facts_free(struct facts **f);

#endif
