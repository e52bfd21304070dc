#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "base/yaml.h"

struct yaml {
	unsigned magic;
#define YAML_MAGIC 0x7a317a31u
	struct arena arena; /* the nodes and their text */
	struct yaml_node *root;
};

#define ARENA_SPARE 16 /* what an arena may add to a request: alignment, a NUL */

/* A map or list whose end has not come. */
struct yaml_level {
	struct yaml_node *node;
	struct yaml_node **tail; /* where the next member goes */
	size_t count;            /* members */
	struct str key; /* in a map: the name of the member that comes; absent: a name comes */
};

struct yaml_build {
	struct yaml *y;
	struct str text;
	const char *name;
	char *error;
	unsigned depth;
	struct yaml_level level[LIMIT_YAML_DEPTH];
};

/* ---- messages ------------------------------------------------------------------------------- */

static int yaml_say(char error[YAML_ERROR], const char *name, size_t line, const char *format,
		    va_list va)
{
	int n = line ? snprintf(error, YAML_ERROR, "%s:%zu: ", name, line)
		     : snprintf(error, YAML_ERROR, "%s: ", name);

	if (n >= 0 && n < YAML_ERROR)
		vsnprintf(error + n, YAML_ERROR - (size_t)n, format, va);
	return -EBADMSG;
}

int yaml_wrong(char error[YAML_ERROR], const char *name, const struct yaml_node *at,
	       const char *format, ...)
{
	va_list va;

	va_start(va, format);
	yaml_say(error, name, at ? at->line : 0, format, va);
	va_end(va);
	return -EBADMSG;
}

static int build_wrong(const struct yaml_build *b, size_t line, const char *format, ...)
	_printf_(3, 4);
static int build_wrong(const struct yaml_build *b, size_t line, const char *format, ...)
{
	va_list va;

	va_start(va, format);
	yaml_say(b->error, b->name, line, format, va);
	va_end(va);
	return -EBADMSG;
}

/* What libyaml says, and what somebody who edits a file needs to hear. */
static const struct {
	const char *problem;
	bool from_context; /* the line where it began says more than the one where it failed */
	const char *words;
} yaml_words[] = {
	{ "found unexpected end of stream", true, "a quote opened here is never closed" },
	{ "found unexpected document indicator", true, "a quote opened here is never closed" },
	{ "did not find expected ',' or ']'", true,
	  "a list opened here with '[' lacks a ',' or its ']'" },
	{ "did not find expected ',' or '}'", true,
	  "a map opened here with '{' lacks a ',' or its '}'" },
	{ "mapping values are not allowed in this context", false,
	  "a ':' that fits nowhere: check the indentation; text that holds ': ' needs quotes" },
	{ "did not find expected key", false,
	  "this does not fit the lines above: check its indentation" },
	{ "did not find expected '-' indicator", false,
	  "this does not fit the list above: check its indentation" },
	{ "block sequence entries are not allowed in this context", false,
	  "a list item ('- ') cannot stand here: put it on a line of its own, indented" },
	{ "could not find expected ':'", true, "a ':' is missing after this name" },
	{ "did not find expected node content", false, "a value is missing here" },
	{ "did not find expected alphabetic or numeric character", false,
	  "text that begins with '*' or '&' needs quotes" },
	{ "found unknown escape character", false,
	  "unknown '\\' escape: text with backslashes needs 'single quotes'" },
	{ "found character that cannot start any token", false,
	  "text cannot begin with this character: put it in quotes" },
	{ "did not find expected <document start>", false,
	  "this does not fit the lines above: check its indentation" },
	{ "control characters are not allowed", false, "a control character: text files only" },
	{ "invalid leading UTF-8 octet", false, "not UTF-8 text" },
	{ "invalid trailing UTF-8 octet", false, "not UTF-8 text" },
	{ "incomplete UTF-8 octet sequence", false, "not UTF-8 text" },
	{ "invalid length of a UTF-8 sequence", false, "not UTF-8 text" },
	{ "invalid Unicode character", false, "not UTF-8 text" },
};

/* Is line `line` (from 1) indented with a tab? */
static bool tab_indent(struct str text, size_t line)
{
	struct str head = text;

	while (line && str_cut(&text, &head, '\n'))
		line--;
	if (line)
		head = text;
	while (head.n && head.p[0] == ' ')
		head = str_skip(head, 1);
	return head.n && head.p[0] == '\t';
}

static size_t line_of(struct str text, size_t offset)
{
	struct str rest = str_head(text, offset), head;
	size_t line = 1;

	while (str_cut(&rest, &head, '\n'))
		line++;
	return line;
}

/* libyaml gave up. */
static int build_syntax(const struct yaml_build *b, const yaml_parser_t *p)
{
	const char *problem = p->problem ? p->problem : "not YAML";
	size_t line = p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		line = line_of(b->text, p->problem_offset);
	else if (tab_indent(b->text, line))
		return build_wrong(b, line, "indented with a tab: use spaces");
	for (size_t i = 0; i < COUNT_OF(yaml_words); i++) {
		if (strcmp(yaml_words[i].problem, problem) != 0)
			continue;
		if (yaml_words[i].from_context && p->context)
			line = p->context_mark.line + 1;
		return build_wrong(b, line, "%s", yaml_words[i].words);
	}
	return build_wrong(b, line, "%s", problem);
}

/* ---- the tree ------------------------------------------------------------------------------- */

/* The arena gave nothing for `size` bytes: there is no memory, or the file asks for too much. */
static int build_memory(const struct yaml_build *b, size_t line, size_t size)
{
	const struct arena *a = &b->y->arena;

	if (size < a->limit && a->used <= a->limit - size)
		return -ENOMEM;
	return build_wrong(b, line, "too large: more than %d bytes once read", LIMIT_YAML_TREE);
}

static int build_text(const struct yaml_build *b, const yaml_event_t *e, struct str *ret)
{
	struct str s = { (const char *)e->data.scalar.value, e->data.scalar.length };
	size_t line = e->start_mark.line + 1;

	if (memchr(s.p, 0, s.n))
		return build_wrong(b, line, "text with a NUL in it");
	if (arena_str(&b->y->arena, s, ret) < 0)
		return build_memory(b, line, s.n + ARENA_SPARE);
	return 0;
}

/* Puts a new node where it belongs. */
static int build_node(struct yaml_build *b, const yaml_event_t *e, enum yaml_type type,
		      struct yaml_node **ret)
{
	struct yaml_level *in = b->depth ? &b->level[b->depth - 1] : NULL;
	size_t line = e->start_mark.line + 1;
	struct yaml_node *n = arena_get(&b->y->arena, sizeof(*n));

	if (!n)
		return build_memory(b, line, sizeof(*n) + ARENA_SPARE);
	n->type = type;
	n->line = (unsigned)line;
	if (in) {
		n->key = in->key;
		in->key = STR_NONE;
		*in->tail = n;
		in->tail = &n->next;
		in->count++;
	} else {
		b->y->root = n;
	}
	*ret = n;
	return 0;
}

/* Does a name come next, not a value? */
static bool wants_name(const struct yaml_build *b)
{
	return b->depth && b->level[b->depth - 1].node->type == YAML_MAP &&
	       !b->level[b->depth - 1].key.p;
}

static int build_scalar(struct yaml_build *b, const yaml_event_t *e)
{
	struct yaml_node *n;
	struct str text;
	int r;

	r = build_text(b, e, &text);
	if (r < 0)
		return r;
	if (wants_name(b)) {
		if (!text.n)
			return build_wrong(b, e->start_mark.line + 1,
					   "a name is missing before ':'");
		b->level[b->depth - 1].key = text;
		return 0;
	}
	r = build_node(b, e, YAML_TEXT, &n);
	if (r < 0)
		return r;
	n->text = text;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int build_open(struct yaml_build *b, const yaml_event_t *e, enum yaml_type type)
{
	size_t line = e->start_mark.line + 1;
	struct yaml_node *n;
	int r;

	if (wants_name(b))
		return build_wrong(b, line, "a name must be text, not a list or a map");
	if (b->depth == LIMIT_YAML_DEPTH)
		return build_wrong(b, line, "nested deeper than %d levels", LIMIT_YAML_DEPTH);
	r = build_node(b, e, type, &n);
	if (r < 0)
		return r;
	b->level[b->depth++] = (struct yaml_level){ .node = n, .tail = &n->kids };
	return 0;
}

/* By name, then in the order of the file. */
static int node_order(const void *left, const void *right)
{
	const struct yaml_node *a = *(const struct yaml_node *const *)left;
	const struct yaml_node *b = *(const struct yaml_node *const *)right;
	int c = memcmp(a->key.p, b->key.p, MIN(a->key.n, b->key.n));

	if (c == 0)
		c = (a->key.n > b->key.n) - (a->key.n < b->key.n);
	return c ? c : (a->line > b->line) - (a->line < b->line);
}

static void names_free(const struct yaml_node ***names)
{
	mem_free(take(*names));
}

/* Sorted, since a hostile file may have a hundred thousand names in one map. */
static int build_duplicates(struct yaml_build *b, const struct yaml_level *map)
{
	_cleanup_(names_free) const struct yaml_node **names = NULL;
	const struct yaml_node *twice = NULL, *once = NULL;
	size_t n = 0;

	if (map->node->type != YAML_MAP || map->count < 2)
		return 0;
	names = mem_zero(map->count, sizeof(*names));
	if (!names)
		return -ENOMEM;
	yaml_each (item, map->node)
		names[n++] = item;
	qsort(names, n, sizeof(*names), node_order);
	for (size_t i = 1; i < n; i++) {
		if (!str_eq(names[i - 1]->key, names[i]->key) ||
		    (twice && twice->line <= names[i]->line))
			continue;
		once = names[i - 1];
		twice = names[i];
	}
	if (!twice)
		return 0;
	return build_wrong(b, twice->line, "'" STR_FMT "' is there already, on line %u",
			   STR_ARG(twice->key), once->line);
}

static int build_close(struct yaml_build *b)
{
	return build_duplicates(b, &b->level[--b->depth]);
}

/* ---- reading -------------------------------------------------------------------------------- */

static const yaml_char_t *event_anchor(const yaml_event_t *e)
{
	return e->type == YAML_ALIAS_EVENT            ? e->data.alias.anchor
	       : e->type == YAML_SCALAR_EVENT         ? e->data.scalar.anchor
	       : e->type == YAML_MAPPING_START_EVENT  ? e->data.mapping_start.anchor
	       : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.anchor
						      : NULL;
}

static const yaml_char_t *event_tag(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT           ? e->data.scalar.tag
	       : e->type == YAML_MAPPING_START_EVENT  ? e->data.mapping_start.tag
	       : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.tag
						      : NULL;
}

static int build_event(struct yaml_build *b, const yaml_event_t *e)
{
	size_t line = e->start_mark.line + 1;

	if (event_anchor(e))
		return build_wrong(
			b, line,
			"anchors and aliases ('%c%s') are not read here: write the value "
			"out; text that begins with '%c' needs quotes",
			e->type == YAML_ALIAS_EVENT ? '*' : '&', (const char *)event_anchor(e),
			e->type == YAML_ALIAS_EVENT ? '*' : '&');
	if (event_tag(e))
		return build_wrong(b, line,
				   "tags ('!...') are not read here: leave it out; text "
				   "that begins with '!' needs quotes");
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->y->root)
			return build_wrong(b, line, "a second document ('---') in one file");
		return 0;
	case YAML_SCALAR_EVENT:
		return build_scalar(b, e);
	case YAML_MAPPING_START_EVENT:
		return build_open(b, e, YAML_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return build_open(b, e, YAML_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return build_close(b);
	default:
		return 0;
	}
}

static int build_all(struct yaml_build *b, yaml_parser_t *p)
{
	bool end = false;
	int r = 0;

	while (r == 0 && !end) {
		yaml_event_t e;

		if (!yaml_parser_parse(p, &e))
			return build_syntax(b, p);
		r = build_event(b, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	return r;
}

int yaml_parse(struct str text, const char *name, struct yaml **ret, char error[YAML_ERROR])
{
	_cleanup_(yaml_free) struct yaml *y = obj_new(y, YAML_MAGIC);
	struct yaml_build b = { .y = y, .text = text, .name = name, .error = error };
	yaml_parser_t p;
	int r = -ENOMEM;

	if (text.n > LIMIT_YAML_BYTES)
		return build_wrong(&b, 0, "larger than %d bytes", LIMIT_YAML_BYTES);
	if (y && yaml_parser_initialize(&p)) {
		y->arena.limit = LIMIT_YAML_TREE;
		yaml_parser_set_input_string(&p, (const unsigned char *)(text.p ? text.p : ""),
					     text.n);
		yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
		r = build_all(&b, &p);
		yaml_parser_delete(&p);
	}
	if (r == -ENOMEM)
		build_wrong(&b, 0, "not enough memory to read it");
	if (r == 0)
		*ret = take(y);
	return r;
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Opens a regular file and reads it whole, or as far as shows that it is too long. */
static int file_read(const char *path, struct buf *out)
{
	_cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char part[16384];
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		r = n > 0 ? buf_add(out, (struct str){ part, (size_t)n }) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int yaml_load(const char *path, struct yaml **ret, char error[YAML_ERROR])
{
	_cleanup_(buf_done) struct buf text = { .limit = LIMIT_YAML_BYTES };
	int r = file_read(path, &text);

	if (r == 0)
		return yaml_parse(buf_str(&text), path, ret, error);
	yaml_wrong(error, path, NULL, "cannot be read: %s",
		   r == -EINVAL     ? "not a regular file"
		   : r == -EMSGSIZE ? "too large"
				    : strerror(-r));
	return r;
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
	obj_check(y, YAML_MAGIC);
	return y->root;
}

void yaml_free(struct yaml **ptr)
{
	struct yaml *y = obj_take(ptr, YAML_MAGIC);

	if (!y)
		return;
	arena_reset(&y->arena);
	mem_free(y);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	yaml_each (item, map)
		if (str_eq(item->key, str_of(key)))
			return item;
	return NULL;
}
