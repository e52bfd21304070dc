#include <inttypes.h>
#include <stdio.h>
#include "base/obj.h"
#include "llm/said.h"
#include "llm/vertexpb.h"

struct vertexpb {
	unsigned magic;
#define VERTEXPB_MAGIC 0x7e97e001u
	struct said *to;
	struct protobuf message;
	struct buf usage; /* the object so far */
	int list;         /* whose items come; -1: none */
	bool first;       /* member of what is open */
	bool too_long;
};

enum {
	USAGE,
	MODEL,
	ID,
	FINISH,
	CHOICE,
	TEXT,
	QUERY,
	MODALITY,
	TOKENS,
	LISTS,
	NUMBERS = LISTS + 4
};

static const char *const lists[] = { "promptTokensDetails", "cacheTokensDetails",
				     "candidatesTokensDetails", "toolUsePromptTokensDetails" };
static const char *const numbers[] = { "promptTokenCount",  "candidatesTokenCount",
				       "totalTokenCount",   "cachedContentTokenCount",
				       "trafficType",       "toolUsePromptTokenCount",
				       "thoughtsTokenCount" };
static const struct protobuf_want want[] = {
	{ { 4 }, USAGE, true },
	{ { 4, 1 }, NUMBERS + 0, false },
	{ { 4, 2 }, NUMBERS + 1, false },
	{ { 4, 3 }, NUMBERS + 2, false },
	{ { 4, 5 }, NUMBERS + 3, false },
	{ { 4, 8 }, NUMBERS + 4, false },
	{ { 4, 13 }, NUMBERS + 5, false },
	{ { 4, 14 }, NUMBERS + 6, false },
	{ { 4, 9 }, LISTS + 0, true },
	{ { 4, 10 }, LISTS + 1, true },
	{ { 4, 11 }, LISTS + 2, true },
	{ { 4, 12 }, LISTS + 3, true },
	{ { 4, 9, 1 }, MODALITY, false },
	{ { 4, 9, 2 }, TOKENS, false },
	{ { 4, 10, 1 }, MODALITY, false },
	{ { 4, 10, 2 }, TOKENS, false },
	{ { 4, 11, 1 }, MODALITY, false },
	{ { 4, 11, 2 }, TOKENS, false },
	{ { 4, 12, 1 }, MODALITY, false },
	{ { 4, 12, 2 }, TOKENS, false },
	{ { 11 }, MODEL, false },
	{ { 13 }, ID, false },
	{ { 2, 1 }, CHOICE, false },
	{ { 2, 3 }, FINISH, false },
	{ { 2, 2, 2, 1 }, TEXT, false },
	{ { 2, 7, 1 }, QUERY, false },
};

static int add(struct vertexpb *v, struct str s)
{
	int r = buf_add(&v->usage, s);

	v->too_long |= r == -EMSGSIZE;
	return r == -EMSGSIZE ? 0 : r;
}

static int member(struct vertexpb *v, const char *name)
{
	int r = v->first ? 0 : add(v, S(","));

	v->first = false;
	if (r == 0)
		r = add(v, S("\""));
	if (r == 0)
		r = add(v, str_of(name));
	return r == 0 ? add(v, S("\":")) : r;
}

static int number(struct vertexpb *v, const char *name, uint64_t n)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%" PRIu64, n), r = member(v, name);

	return r == 0 ? add(v, (struct str){ text, (size_t)size }) : r;
}

static int end_list(struct vertexpb *v)
{
	bool open = v->list >= 0;

	v->list = -1;
	return open ? add(v, S("]")) : 0;
}

static int on_usage(struct vertexpb *v, enum protobuf_type type)
{
	int r;

	if (type == PROTOBUF_OPEN) {
		buf_reset(&v->usage);
		v->list = -1;
		v->first = true;
		v->too_long = false;
		return add(v, S("{"));
	}
	r = end_list(v);
	if (r == 0)
		r = add(v, S("}"));
	if (r == 0)
		r = said_usage(v->to, v->too_long ? STR_NONE : buf_str(&v->usage));
	return r;
}

/* An item of a list; those of one list stand together. */
static int on_item(struct vertexpb *v, int list, enum protobuf_type type)
{
	int r;

	if (type == PROTOBUF_CLOSE) {
		v->first = false;
		return add(v, S("}"));
	}
	if (v->list == list) {
		r = add(v, S(","));
	} else {
		r = end_list(v);
		if (r == 0)
			r = member(v, lists[list]);
		if (r == 0)
			r = add(v, S("["));
		v->list = list;
	}
	v->first = true;
	return r == 0 ? add(v, S("{")) : r;
}

static int on_value(void *ctx, int id, enum protobuf_type type, uint64_t n, struct str text)
{
	struct vertexpb *v = ctx;
	bool message = type == PROTOBUF_OPEN || type == PROTOBUF_CLOSE;
	int r = 0;

	if (message)
		return id == USAGE ? on_usage(v, type) : on_item(v, id - LISTS, type);
	switch (id) {
	case MODEL:
	case ID:
		if (type == PROTOBUF_TEXT)
			said_keep(id == MODEL ? &v->to->model : &v->to->id, text);
		return 0;
	case FINISH:
		v->to->stop |= n != 0;
		return 0;
	case CHOICE:
		v->to->several |= n != 0;
		return 0;
	case TEXT:
		v->to->text += text.n;
		return 0;
	case QUERY:
		return said_search(v->to, MARK_SEARCH, text);
	default:
		break;
	}
	/* of these fields every other type is wrong */
	if (type != PROTOBUF_NUMBER || id == USAGE || (id >= LISTS && id < NUMBERS))
		return -EBADMSG;
	if (id >= NUMBERS)
		r = end_list(v);
	if (r == 0)
		r = number(v,
			   id >= NUMBERS    ? numbers[id - NUMBERS]
			   : id == MODALITY ? "modality"
					    : "tokenCount",
			   n);
	return r;
}

int vertexpb_new(struct said *to, struct vertexpb **ret)
{
	struct vertexpb *v = obj_new(v, VERTEXPB_MAGIC);

	if (!v)
		return -ENOMEM;
	v->to = to;
	v->usage.limit = LIMIT_USAGE_BYTES;
	v->list = -1;
	protobuf_init(&v->message, want, COUNT_OF(want), on_value, v);
	*ret = v;
	return 0;
}

void vertexpb_free(struct vertexpb **vv)
{
	struct vertexpb *v = obj_take(vv, VERTEXPB_MAGIC);

	if (!v)
		return;
	buf_done(&v->usage);
	mem_free(v);
}

void vertexpb_reset(struct vertexpb *v)
{
	protobuf_reset(&v->message);
	buf_reset(&v->usage);
	v->list = -1;
}

int vertexpb_feed(struct vertexpb *v, struct str bytes)
{
	obj_check(v, VERTEXPB_MAGIC);
	return protobuf_feed(&v->message, bytes);
}

bool vertexpb_whole(const struct vertexpb *v)
{
	return protobuf_whole(&v->message);
}
