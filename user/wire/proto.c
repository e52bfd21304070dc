/* proto.c -- the accounts every protocol must keep: each byte once, each part once. */
#include "wire/proto.h"

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

/* ---- HTTP/2: known by its preface (RFC 9113 section 3.4), not decoded yet -------------------- */

static int h2_begins(struct str bytes)
{
	struct str preface = S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	if (!str_eq(str_head(bytes, preface.n), str_head(preface, bytes.n)))
		return -EBADMSG;
	return bytes.n >= preface.n;
}

static int h2_answers(struct str bytes)
{
	(void)bytes; /* a client's preface comes first */
	return -EBADMSG;
}

const struct proto h2_proto = { .name = "h2", .begins = h2_begins, .answers = h2_answers };
