#include <stdio.h>
#include "team/glob.h"
#include "team/rule.h"

enum how { HOW_PATH, HOW_SLICE, HOW_TEXT, HOW_RANGE };

static const struct {
	const char *key, *words;
	enum how how;
	size_t at; /* in struct subject */
} rows[] = {
#define MATCHER(name, key, how, member, words) \
	{ key, words, HOW_##how, offsetof(struct subject, member) },
#include "tbl/matcher.h"
#undef MATCHER
};

static const struct {
	const char *where, *key;
} later[] = {
#define LATER(where, key) { where, key },
#include "tbl/maplater.h"
#undef LATER
};

/* ---- words about a document ---- */

static bool is_later(const char *where, struct str key)
{
	for (size_t i = 0; i < COUNT_OF(later); i++)
		if (strcmp(later[i].where, where) == 0 && str_eq(key, str_of(later[i].key)))
			return true;
	return false;
}

static bool is_known(const char *const *known, struct str key)
{
	for (; *known; known++)
		if (str_eq(key, str_of(*known)))
			return true;
	return false;
}

static int unknown_key(const struct rule_from *from, const struct yaml_node *at, const char *where,
		       const char *const *known)
{
	char list[256];
	int n = 0;

	list[0] = '\0';
	for (; *known && n >= 0 && (size_t)n < sizeof(list); known++)
		n += snprintf(list + n, sizeof(list) - (size_t)n, "%s%s", n ? ", " : "", *known);
	return yaml_wrong(from->error, from->name, at,
			  "unknown key '" STR_FMT "' in '%s': use one of %s", STR_ARG(at->key),
			  where, list);
}

int rule_keys(const struct rule_from *from, const struct yaml_node *node, const char *where,
	      const char *const *known)
{
	if (node->type != YAML_MAP)
		return yaml_wrong(from->error, from->name, node,
				  "'%s' is a list of 'key: value' lines: write it so", where);
	yaml_each (item, node) {
		if (is_known(known, item->key))
			continue;
		if (is_later(where, item->key))
			return yaml_wrong(from->error, from->name, item,
					  "'" STR_FMT
					  "' is not supported by this version of submeter: "
					  "remove it, or match on the cgroup instead",
					  STR_ARG(item->key));
		return unknown_key(from, item, where, known);
	}
	return 0;
}

int rule_text(const struct rule_from *from, const struct yaml_node *node, struct str *ret)
{
	if (!node)
		return 0;
	if (node->type != YAML_TEXT || node->text.n == 0)
		return yaml_wrong(from->error, from->name, node,
				  "'" STR_FMT "' must be a text: give it one, or remove the line",
				  STR_ARG(node->key));
	*ret = node->text;
	return 0;
}

static int number(struct str s, uint32_t *ret)
{
	uint64_t n;
	int r = str_u64(s, &n);

	if (r < 0 || n > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)n;
	return 0;
}

int rule_uid(const struct rule_from *from, const struct yaml_node *node, uint32_t *ret_from,
	     uint32_t *ret_to)
{
	struct str low, high = node->text;

	if (node->type == YAML_TEXT) {
		if (!str_cut(&high, &low, '-'))
			low = high;
		if (number(low, ret_from) == 0 && number(high, ret_to) == 0 && *ret_from <= *ret_to)
			return 0;
	}
	return yaml_wrong(from->error, from->name, node,
			  "a uid is a number or a range: write 1000 or \"1000-60000\"");
}

/* ---- reading ---- */

static int pattern_check(const struct rule_from *from, const struct yaml_node *node, enum how how,
			 struct pattern *p)
{
	if (how == HOW_RANGE)
		return rule_uid(from, node, &p->from, &p->to);
	if (node->type != YAML_TEXT || node->text.n == 0)
		return yaml_wrong(from->error, from->name, node,
				  "a pattern must be a text: write one, or a list of them");
	p->text = node->text;
	if (how == HOW_PATH && !str_starts(p->text, S("/")) && !str_starts(p->text, S("**")))
		return yaml_wrong(from->error, from->name, node,
				  "the pattern '" STR_FMT
				  "' never matches: paths start with '/', so "
				  "write '/" STR_FMT "' or '**/" STR_FMT "'",
				  STR_ARG(p->text), STR_ARG(p->text), STR_ARG(p->text));
	return 0;
}

static int pattern_add(const struct rule_from *from, const struct yaml_node *node, enum how how,
		       struct pattern ***tail)
{
	struct pattern *p = arena_get(from->arena, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = pattern_check(from, node, how, p);
	if (r < 0)
		return r;
	**tail = p;
	*tail = &p->next;
	return 0;
}

static int matcher_parse(const struct rule_from *from, const struct yaml_node *node, enum matcher m,
			 struct rule *rule)
{
	struct pattern **tail = &rule->match[m];
	int r = 0;

	if (rule->match[m])
		return yaml_wrong(from->error, from->name, node,
				  "'" STR_FMT "' is given twice: keep one", STR_ARG(node->key));
	if (node->type != YAML_LIST)
		return pattern_add(from, node, rows[m].how, &tail);
	yaml_each (item, node) {
		r = pattern_add(from, item, rows[m].how, &tail);
		if (r < 0)
			return r;
	}
	if (!rule->match[m])
		return yaml_wrong(
			from->error, from->name, node,
			"an empty list matches nothing: add a pattern, or remove the rule");
	return 0;
}

static int match_parse(const struct rule_from *from, const struct yaml_node *node,
		       struct rule *rule)
{
	static const char *const known[] = {
#define MATCHER(name, key, how, member, words) key,
#include "tbl/matcher.h"
#undef MATCHER
		"k8s", NULL
	};
	static const char *const k8s[] = { "pod_uid", NULL };
	const struct yaml_node *pod = yaml_get(node, "k8s");
	int r = rule_keys(from, node, "match", known);

	if (r == 0 && pod)
		r = rule_keys(from, pod, "k8s", k8s);
	if (r == 0 && yaml_get(pod, "pod_uid"))
		r = matcher_parse(from, yaml_get(pod, "pod_uid"), MATCHER_POD_UID, rule);
	for (int m = 0; r == 0 && m < MATCHER_COUNT; m++) {
		const struct yaml_node *item = yaml_get(node, rows[m].key);

		if (item)
			r = matcher_parse(from, item, (enum matcher)m, rule);
	}
	if (r < 0)
		return r;
	for (int m = 0; m < MATCHER_COUNT; m++)
		if (rule->match[m])
			return 0;
	return yaml_wrong(from->error, from->name, node,
			  "'match' looks at nothing: add a key such as cgroup: \"/path/**\"");
}

static int assign_parse(const struct rule_from *from, const struct yaml_node *node,
			struct rule *rule)
{
	static const char *const known[] = { "team",        "project",     "department",
					     "cost_center", "environment", NULL };
	struct str *to[] = { &rule->team, &rule->project, &rule->department, &rule->cost_center,
			     &rule->environment };
	int r = rule_keys(from, node, "assign", known);

	for (size_t i = 0; r == 0 && i < COUNT_OF(to); i++)
		r = rule_text(from, yaml_get(node, known[i]), to[i]);
	return r;
}

static int hop_parse(const struct rule_from *from, const struct yaml_node *node, struct rule *rule)
{
	struct str hop = STR_NONE;
	int r = rule_text(from, node, &hop);

	if (r == 0 && hop.n && !str_eq(hop, S("gateway")))
		return yaml_wrong(from->error, from->name, node,
				  "no hop '" STR_FMT "': write 'hop: gateway', or remove the line",
				  STR_ARG(hop));
	rule->gateway = hop.n > 0;
	return r;
}

int rule_parse(const struct rule_from *from, const struct yaml_node *node, struct rule *ret)
{
	static const char *const known[] = { "id", "match", "assign", "hop", NULL };
	const struct yaml_node *match = yaml_get(node, "match"), *assign = yaml_get(node, "assign");
	struct rule rule = { .at = node };
	int r = rule_keys(from, node, "rule", known);

	if (r == 0)
		r = rule_text(from, yaml_get(node, "id"), &rule.id);
	if (r == 0 && (!rule.id.n || !match || !assign))
		r = yaml_wrong(from->error, from->name, node,
			       "a rule needs 'id', 'match' and 'assign': add '%s'",
			       !rule.id.n ? "id"
			       : !match   ? "match"
					  : "assign");
	if (r == 0)
		r = match_parse(from, match, &rule);
	if (r == 0)
		r = assign_parse(from, assign, &rule);
	if (r == 0)
		r = hop_parse(from, yaml_get(node, "hop"), &rule);
	if (r == 0)
		*ret = rule;
	return r;
}

/* ---- matching ---- */

static struct str subject_text(const struct subject *s, enum matcher m)
{
	return *(const struct str *)(const void *)((const char *)s + rows[m].at);
}

/* Slices are what stands above the first unit. Below it a tenant may make cgroups of any name. */
static bool any_slice(struct str pattern, struct str path)
{
	struct str segment;

	for (bool more = true; more;) {
		more = str_cut(&path, &segment, '/');
		segment = more ? segment : path;
		if (glob_text(pattern, segment))
			return true;
		if (str_ends(segment, S(".service")) || str_ends(segment, S(".scope")))
			return false;
	}
	return false;
}

static bool one(enum matcher m, const struct pattern *p, const struct subject *s)
{
	struct str have;

	if (rows[m].how == HOW_RANGE)
		return s->has_uid && s->uid >= p->from && s->uid <= p->to;
	have = subject_text(s, m);
	if (!have.p)
		return false;
	switch (rows[m].how) {
	case HOW_PATH:
		return glob_path(p->text, have);
	case HOW_SLICE:
		return any_slice(p->text, have);
	default:
		return glob_text(p->text, have);
	}
}

static void explain(enum matcher m, const struct pattern *p, const struct subject *s, bool matched,
		    char *because)
{
	const char *does = matched ? "matches" : p->next ? "matches none of" : "does not match";
	const char *more = !matched && p->next ? ", ..." : "";

	if (rows[m].how == HOW_RANGE && s->has_uid)
		snprintf(because, RULE_BECAUSE, "%s %u %s %u-%u%s", rows[m].words, s->uid, does,
			 p->from, p->to, more);
	else if (rows[m].how == HOW_RANGE || !subject_text(s, m).p)
		snprintf(because, RULE_BECAUSE, "%s unknown", rows[m].words);
	else
		snprintf(because, RULE_BECAUSE, "%s " STR_FMT " %s " STR_FMT "%s", rows[m].words,
			 STR_ARG(subject_text(s, m)), does, STR_ARG(p->text), more);
}

bool rule_match(const struct rule *rule, const struct subject *s, char *because)
{
	const struct pattern *hit = NULL;

	for (int m = 0; m < MATCHER_COUNT; m++) {
		if (!rule->match[m])
			continue;
		for (hit = rule->match[m]; hit && !one((enum matcher)m, hit, s);)
			hit = hit->next;
		if (because)
			explain((enum matcher)m, hit ? hit : rule->match[m], s, hit != NULL,
				because);
		if (!hit)
			return false;
	}
	return true;
}
