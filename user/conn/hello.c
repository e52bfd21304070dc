/* hello.c -- RFC 8446 sections 5.1 and 4.1.2, RFC 6066 section 3. */
#include "conn/hello.h"

enum {
	RECORD_HANDSHAKE = 22,
	MESSAGE_HELLO = 1,
	EXTENSION_NAME = 0,
	NAME_HOST = 0,
	NAME_MOST = 253
};

/* The next n bytes of *s; false where they are not there. */
static bool cut(struct str *s, size_t n, struct str *ret)
{
	if (s->n < n)
		return false;
	*ret = str_head(*s, n);
	*s = str_skip(*s, n);
	return true;
}

/* A length of `width` bytes and as much of what it measures as is there. */
static bool vector(struct str *s, size_t width, struct str *ret)
{
	struct str head;
	size_t n = 0;

	if (!cut(s, width, &head))
		return false;
	for (size_t i = 0; i < width; i++)
		n = n << 8 | (unsigned char)head.p[i];
	*ret = str_head(*s, n);
	*s = str_skip(*s, n);
	return true;
}

static bool is_name(struct str s)
{
	if (!s.n || s.n > NAME_MOST)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return true;
}

/* The list of names, whole: a cut name is another name. */
static struct str listed(struct str s)
{
	struct str list, kind, name, length;

	if (!vector(&s, 2, &list))
		return STR_NONE;
	while (cut(&list, 1, &kind) && cut(&list, 2, &length)) {
		size_t n = (size_t)(unsigned char)length.p[0] << 8 | (unsigned char)length.p[1];

		if (!cut(&list, n, &name))
			return STR_NONE;
		if (kind.p[0] == NAME_HOST)
			return is_name(name) ? name : STR_NONE;
	}
	return STR_NONE;
}

struct str hello_name(struct str s)
{
	struct str head, body, one, extensions, id, data;

	if (!cut(&s, 3, &head) || head.p[0] != RECORD_HANDSHAKE || head.p[1] != 3 ||
	    !vector(&s, 2, &body))
		return STR_NONE;
	if (!cut(&body, 1, &head) || head.p[0] != MESSAGE_HELLO || !vector(&body, 3, &s))
		return STR_NONE;
	/* version and random; session, ciphers, compression */
	if (!cut(&s, 34, &one) || !vector(&s, 1, &one) || !vector(&s, 2, &one) ||
	    !vector(&s, 1, &one) || !vector(&s, 2, &extensions))
		return STR_NONE;
	while (cut(&extensions, 2, &id) && vector(&extensions, 2, &data))
		if (id.p[0] == 0 && id.p[1] == EXTENSION_NAME)
			return listed(data);
	return STR_NONE;
}
