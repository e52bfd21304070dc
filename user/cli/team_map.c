/* team_map.c -- `submeter team-map validate|test|explain`: the team map, offline. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/jsonw.h"
#include "base/limit.h"
#include "app/conf.h"
#include "base/log.h"
#include "cli/cli.h"
#include "host/cgroup.h"
#include "host/proc.h"
#include "team/team.h"

#define MAP_PATH "/etc/submeter/team-map.yaml"

struct question { /* the command line */
	const char *verb, *map;
	const char *cgroup, *exe, *container, *pod, *unit;
	uint64_t pid, uid;
	bool has_pid, has_uid;
};

struct caller { /* the subject, and what its texts point into */
	struct subject s;
	struct cgroup_facts facts;
	char cgroup[PATH_MAX], exe[PATH_MAX];
};

static const struct option options[] = {
	{ "map", required_argument, NULL, 'm' },
	{ "cgroup", required_argument, NULL, 'g' },
	{ "pid", required_argument, NULL, 'p' },
	{ "exe", required_argument, NULL, 'e' },
	{ "uid", required_argument, NULL, 'u' },
	{ "container", required_argument, NULL, 'c' },
	{ "pod", required_argument, NULL, 'P' },
	{ "unit", required_argument, NULL, 'U' },
	{ NULL, 0, NULL, 0 },
};

static int parse(int argc, char **argv, struct question *q)
{
	int c;

	optind = 0; /* the global options were parsed with getopt too */
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		const char **text = c == 'm'   ? &q->map
				    : c == 'g' ? &q->cgroup
				    : c == 'e' ? &q->exe
				    : c == 'c' ? &q->container
				    : c == 'P' ? &q->pod
				    : c == 'U' ? &q->unit
					       : NULL;

		if (text) {
			*text = optarg;
		} else if (c == 'p' || c == 'u') {
			if (str_u64(str_of(optarg), c == 'p' ? &q->pid : &q->uid) < 0 ||
			    (c == 'p' ? q->pid : q->uid) > INT32_MAX)
				return cli_usage(argv[0], "'%s' is not a number", optarg);
			*(c == 'p' ? &q->has_pid : &q->has_uid) = true;
		} else {
			return cli_usage(argv[0],
					 c == ':' ? "'%s' needs a value" : "unknown option '%s'",
					 argv[optind - 1]);
		}
	}
	if (optind + 1 != argc)
		return cli_usage(argv[0], "say one of validate, test, explain");
	q->verb = argv[optind];
	return CLI_OK;
}

/* What the path alone says, where nobody said otherwise. */
static void derive(struct caller *c)
{
	if (!c->s.cgroup.p)
		return;
	cgroup_facts(c->s.cgroup, &c->facts);
	if (!c->s.unit.p)
		c->s.unit = c->facts.unit;
	if (!c->s.container.p)
		c->s.container = c->facts.container;
	if (!c->s.pod_uid.p)
		c->s.pod_uid = c->facts.pod_uid;
}

/* In the hierarchy that the settings name, where there are any. */
static int caller_cgroup(const struct cli *cli, pid_t pid, char *ret, size_t room)
{
	enum cgroup_hierarchy h = CGROUP_AUTO;
	char mount[PATH_MAX], error[YAML_ERROR];
	struct conf conf;
	int r;

	if (cli->conf && conf_load(cli->conf, &conf, error) == 0)
		(void)!cgroup_named(conf.hierarchy, &h);
	r = cgroup_mount(&h, mount, sizeof(mount));
	return r < 0 ? r : proc_cgroup(pid, h, ret, room);
}

static int caller_of(const struct cli *cli, const struct question *q, struct caller *c)
{
	int r = 0;

	*c = (struct caller){ .s = { .uid = (uint32_t)q->uid, .has_uid = q->has_uid } };
	if (q->has_pid) {
		r = caller_cgroup(cli, (pid_t)q->pid, c->cgroup, sizeof(c->cgroup));
		c->s.cgroup = r == 0 ? str_of(c->cgroup) : STR_NONE;
		/* The rest may be hidden from who asks. */
		if (r == 0 && proc_exe((pid_t)q->pid, c->exe, sizeof(c->exe)) == 0)
			c->s.exe = str_of(c->exe);
		if (r == 0 && !q->has_uid)
			c->s.has_uid = proc_uid((pid_t)q->pid, &c->s.uid) == 0;
	}
	if (q->cgroup)
		c->s.cgroup = str_of(q->cgroup);
	if (q->exe)
		c->s.exe = str_of(q->exe);
	c->s.unit = str_of(q->unit);
	c->s.container = str_of(q->container);
	c->s.pod_uid = str_of(q->pod);
	derive(c);
	return r;
}

static int validate(const struct map *m)
{
	printf("ok: %zu teams, %zu rules, revision " STR_FMT "\n", map_teams(m), map_rules(m),
	       STR_ARG(map_revision(m)));
	return CLI_OK;
}

static int test(const struct map *m, const char *path)
{
	size_t failed = 0;

	for (size_t i = 0; i < map_tests(m); i++) {
		const struct map_test *t = map_test(m, i);
		struct caller c = { .s = t->subject };
		struct owner o;

		derive(&c);
		map_find(m, &c.s, NULL, NULL, &o);
		if (str_eq(o.team, t->expect))
			continue;
		failed++;
		printf("%s:%u: expected team '" STR_FMT "', got '" STR_FMT "' by %s" STR_FMT "\n",
		       path, t->line, STR_ARG(t->expect), STR_ARG(o.team),
		       o.rule.p ? "rule " : "no rule", STR_ARG(o.rule));
	}
	printf("%s: %zu tests, %zu failed\n", failed ? "failed" : "ok", map_tests(m), failed);
	return failed ? CLI_DIFFERS : CLI_OK;
}

/* ---- explain ---- */

static void tried_text(void *ctx, const struct map_tried *t)
{
	(void)ctx;
	printf("  %-3s " STR_FMT ": " STR_FMT "\n", t->matched ? "yes" : "no", STR_ARG(t->rule),
	       STR_ARG(t->because));
}

static void tried_json(void *ctx, const struct map_tried *t)
{
	struct jsonw *w = ctx;

	jsonw_open(w, '{');
	jsonw_key_str(w, "rule", t->rule);
	jsonw_key(w, "matched");
	jsonw_bool(w, t->matched);
	jsonw_key_str(w, "because", t->because);
	jsonw_close(w, '}');
}

static const struct {
	const char *key;
	size_t at;
} parts[] = {
	{ "team", offsetof(struct owner, team) },
	{ "rule", offsetof(struct owner, rule) },
	{ "project", offsetof(struct owner, project) },
	{ "department", offsetof(struct owner, department) },
	{ "cost_center", offsetof(struct owner, cost_center) },
	{ "environment", offsetof(struct owner, environment) },
};

static struct str part(const struct owner *o, size_t i)
{
	return *(const struct str *)(const void *)((const char *)o + parts[i].at);
}

static int explain_json(const struct map *m, const struct subject *s)
{
	_cleanup_(buf_done) struct buf out = { .limit = LIMIT_API_ANSWER };
	struct jsonw w;
	struct owner o;
	int r;

	jsonw_init(&w, &out);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "cgroup", s->cgroup);
	jsonw_key_str(&w, "map_revision", map_revision(m));
	jsonw_key(&w, "tried");
	jsonw_open(&w, '[');
	map_find(m, s, tried_json, &w, &o);
	jsonw_close(&w, ']');
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		jsonw_key_str(&w, parts[i].key, part(&o, i));
	if (!o.rule.p) {
		jsonw_key(&w, "rule");
		jsonw_raw(&w, S("null"));
	}
	if (o.gateway)
		jsonw_key_str(&w, "hop", S("gateway"));
	jsonw_close(&w, '}');
	r = jsonw_done(&w);
	if (r < 0)
		return log_err(r, "the answer does not fit"), CLI_ERROR;
	printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
	return CLI_OK;
}

static int explain(const struct cli *cli, const struct map *m, const struct question *q)
{
	struct caller c;
	struct owner o;
	int r;

	if (!q->has_pid && !q->cgroup && !q->exe && !q->container && !q->pod && !q->unit &&
	    !q->has_uid)
		return cli_usage("team-map", "say about whom: --cgroup PATH or --pid PID");
	r = caller_of(cli, q, &c);
	if (r < 0) {
		log_err(r, "cannot read the cgroup of process %llu", (unsigned long long)q->pid);
		return CLI_ERROR;
	}
	if (cli->format == FORMAT_JSON || cli->format == FORMAT_JSONL)
		return explain_json(m, &c.s);
	printf("rules tried\n");
	map_find(m, &c.s, tried_text, NULL, &o);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (part(&o, i).p || i < 2)
			printf("%-12s " STR_FMT "\n", parts[i].key,
			       STR_ARG(part(&o, i).p ? part(&o, i) : S("(none matched)")));
	if (o.gateway)
		printf("%-12s gateway: who asks it pays for its calls to providers\n", "hop");
	return CLI_OK;
}

int team_map_main(const struct cli *cli, int argc, char **argv)
{
	_cleanup_(map_free) struct map *m = NULL;
	struct question q = { .map = MAP_PATH };
	char error[YAML_ERROR];
	int r = parse(argc, argv, &q);

	if (r != CLI_OK)
		return r;
	if (strcmp(q.verb, "validate") != 0 && strcmp(q.verb, "test") != 0 &&
	    strcmp(q.verb, "explain") != 0)
		return cli_usage(argv[0], "unknown verb '%s': say one of validate, test, explain",
				 q.verb);
	r = map_load(q.map, &m, error);
	if (r < 0) {
		fprintf(stderr, "%s\n", error);
		return r == -EBADMSG ? CLI_DIFFERS : CLI_ERROR;
	}
	if (strcmp(q.verb, "validate") == 0)
		return validate(m);
	return strcmp(q.verb, "test") == 0 ? test(m, q.map) : explain(cli, m, &q);
}
