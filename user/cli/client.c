#include <curl/curl.h>
#include <stdio.h>
#include "app/conf.h"
#include "base/limit.h"
#include "cli/client.h"

#define SERVER_DEFAULT "unix:/run/submeter/api.sock"
#define CONNECT_MS     3000L
#define WHOLE_S        45L /* longer than the desk's own limit of a read */
#define URL_ROOM       8192

int client_server(const struct cli *cli, char *ret, size_t room)
{
	char error[YAML_ERROR];
	struct conf conf;
	int n;

	if (cli->server)
		n = snprintf(ret, room, "%s", cli->server);
	else if (!cli->conf)
		n = snprintf(ret, room, "%s", SERVER_DEFAULT);
	else if (conf_load(cli->conf, &conf, error) < 0) {
		fprintf(stderr, "submeter: %s\n", error);
		return CLI_ERROR;
	} else
		n = snprintf(ret, room, "unix:%s/api.sock", conf.runtime);
	if (n < (int)room)
		return CLI_OK;
	fputs("submeter: the server's address is too long\n", stderr);
	return CLI_USAGE;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct client_answer *a = ctx;

	return buf_add(&a->body, (struct str){ p, size * n }) == 0 ? size * n : 0;
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
	struct client_answer *a = ctx;
	struct str value = { p, size * n }, name;

	if (str_cut(&value, &name, ':') && str_ieq(name, S("Submeter-Next"))) {
		while (value.n && strchr("\r\n", value.p[value.n - 1]))
			value.n--;
		if (str_u64(str_trim(value), &a->next) < 0)
			a->next = 0;
	}
	return size * n;
}

/* Where to, as libcurl wants it. */
static int aim(CURL *c, const char *server, const char *path)
{
	struct buf url = { .limit = URL_ROOM };
	struct str s = str_of(server);
	bool local = str_starts(s, S("unix:"));
	int r;

	if (!local && !str_starts(s, S("http://")) && !str_starts(s, S("https://"))) {
		fprintf(stderr, "submeter: '%s' is no server: use unix:PATH or http://HOST:PORT\n",
			server);
		return CLI_USAGE;
	}
	r = buf_printf(&url, "%s%s", local ? "http://submeter" : server, path);
	if (r == 0)
		r = buf_put(&url, '\0');
	if (r == 0 && curl_easy_setopt(c, CURLOPT_URL, url.p) != CURLE_OK)
		r = -ENOMEM;
	if (r == 0 && local &&
	    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, server + strlen("unix:")) != CURLE_OK)
		r = -ENOMEM;
	buf_done(&url);
	if (r < 0)
		fputs("submeter: the question is too long\n", stderr);
	return r < 0 ? CLI_ERROR : CLI_OK;
}

static int unreachable(CURL *c, CURLcode code, const char *server)
{
	const char *why = curl_easy_strerror(code), *todo;
	long os = 0;

	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os);
	if (code == CURLE_COULDNT_CONNECT && os)
		why = strerror((int)os);
	todo = os == EACCES || os == EPERM
		       ? "you may not use it: be root, or in the group submeter-desk"
		       : "is submeterd running? Start it, or name another one with --server "
			 "unix:PATH\n  `submeter doctor` says what this host needs";
	fprintf(stderr, "submeter: no meter answers at %s: %s\n  %s\n", server, why, todo);
	return CLI_UNREACHABLE;
}

static void set_common(CURL *c, struct client_answer *a)
{
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, WHOLE_S);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
}

static struct curl_slist *post_headers(const char *key)
{
	struct buf line = { .limit = URL_ROOM };
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");

	if (key && buf_printf(&line, "Idempotency-Key: %s", key) == 0 && buf_put(&line, '\0') == 0)
		list = curl_slist_append(list, line.p);
	buf_done(&line);
	return list;
}

static int talk(const struct cli *cli, const char *path, const struct str *body, const char *key,
		bool aloud, struct client_answer *ret)
{
	struct client_answer a = { .body.limit = CLIENT_ANSWER };
	struct curl_slist *headers = NULL;
	char server[URL_ROOM];
	CURLcode code;
	CURL *c;
	int r = client_server(cli, server, sizeof(server));

	if (r != CLI_OK)
		return r;
	c = curl_easy_init();
	if (!c)
		return CLI_ERROR;
	r = aim(c, server, path);
	set_common(c, &a);
	if (body) {
		headers = post_headers(key);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body->n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body->p);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	}
	code = r == CLI_OK ? curl_easy_perform(c) : CURLE_OK;
	if (code != CURLE_OK)
		r = aloud ? unreachable(c, code, server) : CLI_UNREACHABLE;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	if (r != CLI_OK)
		buf_done(&a.body);
	else
		*ret = a;
	return r;
}

int client_get(const struct cli *cli, const char *path, struct client_answer *ret)
{
	return talk(cli, path, NULL, NULL, true, ret);
}

int client_post(const struct cli *cli, const char *path, struct str body, const char *key,
		struct client_answer *ret)
{
	return talk(cli, path, &body, key, true, ret);
}

int client_try(const struct cli *cli, const char *path, bool aloud, struct client_answer *ret)
{
	return talk(cli, path, NULL, NULL, aloud, ret);
}

int client_complain(const struct client_answer *a)
{
	json_t *o = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
	const char *message =
		json_string_value(json_object_get(json_object_get(o, "error"), "message"));

	if (message)
		fprintf(stderr, "submeter: %s\n", message);
	else
		fprintf(stderr, "submeter: the server answered with HTTP %ld\n", a->status);
	json_decref(o);
	return a->status == 400 ? CLI_USAGE : CLI_ERROR;
}

int client_fetch(const struct cli *cli, const char *path, struct client_answer *ret)
{
	struct client_answer a;
	int r = client_get(cli, path, &a);

	if (r != CLI_OK)
		return r;
	if (a.status != 200) {
		r = client_complain(&a);
		buf_done(&a.body);
		return r;
	}
	*ret = a;
	return CLI_OK;
}

int client_json(const struct cli *cli, const char *path, json_t **ret)
{
	struct client_answer a;
	json_t *o;
	int r = client_fetch(cli, path, &a);

	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p ? a.body.p : "", a.body.n, 0, NULL);
	buf_done(&a.body);
	if (!o) {
		fputs("submeter: what answers is not submeter: no JSON came\n", stderr);
		return CLI_ERROR;
	}
	*ret = o;
	return CLI_OK;
}

int client_param(struct buf *path, const char *name, const char *value)
{
	int r;

	if (!value)
		return 0;
	r = buf_printf(path, "%c%s=", path->n && memchr(path->p, '?', path->n) ? '&' : '?', name);
	for (; r == 0 && *value; value++)
		r = strchr("-_.~", *value) || (*value >= '0' && *value <= '9') ||
				    (*value >= 'a' && *value <= 'z') ||
				    (*value >= 'A' && *value <= 'Z')
			    ? buf_put(path, *value)
			    : buf_printf(path, "%%%02X", (unsigned char)*value);
	return r;
}
