/* socket.c -- two directions of frames, one exchange. */
#include "base/obj.h"
#include "wire/socket.h"
#include "wire/ws.h"

struct socket_side {
	struct socket *socket;
	enum flow_dir dir;
	struct ws *ws; /* NULL: nothing more is read, for this reason: */
	enum why deaf;
	bool open;    /* a message has begun */
	uint64_t off; /* where */
	bool closed;  /* its close frame was seen */
};

struct socket {
	unsigned magic;
#define SOCKET_MAGIC 0x50c70001u
	struct proto_env *env;
	struct exchange *x;
	struct socket_side side[2];
	uint64_t now_ns;
};

static int side_message(void *ctx, uint64_t off, struct str data, bool last, enum why why)
{
	struct socket_side *side = ctx;
	struct socket *s = side->socket;

	side->open = !last;
	side->off = off;
	return exchange_message(s->x, side->dir, s->now_ns, off, data, last, why);
}

static bool socket_agreed(const struct str answer[HDR_COUNT], struct ws_opts ret[2])
{
	return str_ieq(str_trim(answer[HDR_UPGRADE]), S("websocket")) &&
	       ws_extensions(answer[HDR_WS_EXTENSIONS], ret);
}

bool socket_fits(const struct str answer[HDR_COUNT])
{
	struct ws_opts o[2];

	return socket_agreed(answer, o);
}

int socket_new(struct proto_env *env, struct exchange *x, const struct str answer[HDR_COUNT],
	       struct socket **ret)
{
	_cleanup_(socket_free) struct socket *s = obj_new(s, SOCKET_MAGIC);
	struct ws_opts o[2] = { { .dir = DIR_OUT }, { .dir = DIR_IN } };

	assert(socket_agreed(answer, o));
	if (!s)
		return -ENOMEM;
	s->env = env;
	s->x = x;
	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		struct socket_side *side = &s->side[dir];
		int r;

		side->socket = s;
		side->dir = dir;
		o[dir].counters = env->opts->counters;
		r = ws_new(&o[dir], side_message, side, &side->ws);
		if (r < 0)
			return r;
	}
	/* the bodies of the handshake are over, what they were does not end the messages */
	x->side[DIR_OUT].done = x->side[DIR_IN].done = false;
	*ret = take(s);
	return 0;
}

void socket_free(struct socket **ps)
{
	struct socket *s = obj_take(ps, SOCKET_MAGIC);

	if (!s)
		return;
	ws_free(&s->side[DIR_OUT].ws);
	ws_free(&s->side[DIR_IN].ws);
	mem_free(s);
}

enum why socket_deaf(const struct socket *s, enum flow_dir dir)
{
	obj_check(s, SOCKET_MAGIC);
	return s->side[dir].deaf;
}

bool socket_closed(const struct socket *s)
{
	obj_check(s, SOCKET_MAGIC);
	return s->side[DIR_OUT].closed && s->side[DIR_IN].closed;
}

int socket_end(struct socket *s, enum flow_dir dir, uint64_t at_ns, enum why why)
{
	struct socket_side *side = &s->side[dir];

	obj_check(s, SOCKET_MAGIC);
	s->now_ns = at_ns;
	ws_free(&side->ws);
	if (!side->deaf)
		side->deaf = why;
	return side->open ? side_message(side, side->off, STR_NONE, true, why) : 0;
}

int socket_break(struct socket *s, enum flow_dir dir, uint64_t at_ns, enum why why)
{
	int r = socket_end(s, dir, at_ns, why);

	return r < 0 ? r : exchange_cut(s->x, dir, at_ns, why);
}

static int socket_gap(struct socket *s, const struct piece *in)
{
	struct ws *ws = s->side[in->dir].ws;

	if (in->gap <= ws_sure(ws))
		return ws_skip(ws, in->gap);
	return socket_break(s, in->dir, in->at_ns, WHY_GAP);
}

int socket_feed(struct socket *s, const struct piece *in)
{
	struct socket_side *side = &s->side[in->dir];
	int r;

	obj_check(s, SOCKET_MAGIC);
	s->now_ns = in->at_ns;
	if (!side->ws)
		return 0;
	r = in->kind == PIECE_GAP ? socket_gap(s, in) : ws_feed(side->ws, in->off, in->bytes);
	if (r == -ENOMEM && proto_refused(s->env))
		return socket_break(s, in->dir, in->at_ns, WHY_LIMIT);
	if (side->ws)
		side->closed = ws_closed(side->ws);
	return r;
}
