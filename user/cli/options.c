#include "cli/client.h"
#include "cli/options.h"

#define SECONDS_MOST 86400

static const struct option_row *match(const struct option_row *rows, size_t count, const char *arg,
				      const char **ret_value)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(rows[i].name);

		*ret_value = NULL;
		if (rows[i].letter && arg[0] == '-' && arg[1] == rows[i].letter) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return &rows[i];
		}
		if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, rows[i].name, n) != 0)
			continue;
		arg += 2 + n;
		if (*arg == '=' && rows[i].value)
			*ret_value = arg + 1;
		if (!*arg || *ret_value)
			return &rows[i];
		arg -= 2 + n;
	}
	return NULL;
}

int options_take(const struct option_row *rows, size_t count, int argc, char **argv, int *ret_words)
{
	int words = 0;

	for (int i = 1; i < argc; i++) {
		const struct option_row *row;
		const char *value = NULL;

		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[1 + words++] = argv[i];
			continue;
		}
		row = match(rows, count, argv[i], &value);
		if (!row)
			return cli_usage(argv[0], "%s: no option '%s'", argv[0], argv[i]);
		if (!row->value) {
			*row->is = true;
			continue;
		}
		if (!value && i + 1 == argc)
			return cli_usage(argv[0], "%s: '%s' lacks its value", argv[0], argv[i]);
		*row->value = value ? value : argv[++i];
	}
	*ret_words = words;
	return CLI_OK;
}

int options_params(const struct option_row *rows, size_t count, struct buf *path)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (rows[i].param && rows[i].value)
			r = client_param(path, rows[i].param, *rows[i].value);
	return r;
}

int options_seconds(const char *command, const char *option, const char *text, unsigned *ret)
{
	uint64_t n;

	if (str_u64(str_of(text), &n) < 0 || n > SECONDS_MOST)
		return cli_usage(command, "%s: %s takes whole seconds, at most %d", command, option,
				 SECONDS_MOST);
	*ret = (unsigned)n;
	return CLI_OK;
}
