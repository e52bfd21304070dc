/* The team map: globs, first match, and every way a file can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/obj.h"
#include "team/glob.h"
#include "team/team.h"

static const char good[] =
	"version: 1\n"
	"org: acme\n"
	"departments: {cx: {name: Customer Experience}}\n"
	"teams:\n"
	"  support: {name: Support, department: cx, cost_center: CC-410, owners: [a@b.example], "
	"wallet: w}\n"
	"  engineering: {name: Engineering, cost_center: CC-200}\n"
	"projects:\n"
	"  bot: {team: support, environment: prod}\n"
	"defaults: {on_no_match: __unattributed__}\n"
	"rules:\n"
	"  - id: bot\n"
	"    match: {systemd_unit: \"bot*.service\"}\n"
	"    assign: {project: bot}\n"
	"  - id: ml\n"
	"    match: {cgroup: [\"/acme.slice/ml.slice/**\", \"/ml/*\"]}\n"
	"    assign: {team: engineering, environment: batch, cost_center: CC-9}\n"
	"  - id: people\n"
	"    match: {systemd_slice: \"user-*.slice\", uid: \"1000-60000\", exe: \"**/claude\"}\n"
	"    assign: {team: support}\n"
	"  - id: pod\n"
	"    match: {k8s: {pod_uid: \"1234-*\"}}\n"
	"    assign: {team: support}\n"
	"  - id: all-of-acme\n"
	"    match: {cgroup: /acme.slice/**}\n"
	"    assign: {team: support}\n"
	"tests:\n"
	"  - {cgroup: /acme.slice/ml.slice, expect: engineering}\n"
	"  - {cgroup: /nowhere, uid: 7, expect: __unattributed__}\n";

static void test_glob(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool want;
	} rows[] = {
		{ "/a", "/a", true },
		{ "/a", "/a/b", false },
		{ "/a", "/b", false },
		{ "/a/", "/a", true },
		{ "/", "/", true },
		{ "/", "/a", false },
		{ "/**", "/", true },
		{ "/**", "/a/b/c", true },
		{ "/a/**", "/a", true },
		{ "/a/**", "/a/b/c", true },
		{ "/a/**", "/ab", false },
		{ "/a/*", "/a/b", true },
		{ "/a/*", "/a", false },
		{ "/a/*", "/a/b/c", false },
		{ "/a*/c", "/abb/c", true },
		{ "/a?c", "/abc", true },
		{ "/a?c", "/a/c", false },
		{ "/a/**/z", "/a/z", true },
		{ "/a/**/z", "/a/b/z/y/z", true },
		{ "/a/**/z", "/a/b/z/y", false },
		{ "**/claude", "/usr/bin/claude", true },
		{ "**/claude", "/usr/bin/claude2", false },
		{ "/**/b/**/d", "/a/b/c/b/d", true },
		{ "/**/b/**/d", "/a/c/d", false },
		{ "/a\\x2db.service", "/a\\x2db.service", true },
		{ "/x/[a]", "/x/a", false },
		{ "/*.scope", "/docker-1.scope", true },
		{ "/**/a/b", "/a/a/b", true },
		{ "/a/**/**", "/a", true },
		{ "/..", "/a", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (glob_path(str_of(rows[i].pattern), str_of(rows[i].path)) != rows[i].want)
			fail_msg("%s on %s", rows[i].pattern, rows[i].path);
	assert_true(glob_text(S("a*b*c"), S("aXXbYYbc")));
	assert_false(glob_text(S("a*b*c"), S("aXXbYYbcd")));
	assert_true(glob_text(S("*"), S("")));
	assert_false(glob_text(S("?"), S("")));
}

/* A path that would take a naive matcher longer than the universe is old. */
static void test_glob_bounded(void **state)
{
	static char path[4001];
	char stars[200];

	(void)state;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? 'a' : '/';
	memset(stars, 0, sizeof(stars));
	for (int i = 0; i < 30; i++)
		strcat(stars, "/**/a");
	strcat(stars, "/b");
	assert_false(glob_path(str_of(stars), str_of(path)));
	memset(path, 'a', sizeof(path) - 1);
	assert_false(glob_text(S("*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_of(path)));
}

struct seen {
	char text[1024];
};

static void on_tried(void *ctx, const struct map_tried *t)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, STR_FMT "%s;", STR_ARG(t->rule),
		 t->matched ? "!" : "");
	assert_true(t->because.n > 0);
}

static struct owner find(const struct map *m, struct subject s, const char *tried)
{
	struct seen seen = { "" };
	struct owner o, quiet;

	map_find(m, &s, on_tried, &seen, &o);
	map_find(m, &s, NULL, NULL, &quiet);
	assert_true(str_eq(o.team, quiet.team) && str_eq(o.rule, quiet.rule));
	assert_string_equal(seen.text, tried);
	return o;
}

static void test_find(void **state)
{
	_cleanup_(map_free) struct map *m = NULL;
	char error[YAML_ERROR] = "";
	struct owner o;

	(void)state;
	if (map_parse(str_of(good), "map.yaml", &m, error) < 0)
		fail_msg("%s", error);
	assert_int_equal(map_teams(m), 2);
	assert_int_equal(map_rules(m), 5);
	assert_true(str_eq(map_team(m, 0)->cost_center, S("CC-410")));

	o = find(m,
		 (struct subject){ .cgroup = S("/acme.slice/ml.slice/x"),
				   .unit = S("bot-1.service") },
		 "bot!;");
	assert_true(str_eq(o.team, S("support")) && str_eq(o.project, S("bot")) &&
		    str_eq(o.environment, S("prod")));
	assert_true(str_eq(o.department, S("cx")) && str_eq(o.cost_center, S("CC-410")) &&
		    str_eq(o.rule, S("bot")));
	o = find(m, (struct subject){ .cgroup = S("/ml/1") }, "bot;ml!;");
	assert_true(str_eq(o.team, S("engineering")) && str_eq(o.cost_center, S("CC-9")) &&
		    !o.department.p);
	o = find(m,
		 (struct subject){ .cgroup = S("/user.slice/user-7.slice/x"),
				   .exe = S("/usr/bin/claude"),
				   .uid = 1000,
				   .has_uid = true },
		 "bot;ml;people!;");
	assert_true(str_eq(o.team, S("support")));
	/* every key has to match */
	o = find(m,
		 (struct subject){ .cgroup = S("/user.slice/user-7.slice/x"),
				   .exe = S("/usr/bin/claude"),
				   .uid = 999,
				   .has_uid = true },
		 "bot;ml;people;pod;all-of-acme;");
	assert_true(str_eq(o.team, S(TEAM_NONE)) && !o.rule.p);
	o = find(m, (struct subject){ .pod_uid = S("1234-5678") }, "bot;ml;people;pod!;");
	assert_true(str_eq(o.rule, S("pod")));
	o = find(m, (struct subject){ 0 },
		 "bot;ml;people;pod;all-of-acme;"); /* unknown matches nothing */
	assert_true(str_eq(o.team, S(TEAM_NONE)));

	assert_int_equal(map_tests(m), 2);
	for (size_t i = 0; i < 2; i++) {
		map_find(m, &map_test(m, i)->subject, NULL, NULL, &o);
		assert_true(str_eq(o.team, map_test(m, i)->expect));
	}
}

static void test_empty(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "version: 1\n",
					     "teams: {}\nrules: []\n", "teams:\nrules:\n" };
	char error[YAML_ERROR] = "";
	struct owner o;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		_cleanup_(map_free) struct map *m = NULL;

		if (map_parse(str_of(texts[i]), "m", &m, error) < 0)
			fail_msg("%zu: %s", i, error);
		map_find(m, &(struct subject){ .cgroup = S("/a") }, NULL, NULL, &o);
		assert_true(str_eq(o.team, S(TEAM_NONE)));
	}
}

static void test_revision(void **state)
{
	_cleanup_(map_free) struct map *a = NULL, *b = NULL, *c = NULL;
	char error[YAML_ERROR];

	(void)state;
	assert_int_equal(map_parse(S("teams: {x: {name: X}}"), "m", &a, error), 0);
	assert_int_equal(map_parse(S("# note\nteams:\n  x:\n    name: X\n"), "m", &b, error), 0);
	assert_int_equal(map_parse(S("teams: {x: {name: Y}}"), "m", &c, error), 0);
	assert_int_equal(map_revision(a).n, 16);
	assert_true(str_eq(map_revision(a), map_revision(b)));
	assert_false(str_eq(map_revision(a), map_revision(c)));
}

#define HEAD                "teams: {a: {name: A}, b: {}}\n"
#define RULE(match, assign) HEAD "rules:\n- id: r\n  match: " match "\n  assign: " assign "\n"

static const struct {
	const char *text, *line, *words;
} wrong[] = {
	{ "version: 2\n", "m:1:", "version 1" },
	{ "team: {}\n", "m:1:", "unknown key 'team'" },
	{ "- a\n", "m:1:", "'map'" },
	{ "version: 1\npolicy: []\n", "m:2:", "not supported by this version" },
	{ "owners: {}\n", "m:1:", "not supported by this version" },
	{ "teams: [a]\n", "m:1:", "must be a map" },
	{ "teams: {__x: {}}\n", "m:1:", "cannot be a name" },
	{ "teams: {'a b': {}}\n", "m:1:", "cannot be a name" },
	{ "teams: {a: {colour: red}}\n", "m:1:", "unknown key 'colour'" },
	{ "departments: {x: {}}\nteams: {a: {department: y}}\n", "m:2:", "unknown department 'y'" },
	{ HEAD "projects: {p: {team: zz}}\n", "m:2:", "unknown team 'zz'" },
	{ HEAD "defaults: {on_no_match: zz}\n", "m:2:", "unknown team 'zz'" },
	{ HEAD "defaults: {precedence: [rule]}\n", "m:2:", "not supported" },
	{ HEAD "rules: {}\n", "m:2:", "must be a list" },
	{ RULE("{cgroup: /a}", "{team: zz}"), "m:5:", "unknown team 'zz'" },
	{ RULE("{cgroup: /a}", "{environment: x}"), "m:3:", "assigns no team" },
	{ RULE("{cgroup: /a}", "{team_from: owner}"), "m:5:", "not supported" },
	{ RULE("{cgroup: a/b}", "{team: a}"), "m:4:", "never matches" },
	{ RULE("{cgroup: []}", "{team: a}"), "m:4:", "matches nothing" },
	{ RULE("{cgroup: {a: b}}", "{team: a}"), "m:4:", "must be a text" },
	{ RULE("{}", "{team: a}"), "m:4:", "looks at nothing" },
	{ RULE("{runtime: docker}", "{team: a}"), "m:4:", "not supported" },
	{ RULE("{container_label: {a: b}}", "{team: a}"), "m:4:", "not supported" },
	{ RULE("{k8s: {namespace: x}}", "{team: a}"), "m:4:", "not supported" },
	{ RULE("{k8s: {}}", "{team: a}"), "m:4:", "looks at nothing" },
	{ RULE("{k8s: {pod_uid: x}, pod_uid: y}", "{team: a}"), "m:4:", "given twice" },
	{ RULE("{credential: x}", "{team: a}"), "m:4:", "not supported" },
	{ RULE("{cgrup: /a}", "{team: a}"), "m:4:", "unknown key 'cgrup'" },
	{ RULE("{uid: x}", "{team: a}"), "m:4:", "number or a range" },
	{ RULE("{uid: 9-3}", "{team: a}"), "m:4:", "number or a range" },
	{ RULE("{uid: 99999999999}", "{team: a}"), "m:4:", "number or a range" },
	{ RULE("{cgroup: /a}", "{team: a}") "  hop: proxy\n", "m:6:", "no hop 'proxy'" },
	{ RULE("{cgroup: /a}", "{team: a}") "  hop: [gateway]\n", "m:6:", "must be a text" },
	{ RULE("{cgroup: /a}", "{team: a}") "  valid: {from: 2026-11-01}\n",
	  "m:6:", "not supported" },
	{ RULE("{cgroup: /a}", "{team: a}") "- id: r\n  match: {cgroup: /b}\n  assign: {team: a}\n",
	  "m:6:", "taken by line 3" },
	{ HEAD "rules:\n- match: {cgroup: /a}\n  assign: {team: a}\n", "m:3:", "add 'id'" },
	{ HEAD "rules:\n- id: x\n  assign: {team: a}\n", "m:3:", "add 'match'" },
	{ HEAD "projects: {p: {team: b}}\nrules:\n- id: x\n  match: {cgroup: /a}\n"
	       "  assign: {team: a, project: p}\n",
	  "m:4:", "make them agree" },
	{ HEAD "tests: [{cgroup: /a}]\n", "m:2:", "add 'expect: TEAM'" },
	{ HEAD "tests: [{cgroup: /a, expect: zz}]\n", "m:2:", "unknown team 'zz'" },
	{ "teams: {a: {}\n", "m:", "" },
	{ "a: b\na: c\n", "m:2:", "" },
};

static void test_wrong(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		char error[YAML_ERROR] = "";
		struct map *m = NULL;

		if (map_parse(str_of(wrong[i].text), "m", &m, error) != -EBADMSG || m)
			fail_msg("taken: %s", wrong[i].text);
		if (strncmp(error, wrong[i].line, strlen(wrong[i].line)) != 0 ||
		    !strstr(error, wrong[i].words))
			fail_msg("%s said of:\n%s", error, wrong[i].text);
	}
}

/* Whose calls are made for others: the rule says so, and nothing else does. */
static void test_gateway(void **state)
{
	static const char text[] = HEAD "rules:\n- id: g\n  match: {cgroup: /g}\n"
					"  assign: {team: a}\n  hop: gateway\n"
					"- id: r\n  match: {cgroup: /r}\n  assign: {team: a}\n";
	char error[YAML_ERROR];
	struct map *m = NULL;

	(void)state;
	assert_int_equal(map_parse(str_of(text), "m", &m, error), 0);
	assert_true(find(m, (struct subject){ .cgroup = S("/g") }, "g!;").gateway);
	assert_false(find(m, (struct subject){ .cgroup = S("/r") }, "g;r!;").gateway);
	assert_false(find(m, (struct subject){ .cgroup = S("/x") }, "g;r;").gateway);
	map_free(&m);
}

/* Below a unit a tenant makes cgroups of any name: none of them is one of the machine's slices. */
static void test_own_slice(void **state)
{
	static const char text[] = HEAD "rules:\n- id: b\n  match: {systemd_slice: a.slice}\n"
					"  assign: {team: a}\n";
	char error[YAML_ERROR];
	struct owner o;
	struct map *m = NULL;

	(void)state;
	assert_int_equal(map_parse(str_of(text), "m", &m, error), 0);
	o = find(m, (struct subject){ .cgroup = S("/b.slice/a.slice/x.service/y") }, "b!;");
	assert_true(str_eq(o.team, S("a")));
	o = find(m,
		 (struct subject){ .cgroup = S("/user.slice/user-7.slice/user@7.service/a.slice") },
		 "b;");
	assert_true(str_eq(o.team, S(TEAM_NONE)));
	o = find(m, (struct subject){ .cgroup = S("/x.slice/docker-1.scope/a.slice/z") }, "b;");
	assert_true(str_eq(o.team, S(TEAM_NONE)));
	map_free(&m);
}

static void test_no_memory(void **state)
{
	char error[YAML_ERROR];
	struct map *m = NULL;

	(void)state;
	for (long n = 0; !m; n++) {
		int r;

		mem_fail_after = n;
		r = map_parse(str_of(good), "m", &m, error);
		mem_fail_after = -1;
		assert_true(m ? r == 0 : r == -ENOMEM);
	}
	map_free(&m);
	assert_int_equal(map_load("/no/such/map.yaml", &m, error), -ENOENT);
	assert_non_null(strstr(error, "/no/such/map.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob),      cmocka_unit_test(test_glob_bounded),
		cmocka_unit_test(test_find),      cmocka_unit_test(test_empty),
		cmocka_unit_test(test_wrong),     cmocka_unit_test(test_revision),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_gateway),
		cmocka_unit_test(test_own_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
