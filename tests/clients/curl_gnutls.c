/* curl_gnutls.c -- the calls of common.py with libcurl on GnuTLS: HTTP/2, streams of one connection a host.
 *
 * Same options. Build: cc curl_gnutls.c -l:libcurl-gnutls.so.4; the headers are those of any libcurl. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const urls[] = { "https://api.openai.com/v1/chat/completions",
				    "https://api.openai.com/v1/responses",
				    "https://api.anthropic.com/v1/messages" };
static const char *const models[3][4] = {
	{ "gpt-4o-mini", "gpt-4.1-mini", "gpt-5.5", "gpt-6-sol" },
	{ "gpt-5.5", "gpt-6-sol", "gpt-4.1-mini", "gpt-5.5" },
	{ "claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5" },
};
static int calls = 1, stream, gzipped, keep = 1, parallel = 1;
static const char *tag = "curl-gnutls", *sim = "", *text = "What does our tariff say?";

struct call {
	int number;
	char *body;
	struct curl_slist *headers;
	char *got;
	size_t size;
};

static void die(const char *what)
{
	fprintf(stderr, "curl-gnutls: %s\n", what);
	exit(1);
}

static size_t take(char *data, size_t one, size_t count, void *ctx)
{
	struct call *c = ctx;
	char *more = realloc(c->got, c->size + one * count + 1);

	if (!more)
		return 0;
	c->got = more;
	memcpy(more + c->size, data, one * count);
	c->size += one * count;
	more[c->size] = '\0';
	return one * count;
}

static void header(struct call *c, const char *name, const char *value)
{
	char line[1024];

	if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
		die("a header is too long");
	c->headers = curl_slist_append(c->headers, line);
}

static struct call *call_new(int i)
{
	struct call *c = calloc(1, sizeof(*c));
	int api = i % 3;
	char number[32], full[256];

	if (!c ||
	    asprintf(&c->body,
		     "{\"model\":\"%s\"%s%s,\"max_tokens\":512,\"%s\":[{\"role\":\"user\","
		     "\"content\":\"%s\"}]}",
		     models[api][i / 3 % (api == 0 ? 4 : 3)], stream ? ",\"stream\":true" : "",
		     stream && api == 0 ? ",\"stream_options\":{\"include_usage\":true}" : "",
		     api == 1 ? "input" : "messages", text) < 0)
		die("out of memory");
	c->number = i;
	snprintf(number, sizeof(number), "/%d", i);
	snprintf(full, sizeof(full), "%s%s", tag, number);
	header(c, "x-test-tag", full);
	header(c, "content-type", "application/json");
	header(c, api == 2 ? "x-api-key" : "authorization",
	       api == 2 ? "sk-ant-test-0000" : "Bearer sk-test-0000");
	if (api == 2)
		header(c, "anthropic-version", "2023-06-01");
	if (*sim)
		header(c, "x-sim", sim);
	return c;
}

static void start(CURLM *multi, int i)
{
	struct call *c = call_new(i);
	CURL *e = curl_easy_init();

	if (!e)
		die("out of memory");
	curl_easy_setopt(e, CURLOPT_URL, urls[i % 3]);
	curl_easy_setopt(e, CURLOPT_CAINFO, getenv("CURL_CA_BUNDLE"));
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* another stream rather than another connection */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, keep ? 0L : 1L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, gzipped ? "gzip, deflate" : NULL);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_TIMEOUT, 120L);
	curl_multi_add_handle(multi, e);
}

/* One line about an answer, as common.py's report(). */
static void report(CURL *e, struct call *c)
{
	static const char *const last[] = { "data: [DONE]", "\"type\":\"response.completed\"",
					    "\"type\":\"message_stop\"" };
	const char *id = c->got ? strstr(c->got, "\"id\":\"") : NULL;
	bool whole = c->got && *c->got == '{';
	long status = 0;

	for (int i = 0; c->got && i < 3; i++)
		whole |= strstr(c->got, last[i]) != NULL;
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	id = id ? id + 6 : "";
	printf("{\"tag\": \"%s/%d\", \"id\": \"%.*s\", \"status\": %ld, \"whole\": %s}\n", tag,
	       c->number, (int)strcspn(id, "\""), id, status, whole ? "true" : "false");
}

/* Takes in what is done. Returns how many have ended. */
static int finish(CURLM *multi)
{
	int left, ended = 0;
	CURLMsg *m;

	while ((m = curl_multi_info_read(multi, &left))) {
		CURL *e = m->easy_handle;
		struct call *c;

		curl_easy_getinfo(e, CURLINFO_PRIVATE, &c);
		if (m->data.result != CURLE_OK)
			die(curl_easy_strerror(m->data.result));
		report(e, c);
		curl_multi_remove_handle(multi, e);
		curl_easy_cleanup(e);
		curl_slist_free_all(c->headers);
		free(c->body);
		free(c->got);
		free(c);
		ended++;
	}
	return ended;
}

static void options(int argc, char **argv)
{
	const struct {
		const char *name;
		int *number;
		const char **word;
	} all[] = { { "--calls", &calls, NULL },       { "--stream", &stream, NULL },
		    { "--gzip", &gzipped, NULL },      { "--keep", &keep, NULL },
		    { "--tag", NULL, &tag },           { "--sim", NULL, &sim },
		    { "--parallel", &parallel, NULL }, { "--text", NULL, &text },
		    { "--http2", &(int){ 1 }, NULL } };

	for (int i = 1; i + 1 < argc; i += 2) {
		size_t k = 0;

		while (k < sizeof(all) / sizeof(*all) && strcmp(argv[i], all[k].name))
			k++;
		if (k == sizeof(all) / sizeof(*all))
			die(argv[i]);
		if (all[k].word)
			*all[k].word = argv[i + 1];
		else
			*all[k].number = (int)strtol(argv[i + 1], NULL, 10);
	}
}

int main(int argc, char **argv)
{
	CURLM *multi;
	int next = 0, open = 0, running;

	options(argc, argv);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(multi = curl_multi_init()))
		die("no libcurl");
	if (!strstr(curl_version(), "GnuTLS"))
		die(curl_version());
	while (next < calls || open) {
		for (; next < calls && open < parallel; next++, open++)
			start(multi, next);
		if (curl_multi_perform(multi, &running) ||
		    curl_multi_poll(multi, NULL, 0, running ? 1000 : 0, NULL))
			die("curl_multi");
		open -= finish(multi);
	}
	curl_multi_cleanup(multi);
	curl_global_cleanup();
	return 0;
}
