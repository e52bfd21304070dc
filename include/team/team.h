/* team.h -- stage: charge -> posting. Who pays: first rule that matches the cgroup.
 *
 * The map is replaced as a whole or not at all. What no rule claims belongs to "__unattributed__". */
#ifndef TEAM_TEAM_H
#define TEAM_TEAM_H

#include "base/yaml.h"
#include "flow.h"

#define TEAM_NONE "__unattributed__"

struct map; /* a team map, immutable */

struct map_team {
	struct str id, name, department, cost_center;
};

struct map_tried { /* one rule as `explain` shows it */
	struct str rule;
	bool matched;
	struct str because; /* what it looked at, in words */
};

/* What is known of the caller. Absent members match nothing. */
struct subject {
	struct str cgroup; /* path as in /proc/PID/cgroup */
	struct str exe, unit, container, pod, pod_uid, namespace_;
	uint32_t uid;
	bool has_uid;
};

struct owner {
	struct str team, project, department, cost_center, environment;
	struct str rule; /* absent: no rule matched */
	bool gateway;    /* its calls to providers are paid by who asked for them */
};

struct map_test { /* a line of the file's own `tests:` */
	unsigned line;
	struct subject subject;
	struct str expect; /* team */
};

/* -EBADMSG with "FILE:LINE: ..." in `error`. An empty map is a valid one. */
int map_parse(struct str yaml, const char *name, struct map **ret,
	      char error[YAML_ERROR]) _must_use_;
int map_load(const char *path, struct map **ret, char error[YAML_ERROR]) _must_use_;
struct str map_revision(const struct map *m); /* 16 hex of the content */
size_t map_teams(const struct map *m);
const struct map_team *map_team(const struct map *m, size_t i);
size_t map_rules(const struct map *m);
size_t map_tests(const struct map *m);
const struct map_test *map_test(const struct map *m, size_t i);
/* Strings stay valid while the map lives. `tried` may be NULL; else called for each rule in order. */
void map_find(const struct map *m, const struct subject *s,
	      void (*tried)(void *ctx, const struct map_tried *t), void *ctx, struct owner *ret);
void map_free(struct map **m);

struct team;

struct team_opts {
	unsigned char host_id[16], epoch[8]; /* go into every call's id */
	bool saved;                          /* saved traffic: ids come from source_id instead */
	struct str host, boot_id;            /* borrowed */
	/* Facts of a call's origin; leaves unknown members absent. Strings live until the next call. */
	void (*facts)(void *ctx, const struct origin *from, struct subject *ret);
	struct str (*source_id)(void *ctx,
				const struct origin *from); /* saved traffic; else NULL */
	void *ctx;
};

int team_new(const struct team_opts *o, struct posting_sink out, struct team **ret) _must_use_;
void team_use(struct team *t, const struct map *m); /* borrowed; from the next charge on */
int team_feed(struct team *t, const struct charge *in) _must_use_;
void team_free(struct team **t);

#endif
