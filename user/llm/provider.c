#include "base/limit.h"
#include "llm/provider.h"

#define PROVIDER(id) &llm_##id,
static const struct llm_provider *const known[] = {
#include "tbl/provider.h"
};
#undef PROVIDER

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* '*' is any run of characters. At most one run is tried again, so this is linear enough for names. *ret_run: the last. */
static bool host_fits(const char *pattern, struct str host, struct str *ret_run)
{
	const char *star = NULL;
	size_t i = 0, again = 0, from = 0;

	*ret_run = STR_NONE;

	while (i < host.n) {
		if (*pattern == '*') {
			star = ++pattern;
			again = from = i;
		} else if (*pattern && *pattern == lower(host.p[i])) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star;
			i = ++again;
		} else {
			return false;
		}
	}
	if (star)
		*ret_run = (struct str){ host.p + from, (*star ? again : host.n) - from };
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

struct str provider_host_name(struct str host)
{
	size_t n = host.n;

	while (n && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n && n < host.n && host.p[n - 1] == ':')
		host.n = n - 1;
	if (str_ends(host, S(".")))
		host.n--;
	return host;
}

const struct llm_provider *provider_by_host(struct str host, const struct llm_host **ret_host)
{
	struct str name = provider_host_name(host), run;
	const char *pattern;

	if (ret_host)
		*ret_host = NULL;
	if (name.n > LIMIT_MODEL_TEXT)
		return &llm_unknown;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		for (size_t k = 0; k < known[i]->host_count; k++) {
			pattern = known[i]->hosts[k].name;
			if (!host_fits(pattern, strchr(pattern, ':') ? host : name, &run))
				continue;
			if (ret_host)
				*ret_host = &known[i]->hosts[k];
			return known[i];
		}
	}
	return &llm_unknown;
}

struct str provider_region(const struct llm_host *row, struct str host)
{
	struct str run;

	if (!row->region || strcmp(row->region, "*") != 0)
		return str_of(row->region);
	return host_fits(row->name, provider_host_name(host), &run) ? run : STR_NONE;
}

const struct llm_provider *provider_by_name(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq(str_of(known[i]->name), name))
			return known[i];
	return &llm_unknown;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char provider_char(struct str path, size_t *ret_n)
{
	bool coded = path.n >= 3 && path.p[0] == '%' && hex(path.p[1]) >= 0 && hex(path.p[2]) >= 0;

	*ret_n = coded ? 3 : 1;
	return coded ? (char)(hex(path.p[1]) << 4 | hex(path.p[2])) : path.p[0];
}

/* "." or ".." between slashes, or a slash that is written otherwise: which path a server makes of it is not known, so it is
 * none that costs nothing. */
static bool climbs(struct str path)
{
	size_t dots = 0, step = 0;
	bool only = false; /* nothing but dots since the last slash */

	for (; path.n; path = str_skip(path, step)) {
		char c = provider_char(path, &step);

		if (c == '/' && (step > 1 || (only && dots)))
			return true;
		dots = c == '.' ? dots + 1 : 0;
		only = c == '/' || (only && c == '.');
		if (dots > 1)
			return true;
	}
	return only && dots;
}

/* A pattern has at most one "**" before its end, and two "{}", so trying every length stays cheap. */
static bool path_fits(const char *pattern, struct str path, struct str *ret_model)
{
	size_t n;

	while (*pattern) {
		if (pattern[0] == '*' && pattern[1] == '*') {
			for (size_t i = 0; i <= path.n; i++)
				if (path_fits(pattern + 2, str_skip(path, i), ret_model))
					return true;
			return false;
		}
		if (*pattern == '{') {
			const char *rest = strchr(pattern, '}') + 1;

			for (size_t i = 1; i <= path.n && path.p[i - 1] != '/'; i++) {
				if (!path_fits(rest, str_skip(path, i), ret_model))
					continue;
				if (pattern[1] == 'm')
					*ret_model = str_head(path, i);
				return true;
			}
			return false;
		}
		if (!path.n || *pattern != provider_char(path, &n))
			return false;
		pattern++;
		path = str_skip(path, n);
	}
	return !path.n;
}

static struct str target_path(struct str target)
{
	struct str rest = target, path;

	if (str_cut(&rest, &path, '#')) /* no server is asked for what stands behind it */
		target = path;
	rest = target;
	/* absolute form, as sent to a proxy */
	if (str_ieq(str_head(target, 7), S("http://")) ||
	    str_ieq(str_head(target, 8), S("https://"))) {
		struct str host = str_skip(target, 8); /* its first letter may be missing: no '/' */
		const char *from = host.n ? memchr(host.p, '/', host.n) : NULL;

		target = from ? str_skip(target, (size_t)(from - target.p)) : S("/");
		rest = target;
	}
	return str_cut(&rest, &path, '?') ? path : target;
}

const struct llm_route *provider_route(const struct llm_provider *p, struct str method,
				       struct str target, struct str *ret_model)
{
	struct str path = target_path(target), model = STR_NONE;

	*ret_model = STR_NONE;
	if (path.n > LIMIT_TARGET_MATCH)
		return NULL;
	for (size_t i = 0; i < p->route_count; i++) {
		const struct llm_route *r = &p->routes[i];

		if (r->method && !str_eq(str_of(r->method), method))
			continue;
		if (!path_fits(r->path, path, &model) || (r->kind == KIND_OTHER && climbs(path)))
			continue;
		*ret_model = model;
		return r;
	}
	return p->like ? provider_route(p->like, method, target, ret_model) : NULL;
}

/* Is this the name, whatever of it is percent-encoded? */
static bool is_named(struct str text, struct str name)
{
	size_t step;

	for (; text.n && name.n; text = str_skip(text, step), name = str_skip(name, 1))
		if (provider_char(text, &step) != name.p[0])
			return false;
	return !text.n && !name.n;
}

struct str provider_query(struct str target, struct str name)
{
	struct str rest = target, one, key;
	bool more;

	if (str_cut(&rest, &one, '#')) /* no server is asked for what stands behind it */
		target = one;
	more = str_cut(&target, &one, '?');
	while (more) {
		more = str_cut(&target, &one, '&');
		if (!more)
			one = target;
		rest = one;
		if (!str_cut(&rest, &key, '='))
			key = one;
		if (is_named(key, name))
			return str_skip(one, key.n + 1);
	}
	return STR_NONE;
}

bool provider_plan(const struct llm_provider *p, struct str target)
{
	struct str model;

	return p->plan && !climbs(target_path(target)) &&
	       path_fits(p->plan, target_path(target), &model);
}

struct str provider_place(const struct llm_provider *p, struct str target)
{
	struct str path = target_path(target), place = STR_NONE, none;

	if (!p->place || climbs(path) || (p->placeless && path_fits(p->placeless, path, &none)))
		return STR_NONE;
	return path_fits(p->place, path, &place) ? place : STR_NONE;
}

const struct llm_provider *provider_local(struct str method, struct str target)
{
	static const struct llm_provider *const local[] = { &llm_openai_compatible,
							    &llm_anthropic_compatible,
							    &llm_ollama };
	struct str model;

	for (size_t i = 0; i < COUNT_OF(local); i++) {
		const struct llm_route *r = provider_route(local[i], method, target, &model);

		if (r && r->kind == KIND_INFERENCE && r->format)
			return local[i];
	}
	return &llm_unknown;
}
