/* mapread.h -- team-map.yaml, section by section, into a struct map. */
#ifndef TEAM_MAPREAD_H
#define TEAM_MAPREAD_H

#include "team/rule.h"

struct project {
	struct str id, team, environment;
};

struct map {
	unsigned magic;
#define MAP_MAGIC 0x7ea30001u
	struct yaml *yaml; /* every string points into it */
	struct arena arena;
	char revision[17];
	struct str on_no_match; /* team */
	size_t team_count, project_count, rule_count, test_count;
	struct map_team *team;
	struct project *project;
	struct rule *rule;
	struct map_test *test;
};

/* Fills `m` from m->yaml. -EBADMSG with "FILE:LINE: what, what to do"; -ENOMEM. */
int mapread(struct map *m, const char *name, char error[YAML_ERROR]) _must_use_;
const struct map_team *mapread_team(const struct map *m, struct str id); /* NULL: not there */

#endif
