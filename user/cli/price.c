/* price.c -- `submeter price`: the price books, offline. One function a verb. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/conf.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/obj.h"
#include "cli/price.h"
#include "cli/reprice.h"
#include "cli/show.h"
#include "price/say.h"

#define CONF_USUAL "/etc/submeter/submeter.yaml"

static const struct verb {
	const char *name;
	price_fn *fn;
	int least, most; /* words behind it; -1: any number */
	const char *usage;
} verbs[] = {
	{ "list", price_list, 0, 0, "price list takes no words" },
	{ "show", price_show, 1, 1, "price show PROVIDER/MODEL" },
	{ "check", price_check, 1, -1, "price check FILE..." },
	{ "diff", price_diff, 2, 2, "price diff OLD NEW" },
	{ "import", price_import, 1, 1, "price import [--from LIST] FILE" },
};

static const struct option options[] = {
	{ "provider", required_argument, NULL, 'p' },  { "prices", required_argument, NULL, 'b' },
	{ "consensus", required_argument, NULL, 'c' }, { "from", required_argument, NULL, 'f' },
	{ "into", required_argument, NULL, 'i' },      { "source", required_argument, NULL, 's' },
	{ "out", required_argument, NULL, 'O' },       { "at", required_argument, NULL, 't' },
	{ "since", required_argument, NULL, 't' },     { "no-shipped", no_argument, NULL, 'n' },
	{ "approve", no_argument, NULL, 'a' },         { "jumps", no_argument, NULL, 'j' },
	{ "drops", no_argument, NULL, 'd' },           { "backdate", no_argument, NULL, 'B' },
	{ "checked", required_argument, NULL, 'C' },   { NULL, 0, NULL, 0 },
};

static int add(const char **list, const char *value)
{
	size_t n = 0;

	while (list[n])
		n++;
	if (n == PRICE_LIST)
		return cli_usage("price", "price: an option is given more than %d times",
				 PRICE_LIST);
	list[n] = value;
	return CLI_OK;
}

static int set_time(const char *value, uint64_t *ret)
{
	return clock_parse(str_of(value), ret) == 0
		       ? CLI_OK
		       : cli_usage("price", "price: '%s' is no time; write 2026-11-22", value);
}

static int set(struct price_ask *a, int c, const char *value)
{
	switch (c) {
	case 'p':
		return add(a->provider, value);
	case 'b':
		return add(a->prices, value);
	case 'c':
		return add(a->consensus, value);
	case 't':
		a->has_at = true;
		return set_time(value, &a->at_ns);
	case 'C':
		return set_time(value, &a->checked_ns);
	case 'f':
		a->list = value;
		return CLI_OK;
	case 'i':
		a->into = value;
		return CLI_OK;
	case 's':
		a->source = value;
		return CLI_OK;
	case 'O':
		a->out = value;
		return CLI_OK;
	case 'n':
		a->alone = true;
		return CLI_OK;
	case 'a':
		a->approve = true;
		return CLI_OK;
	case 'j':
		a->jumps = true;
		return CLI_OK;
	case 'B':
		a->backdate = true;
		return CLI_OK;
	default:
		a->drops = true;
		return CLI_OK;
	}
}

static int parse(struct price_ask *a, int argc, char **argv)
{
	int c, r = CLI_OK;

	optind = 0; /* the global options were parsed with getopt too */
	while (r == CLI_OK && (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
		r = c == '?' || c == ':'
			    ? cli_usage("price", "price: %s '%s'",
					c == '?' ? "no option" : "a value is missing behind",
					argv[optind - 1])
			    : set(a, c, optarg);
	a->words = argc - optind;
	a->word = argv + optind;
	return r;
}

int price_main(const struct cli *cli, int argc, char **argv)
{
	uint64_t now_ns = clock_utc_ns();
	struct price_ask a = { .cli = cli, .at_ns = now_ns, .checked_ns = now_ns };
	int r;

	if (argc > 1 && strcmp(argv[1], "reprice") == 0)
		return reprice_main(cli, argc - 1, argv + 1);
	r = parse(&a, argc, argv);
	if (r != CLI_OK)
		return r;
	if (!a.words)
		return cli_usage("price", "price: say list, show, check, diff, import or reprice");
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(a.word[0], v->name) != 0)
			continue;
		a.words--;
		a.word++;
		if (a.words < v->least || (v->most >= 0 && a.words > v->most))
			return cli_usage("price", "%s", v->usage);
		return v->fn(&a);
	}
	return cli_usage("price", "price: no '%s'", a.word[0]);
}

void price_stamp(const struct price_ask *a, const char *path, struct price_stamp *ret)
{
	uint64_t from_ns = a->has_at ? a->at_ns : clock_day_start(a->at_ns);

	ret->is = (struct import_stamp){
		.from = say_day(from_ns, ret->from),
		.source = str_of(a->source ? a->source : path),
		.checked = say_day(clock_day_start(a->checked_ns), ret->checked),
	};
}

/* ---- files -------------------------------------------------------------------------------------- */

int price_read(const char *path, bool may_lack, struct buf *out)
{
	char block[65536];
	struct stat st;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;

	if (fd < 0 && errno == ENOENT && may_lack)
		return CLI_OK;
	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	while (r == 0 && (n = read(fd, block, sizeof(block))) > 0)
		r = buf_add(out, (struct str){ block, (size_t)n });
	if (r == 0 && n < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	if (r == 0)
		return CLI_OK;
	log_err(r, "cannot read '%s'", path);
	return CLI_ERROR;
}

static int fail(const char *error, struct book **b)
{
	log_line(LOG_ERR, 0, "%s", error);
	book_free(b);
	return CLI_ERROR;
}

static const char *real(const struct price_ask *a, const char *path)
{
	return a->instead_of && strcmp(path, a->instead_of) == 0 ? a->instead : path;
}

static bool among(const struct conf *conf, const struct price_ask *a, const char *path)
{
	for (unsigned i = 0; !a->alone && i < conf->prices.count; i++)
		if (strcmp(conf->prices.item[i], path) == 0)
			return true;
	for (size_t i = 0; a->prices[i]; i++)
		if (strcmp(a->prices[i], path) == 0)
			return true;
	return false;
}

int price_books(const struct price_ask *a, const char *more, struct book **ret)
{
	const char *usual = access(CONF_USUAL, R_OK) == 0 ? CONF_USUAL : NULL;
	char error[YAML_ERROR] = "out of memory";
	struct conf *conf = mem_zero(1, sizeof(*conf)); /* too large for a stack */
	struct book *b = NULL;
	int r = conf ? conf_load(a->cli->conf ? a->cli->conf : usual, conf, error) : -ENOMEM;

	if (r == 0)
		r = book_new(&b);
	if (r == 0 && !a->alone)
		r = book_add(b, book_shipped(), "shipped price book", error);
	for (unsigned i = 0; r == 0 && !a->alone && i < conf->prices.count; i++)
		r = book_load(b, real(a, conf->prices.item[i]), error);
	for (size_t i = 0; r == 0 && a->prices[i]; i++)
		r = book_load(b, real(a, a->prices[i]), error);
	if (r == 0 && more && !among(conf, a, more))
		r = book_load(b, real(a, more), error);
	mem_free(conf);
	if (r < 0)
		return fail(error, &b);
	*ret = b;
	return CLI_OK;
}

int price_take(const struct price_ask *a, const char *list, const char *path,
	       struct import **ret_import, struct book **ret_book)
{
	_cleanup_(buf_done) struct buf json = { .limit = LIMIT_LIST_BYTES };
	_cleanup_(buf_done) struct buf yaml = { .limit = LIMIT_LIST_BYTES };
	_cleanup_(import_free) struct import *m = NULL;
	struct import_opts o = { .list = list,
				 .provider = a->provider[0] ? a->provider : NULL,
				 .at_ns = a->at_ns };
	char error[YAML_ERROR] = "out of memory";
	struct price_stamp stamp;
	struct book *b = NULL;
	int r = price_read(path, false, &json);

	if (r != CLI_OK)
		return r;
	r = import_new(&o, buf_str(&json), &m);
	if (r == -EINVAL)
		return cli_usage("price", "price: --from is litellm, genai-prices or models.dev");
	if (r < 0) {
		log_err(r == -EBADMSG ? 0 : r, "'%s' is no price list that can be read", path);
		return CLI_ERROR;
	}
	price_stamp(a, path, &stamp);
	r = import_yaml(m, &stamp.is, &yaml);
	if (r == 0)
		r = book_new(&b);
	if (r == 0)
		r = book_add(b, buf_str(&yaml), path, error);
	if (r < 0)
		return fail(error, &b);
	if (ret_import)
		*ret_import = take(m);
	*ret_book = b;
	return CLI_OK;
}
