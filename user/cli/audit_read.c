#include <sodium.h>
#include "base/clock.h"
#include "base/limit.h"
#include "base/obj.h"
#include "cli/audit.h"

enum { NS_PER_MS = 1000000 };

void audit_exchange_done(struct audit_exchange *x)
{
	buf_done(&x->ask);
	buf_done(&x->answer);
}

static struct str text(json_t *value)
{
	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){ json_string_value(value), json_string_length(value) };
}

static int add_base64(struct buf *out, struct str s)
{
	size_t room = s.n / 4 * 3 + 3, n;
	unsigned char *p = mem_zero(1, room);
	int r;

	if (!p)
		return -ENOMEM;
	r = sodium_base642bin(p, room, s.p, s.n, "\r\n ", &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) < 0
		    ? -EBADMSG
		    : buf_add(out, (struct str){ (const char *)p, n });
	mem_free(p);
	return r;
}

/* null or missing: no body */
static int add_body(json_t *value, bool base64, struct buf *out)
{
	struct str s = text(value);

	if (!value || json_is_null(value))
		return 0;
	if (!s.p)
		return -EBADMSG;
	return base64 ? add_base64(out, s) : buf_add(out, s);
}

static int begin(struct audit_exchange *x, json_t *method, json_t *url, const char **ret_error)
{
	x->ask.limit = x->answer.limit = LIMIT_AUDIT_LINE;
	x->method = text(method);
	x->url = text(url);
	*ret_error = "a method and an url are needed";
	return x->method.n && x->url.n ? 0 : -EBADMSG;
}

int audit_read_line(json_t *from, struct audit_exchange *ret, const char **ret_error)
{
	struct audit_exchange x = { 0 };
	json_t *status = json_object_get(from, "status");
	int r;

	r = begin(&x, json_object_get(from, "method"), json_object_get(from, "url"), ret_error);
	if (r < 0)
		return r;
	x.id = text(json_object_get(from, "id"));
	x.status = json_is_integer(status) ? (int)json_integer_value(status) : 0;
	x.ask_headers = json_object_get(from, "request_headers");
	x.answer_headers = json_object_get(from, "response_headers");
	*ret_error = "a body is not base64";
	r = add_body(json_object_get(from, "request_body_b64"), true, &x.ask);
	if (r == 0)
		r = add_body(json_object_get(from, "response_body_b64"), true, &x.answer);
	if (r < 0) {
		audit_exchange_done(&x);
		return r;
	}
	*ret = x;
	return 0;
}

static void har_times(json_t *from, struct audit_exchange *x)
{
	json_int_t took = json_integer_value(json_object_get(from, "time"));
	struct str start = text(json_object_get(from, "startedDateTime"));

	if (clock_parse(start, &x->start_ns) < 0)
		x->start_ns = 0;
	if (x->start_ns && took > 0 && took < INT32_MAX)
		x->end_ns = x->start_ns + (uint64_t)took * NS_PER_MS;
}

static int har_answer(json_t *answer, struct audit_exchange *x)
{
	json_t *content = json_object_get(answer, "content"),
	       *body = json_object_get(content, "text");
	json_t *size = json_object_get(content, "size");
	struct str encoding = text(json_object_get(content, "encoding"));

	x->status = (int)json_integer_value(json_object_get(answer, "status"));
	x->answer_headers = json_object_get(answer, "headers");
	if (!body && json_integer_value(size) > 0)
		x->lost = (uint64_t)json_integer_value(size);
	return add_body(body, str_eq(encoding, S("base64")), &x->answer);
}

int audit_read_har(json_t *from, struct audit_exchange *ret, const char **ret_error)
{
	struct audit_exchange x = { 0 };
	json_t *ask = json_object_get(from, "request"), *post = json_object_get(ask, "postData");
	struct str encoding = text(json_object_get(post, "encoding"));
	int r;

	r = begin(&x, json_object_get(ask, "method"), json_object_get(ask, "url"), ret_error);
	if (r < 0)
		return r;
	x.id = text(json_object_get(from, "_id"));
	x.ask_headers = json_object_get(ask, "headers");
	har_times(from, &x);
	*ret_error = "a body cannot be decoded";
	r = add_body(json_object_get(post, "text"), str_eq(encoding, S("base64")), &x.ask);
	if (r == 0)
		r = har_answer(json_object_get(from, "response"), &x);
	if (r < 0) {
		audit_exchange_done(&x);
		return r;
	}
	*ret = x;
	return 0;
}
