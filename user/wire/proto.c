/* proto.c -- the accounts every protocol must keep: each byte once, each part once. */
#include "base/obj.h"
#include "wire/proto.h"

static bool proto_over(struct proto_env *env, const struct mem_account *who)
{
	if (who && who->of)
		count_limit(env->opts->counters, CGROUP_BYTES);
	else if (who)
		count_limit(env->opts->counters, DECODER_BYTES);
	return who;
}

bool proto_room(struct proto_env *env)
{
	return !proto_over(env, mem_short());
}

bool proto_refused(struct proto_env *env)
{
	return proto_over(env, mem_refused());
}

int proto_pour(struct proto_env *env, const struct part *p)
{
	int r = part_put(env->out, p);

	if (r < 0)
		env->sink_r = r;
	return r;
}

void proto_parsed(struct proto_env *env, const struct origin *from, uint64_t bytes)
{
	env->accounted += bytes;
	if (env->opts->parsed && bytes)
		env->opts->parsed(env->opts->ctx, from, bytes);
}

void proto_skipped(struct proto_env *env, const struct origin *from, enum skip why, uint64_t bytes)
{
	env->accounted += bytes;
	if (env->opts->skipped && bytes)
		env->opts->skipped(env->opts->ctx, from, why, bytes);
}
