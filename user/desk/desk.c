#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "desk/desk.h"

#define CONN_MEMORY 32768 /* bytes libmicrohttpd may use for one connection: head and parameters */

struct desk {
	unsigned magic;
#define DESK_MAGIC 0x4445534bu
	struct api *api; /* borrowed */
	struct MHD_Daemon *http;
	int listen;
};

struct visit { /* one request while its body arrives */
	unsigned magic;
#define VISIT_MAGIC 0x56495354u
	struct buf body;
	int error; /* what went wrong with the body; the rest of it is read and forgotten */
};

static enum MHD_Result send_bytes(struct MHD_Connection *conn, unsigned status, const char *type,
				  uint64_t next, struct buf *body)
{
	struct MHD_Response *res;
	enum MHD_Result ok;
	char number[24];

	res = MHD_create_response_from_buffer_with_free_callback(body->n, body->p, mem_free);
	if (!res)
		return MHD_NO;
	*body = (struct buf){ .limit = body->limit }; /* the response frees it */
	MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(res, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(res, "X-Content-Type-Options", "nosniff");
	if (next) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)next);
		MHD_add_response_header(res, "Submeter-Next", number);
	}
	ok = MHD_queue_response(conn, status, res);
	MHD_destroy_response(res);
	return ok;
}

static enum MHD_Result send_too_large(struct MHD_Connection *conn)
{
	struct buf body = { .limit = LIMIT_API_BODY };
	enum MHD_Result ok = MHD_NO;

	if (buf_add(&body, S("{\"error\":{\"message\":\"the body is too large\","
			     "\"code\":\"too_large\"}}")) == 0)
		ok = send_bytes(conn, MHD_HTTP_CONTENT_TOO_LARGE, "application/json", 0, &body);
	buf_done(&body);
	return ok;
}

/* Who asks is what the kernel says of the peer, never what the request claims. */
static struct str peer(struct MHD_Connection *conn, char room[32])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return S("unknown");
	snprintf(room, 32, "uid:%u", (unsigned)cred.uid);
	return str_of(room);
}

static const char *param(void *ctx, const char *name)
{
	return MHD_lookup_connection_value(ctx, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer(struct desk *d, struct MHD_Connection *conn, const char *method,
			      const char *path, struct visit *v)
{
	struct api_request q = { .method = str_of(method),
				 .path = str_of(path),
				 .body = buf_str(&v->body),
				 .param = param,
				 .ctx = conn };
	struct api_reply reply = { 0 };
	enum MHD_Result ok;
	char who[32];

	q.actor = peer(conn, who);
	q.key = str_of(MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Idempotency-Key"));
	if (str_eq(q.method, S("HEAD")))
		q.method = S("GET"); /* libmicrohttpd leaves the body away */
	if (api_answer(d->api, &q, &reply) < 0)
		return MHD_NO;
	ok = send_bytes(conn, reply.status, reply.type, reply.next, &reply.body);
	buf_done(&reply.body);
	return ok;
}

static enum MHD_Result visit(void *ctx, struct MHD_Connection *conn, const char *path,
			     const char *method, const char *version, const char *data,
			     size_t *size, void **state)
{
	struct visit *v = *state;

	(void)version;
	if (!v) {
		v = obj_new(v, VISIT_MAGIC);
		if (!v)
			return MHD_NO;
		v->body.limit = LIMIT_API_BODY;
		*state = v;
		return MHD_YES;
	}
	obj_check(v, VISIT_MAGIC);
	if (*size) {
		if (v->error == 0)
			v->error = buf_add(&v->body, (struct str){ data, *size });
		*size = 0;
		return MHD_YES;
	}
	return v->error ? send_too_large(conn) : answer(ctx, conn, method, path, v);
}

static void visit_over(void *ctx, struct MHD_Connection *conn, void **state,
		       enum MHD_RequestTerminationCode code)
{
	struct visit *v = *state;

	(void)ctx, (void)conn, (void)code;
	*state = NULL;
	if (!v)
		return;
	buf_done(&v->body);
	mem_free(v);
}

int desk_start(struct api *a, int listen, struct desk **ret)
{
	struct desk *d;
	int flags = fcntl(listen, F_GETFL);

	/* Several threads wait on one socket: the one that comes second must not block in accept. */
	if (flags < 0 || fcntl(listen, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	d = obj_new(d, DESK_MAGIC);
	if (!d)
		return -ENOMEM;
	d->api = a;
	d->listen = listen;
	d->http = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC, 0,
				   NULL, NULL, visit, d, MHD_OPTION_LISTEN_SOCKET, listen,
				   MHD_OPTION_THREAD_POOL_SIZE, (unsigned)DESK_THREADS,
				   MHD_OPTION_CONNECTION_LIMIT, (unsigned)DESK_CONNS,
				   MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)DESK_IDLE_S,
				   MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_MEMORY,
				   MHD_OPTION_NOTIFY_COMPLETED, visit_over, NULL, MHD_OPTION_END);
	if (!d->http) {
		mem_free(d);
		return -EIO;
	}
	*ret = d;
	return 0;
}

void desk_stop(struct desk **dd)
{
	struct desk *d = obj_take(dd, DESK_MAGIC);

	if (!d)
		return;
	/* The supervisor holds the same socket for the next desk: quiesced, it is closed here but not shut down. */
	MHD_quiesce_daemon(d->http);
	MHD_stop_daemon(d->http);
	close(d->listen);
	mem_free(d);
}
