#include "base/jsonw.h"
#include "base/limit.h"
#include "base/obj.h"
#include "cli/sheet.h"

enum { NAME_ROOM = 32, CELL = 65536 };

struct sheet {
	unsigned magic;
#define SHEET_MAGIC 0x73686574u
	const struct cli *cli;
	struct table *table; /* or JSON: */
	struct buf json;
	struct jsonw w;
	size_t columns, cells;
	char name[TABLE_COLUMNS][NAME_ROOM];
};

static bool is_json(const struct cli *cli)
{
	return cli->format == FORMAT_JSON || cli->format == FORMAT_JSONL;
}

static void name_columns(struct sheet *s, const char *columns)
{
	struct str rest = str_of(columns), name;

	while (rest.n) {
		if (!str_cut(&rest, &name, ',')) {
			name = rest;
			rest = STR_NONE;
		}
		if (name.n && name.p[0] == '>')
			name = str_skip(name, 1);
		assert(s->columns < TABLE_COLUMNS && name.n < NAME_ROOM);
		memcpy(s->name[s->columns++], name.p, name.n);
	}
}

int sheet_new(const struct cli *cli, const char *columns, struct sheet **ret)
{
	_cleanup_(sheet_free) struct sheet *s = obj_new(s, SHEET_MAGIC);
	int r;

	if (!s)
		return -ENOMEM;
	s->cli = cli;
	s->json.limit = LIMIT_API_ANSWER;
	name_columns(s, columns);
	jsonw_init(&s->w, &s->json);
	r = is_json(cli) ? 0 : table_new(columns, &s->table);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}

int sheet_str(struct sheet *s, struct str text)
{
	size_t column;
	char *copy;
	int r = 0;

	obj_check(s, SHEET_MAGIC);
	column = s->cells++ % s->columns;
	if (s->table) {
		copy = mem_text(text.p ? text.p : "", MIN(text.n, (size_t)CELL));
		r = copy ? table_cell(s->table, copy) : -ENOMEM;
		mem_free(copy);
		return r;
	}
	if (column == 0 && s->cells > 1)
		r = buf_add(&s->json, s->cli->format == FORMAT_JSON ? S(",\n") : S("\n"));
	if (column == 0) {
		s->w.comma = false;
		jsonw_open(&s->w, '{');
	}
	if (text.n)
		jsonw_key_str(&s->w, s->name[column], text);
	if (column + 1 == s->columns)
		jsonw_close(&s->w, '}');
	return r < 0 ? r : s->w.error;
}

int sheet_cell(struct sheet *s, const char *text)
{
	return sheet_str(s, str_of(text));
}

size_t sheet_rows(const struct sheet *s)
{
	obj_check(s, SHEET_MAGIC);
	return s->cells / s->columns;
}

int sheet_print(struct sheet *s, FILE *to)
{
	bool list = s->cli->format == FORMAT_JSON;

	obj_check(s, SHEET_MAGIC);
	assert(s->cells % s->columns == 0);
	if (s->table)
		return table_print(s->table, s->cli, to);
	if (list)
		fputs("[\n", to);
	if (s->json.n)
		fwrite(s->json.p, 1, s->json.n, to);
	fputs(list ? "\n]\n" : s->json.n ? "\n" : "", to);
	return fflush(to) == 0 && !ferror(to) ? 0 : -EIO;
}

void sheet_free(struct sheet **ss)
{
	struct sheet *s = obj_take(ss, SHEET_MAGIC);

	if (!s)
		return;
	table_free(&s->table);
	buf_done(&s->json);
	mem_free(s);
}
