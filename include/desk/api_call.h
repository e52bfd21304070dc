/* api_call.h -- what the handlers of user/desk/ share: one request under way.
 *
 * A handler fills c->r and returns 0, or a negative errno that becomes an HTTP status and an error object. */
#ifndef DESK_API_CALL_H
#define DESK_API_CALL_H

#include <pthread.h>
#include "desk/api.h"
#include "report/query.h"

struct api { /* of api.c */
	unsigned magic;
#define API_MAGIC 0x41504931u
	struct api_ops ops;
	char *ledger;
	pthread_mutex_t lock;
	struct query *idle[API_READERS]; /* open and not in use */
	size_t idle_count;
};

struct api_call {
	struct api *a;
	const struct api_ops *ops;
	const struct api_request *q;
	struct api_reply *r;
	struct query *db; /* once api_db() answered 0; given back by the dispatcher */
	char error[QUERY_ERROR];
};

typedef int api_fn(struct api_call *c);

#define ROUTE(method, path, fn, help) api_fn fn;
#include "tbl/route.h"
#undef ROUTE

struct api_route {
	const char *method, *path;
	api_fn *fn;
	const char *help;
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

int api_fail(struct api_call *c, int r, const char *format, ...) _printf_(3, 4); /* returns r */
int api_db(struct api_call *c) _must_use_;   /* a connection to the ledger, in c->db */
void api_db_done(struct api_call *c, int r); /* r: what reading came to */

/* Query parameters; absent ones are an absent str, or leave *ret alone. */
struct str api_param(const struct api_call *c, const char *name);
int api_param_time(struct api_call *c, const char *name, uint64_t *ret) _must_use_;
int api_param_count(struct api_call *c, const char *name, uint64_t *ret) _must_use_;
bool api_param_true(const struct api_call *c, const char *name);

#endif
