/* yaml.h -- small YAML documents that people edit, as a tree with line numbers.
 *
 * Refused, with file and line: anchors, aliases, tags, a second document, duplicate keys, more than
 * LIMIT_YAML_BYTES, deeper than LIMIT_YAML_DEPTH, more than LIMIT_YAML_TREE in memory, a NUL in a
 * text. Scalars stay text. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/str.h"

enum yaml_type { YAML_TEXT, YAML_MAP, YAML_LIST };

struct yaml_node {
	enum yaml_type type;
	unsigned line;          /* from 1 */
	struct str key;         /* in a map: the name of this member; else absent */
	struct str text;        /* YAML_TEXT; also NUL-terminated */
	bool quoted;            /* YAML_TEXT was written in quotes */
	struct yaml_node *next; /* next member or element of the parent */
	struct yaml_node *kids; /* first member or element */
};

struct yaml;

/* Bytes for a message "FILE:LINE: what is wrong, what to do". */
#define YAML_ERROR 512

/* -EBADMSG with `error` filled, -ENOMEM. `name` is used in messages. */
int yaml_parse(struct str text, const char *name, struct yaml **ret,
	       char error[YAML_ERROR]) _must_use_;
/* Reads a file (O_NOFOLLOW not set; regular files only) and parses it. Passes errno up, with `error`
 * filled in every case. */
int yaml_load(const char *path, struct yaml **ret, char error[YAML_ERROR]) _must_use_;
const struct yaml_node *yaml_root(const struct yaml *y); /* NULL for an empty document */
/* libyaml has a function of this name, too, and would call ours if it could see it. */
void yaml_free(struct yaml **y) __attribute__((visibility("hidden")));

/* The member `key` of a map, or NULL (also for a NULL or other node). */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
#define yaml_each(item, parent)                                                     \
	for (const struct yaml_node *item = (parent) ? (parent)->kids : NULL; item; \
	     item = item->next)

/* Writes "NAME:LINE: message" into error and returns -EBADMSG, so that a caller can return it. */
int yaml_wrong(char error[YAML_ERROR], const char *name, const struct yaml_node *at,
	       const char *format, ...) _printf_(4, 5);

#endif
