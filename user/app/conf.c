#include <stdarg.h>
#include <stdio.h>
#include "app/conf.h"
#include "host/cgroup.h"

#define EXE_NAME 64 /* of a base name, with its NUL: as much as the kernel compares */

enum conf_type {
	CONF_TYPE_PATH,
	CONF_TYPE_TEXT,
	CONF_TYPE_PATHS,
	CONF_TYPE_IDS,
	CONF_TYPE_SIZE,
	CONF_TYPE_MS,
	CONF_TYPE_BOOL
};

static const struct conf_row {
	const char *key;
	size_t at; /* of the member in struct conf */
	enum conf_type type;
	const char *def, *help;
} conf_rows[] = {
#define CONFIG(key, member, type, def, help) \
	{ key, offsetof(struct conf, member), CONF_TYPE_##type, def, help },
#include "tbl/config.h"
#undef CONFIG
};

struct conf_unit {
	const char *text;
	uint64_t factor;
};
static const struct conf_unit conf_sizes[] = {
	{ "", 1 },          { "K", 1024 },       { "KiB", 1024 },       { "M", 1048576 },
	{ "MiB", 1048576 }, { "G", 1073741824 }, { "GiB", 1073741824 }, { NULL, 0 },
};
static const struct conf_unit conf_times[] = {
	{ "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { NULL, 0 },
};

static int conf_number(struct str s, const struct conf_unit *unit, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t n;
	int r;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	r = str_u64(str_head(s, digits), &n);
	if (r < 0)
		return r;
	for (; unit->text; unit++)
		if (str_eq(str_trim(str_skip(s, digits)), str_of(unit->text)))
			return __builtin_mul_overflow(n, unit->factor, ret) ? -ERANGE : 0;
	return -EBADMSG;
}

static int conf_text(struct str s, char *ret, size_t room)
{
	if (s.n >= room || (s.n && memchr(s.p, 0, s.n)))
		return -EMSGSIZE;
	if (s.n)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return 0;
}

static int conf_item(struct conf_list *l, struct str s)
{
	if (l->count == CONF_LIST)
		return -ENOSPC;
	if (s.n == 0)
		return -EBADMSG;
	return conf_text(s, l->item[l->count], CONF_TEXT) < 0 ? -EMSGSIZE : (l->count++, 0);
}

/* One value as text; a list takes it as one more element. */
static int conf_value(const struct conf_row *row, struct conf *c, struct str s)
{
	void *at = (char *)c + row->at;
	uint64_t id;

	switch (row->type) {
	case CONF_TYPE_PATH:
	case CONF_TYPE_TEXT:
		return s.n ? conf_text(s, at, CONF_TEXT) : -EBADMSG;
	case CONF_TYPE_PATHS:
		return conf_item(at, s);
	case CONF_TYPE_IDS:
		return str_u64(s, &id) < 0 || id > UINT32_MAX ? -EBADMSG : conf_item(at, s);
	case CONF_TYPE_SIZE:
		return conf_number(s, conf_sizes, at);
	case CONF_TYPE_MS:
		return conf_number(s, conf_times, at);
	case CONF_TYPE_BOOL:
		*(bool *)at = str_eq(s, S("true"));
		return *(bool *)at || str_eq(s, S("false")) ? 0 : -EBADMSG;
	}
	return -EBADMSG;
}

static const char *conf_wanted(enum conf_type type)
{
	static const char *const words[] = {
		[CONF_TYPE_PATH] = "a path",
		[CONF_TYPE_TEXT] = "a text",
		[CONF_TYPE_PATHS] = "a path or a list of paths",
		[CONF_TYPE_IDS] = "a number or a list of numbers",
		[CONF_TYPE_SIZE] = "a size, like 32M",
		[CONF_TYPE_MS] = "a time, like 50ms or 2s",
		[CONF_TYPE_BOOL] = "true or false",
	};

	return words[type];
}

static bool conf_list(const struct conf_row *row)
{
	return row->type == CONF_TYPE_PATHS || row->type == CONF_TYPE_IDS;
}

void conf_default(struct conf *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < COUNT_OF(conf_rows); i++) {
		struct str rest = str_of(conf_rows[i].def), one;
		int r = 0;

		if (rest.n == 0)
			continue;
		while (conf_list(&conf_rows[i]) && r == 0 && str_cut(&rest, &one, ':'))
			r = conf_value(&conf_rows[i], ret, one);
		if (r == 0)
			r = conf_value(&conf_rows[i], ret, rest);
		assert(r == 0);
	}
}

void conf_rules(const struct conf *c, struct conf_rules *ret)
{
	*ret = (struct conf_rules){ .exe = c->exe,
				    .exclude_exe = c->exclude_exe,
				    .uid = c->uid,
				    .exclude_uid = c->exclude_uid,
				    .deny = c->deny };
}

struct conf_file {
	const char *name;
	struct conf *conf;
	char *error;
};

static int conf_refuse(struct conf_file *f, const struct conf_row *row, const struct yaml_node *at,
		       int r)
{
	if (r == -EMSGSIZE)
		return yaml_wrong(f->error, f->name, at, "%s: longer than %d bytes", row->key,
				  CONF_TEXT - 1);
	if (r == -ENOSPC)
		return yaml_wrong(f->error, f->name, at, "%s: more than %d entries", row->key,
				  CONF_LIST);
	return yaml_wrong(f->error, f->name, at, "%s: want %s", row->key, conf_wanted(row->type));
}

static int conf_row(struct conf_file *f, const struct conf_row *row, const struct yaml_node *n)
{
	bool list = conf_list(row);
	int r;

	if (list)
		((struct conf_list *)((char *)f->conf + row->at))->count = 0;
	if (list && n->type == YAML_LIST) {
		yaml_each (item, n) {
			r = item->type == YAML_TEXT ? conf_value(row, f->conf, item->text)
						    : -EBADMSG;
			if (r < 0)
				return conf_refuse(f, row, item, r);
		}
		return 0;
	}
	r = n->type == YAML_TEXT ? conf_value(row, f->conf, n->text) : -EBADMSG;
	return r < 0 ? conf_refuse(f, row, n, r) : 0;
}

static int conf_endpoint(struct conf_file *f, const struct yaml_node *n)
{
	struct conf_endpoint *e = &f->conf->endpoint[f->conf->endpoint_count];

	if (f->conf->endpoint_count == CONF_ENDPOINTS)
		return yaml_wrong(f->error, f->name, n, "endpoints: more than %d", CONF_ENDPOINTS);
	*e = (struct conf_endpoint){ 0 };
	yaml_each (m, n) {
		bool host = str_eq(m->key, S("host")), speaks = str_eq(m->key, S("speaks"));
		int r = -EBADMSG;

		if (m->type == YAML_TEXT && m->text.n > 0 && host)
			r = conf_text(m->text, e->host, sizeof(e->host));
		else if (m->type == YAML_TEXT && m->text.n > 0 && speaks)
			r = conf_text(m->text, e->speaks, sizeof(e->speaks));
		if (r < 0)
			return yaml_wrong(f->error, f->name, m,
					  "endpoints: want {host: NAME, speaks: PROVIDER}");
	}
	if (!e->host[0] || !e->speaks[0])
		return yaml_wrong(f->error, f->name, n,
				  "endpoints: want {host: NAME, speaks: PROVIDER}");
	f->conf->endpoint_count++;
	return 0;
}

static int conf_special(struct conf_file *f, const struct yaml_node *n, bool *ret_known)
{
	int r = 0;

	*ret_known = true;
	if (str_eq(n->key, S("version"))) {
		if (n->type != YAML_TEXT || !str_eq(n->text, S("1")))
			return yaml_wrong(f->error, f->name, n,
					  "version: this program reads version 1");
		return 0;
	}
	if (str_eq(n->key, S("endpoints"))) {
		if (n->type != YAML_LIST)
			return yaml_wrong(
				f->error, f->name, n,
				"endpoints: want a list of {host: NAME, speaks: PROVIDER}");
		yaml_each (item, n) {
			r = conf_endpoint(f, item);
			if (r < 0)
				return r;
		}
		return 0;
	}
	*ret_known = false;
	return 0;
}

static int conf_unknown(struct conf_file *f, struct str group, const struct yaml_node *n)
{
	char known[YAML_ERROR / 2] = "";
	size_t at = 0;

	for (size_t i = 0; i < COUNT_OF(conf_rows); i++) {
		struct str key = str_of(conf_rows[i].key);

		if (!str_starts(key, group) || at >= sizeof(known))
			continue;
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", at ? ", " : "",
				       key.p);
	}
	return yaml_wrong(f->error, f->name, n,
			  "unknown key '" STR_FMT STR_FMT "'; known are: %s%s", STR_ARG(group),
			  STR_ARG(n->key), known, group.n ? "" : ", version, endpoints");
}

/* `group`: "" or "observe." */
static int conf_group(struct conf_file *f, struct str group, const struct yaml_node *map)
{
	yaml_each (n, map) {
		const struct conf_row *row = NULL;
		bool known = false, inner = false;
		char key[64];
		int r;

		if (group.n == 0) {
			r = conf_special(f, n, &known);
			if (r < 0)
				return r;
		}
		snprintf(key, sizeof(key), STR_FMT STR_FMT ".", STR_ARG(group), STR_ARG(n->key));
		for (size_t i = 0; i < COUNT_OF(conf_rows); i++) {
			struct str have = str_of(conf_rows[i].key), dotted = str_of(key);

			if (str_eq(have, str_head(dotted, dotted.n - 1)))
				row = &conf_rows[i];
			inner |= str_starts(have, dotted);
		}
		if (row)
			r = conf_row(f, row, n);
		else if (inner && n->type == YAML_MAP)
			r = conf_group(f, str_of(key), n);
		else if (inner && n->type == YAML_TEXT && n->text.n == 0)
			r = 0; /* "observe:" with nothing under it */
		else if (inner)
			r = yaml_wrong(f->error, f->name, n,
				       "'" STR_FMT "' holds settings: want a map", STR_ARG(n->key));
		else
			r = known ? 0 : conf_unknown(f, group, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int conf_wrong(struct conf_file *f, const char *format, ...) _printf_(2, 3);
static int conf_wrong(struct conf_file *f, const char *format, ...)
{
	int n = snprintf(f->error, YAML_ERROR, "%s: ", f->name);
	va_list va;

	va_start(va, format);
	if (n > 0 && n < YAML_ERROR)
		vsnprintf(f->error + n, (size_t)(YAML_ERROR - n), format, va);
	va_end(va);
	return -EBADMSG;
}

/* What one value alone cannot say. */
static int conf_check(struct conf_file *f)
{
	const struct conf_list *lists[] = { &f->conf->cgroups, &f->conf->exclude };
	const struct conf_list *exes[] = { &f->conf->exe, &f->conf->exclude_exe };
	uint64_t ring = f->conf->ring_bytes, port;
	enum cgroup_hierarchy h;

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			if (lists[i]->item[j][0] != '/' || strstr(lists[i]->item[j], ".."))
				return conf_wrong(f,
						  "cgroup '%s': want a path from the top of the "
						  "hierarchy, "
						  "like /system.slice",
						  lists[i]->item[j]);
	for (size_t i = 0; i < COUNT_OF(exes); i++)
		for (unsigned j = 0; j < exes[i]->count; j++)
			if (exes[i]->item[j][0] != '/' &&
			    (strchr(exes[i]->item[j], '/') || strlen(exes[i]->item[j]) >= EXE_NAME))
				return conf_wrong(f,
						  "program '%s': want a path from the root, or a "
						  "base name of at most %d bytes",
						  exes[i]->item[j], EXE_NAME - 1);
	if (f->conf->cgroups.count == 0)
		return conf_wrong(f, "observe.cgroups is empty: nothing would be metered");
	if (ring < 1 << 20 || ring > 1 << 30 || (ring & (ring - 1)))
		return conf_wrong(f, "capture.ring: want a power of two from 1M to 1G");
	if (f->conf->quota_bytes > ring)
		return conf_wrong(f, "capture.quota is larger than capture.ring");
	for (size_t i = 0; i < f->conf->plaintext.count; i++)
		if (strlen(f->conf->plaintext.item[i]) > 5 ||
		    str_u64(str_of(f->conf->plaintext.item[i]), &port) < 0 || port == 0 ||
		    port > UINT16_MAX)
			return conf_wrong(f, "observe.plaintext: '%s': want a port, 1 to 65535",
					  f->conf->plaintext.item[i]);
	if (cgroup_named(f->conf->hierarchy, &h) < 0)
		return conf_wrong(f, "observe.hierarchy: want auto, v2, pids, memory or systemd");
	return 0;
}

static void conf_yaml_free(struct yaml **y)
{
	if (*y)
		yaml_free(y);
}

int conf_load(const char *path, struct conf *ret, char error[YAML_ERROR])
{
	_cleanup_(conf_yaml_free) struct yaml *y = NULL;
	struct conf_file f = { .name = path, .conf = ret, .error = error };
	const struct yaml_node *root;
	int r;

	conf_default(ret);
	if (!path || !path[0])
		return 0;
	r = yaml_load(path, &y, error);
	if (r < 0)
		return r;
	if (conf_text(str_of(path), ret->file, sizeof(ret->file)) < 0)
		return conf_wrong(&f, "the path is longer than %d bytes", CONF_TEXT - 1);
	root = yaml_root(y);
	if (root && root->type != YAML_MAP)
		return yaml_wrong(error, path, root, "want a map of settings");
	r = conf_group(&f, S(""), root);
	return r < 0 ? r : conf_check(&f);
}
