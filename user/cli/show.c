#include <stdio.h>
#include "cli/show.h"

#define TABLE_PLACES 6

const char *show_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

uint64_t show_u64(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

bool show_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

const char *show_usd(const struct cli *cli, const char *amount, char room[static DEC_TEXT])
{
	__int128 pico;

	if (cli->format != FORMAT_TABLE || dec_pico128(str_of(amount), &pico) < 0)
		return amount;
	return dec_fixed(pico, TABLE_PLACES, room).p;
}

int show_cell(struct table *t, const json_t *value)
{
	if (json_is_integer(value))
		return table_cell_u64(t, (uint64_t)json_integer_value(value));
	if (json_is_boolean(value))
		return table_cell(t, json_is_true(value) ? "yes" : "no");
	return table_cell(t, json_string_value(value));
}

void show_lines(const json_t *array)
{
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
	{
		json_dumpf(one, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

bool show_as_json(const struct cli *cli)
{
	return cli->format == FORMAT_JSON || cli->format == FORMAT_JSONL;
}

void show_raw(struct str body)
{
	fwrite(body.p, 1, body.n, stdout);
	if (!body.n || body.p[body.n - 1] != '\n')
		putchar('\n');
}

int show_no_memory(void)
{
	fputs("submeter: no memory\n", stderr);
	return CLI_ERROR;
}
