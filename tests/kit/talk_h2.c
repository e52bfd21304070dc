#include <stdio.h>
#include "talk.h"

enum {
	MOST_FIELDS = 128,
	MOST = 1 << 28,
	TABLE = 65536,
	FRAME = 16384,
	BLOCKS = 8,
	NEW_KIND = 0x16
};
enum { SET_TABLE = 1, SET_PUSH = 2, SET_WINDOW = 4, UPDATE = 1 << 20, HINTS = 103 };

enum step { HEAD, BODY, TAIL, DONE };

struct stream {
	struct talk_exchange *x;
	uint32_t id;
	struct buf body[2]; /* coded */
	size_t at[2];
	enum step step[2];
	bool early; /* the answer does not wait for the whole request */
};

struct session {
	struct talk_line *l;
	struct make_h2 side[2];
};

static struct make_h2 *say(struct session *s, enum flow_dir dir)
{
	(void)talk_say(s->l, dir);
	return &s->side[dir];
}

/* Both sides' beginnings, with a table of any size: the client's second SETTINGS frame answers the server's. */
static void begin(struct session *s)
{
	static const uint32_t sizes[] = { 4096, 4096, 0, 100, 1000, TABLE };
	uint64_t *seed = &s->l->seed;
	uint32_t out = sizes[make_below(seed, COUNT_OF(sizes))];
	uint32_t in = sizes[make_below(seed, COUNT_OF(sizes))];

	make_h2_preface(say(s, DIR_OUT));
	make_h2_settings(
		&s->side[DIR_OUT],
		(const uint32_t[][2]){ { SET_PUSH, 0 }, { SET_WINDOW, UPDATE }, { SET_TABLE, in } },
		in == 4096 ? 2 : 3);
	make_h2_window(&s->side[DIR_OUT], 0, UPDATE);
	make_h2_settings(say(s, DIR_IN), (const uint32_t[][2]){ { SET_TABLE, out } }, out != 4096);
	make_h2_ack(&s->side[DIR_IN]);
	make_h2_ack(say(s, DIR_OUT));
	if (out != 4096)
		make_h2_table(&s->side[DIR_OUT], out);
	if (in != 4096)
		make_h2_table(&s->side[DIR_IN], in);
}

static struct make_frame frame(struct session *s, enum flow_dir dir)
{
	uint64_t *seed = &s->l->seed;
	struct make_frame f = { .padded = make_chance(seed, 15),
				.priority = dir == DIR_OUT && make_chance(seed, 15) };

	f.pad = f.padded ? make_below(seed, 256) : 0;
	return f;
}

static size_t fields(struct session *s, struct stream *t, enum flow_dir dir, char length[24],
		     char status[24], struct make_field *f)
{
	struct talk_exchange *x = t->x;
	struct talk_side *side = &x->side[dir];
	size_t n = 0;

	if (dir == DIR_OUT) {
		bool authority = make_chance(&s->l->seed, 95);

		f[n++] = (struct make_field){ S(":method"), x->method, false };
		f[n++] = (struct make_field){ S(":scheme"), S("https"), false };
		if (authority)
			f[n++] = (struct make_field){ S(":authority"), x->host, false };
		f[n++] = (struct make_field){ S(":path"), x->target, false };
		if (!authority)
			f[n++] = (struct make_field){ S("host"), x->host, false };
	} else {
		snprintf(status, 24, "%u", x->status);
		f[n++] = (struct make_field){ S(":status"), str_of(status), false };
	}
	assert(side->fields + n + 2 <= MOST_FIELDS);
	for (size_t i = 0; i < side->fields; i++) {
		f[n] = side->field[i];
		f[n++].never = make_chance(&s->l->seed, 10);
	}
	if (side->coding)
		f[n++] = (struct make_field){ S("content-encoding"), make_coding_name(side->coding),
					      false };
	if (!side->body_less && make_chance(&s->l->seed, 50)) {
		snprintf(length, 24, "%zu", t->body[dir].n);
		f[n++] = (struct make_field){ S("content-length"), str_of(length), false };
	}
	return n;
}

static void head(struct session *s, struct stream *t, enum flow_dir dir)
{
	struct make_frame how = frame(s, dir);
	struct make_field f[MOST_FIELDS];
	char length[24], status[24];
	size_t n = fields(s, t, dir, length, status, f), bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += f[i].name.n + f[i].value.n + 8;
	/* as many frames as a block may have, at most */
	if (make_chance(&s->l->seed, 30))
		how.fragment = bytes / BLOCKS + 1 + make_below(&s->l->seed, bytes);
	how.end = t->x->side[dir].body_less && make_chance(&s->l->seed, 80);
	t->step[dir] = how.end ? DONE : t->body[dir].n ? BODY : TAIL;
	make_h2_headers(say(s, dir), t->id, f, n, &how);
}

static void data(struct session *s, struct stream *t, enum flow_dir dir)
{
	struct str rest = str_skip(buf_str(&t->body[dir]), t->at[dir]);
	struct str one = str_head(rest, 1 + make_below(&s->l->seed, FRAME - 256));
	struct make_frame how = frame(s, dir);

	t->at[dir] += one.n;
	if (one.n == rest.n) {
		how.end = make_chance(&s->l->seed, 60);
		t->step[dir] = how.end ? DONE : TAIL;
	}
	make_h2_data(say(s, dir), t->id, one, &how);
}

/* The end, where the last frame was not it: nothing more, or trailers. */
static void tail(struct session *s, struct stream *t, enum flow_dir dir)
{
	const struct make_field trailer[] = { { S("x-trailer"), S("1"), false },
					      { S("content-type"), S("a/lie"), false } };
	struct make_frame how = frame(s, dir);

	how.end = true;
	t->step[dir] = DONE;
	if (make_chance(&s->l->seed, 50) || t->x->side[dir].body_less)
		make_h2_data(say(s, dir), t->id, STR_NONE, &how);
	else
		make_h2_headers(say(s, dir), t->id, trailer, COUNT_OF(trailer), &how);
}

/* Frames that mean nothing to a meter. */
static void noise(struct session *s, struct stream *t, enum flow_dir dir)
{
	struct make_h2 *h = say(s, dir);

	switch (make_below(&s->l->seed, 6)) {
	case 0:
		make_h2_ping(h, make_chance(&s->l->seed, 50));
		break;
	case 1:
		make_h2_window(h, 0, UPDATE);
		break;
	case 2:
		make_h2_window(h, t->id, UPDATE);
		break;
	case 3:
		make_h2_frame(h, NEW_KIND, 0xff, t->id, S("a kind of frame that nobody knows"));
		break;
	case 4:
		make_h2_settings(h, NULL, 0);
		break;
	default: /* PRIORITY */
		if (dir == DIR_OUT)
			make_h2_frame(h, 2, 0, t->id + 100, S("\0\0\0\0\20"));
	}
}

static void step(struct session *s, struct stream *t)
{
	bool answer = t->step[DIR_OUT] == DONE ||
		      (t->early && t->step[DIR_OUT] != HEAD && make_chance(&s->l->seed, 50));
	enum flow_dir dir = answer && t->step[DIR_IN] != DONE ? DIR_IN : DIR_OUT;

	talk_late(s->l, t->step[DIR_IN] == DONE);
	if (t->step[DIR_OUT] != HEAD && make_chance(&s->l->seed, 10))
		noise(s, t, dir);
	switch (t->step[dir]) {
	case HEAD:
		if (dir == DIR_IN && make_chance(&s->l->seed, 5))
			make_h2_headers(say(s, dir), t->id,
					&(struct make_field){ S(":status"), S("103"), false }, 1,
					NULL);
		head(s, t, dir);
		break;
	case BODY:
		data(s, t, dir);
		break;
	case TAIL:
		tail(s, t, dir);
		break;
	case DONE:
		break;
	}
}

static bool done(const struct stream *t)
{
	return t->step[DIR_OUT] == DONE && t->step[DIR_IN] == DONE;
}

/* Streams are opened in the order of their numbers; which goes on is chance. */
static void streams(struct session *s, struct stream *t, size_t count)
{
	size_t open = 1, left = count;

	while (left && s->l->r == 0) {
		struct stream *one;

		if (open < count && t[open - 1].step[DIR_OUT] != HEAD &&
		    (done(&t[open - 1]) || make_chance(&s->l->seed, 50)))
			open++;
		one = &t[make_below(&s->l->seed, open)];
		if (done(one))
			continue;
		step(s, one);
		left -= done(one);
	}
}

void talk_h2(struct talk_line *l, struct talk_exchange *x, size_t count)
{
	struct session s = { .l = l };
	struct stream t[TALK_MOST];

	assert(count <= TALK_MOST);
	for (int dir = 0; dir < 2; dir++)
		make_h2_init(&s.side[dir], &l->out[dir], TABLE);
	for (size_t i = 0; i < count; i++) {
		t[i] = (struct stream){ .x = &x[i],
					.id = (uint32_t)(2 * i + 1),
					.early = make_chance(&l->seed, 15) };
		x[i].off = t[i].id;
		for (int dir = 0; dir < 2; dir++) {
			t[i].body[dir].limit = MOST;
			if (!x[i].side[dir].body_less)
				talk_coded(l, &x[i].side[dir], &t[i].body[dir]);
		}
	}
	begin(&s);
	streams(&s, t, count);
	if (make_chance(&l->seed, 30))
		make_h2_goaway(say(&s, DIR_IN), (uint32_t)(2 * count - 1), 0);
	for (size_t i = 0; i < count; i++)
		for (int dir = 0; dir < 2; dir++)
			buf_done(&t[i].body[dir]);
	for (int dir = 0; dir < 2; dir++)
		make_h2_done(&s.side[dir]);
}
