/* The calls of common.py in C over OpenSSL, SSL_read and SSL_write alone: linked statically and stripped, it stands for the
 * programs that bring a TLS library of which no name is left.
 *
 *     cc -O2 -static -s static_openssl.c -lssl -lcrypto -lz      (-static-pie for the other shape)
 *
 * --parallel is taken and ignored. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define ROOM (8u << 20) /* most bytes of a request or an answer */

static struct {
	int calls, stream, gzip, keep;
	const char *apis, *tag, *sim, *text;
} opts = { 1, 0, 0, 1, "chat,responses,messages", "static", "", "What does our tariff say?" };

struct conn {
	const char *host;
	SSL *ssl;
	int fd;
};

static const struct api {
	const char *name, *host, *path, *model[5], *asks;
} all_apis[] = {
	{ "chat",
	  "api.openai.com",
	  "/v1/chat/completions",
	  { "gpt-4o-mini", "gpt-4.1-mini", "gpt-5.5", "gpt-6-sol" },
	  "\"messages\"" },
	{ "responses",
	  "api.openai.com",
	  "/v1/responses",
	  { "gpt-5.5", "gpt-6-sol", "gpt-4.1-mini" },
	  "\"input\"" },
	{ "messages",
	  "api.anthropic.com",
	  "/v1/messages",
	  { "claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-5" },
	  "\"max_tokens\":512,\"messages\"" },
};

static SSL_CTX *context;
static char request[ROOM], answer[ROOM], plain[ROOM], long_text[ROOM / 2];

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "static_openssl: %s: %s\n", what, errno ? strerror(errno) : "no");
	exit(1);
}

static void options(int argc, char **argv)
{
	const struct {
		const char *name;
		int *number;
		const char **text;
	} known[] = { { "calls", &opts.calls, NULL },   { "stream", &opts.stream, NULL },
		      { "gzip", &opts.gzip, NULL },     { "keep", &opts.keep, NULL },
		      { "apis", NULL, &opts.apis },     { "tag", NULL, &opts.tag },
		      { "sim", NULL, &opts.sim },       { "text", NULL, &opts.text },
		      { "parallel", &(int){ 0 }, NULL } };

	for (int i = 1; i + 1 < argc; i += 2)
		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
			if (strcmp(argv[i] + 2, known[k].name))
				continue;
			if (known[k].number)
				*known[k].number = atoi(argv[i + 1]);
			else
				*known[k].text = argv[i + 1];
		}
	if (opts.text[0] != '@') /* @N: N characters */
		return;
	need(atoi(opts.text + 1) < (int)sizeof(long_text) - 8, "--text");
	for (int n = 0; n <= atoi(opts.text + 1); n += 7)
		memcpy(long_text + n, "tariff ", 8);
	opts.text = long_text;
}

/* ---- the connection ------------------------------------------------------------------------- */

static void conn_open(struct conn *c, const char *host)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *a;

	need(getaddrinfo(host, "443", &hints, &a) == 0, host);
	c->host = host;
	c->fd = socket(a->ai_family, a->ai_socktype, 0);
	need(c->fd >= 0 && connect(c->fd, a->ai_addr, a->ai_addrlen) == 0, host);
	freeaddrinfo(a);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->ssl = SSL_new(context);
	need(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_set1_host(c->ssl, host) == 1 &&
		     SSL_set_tlsext_host_name(c->ssl, host) == 1 && SSL_connect(c->ssl) == 1,
	     "handshake");
}

static void conn_close(struct conn *c)
{
	if (!c->ssl)
		return;
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static const char *header(const char *head, const char *name)
{
	for (const char *p = strstr(head, "\r\n"); p && strncmp(p, "\r\n\r\n", 4);
	     p = strstr(p + 2, "\r\n"))
		if (strncasecmp(p + 2, name, strlen(name)) == 0 && p[2 + strlen(name)] == ':')
			return p + 4 + strlen(name);
	return NULL;
}

/* The chunks' data, joined in place; its size, or -1 when the last chunk is not there. */
static long chunks(char *body, const char *end)
{
	char *to = body, *p = body, *line;

	for (;;) {
		unsigned long n;

		line = memmem(p, (size_t)(end - p), "\r\n", 2);
		if (!line)
			return -1;
		n = strtoul(p, NULL, 16);
		p = line + 2;
		if ((size_t)(end - p) < n + 2)
			return -1;
		if (n == 0)
			return to - body;
		memmove(to, p, n);
		to += n;
		p += n + 2;
	}
}

/* Reads until the answer is whole; its body's size. Everything that was read belongs to it: one request at a time. */
static size_t receive(struct conn *c, char **ret_body)
{
	size_t n = 0, room = sizeof(answer) - 1;
	const char *length;
	char *body;
	bool open = true;
	int r;

	for (;;) {
		need(n < room, "an answer that long");
		r = SSL_read(c->ssl, answer + n, (int)(room - n));
		open = r > 0;
		n += open ? (size_t)r : 0;
		answer[n] = 0;
		body = strstr(answer, "\r\n\r\n");
		need(body || open, "the connection ended before the answer");
		if (!body)
			continue;
		*ret_body = body += 4;
		length = header(answer, "content-length");
		if (length && n - (size_t)(body - answer) >= strtoul(length, NULL, 10))
			return strtoul(length, NULL, 10);
		if (!open && !length && !header(answer, "transfer-encoding"))
			return n - (size_t)(body - answer);
		need(open, "the connection ended in the answer");
		/* only a last read can bring the last chunk */
		if (header(answer, "transfer-encoding") &&
		    memcmp(answer + n - 5, "0\r\n\r\n", 5) == 0)
			break;
	}
	need((n = (size_t)chunks(body, answer + n)) != (size_t)-1, "a chunk is missing");
	return n;
}

static void unzip(const char *body, size_t n)
{
	z_stream z = { .next_in = (unsigned char *)(unsigned long)body,
		       .avail_in = (unsigned)n,
		       .next_out = (unsigned char *)plain,
		       .avail_out = sizeof(plain) - 1 };

	need(inflateInit2(&z, 31) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END, "gzip");
	plain[z.total_out] = 0;
	inflateEnd(&z);
}

static void report(int i, char *body, size_t n)
{
	const char *coding = header(answer, "content-encoding"), *id;

	if (coding && strncmp(coding, "gzip", 4) == 0) {
		unzip(body, n);
	} else {
		memcpy(plain, body, n);
		plain[n] = 0;
	}
	id = strstr(plain, "\"id\":\"");
	printf("{\"tag\": \"%s/%d\", \"id\": \"%.*s\", \"status\": %d, \"whole\": %s}\n", opts.tag,
	       i, id ? (int)strcspn(id + 6, "\"") : 0, id ? id + 6 : "", atoi(answer + 9),
	       plain[0] == '{' || strstr(plain, "data: [DONE]") ||
			       strstr(plain, "\"type\":\"response.completed\"") ||
			       strstr(plain, "\"type\":\"message_stop\"")
		       ? "true"
		       : "false");
	fflush(stdout);
}

/* ---- the request ---------------------------------------------------------------------------- */

static const struct api *api_of(int i)
{
	int count = 1, at;
	const char *p = opts.apis;

	for (const char *q = p; (q = strchr(q, ',')); q++)
		count++;
	for (at = i % count; at; at--)
		p = strchr(p, ',') + 1;
	for (size_t k = 0; k < sizeof(all_apis) / sizeof(*all_apis); k++)
		if (strcspn(p, ",") == strlen(all_apis[k].name) &&
		    strncmp(p, all_apis[k].name, strlen(all_apis[k].name)) == 0)
			return &all_apis[k];
	need(false, "--apis");
	return NULL;
}

static void call(struct conn conns[2], int i)
{
	const struct api *api = api_of(i);
	bool anthropic = strcmp(api->name, "messages") == 0;
	struct conn *c = &conns[anthropic];
	int models = api->model[3] ? 4 : 3, n;
	size_t size;
	char *body;

	if (!c->ssl)
		conn_open(c, api->host);
	n = snprintf(plain, sizeof(plain),
		     "{\"model\":\"%s\"%s%s,%s:[{\"role\":\"user\",\"content\":\"%s\"}]}",
		     api->model[i / 3 % models], opts.stream ? ",\"stream\":true" : "",
		     opts.stream && api == all_apis ? ",\"stream_options\":{\"include_usage\":true}"
						    : "",
		     api->asks, opts.text);
	need(n > 0 && n < (int)sizeof(plain), "--text");
	n = snprintf(
		request, sizeof(request),
		"POST %s HTTP/1.1\r\nhost: %s\r\ncontent-length: %d\r\ncontent-type: "
		"application/json\r\n"
		"x-test-tag: %s/%d\r\naccept-encoding: %s\r\nconnection: %s\r\n%s%s%s%s\r\n\r\n%s",
		api->path, api->host, n, opts.tag, i, opts.gzip ? "gzip" : "identity",
		opts.keep ? "keep-alive" : "close", opts.sim[0] ? "x-sim: " : "", opts.sim,
		opts.sim[0] ? "\r\n" : "",
		anthropic ? "x-api-key: sk-ant-test-0000\r\nanthropic-version: 2023-06-01"
			  : "authorization: Bearer sk-test-0000",
		plain);
	need(n > 0 && n < (int)sizeof(request) && SSL_write(c->ssl, request, n) == n, "write");
	size = receive(c, &body);
	report(i, body, size);
	if (!opts.keep)
		conn_close(c);
}

int main(int argc, char **argv)
{
	struct conn conns[2] = { 0 };

	options(argc, argv);
	context = SSL_CTX_new(TLS_client_method());
	need(context && SSL_CTX_load_verify_locations(context, getenv("SSL_CERT_FILE"), NULL) == 1,
	     "SSL_CERT_FILE");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	for (int i = 0; i < opts.calls; i++)
		call(conns, i);
	conn_close(&conns[0]);
	conn_close(&conns[1]);
	SSL_CTX_free(context);
	return 0;
}
