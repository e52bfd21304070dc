#include "base/hash.h"
#include "base/obj.h"
#include "team/team.h"

struct team {
	unsigned magic;
#define TEAM_MAGIC 0x7ea30002u
	struct team_opts o;
	struct posting_sink out;
	const struct map *map; /* NULL: nobody owns anything */
};

int team_new(const struct team_opts *o, struct posting_sink out, struct team **ret)
{
	struct team *t;

	assert(!o->saved || o->source_id); /* else all calls of a file would share one id */
	t = obj_new(t, TEAM_MAGIC);
	if (!t)
		return -ENOMEM;
	t->o = *o;
	t->out = out;
	*ret = t;
	return 0;
}

void team_use(struct team *t, const struct map *m)
{
	obj_check(t, TEAM_MAGIC);
	t->map = m;
}

void team_free(struct team **tp)
{
	struct team *t = obj_take(tp, TEAM_MAGIC);

	if (t)
		mem_free(t);
}

static void call_id(const struct team *t, const struct usage *u, struct str source_id,
		    unsigned char ret[CALL_ID])
{
	struct hash h;

	hash_init(&h, NULL, CALL_ID);
	if (t->o.saved) {
		hash_field(&h, S("saved"));
		hash_field(&h, source_id);
	} else {
		hash_field(&h, S("call"));
		hash_field(&h, (struct str){ (const char *)t->o.host_id, sizeof(t->o.host_id) });
		hash_field(&h, (struct str){ (const char *)t->o.epoch, sizeof(t->o.epoch) });
		hash_u64(&h, u->from.tgid);
		hash_u64(&h, u->from.start_ns);
		hash_u64(&h, u->from.obj);
		hash_u64(&h, u->from.gen);
		hash_u64(&h, u->off);
	}
	hash_end(&h, ret, CALL_ID);
}

int team_feed(struct team *t, const struct charge *in)
{
	const struct usage *u = in->usage;
	struct owner owner = { .team = S(TEAM_NONE) };
	struct subject s = { 0 };
	struct posting p;

	obj_check(t, TEAM_MAGIC);
	if (t->o.facts)
		t->o.facts(t->o.ctx, &u->from, &s);
	if (t->map)
		map_find(t->map, &s, NULL, NULL, &owner);
	p = (struct posting){
		.charge = in,
		.source_id = t->o.saved ? t->o.source_id(t->o.ctx, &u->from) : STR_NONE,
		.host = t->o.host,
		.boot_id = t->o.boot_id,
		.cgroup = s.cgroup,
		.unit = s.unit,
		.container = s.container,
		.pod = s.pod.p ? s.pod : s.pod_uid,
		.namespace_ = s.namespace_,
		.exe = s.exe,
		.team = owner.team,
		.project = owner.project,
		.department = owner.department,
		.cost_center = owner.cost_center,
		.environment = owner.environment,
		.rule = owner.rule,
		.map_revision = t->map ? map_revision(t->map) : STR_NONE,
		.gateway = owner.gateway,
	};
	call_id(t, u, p.source_id, p.id);
	return posting_put(t->out, &p);
}
