#include <stdlib.h>
#include "base/limit.h"
#include "team/mapread.h"

#define ID_BYTES   64
#define ID_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static size_t count_of(const struct yaml_node *node)
{
	size_t n = 0;

	yaml_each (item, node)
		n++;
	return n;
}

const struct map_team *mapread_team(const struct map *m, struct str id)
{
	for (size_t i = 0; i < m->team_count; i++)
		if (str_eq(m->team[i].id, id))
			return &m->team[i];
	return NULL;
}

static const struct project *find_project(const struct map *m, struct str id)
{
	for (size_t i = 0; i < m->project_count; i++)
		if (str_eq(m->project[i].id, id))
			return &m->project[i];
	return NULL;
}

/* ---- sections ---- */

static int section(const struct rule_from *from, const struct yaml_node *node, enum yaml_type type,
		   const char *shape)
{
	if (!node || node->type == type || (node->type == YAML_TEXT && node->text.n == 0))
		return 0;
	return yaml_wrong(from->error, from->name, node, "'" STR_FMT "' must be %s",
			  STR_ARG(node->key), shape);
}

static int need_team(const struct rule_from *from, const struct map *m, const struct yaml_node *at,
		     struct str team)
{
	if (mapread_team(m, team) || str_eq(team, S(TEAM_NONE)))
		return 0;
	return yaml_wrong(from->error, from->name, at,
			  "unknown team '" STR_FMT "': add it under 'teams', or correct the name",
			  STR_ARG(team));
}

static int check_id(const struct rule_from *from, const struct yaml_node *at)
{
	bool good = at->key.n > 0 && at->key.n <= ID_BYTES && !str_starts(at->key, S("__"));

	for (size_t i = 0; good && i < at->key.n; i++)
		good = at->key.p[i] != '\0' && strchr(ID_LETTERS, at->key.p[i]) != NULL;
	if (good)
		return 0;
	return yaml_wrong(from->error, from->name, at,
			  "'" STR_FMT
			  "' cannot be a name: use 1 to %d letters, digits, '_', '.' or '-', "
			  "not starting with '__'",
			  STR_ARG(at->key), ID_BYTES);
}

static int read_departments(const struct rule_from *from, const struct yaml_node *node)
{
	static const char *const known[] = { "name", "owners", "cost_center", NULL };
	int r = section(from, node, YAML_MAP, "a map of departments: 'id: {name: ...}'");

	if (r < 0)
		return r;
	yaml_each (item, node) {
		struct str name = STR_NONE;

		r = check_id(from, item);
		if (r == 0)
			r = rule_keys(from, item, "department", known);
		if (r == 0)
			r = rule_text(from, yaml_get(item, "name"), &name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_team(const struct rule_from *from, const struct yaml_node *item,
		     const struct yaml_node *departments, struct map_team *ret)
{
	static const char *const known[] = { "name",   "department", "cost_center",
					     "owners", "wallet",     NULL };
	struct map_team t = { .id = item->key };
	struct str wallet = STR_NONE;
	int r = check_id(from, item);

	if (r == 0)
		r = rule_keys(from, item, "team", known);
	if (r == 0)
		r = rule_text(from, yaml_get(item, "name"), &t.name);
	if (r == 0)
		r = rule_text(from, yaml_get(item, "department"), &t.department);
	if (r == 0)
		r = rule_text(from, yaml_get(item, "cost_center"), &t.cost_center);
	if (r == 0)
		r = rule_text(from, yaml_get(item, "wallet"), &wallet);
	if (r < 0)
		return r;
	if (t.department.n && departments && !yaml_get(departments, t.department.p))
		return yaml_wrong(from->error, from->name, yaml_get(item, "department"),
				  "unknown department '" STR_FMT
				  "': add it under 'departments', or "
				  "correct the name",
				  STR_ARG(t.department));
	*ret = t;
	return 0;
}

static int read_teams(const struct rule_from *from, const struct yaml_node *root, struct map *m)
{
	const struct yaml_node *node = yaml_get(root, "teams");
	int r = section(from, node, YAML_MAP, "a map of teams: 'id: {name: ...}'");

	if (r < 0)
		return r;
	m->team = arena_get(from->arena, (count_of(node) + 1) * sizeof(*m->team));
	if (!m->team)
		return -ENOMEM;
	yaml_each (item, node) {
		r = read_team(from, item, yaml_get(root, "departments"), &m->team[m->team_count]);
		if (r < 0)
			return r;
		m->team_count++;
	}
	return 0;
}

static int read_projects(const struct rule_from *from, const struct yaml_node *node, struct map *m)
{
	static const char *const known[] = { "name", "team", "environment", NULL };
	int r = section(from, node, YAML_MAP, "a map of projects: 'id: {team: ...}'");

	if (r < 0)
		return r;
	m->project = arena_get(from->arena, (count_of(node) + 1) * sizeof(*m->project));
	if (!m->project)
		return -ENOMEM;
	yaml_each (item, node) {
		struct project *p = &m->project[m->project_count];

		p->id = item->key;
		r = check_id(from, item);
		if (r == 0)
			r = rule_keys(from, item, "project", known);
		if (r == 0)
			r = rule_text(from, yaml_get(item, "team"), &p->team);
		if (r == 0)
			r = rule_text(from, yaml_get(item, "environment"), &p->environment);
		if (r == 0 && p->team.n)
			r = need_team(from, m, item, p->team);
		if (r < 0)
			return r;
		m->project_count++;
	}
	return 0;
}

/* The project says what the rule leaves open; they may not contradict each other. */
static int settle(const struct rule_from *from, const struct map *m, struct rule *rule)
{
	const struct project *p = find_project(m, rule->project);

	if (p && p->team.n && rule->team.n && !str_eq(p->team, rule->team))
		return yaml_wrong(from->error, from->name, rule->at,
				  "project '" STR_FMT "' belongs to team '" STR_FMT
				  "', the rule says '" STR_FMT "': make them agree",
				  STR_ARG(p->id), STR_ARG(p->team), STR_ARG(rule->team));
	if (p && !rule->team.n)
		rule->team = p->team;
	if (p && !rule->environment.n)
		rule->environment = p->environment;
	if (!rule->team.n)
		return yaml_wrong(from->error, from->name, rule->at,
				  "rule '" STR_FMT
				  "' assigns no team: add 'team: NAME' under 'assign'",
				  STR_ARG(rule->id));
	return need_team(from, m, yaml_get(rule->at, "assign"), rule->team);
}

static int by_id(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	int r = memcmp((*x)->id.p, (*y)->id.p, MIN((*x)->id.n, (*y)->id.n));

	if (r == 0 && (*x)->id.n != (*y)->id.n)
		r = (*x)->id.n < (*y)->id.n ? -1 : 1;
	if (r == 0)
		r = (*x)->at->line < (*y)->at->line ? -1 : 1;
	return r;
}

static int check_twins(const struct rule_from *from, const struct map *m)
{
	struct rule **sorted = arena_get(from->arena, (m->rule_count + 1) * sizeof(struct rule *));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < m->rule_count; i++)
		sorted[i] = &m->rule[i];
	qsort(sorted, m->rule_count, sizeof(struct rule *), by_id);
	for (size_t i = 1; i < m->rule_count; i++)
		if (str_eq(sorted[i - 1]->id, sorted[i]->id))
			return yaml_wrong(from->error, from->name, sorted[i]->at,
					  "the rule id '" STR_FMT
					  "' is taken by line %u: give one of them another",
					  STR_ARG(sorted[i]->id), sorted[i - 1]->at->line);
	return 0;
}

static int read_rules(const struct rule_from *from, const struct yaml_node *node, struct map *m)
{
	size_t count = count_of(node);
	int r = section(from, node, YAML_LIST,
			"a list of rules: '- {id: ..., match: ..., assign: ...}'");

	if (r < 0)
		return r;
	if (count > LIMIT_TEAM_RULES)
		return yaml_wrong(from->error, from->name, node,
				  "%zu rules are too many: at most %d, so join some with globs",
				  count, LIMIT_TEAM_RULES);
	m->rule = arena_get(from->arena, (count + 1) * sizeof(*m->rule));
	if (!m->rule)
		return -ENOMEM;
	yaml_each (item, node) {
		r = rule_parse(from, item, &m->rule[m->rule_count]);
		if (r == 0)
			r = settle(from, m, &m->rule[m->rule_count]);
		if (r < 0)
			return r;
		m->rule_count++;
	}
	return check_twins(from, m);
}

static int read_test(const struct rule_from *from, const struct yaml_node *item,
		     struct map_test *ret)
{
	static const char *const known[] = { "cgroup",  "exe",    "systemd_unit", "container",
					     "pod_uid", "expect", "uid",          NULL };
	struct map_test t = { .line = item->line };
	struct str *to[] = { &t.subject.cgroup,    &t.subject.exe,     &t.subject.unit,
			     &t.subject.container, &t.subject.pod_uid, &t.expect };
	const struct yaml_node *uid = yaml_get(item, "uid");
	int r = rule_keys(from, item, "test", known);
	uint32_t high;

	for (size_t i = 0; r == 0 && i < COUNT_OF(to); i++)
		r = rule_text(from, yaml_get(item, known[i]), to[i]);
	if (r == 0 && uid) {
		r = rule_uid(from, uid, &t.subject.uid, &high);
		t.subject.has_uid = true;
	}
	if (r == 0 && !t.expect.n)
		r = yaml_wrong(from->error, from->name, item,
			       "a test says what it expects: add 'expect: TEAM'");
	if (r == 0)
		*ret = t;
	return r;
}

static int read_tests(const struct rule_from *from, const struct yaml_node *node, struct map *m)
{
	int r = section(from, node, YAML_LIST, "a list of tests: '- {cgroup: ..., expect: TEAM}'");

	if (r < 0)
		return r;
	m->test = arena_get(from->arena, (count_of(node) + 1) * sizeof(*m->test));
	if (!m->test)
		return -ENOMEM;
	yaml_each (item, node) {
		r = read_test(from, item, &m->test[m->test_count]);
		if (r == 0)
			r = need_team(from, m, item, m->test[m->test_count].expect);
		if (r < 0)
			return r;
		m->test_count++;
	}
	return 0;
}

static int read_head(const struct rule_from *from, const struct yaml_node *root, struct map *m)
{
	static const char *const known[] = { "version", "org",      "departments",
					     "teams",   "projects", "defaults",
					     "rules",   "tests",    NULL };
	static const char *const defaults[] = { "on_no_match", NULL };
	const struct yaml_node *node = yaml_get(root, "defaults");
	struct str version = STR_NONE, org = STR_NONE;
	int r = rule_keys(from, root, "map", known);

	if (r == 0)
		r = rule_text(from, yaml_get(root, "version"), &version);
	if (r == 0 && version.p && !str_eq(version, S("1")))
		return yaml_wrong(
			from->error, from->name, yaml_get(root, "version"),
			"this submeter reads version 1 of the team map: write 'version: 1'");
	if (r == 0)
		r = rule_text(from, yaml_get(root, "org"), &org);
	if (r == 0 && node)
		r = rule_keys(from, node, "defaults", defaults);
	m->on_no_match = S(TEAM_NONE);
	if (r == 0)
		r = rule_text(from, yaml_get(node, "on_no_match"), &m->on_no_match);
	return r;
}

int mapread(struct map *m, const char *name, char error[YAML_ERROR])
{
	const struct yaml_node *root = yaml_root(m->yaml);
	const struct rule_from from = { name, &m->arena, error };
	int r;

	m->on_no_match = S(TEAM_NONE);
	if (!root)
		return 0;
	r = read_head(&from, root, m);
	if (r == 0)
		r = read_departments(&from, yaml_get(root, "departments"));
	if (r == 0)
		r = read_teams(&from, root, m);
	if (r == 0)
		r = need_team(&from, m, yaml_get(root, "defaults"), m->on_no_match);
	if (r == 0)
		r = read_projects(&from, yaml_get(root, "projects"), m);
	if (r == 0)
		r = read_rules(&from, yaml_get(root, "rules"), m);
	if (r == 0)
		r = read_tests(&from, yaml_get(root, "tests"), m);
	return r;
}
