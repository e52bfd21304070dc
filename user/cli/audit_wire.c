#include "cli/audit.h"

/* Said anew below, or meant for the hop that the recording saw. */
static const char *const dropped[] = {
	"connection", "keep-alive",     "proxy-connection",  "proxy-authorization",
	"te",         "trailer",        "transfer-encoding", "upgrade",
	"host",       "content-length", "http2-settings",    "expect",
	NULL
};

enum { CHUNK = 1500, HTTP_SWITCHING = 101, HTTP_NO_CONTENT = 204, HTTP_NOT_MODIFIED = 304 };

static struct str text(json_t *value)
{
	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){ json_string_value(value), json_string_length(value) };
}

static bool listed(struct str name)
{
	for (const char *const *d = dropped; *d; d++)
		if (str_ieq(str_of(*d), name))
			return true;
	return false;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
			return false;
	return s.p && !memchr(s.p, 0x7f, s.n);
}

/* Is the stored body still in this coding? */
static bool still_coded(struct str coding, struct str body)
{
	if (str_ieq(coding, S("gzip")) || str_ieq(coding, S("x-gzip")))
		return str_starts(body, S("\x1f\x8b"));
	if (str_ieq(coding, S("zstd")))
		return str_starts(body, S("\x28\xb5\x2f\xfd"));
	if (str_ieq(coding, S("deflate")))
		return str_starts(body, S("\x78"));
	/* br has no mark of its own; recorders store what they decoded */
	return false;
}

static int add_header(struct buf *out, struct str name, struct str value, struct str body)
{
	if (!is_name(name) || !is_value(value) || listed(name))
		return 0;
	if (str_ieq(name, S("content-encoding")) && !still_coded(str_trim(value), body))
		return 0;
	return buf_printf(out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name), STR_ARG(value));
}

static int add_headers(struct buf *out, json_t *headers, struct str body)
{
	const char *name;
	json_t *value;
	size_t i;
	int r = 0;

	if (json_is_array(headers)) {
		json_array_foreach(headers, i, value)
		{
			if (r == 0)
				r = add_header(out, text(json_object_get(value, "name")),
					       text(json_object_get(value, "value")), body);
		}
		return r;
	}
	json_object_foreach(headers, name, value)
	{
		if (r == 0)
			r = add_header(out, str_of(name), text(value), body);
	}
	return r;
}

static bool has_value(json_t *headers, struct str name, struct str head)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(headers)) {
		json_array_foreach(headers, i, value)
		{
			if (str_ieq(text(json_object_get(value, "name")), name) &&
			    str_ieq(str_head(text(json_object_get(value, "value")), head.n), head))
				return true;
		}
		return false;
	}
	json_object_foreach(headers, key, value)
	{
		if (str_ieq(str_of(key), name) && str_ieq(str_head(text(value), head.n), head))
			return true;
	}
	return false;
}

/* "https://host:port/path?query#part" */
static int split_url(struct str url, struct str *ret_host, struct str *ret_target)
{
	struct str rest = url, scheme, host, user;
	size_t n = 0;

	if (!str_cut(&rest, &scheme, ':') || !str_starts(rest, S("//")))
		return -EBADMSG;
	rest = str_skip(rest, 2);
	while (n < rest.n && !strchr("/?#", rest.p[n]))
		n++;
	host = str_head(rest, n);
	rest = str_skip(rest, n);
	if (str_cut(&host, &user, '@') && !host.n)
		return -EBADMSG;
	*ret_target = rest;
	*ret_host = host;
	(void)str_cut(&rest, ret_target, '#');
	return host.n ? 0 : -EBADMSG;
}

static int add_target(struct buf *out, struct str target)
{
	int r = target.n && target.p[0] == '/' ? 0 : buf_put(out, '/');

	for (size_t i = 0; r == 0 && i < target.n; i++) {
		unsigned char c = (unsigned char)target.p[i];

		r = c > ' ' && c < 0x7f ? buf_put(out, (char)c) : buf_printf(out, "%%%02X", c);
	}
	return r;
}

int audit_request_bytes(const struct audit_exchange *x, struct buf *out)
{
	struct str host, target, body = buf_str(&x->ask);
	bool upgrade = x->status == HTTP_SWITCHING;
	int r = split_url(x->url, &host, &target);

	if (r < 0 || !is_name(x->method))
		return -EBADMSG;
	r = buf_printf(out, STR_FMT " ", STR_ARG(x->method));
	if (r == 0)
		r = add_target(out, target);
	if (r == 0)
		r = buf_printf(out, " HTTP/1.1\r\nHost: " STR_FMT "\r\n", STR_ARG(host));
	if (r == 0)
		r = add_headers(out, x->ask_headers, body);
	if (r == 0 && upgrade)
		r = buf_add(out, S("Connection: upgrade\r\nUpgrade: websocket\r\n"));
	if (r == 0 && (body.n || str_eq(x->method, S("POST"))))
		r = buf_printf(out, "Content-Length: %zu\r\n", body.n);
	if (r == 0)
		r = buf_add(out, S("\r\n"));
	return r < 0 ? r : buf_add(out, body);
}

static int add_chunked(struct buf *out, struct str body)
{
	int r = buf_add(out, S("Transfer-Encoding: chunked\r\n\r\n"));

	while (r == 0 && body.n) {
		struct str one = str_head(body, CHUNK);

		r = buf_printf(out, "%zx\r\n", one.n);
		if (r == 0)
			r = buf_add(out, one);
		if (r == 0)
			r = buf_add(out, S("\r\n"));
		body = str_skip(body, one.n);
	}
	return r < 0 ? r : buf_add(out, S("0\r\n\r\n"));
}

int audit_answer_bytes(const struct audit_exchange *x, struct buf *out)
{
	struct str body = buf_str(&x->answer);
	bool empty = x->status < 200 || x->status == HTTP_NO_CONTENT ||
		     x->status == HTTP_NOT_MODIFIED || str_eq(x->method, S("HEAD"));
	int r;

	if (x->status < 100 || x->status > 999)
		return -EBADMSG;
	r = buf_printf(out, "HTTP/1.1 %d X\r\n", x->status);
	if (r == 0)
		r = add_headers(out, x->answer_headers, body);
	if (r == 0 && x->status == HTTP_SWITCHING)
		r = buf_add(out, S("Connection: upgrade\r\nUpgrade: websocket\r\n"));
	if (r < 0)
		return r;
	if (empty)
		return buf_add(out, S("\r\n"));
	if (has_value(x->answer_headers, S("content-type"), S("text/event-stream")) && !x->lost)
		return add_chunked(out, body);
	r = buf_printf(out, "Content-Length: %zu\r\n\r\n", body.n + (size_t)x->lost);
	return r < 0 ? r : buf_add(out, body);
}
