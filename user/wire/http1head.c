/* http1head.c -- a head is parsed once, whole: strictness is easier to see in one place. */
#include "base/limit.h"
#include "wire/http1head.h"

#define METHOD_MAX 24 /* bytes; the longest registered method has 17 */

static const struct str header_names[] = {
#define HEADER(name, text) [HDR_##name] = { text, sizeof(text) - 1 },
#include "tbl/header.h"
#undef HEADER
};

bool http1head_token(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_text(char c) /* visible or obs-text, no space */
{
	return (unsigned char)c > ' ' && c != 0x7f;
}

/* ---- first lines ----------------------------------------------------------------------------- */

/* Walks `s` along "HTTP/1.", then a version digit 0 or 1. 1, 0 (too short) or -EBADMSG. */
static int version_at(struct str s, char *ret_minor)
{
	struct str want = S("HTTP/1.");

	if (!str_eq(str_head(s, want.n), str_head(want, s.n)))
		return -EBADMSG;
	if (s.n <= want.n)
		return 0;
	if (s.p[want.n] != '0' && s.p[want.n] != '1')
		return -EBADMSG;
	*ret_minor = s.p[want.n];
	return 1;
}

static int request_line(struct str s, struct str *ret_method, struct str *ret_target,
			char *ret_minor)
{
	size_t method = 0, at;
	int r;

	while (method < s.n && http1head_token(s.p[method]))
		if (++method > METHOD_MAX)
			return -EBADMSG;
	if (method == s.n)
		return 0;
	if (method == 0 || s.p[method] != ' ')
		return -EBADMSG;
	for (at = method + 1; at < s.n && is_text(s.p[at]); at++)
		if (at > LIMIT_HEAD_BYTES)
			return -EBADMSG;
	if (at == s.n)
		return 0;
	if (at == method + 1 || s.p[at] != ' ')
		return -EBADMSG;
	*ret_method = str_head(s, method);
	*ret_target = (struct str){ s.p + method + 1, at - method - 1 };
	s = str_skip(s, at + 1);
	r = version_at(s, ret_minor);
	if (r <= 0)
		return r;
	s = str_skip(s, sizeof("HTTP/1.1") - 1);
	if (!str_eq(str_head(s, 2), str_head(S("\r\n"), s.n)))
		return -EBADMSG;
	return s.n >= 2;
}

static int status_line(struct str s, unsigned *ret_status, char *ret_minor)
{
	unsigned status = 0;
	int r = version_at(s, ret_minor);

	if (r <= 0)
		return r;
	s = str_skip(s, sizeof("HTTP/1.1") - 1);
	for (size_t i = 0; i < 5; i++) {
		if (i == s.n)
			return 0;
		/* " 200" and then the reason, which may be absent with its space */
		if (i == 0  ? s.p[i] != ' '
		    : i < 4 ? !is_digit(s.p[i])
			    : s.p[i] != ' ' && s.p[i] != '\r')
			return -EBADMSG;
		if (i > 0 && i < 4)
			status = status * 10 + (unsigned)(s.p[i] - '0');
	}
	if (status < 100)
		return -EBADMSG;
	*ret_status = status;
	return 1;
}

/* The end of a method must not pass for one: "ET" behind a lost "G". None of these ends in
 * another. */
static const struct str methods[] = { { "GET", 3 },     { "HEAD", 4 },    { "POST", 4 },
				      { "PUT", 3 },     { "PATCH", 5 },   { "DELETE", 6 },
				      { "OPTIONS", 7 }, { "CONNECT", 7 }, { "TRACE", 5 } };

int http1_begins_request(struct str bytes)
{
	struct str method, target;
	bool known = false;
	char minor;

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		size_t n = methods[i].n;

		known |= str_eq(str_head(bytes, n), str_head(methods[i], bytes.n)) &&
			 (bytes.n <= n || bytes.p[n] == ' ');
	}
	if (!known)
		return -EBADMSG;
	return request_line(bytes, &method, &target, &minor);
}

int http1_begins_response(struct str bytes)
{
	unsigned status;
	char minor;

	return status_line(bytes, &status, &minor);
}

/* ---- fields ---------------------------------------------------------------------------------- */

int http1head_field(struct counters *c, struct str line, struct str *ret_name,
		    struct str *ret_value)
{
	struct str name;

	if (!str_cut(&line, &name, ':') || !name.n)
		return -EBADMSG;
	for (size_t i = 0; i < name.n; i++) /* also refuses folding and a space before the colon */
		if (!http1head_token(name.p[i]))
			return -EBADMSG;
	if (name.n > LIMIT_HEAD_NAME) {
		count_limit(c, HEAD_NAME);
		return -EMSGSIZE;
	}
	line = str_trim(line);
	for (size_t i = 0; i < line.n; i++)
		if (!is_text(line.p[i]) && line.p[i] != ' ' && line.p[i] != '\t')
			return -EBADMSG;
	*ret_name = name;
	*ret_value = line;
	return 0;
}

struct fields {
	struct counters *c;
	struct http1_head *head;
	struct arena *joined;
	bool too_long[HDR_COUNT];
	bool has_length, has_coding;
	uint64_t length;
};

static int field_length(struct fields *f, struct str value)
{
	if (f->has_length || str_u64(value, &f->length) < 0 || f->length >= OFF_UNKNOWN)
		return -EBADMSG;
	f->has_length = true;
	return 0;
}

static int field_keep(struct fields *f, enum header id, struct str value)
{
	struct str *have = &f->head->header[id];
	char *p;

	if (f->too_long[id])
		return 0;
	if (value.n > LIMIT_HEADER_VALUE ||
	    (have->p && have->n + value.n + 2 > LIMIT_HEADER_VALUE)) {
		count_limit(f->c, HEADER_VALUE);
		f->too_long[id] = true;
		*have = STR_NONE;
		return 0;
	}
	if (!have->p) {
		*have = value;
		return 0;
	}
	p = arena_get(f->joined, have->n + 2 + value.n);
	if (!p)
		return -ENOMEM;
	memcpy(p, have->p, have->n);
	memcpy(p + have->n, ", ", 2);
	memcpy(p + have->n + 2, value.p, value.n);
	*have = (struct str){ p, have->n + 2 + value.n };
	return 0;
}

static int field_read(struct fields *f, struct str line)
{
	struct str name, value;
	int r = http1head_field(f->c, line, &name, &value);

	if (r < 0)
		return r;
	if (str_ieq(name, S("content-length")))
		return field_length(f, value);
	if (str_ieq(name, S("transfer-encoding"))) {
		if (f->has_coding || !str_ieq(value, S("chunked")))
			return -EBADMSG;
		f->has_coding = true;
		return 0;
	}
	for (int id = 0; id < HDR_COUNT; id++)
		if (str_ieq(name, header_names[id]))
			return field_keep(f, id, value);
	return 0;
}

/* RFC 9112 section 6.3, in its order. */
static void framing_of(enum http1_side side, struct str method, const struct fields *f,
		       struct http1_head *head, struct http1_framing *ret)
{
	unsigned s = head->status;

	ret->length = f->length;
	if (side == HTTP1_RESPONSE &&
	    (str_eq(method, S("HEAD")) || s < 200 || s == 204 || s == 304)) {
		ret->body = HTTP1_NO_BODY;
		head->upgraded = s == 101;
	} else if (side == HTTP1_RESPONSE && str_eq(method, S("CONNECT")) && s < 300) {
		ret->body = HTTP1_NO_BODY;
		head->upgraded = true;
	} else if (f->has_coding) {
		ret->body = HTTP1_CHUNKED;
	} else if (f->has_length) {
		ret->body = f->length ? HTTP1_COUNTED : HTTP1_NO_BODY;
	} else {
		ret->body = side == HTTP1_RESPONSE ? HTTP1_UNTIL_END : HTTP1_NO_BODY;
	}
	head->body_less = ret->body == HTTP1_NO_BODY;
	head->close_ends = ret->body == HTTP1_UNTIL_END;
}

static struct str line_cut(struct str *text)
{
	struct str line = STR_NONE;
	bool found = str_cut(text, &line, '\n');

	assert(found && line.n && line.p[line.n - 1] == '\r');
	line.n--;
	return line;
}

int http1head_read(struct counters *c, enum http1_side side, struct str text, struct str method,
		   struct arena *joined, struct http1_head *ret, struct http1_framing *ret_framing)
{
	struct http1_head head = { .status = 0 };
	struct fields f = { .c = c, .head = &head, .joined = joined };
	struct str line;
	char minor = 0;
	int r;

	r = side == HTTP1_REQUEST ? request_line(text, &head.method, &head.target, &minor)
				  : status_line(text, &head.status, &minor);
	if (r <= 0)
		return -EBADMSG;
	line_cut(&text);
	for (int lines = 0;; lines++) {
		line = line_cut(&text);
		if (!line.n)
			break;
		if (lines == LIMIT_HEAD_LINES) {
			count_limit(c, HEAD_LINES);
			return -EMSGSIZE;
		}
		r = field_read(&f, line);
		if (r < 0)
			return r;
	}
	if (f.has_coding && (f.has_length || minor == '0'))
		return -EBADMSG;
	framing_of(side, method, &f, &head, ret_framing);
	*ret = head;
	return 0;
}
