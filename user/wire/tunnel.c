/* tunnel.c -- ends and accounts of a WebSocket; socket.c reads it. */
#include "base/obj.h"
#include "wire/socket.h"
#include "wire/tunnel.h"

struct tunnel {
	unsigned magic;
#define TUNNEL_MAGIC 0x70220001u
	struct proto_env *env;
	struct exchange *x; /* NULL: closed, and its end was poured */
	struct socket *socket;
};

int tunnel_new(struct proto_env *env, struct exchange *x, const struct str answer[HDR_COUNT],
	       struct tunnel **ret)
{
	_cleanup_(tunnel_free) struct tunnel *t = obj_new(t, TUNNEL_MAGIC);
	int r;

	if (!t)
		return -ENOMEM;
	t->env = env;
	r = socket_new(env, x, answer, &t->socket);
	if (r < 0)
		return r;
	t->x = x;
	*ret = take(t);
	return 0;
}

void tunnel_free(struct tunnel **pt)
{
	struct tunnel *t = obj_take(pt, TUNNEL_MAGIC);

	if (!t)
		return;
	socket_free(&t->socket);
	exchange_free(&t->x);
	mem_free(t);
}

static int tunnel_done(struct tunnel *t, uint64_t at_ns, enum why why, bool aborted)
{
	socket_free(&t->socket);
	return exchange_end(&t->x, at_ns, why, aborted);
}

/* Not as it should: both directions are cut. The first error is returned, all is ended. */
static int tunnel_break(struct tunnel *t, uint64_t at_ns, enum why why)
{
	int first = 0, r;

	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		r = socket_break(t->socket, dir, at_ns, why);
		first = first < 0 ? first : r;
	}
	r = tunnel_done(t, at_ns, why, false);
	return first < 0 ? first : r;
}

static int tunnel_bytes(struct tunnel *t, const struct piece *in, enum skip *ret_dead)
{
	enum why deaf = socket_deaf(t->socket, in->dir);
	int r = socket_feed(t->socket, in);

	if (r == -EBADMSG && t->env->sink_r == 0) {
		*ret_dead = SKIP_DESYNC;
		return tunnel_break(t, in->at_ns, WHY_DESYNC);
	}
	if (r < 0)
		return r;
	if (deaf)
		proto_skipped(t->env, in->from, deaf == WHY_LIMIT ? SKIP_REFUSED : SKIP_AFTER_GAP,
			      in->bytes.n);
	else
		proto_parsed(t->env, in->from, in->bytes.n);
	return socket_closed(t->socket) ? tunnel_done(t, in->at_ns, WHY_NONE, false) : 0;
}

/* The end of one direction still lets the other say goodbye. */
static int tunnel_end(struct tunnel *t, const struct piece *in)
{
	bool both = in->end != END_EOF, aborted = in->end != END_STOP;
	enum why why = aborted ? WHY_ABORTED : WHY_STOPPED;
	int r = 0;

	for (int dir = DIR_OUT; r == 0 && dir <= DIR_IN; dir++)
		if (both || in->dir == (enum flow_dir)dir)
			r = socket_end(t->socket, dir, in->at_ns, why);
	if (r < 0 || !socket_deaf(t->socket, DIR_OUT) || !socket_deaf(t->socket, DIR_IN))
		return r;
	return tunnel_done(t, in->at_ns, why, aborted);
}

int tunnel_feed(struct tunnel *t, const struct piece *in, enum skip *ret_dead)
{
	obj_check(t, TUNNEL_MAGIC);
	if (!t->x) {
		proto_parsed(t->env, in->from, in->bytes.n);
		return 0;
	}
	switch (in->kind) {
	case PIECE_BYTES:
		return tunnel_bytes(t, in, ret_dead);
	case PIECE_GAP:
		return socket_feed(t->socket, in);
	case PIECE_END:
		break;
	}
	return tunnel_end(t, in);
}

void tunnel_drop(struct tunnel *t, const struct piece *in, enum why why)
{
	obj_check(t, TUNNEL_MAGIC);
	/* Nobody is left to tell: the error that led here is the one that is passed up. */
	if (t->x)
		(void)!tunnel_break(t, in->at_ns, why);
}
