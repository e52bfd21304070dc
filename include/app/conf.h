/* conf.h -- submeter.yaml as plain data, so that it can live in memory shared by the roles.
 *
 * Parsed once, by a short-lived child: the supervisor parses nothing. */
#ifndef APP_CONF_H
#define APP_CONF_H

#include "base/yaml.h"

#define CONF_TEXT      256 /* bytes of a path or text with its NUL */
#define CONF_LIST      16  /* most entries of a list */
#define CONF_ENDPOINTS 64

struct conf_list {
	unsigned count;
	char item[CONF_LIST][CONF_TEXT];
};

struct conf_endpoint { /* endpoints: - {host: llm.corp.example, speaks: openai} */
	char host[CONF_TEXT], speaks[32];
};

struct conf {
#define CONF_PATH(m)                         char m[CONF_TEXT];
#define CONF_TEXT_(m)                        char m[CONF_TEXT];
#define CONF_PATHS(m)                        struct conf_list m;
#define CONF_IDS(m)                          struct conf_list m;
#define CONF_SIZE(m)                         uint64_t m;
#define CONF_MS(m)                           uint64_t m;
#define CONF_BOOL(m)                         bool m;
#define CONF_KIND_PATH(m)                    CONF_PATH(m)
#define CONF_KIND_TEXT(m)                    CONF_TEXT_(m)
#define CONF_KIND_PATHS(m)                   CONF_PATHS(m)
#define CONF_KIND_IDS(m)                     CONF_IDS(m)
#define CONF_KIND_SIZE(m)                    CONF_SIZE(m)
#define CONF_KIND_MS(m)                      CONF_MS(m)
#define CONF_KIND_BOOL(m)                    CONF_BOOL(m)
#define CONFIG(key, member, type, def, help) CONF_KIND_##type(member)
#include "tbl/config.h"
#undef CONFIG
	unsigned endpoint_count;
	struct conf_endpoint endpoint[CONF_ENDPOINTS];
	char file[CONF_TEXT]; /* where it came from; empty: defaults alone */
};

/* What SIGHUP takes anew. */
struct conf_rules {
	struct conf_list exe, exclude_exe, uid, exclude_uid, deny;
};
void conf_rules(const struct conf *c, struct conf_rules *ret);

void conf_default(struct conf *ret);
/* `path` NULL or "": defaults. An unknown key, a bad value: -EBADMSG with "FILE:LINE: ..." in error. */
int conf_load(const char *path, struct conf *ret, char error[YAML_ERROR]) _must_use_;

#endif
