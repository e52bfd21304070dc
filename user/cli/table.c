#include <unistd.h>
#include "base/obj.h"
#include "cli/table.h"

#define NAME_ROOM 32

struct table {
	unsigned magic;
#define TABLE_MAGIC 0x5441424cu
	size_t columns;
	char name[TABLE_COLUMNS][NAME_ROOM];
	bool right[TABLE_COLUMNS];
	char **cell; /* row after row */
	size_t cells, room;
	size_t totals_at; /* first cell of the totals; SIZE_MAX = none */
};

int table_new(const char *columns, struct table **ret)
{
	struct table *t = obj_new(t, TABLE_MAGIC);
	struct str rest = str_of(columns), name;

	if (!t)
		return -ENOMEM;
	t->totals_at = SIZE_MAX;
	while (rest.n) {
		if (!str_cut(&rest, &name, ',')) {
			name = rest;
			rest = STR_NONE;
		}
		assert(t->columns < TABLE_COLUMNS && name.n < NAME_ROOM);
		t->right[t->columns] = name.n && name.p[0] == '>';
		if (t->right[t->columns])
			name = str_skip(name, 1);
		memcpy(t->name[t->columns++], name.p, name.n);
	}
	*ret = t;
	return 0;
}

int table_cell(struct table *t, const char *text)
{
	obj_check(t, TABLE_MAGIC);
	if (t->cells == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		char **p = mem_grow(t->cell, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		t->cell = p;
		t->room = room;
	}
	t->cell[t->cells] = mem_text(text, text ? strlen(text) : 0);
	if (!t->cell[t->cells])
		return -ENOMEM;
	t->cells++;
	return 0;
}

int table_cell_u64(struct table *t, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return table_cell(t, text);
}

void table_totals(struct table *t)
{
	obj_check(t, TABLE_MAGIC);
	t->totals_at = t->cells;
}

size_t table_rows(const struct table *t)
{
	return MIN(t->cells, t->totals_at) / t->columns;
}

/* Characters, not bytes: what a terminal shows of UTF-8 text. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Names come from outside: nothing in them may move the cursor or begin a row. */
static void put_text(const char *text, FILE *to)
{
	for (; *text; text++)
		putc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, to);
}

static void put_padded(const struct table *t, size_t column, const char *text, size_t width,
		       FILE *to)
{
	size_t n = width_of(text), pad = width > n ? width - n : 0;

	if (column)
		fputs("  ", to);
	if (t->right[column])
		fprintf(to, "%*s", (int)pad, "");
	put_text(text, to);
	if (!t->right[column] && column + 1 < t->columns)
		fprintf(to, "%*s", (int)pad, "");
}

static void put_rule(const struct table *t, const size_t *width, FILE *to)
{
	size_t n = t->columns ? 2 * (t->columns - 1) : 0;

	for (size_t c = 0; c < t->columns; c++)
		n += width[c];
	while (n--)
		putc('-', to);
	putc('\n', to);
}

static void print_aligned(const struct table *t, const struct cli *cli, FILE *to)
{
	bool bold = !cli->no_color && isatty(fileno(to));
	size_t width[TABLE_COLUMNS] = { 0 };

	for (size_t c = 0; c < t->columns; c++)
		width[c] = cli->no_header ? 0 : strlen(t->name[c]);
	for (size_t i = 0; i < t->cells; i++)
		width[i % t->columns] = MAX(width[i % t->columns], width_of(t->cell[i]));
	if (!cli->no_header) {
		if (bold)
			fputs("\033[1m", to);
		for (size_t c = 0; c < t->columns; c++)
			put_padded(t, c, t->name[c], width[c], to);
		fputs(bold ? "\033[0m\n" : "\n", to);
	}
	for (size_t i = 0; i < t->cells; i++) {
		if (i == t->totals_at && i)
			put_rule(t, width, to);
		put_padded(t, i % t->columns, t->cell[i], width[i % t->columns], to);
		if (i % t->columns == t->columns - 1)
			putc('\n', to);
	}
}

static void put_csv(const char *text, FILE *to)
{
	/* A cell that a spreadsheet would run is made text. Numbers stay numbers. */
	bool runs = strchr("=+@\t\r", text[0]) && text[0];

	if (!runs && !strpbrk(text, ",\"\r\n")) {
		fputs(text, to);
		return;
	}
	fputs(runs ? "\"'" : "\"", to);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', to);
		putc(*text, to);
	}
	putc('"', to);
}

static void print_csv(const struct table *t, const struct cli *cli, FILE *to)
{
	size_t cells = MIN(t->cells, t->totals_at);

	for (size_t c = 0; c < t->columns && !cli->no_header; c++)
		for (const char *p = t->name[c];; p++) {
			if (!*p) {
				fputs(c + 1 < t->columns ? "," : "\r\n", to);
				break;
			}
			/* names as in JSON: "INPUT TOKENS" is input_tokens */
			putc(*p == ' ' ? '_' : *p >= 'A' && *p <= 'Z' ? *p + 32 : *p, to);
		}
	for (size_t i = 0; i < cells; i++) {
		put_csv(t->cell[i], to);
		fputs(i % t->columns == t->columns - 1 ? "\r\n" : ",", to);
	}
}

static void put_md(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<", *text))
			putc('\\', to);
		putc((unsigned char)*text < 0x20 ? ' ' : *text, to);
	}
}

static void print_md(const struct table *t, const struct cli *cli, FILE *to)
{
	for (size_t c = 0; c < t->columns && !cli->no_header; c++)
		fprintf(to, "%s%s", c ? " | " : "| ", t->name[c]);
	if (!cli->no_header) {
		fputs(" |\n", to);
		for (size_t c = 0; c < t->columns; c++)
			fputs(t->right[c] ? "|---:" : "|---", to);
		fputs("|\n", to);
	}
	for (size_t i = 0; i < t->cells; i++) {
		fputs(i % t->columns ? " | " : "| ", to);
		put_md(t->cell[i], to);
		if (i % t->columns == t->columns - 1)
			fputs(" |\n", to);
	}
}

int table_print(const struct table *t, const struct cli *cli, FILE *to)
{
	obj_check(t, TABLE_MAGIC);
	assert(t->cells % t->columns == 0);
	if (cli->format == FORMAT_CSV)
		print_csv(t, cli, to);
	else if (cli->format == FORMAT_MD)
		print_md(t, cli, to);
	else
		print_aligned(t, cli, to);
	return fflush(to) == 0 && !ferror(to) ? 0 : -EIO;
}

void table_free(struct table **tt)
{
	struct table *t = obj_take(tt, TABLE_MAGIC);

	if (!t)
		return;
	for (size_t i = 0; i < t->cells; i++)
		mem_free(t->cell[i]);
	mem_free(t->cell);
	mem_free(t);
}
