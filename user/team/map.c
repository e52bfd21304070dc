#include <stdio.h>
#include "base/hash.h"
#include "base/limit.h"
#include "base/obj.h"
#include "team/mapread.h"

/* What the file says, without comments and layout. */
static void hash_node(struct hash *h, const struct yaml_node *node)
{
	hash_u64(h, node->type);
	hash_field(h, node->key);
	hash_field(h, node->text);
	yaml_each (item, node)
		hash_node(h, item);
	hash_u64(h, UINT64_MAX); /* no type: the end of the list */
}

static void revision(struct map *m)
{
	unsigned char digest[16];
	struct hash h;

	hash_init(&h, NULL, sizeof(digest));
	if (yaml_root(m->yaml))
		hash_node(&h, yaml_root(m->yaml));
	hash_end(&h, digest, sizeof(digest));
	hash_hex(digest, (sizeof(m->revision) - 1) / 2, m->revision);
}

static int map_make(struct yaml **yaml, const char *name, struct map **ret, char error[YAML_ERROR])
{
	_cleanup_(map_free) struct map *m = obj_new(m, MAP_MAGIC);
	int r = -ENOMEM;

	if (m) {
		m->yaml = take(*yaml);
		m->arena.limit = LIMIT_TEAM_BYTES;
		r = mapread(m, name, error);
	}
	if (r == -ENOMEM)
		snprintf(error, YAML_ERROR, "%s: out of memory", name);
	if (r < 0)
		return r;
	revision(m);
	*ret = take(m);
	return 0;
}

int map_parse(struct str yaml, const char *name, struct map **ret, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	int r = yaml_parse(yaml, name, &y, error);

	return r < 0 ? r : map_make(&y, name, ret, error);
}

int map_load(const char *path, struct map **ret, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	int r = yaml_load(path, &y, error);

	return r < 0 ? r : map_make(&y, path, ret, error);
}

void map_free(struct map **mp)
{
	struct map *m = obj_take(mp, MAP_MAGIC);

	if (!m)
		return;
	yaml_free(&m->yaml);
	arena_reset(&m->arena);
	mem_free(m);
}

struct str map_revision(const struct map *m)
{
	obj_check(m, MAP_MAGIC);
	return str_of(m->revision);
}

size_t map_teams(const struct map *m)
{
	obj_check(m, MAP_MAGIC);
	return m->team_count;
}

const struct map_team *map_team(const struct map *m, size_t i)
{
	obj_check(m, MAP_MAGIC);
	assert(i < m->team_count);
	return &m->team[i];
}

size_t map_rules(const struct map *m)
{
	obj_check(m, MAP_MAGIC);
	return m->rule_count;
}

size_t map_tests(const struct map *m)
{
	obj_check(m, MAP_MAGIC);
	return m->test_count;
}

const struct map_test *map_test(const struct map *m, size_t i)
{
	obj_check(m, MAP_MAGIC);
	assert(i < m->test_count);
	return &m->test[i];
}

/* What the rule leaves open, the team says. */
static void assign(const struct map *m, const struct rule *rule, struct owner *ret)
{
	const struct map_team *team;

	*ret = (struct owner){ .team = m->on_no_match };
	if (rule)
		*ret = (struct owner){
			.team = rule->team,
			.project = rule->project,
			.department = rule->department,
			.cost_center = rule->cost_center,
			.environment = rule->environment,
			.rule = rule->id,
			.gateway = rule->gateway,
		};
	team = mapread_team(m, ret->team);
	if (team && !ret->department.p)
		ret->department = team->department;
	if (team && !ret->cost_center.p)
		ret->cost_center = team->cost_center;
}

void map_find(const struct map *m, const struct subject *s,
	      void (*tried)(void *ctx, const struct map_tried *t), void *ctx, struct owner *ret)
{
	char because[RULE_BECAUSE];
	const struct rule *hit = NULL;

	obj_check(m, MAP_MAGIC);
	for (size_t i = 0; i < m->rule_count && !hit; i++) {
		const struct rule *rule = &m->rule[i];

		if (rule_match(rule, s, tried ? because : NULL))
			hit = rule;
		if (tried)
			tried(ctx, &(struct map_tried){ rule->id, hit != NULL, str_of(because) });
	}
	assign(m, hit, ret);
}
