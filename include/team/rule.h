/* rule.h -- one rule of a team map: patterns that a caller is held against, and whom it assigns. */
#ifndef TEAM_RULE_H
#define TEAM_RULE_H

#include "base/arena.h"
#include "base/yaml.h"
#include "team/team.h"

#define RULE_BECAUSE 512 /* bytes of an explanation with its NUL */

enum matcher {
#define MATCHER(name, key, how, member, words) MATCHER_##name,
#include "tbl/matcher.h"
#undef MATCHER
	MATCHER_COUNT
};

struct pattern { /* one of several: any may match */
	struct str text;
	uint32_t from, to; /* RANGE */
	struct pattern *next;
};

struct rule {
	struct str id;
	const struct yaml_node *at;           /* where it stands */
	struct pattern *match[MATCHER_COUNT]; /* NULL: the rule does not look at it */
	struct str team, project, department, cost_center, environment; /* absent: not assigned */
	bool gateway;                                                   /* hop: gateway */
};

/* What is being read, for messages; strings point into the document. */
struct rule_from {
	const char *name;
	struct arena *arena;
	char *error; /* YAML_ERROR bytes */
};

/* -EBADMSG with the message, -ENOMEM. Whether the team exists is the map's business. */
int rule_parse(const struct rule_from *from, const struct yaml_node *node,
	       struct rule *ret) _must_use_;
/* `because` may be NULL. */
bool rule_match(const struct rule *rule, const struct subject *s, char *because);

/* Helpers for every section of the map. -EBADMSG with the message. */
int rule_keys(const struct rule_from *from, const struct yaml_node *node, const char *where,
	      const char *const *known)
	_must_use_; /* a map with only these keys; NULL at the end */
/* A text that is not empty; a missing node leaves `ret` absent. */
int rule_text(const struct rule_from *from, const struct yaml_node *node,
	      struct str *ret) _must_use_;
int rule_uid(const struct rule_from *from, const struct yaml_node *node, uint32_t *ret_from,
	     uint32_t *ret_to) _must_use_; /* "1000" or "1000-60000" */

#endif
