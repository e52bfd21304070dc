/* query_kit.h -- what the tests of the reader share. */
#ifndef TESTS_QUERY_KIT_H
#define TESTS_QUERY_KIT_H

#include <jansson.h>
#include "base/limit.h"
#include "ledger_kit.h"
#include "report/query.h"

#define TEXT(o, key)   json_string_value(json_object_get(o, key))
#define NUMBER(o, key) json_integer_value(json_object_get(o, key))

static inline struct query *open_query(const struct kit *k)
{
	char error[QUERY_ERROR] = "";
	struct query *q = NULL;

	if (query_open(k->path, &q, error) < 0)
		fail_msg("%s", error);
	return q;
}

static inline json_t *parsed(struct buf *b)
{
	json_error_t e;
	json_t *o = json_loadb(b->p, b->n, 0, &e);

	if (!o)
		fail_msg("%s in %.*s", e.text, (int)b->n, b->p);
	buf_done(b);
	return o;
}

static inline void feed(struct kit *k, struct kit_call *c)
{
	assert_int_equal(ledger_feed(k->l, &c->posting), 0);
}

static inline json_t *calls(struct query *q, const struct query_filter *f)
{
	struct buf b = { .limit = LIMIT_API_ANSWER };
	char error[QUERY_ERROR] = "";

	assert_int_equal(query_calls(q, f, &b, error), 0);
	return parsed(&b);
}

static inline size_t call_count(struct query *q, const struct query_filter *f)
{
	json_t *o = calls(q, f);
	size_t n = json_array_size(json_object_get(o, "calls"));

	json_decref(o);
	return n;
}

#endif
