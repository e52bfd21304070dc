#include <stdio.h>
#include "base/jsonw.h"
#include "base/limit.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/show.h"

static int print_wallets(const struct cli *cli, const json_t *wallets)
{
	static const char *const money[] = { "balance", "allocated", "spent", "adjusted" };
	_cleanup_(table_free) struct table *t = NULL;
	char room[DEC_TEXT];
	const json_t *one;
	size_t i;
	int r = table_new("TEAM,>BALANCE,>ALLOCATED,>SPENT,>ADJUSTED,CURRENCY,STATUS", &t);

	json_array_foreach(wallets, i, one)
	{
		if (r == 0)
			r = table_cell(t, show_str(one, "team_id"));
		for (size_t k = 0; r == 0 && k < COUNT_OF(money); k++)
			r = table_cell(t, show_usd(cli, show_str(one, money[k]), room));
		if (r == 0)
			r = table_cell(t, show_str(one, "currency"));
		if (r == 0)
			r = table_cell(t, show_str(one, "status"));
	}
	return r == 0 ? table_print(t, cli, stdout) : r;
}

static int show_wallets(const struct cli *cli, const char *path, const char *key)
{
	struct client_answer a;
	json_t *o, *list;
	int r = client_fetch(cli, path, &a);

	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	list = key ? json_incref(json_object_get(o, key)) : json_pack("[O]", o);
	if (cli->format == FORMAT_JSON)
		show_raw(buf_str(&a.body));
	else if (cli->format == FORMAT_JSONL)
		show_lines(list);
	else if (print_wallets(cli, list) < 0)
		r = show_no_memory();
	json_decref(list);
	json_decref(o);
	buf_done(&a.body);
	return r;
}

static int path_of_team(const char *before, const char *team, const char *after, struct buf *ret)
{
	struct buf escaped = { .limit = OPTIONS_PATH };
	int r = client_param(&escaped, "", team);

	/* "?=team", escaped */
	if (r == 0)
		r = buf_printf(ret, "%s" STR_FMT "%s", before,
			       STR_ARG(str_skip(buf_str(&escaped), 2)), after);
	buf_done(&escaped);
	return r;
}

static int wallet_list(const struct cli *cli)
{
	return show_wallets(cli, "/v1/wallets", "wallets");
}

static int wallet_show(const struct cli *cli, const char *team)
{
	_cleanup_(buf_done) struct buf path = { .limit = OPTIONS_PATH };

	if (path_of_team("/v1/wallets/balance?team_id=", team, "", &path) < 0 ||
	    buf_put(&path, '\0') < 0)
		return show_no_memory();
	return show_wallets(cli, path.p, NULL);
}

/* ---- allocate ---- */

static int write_body(const char *team, const char *amount, const char *reason, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "team_id", str_of(team));
	jsonw_key_str(&w, "amount", str_of(amount));
	jsonw_key_str(&w, "currency", S("USD"));
	jsonw_key_str(&w, "description", str_of(reason));
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

static int wallet_allocate(const struct cli *cli, const char *team, const char *amount,
			   const char *reason, const char *key)
{
	_cleanup_(buf_done) struct buf body = { .limit = LIMIT_API_BODY };
	struct client_answer a;
	json_t *o;
	int r;

	if (write_body(team, amount, reason, &body) < 0)
		return show_no_memory();
	r = client_post(cli, "/v1/wallets/allocate", buf_str(&body), key, &a);
	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (a.status != 200)
		r = client_complain(&a);
	else if (show_as_json(cli))
		show_raw(buf_str(&a.body));
	else if (!cli->quiet)
		printf("allocated %s %s to %s, transfer %s\n", show_str(o, "amount"),
		       show_str(o, "currency"), show_str(o, "team_id"), show_str(o, "id"));
	json_decref(o);
	buf_done(&a.body);
	return r;
}

/* ---- transactions ---- */

static int print_moves(const struct cli *cli, const json_t *moves)
{
	static const char *const keys[] = { "ts", "reason", "debit", "credit" };
	_cleanup_(table_free) struct table *t = NULL;
	char room[DEC_TEXT];
	const json_t *one;
	size_t i;
	int r = table_new("TIME,REASON,FROM,TO,>AMOUNT,KIND,CALL,ACTOR", &t);

	json_array_foreach(moves, i, one)
	{
		for (size_t k = 0; r == 0 && k < COUNT_OF(keys); k++)
			r = table_cell(t, show_str(one, keys[k]));
		if (r == 0)
			r = table_cell(t, show_usd(cli, show_str(one, "amount"), room));
		if (r == 0)
			r = table_cell(t, show_str(one, "kind"));
		if (r == 0)
			r = table_cell(t, show_str(one, "call_id"));
		if (r == 0)
			r = table_cell(t, show_str(one, "actor"));
	}
	return r == 0 ? table_print(t, cli, stdout) : r;
}

static int wallet_moves(const struct cli *cli, const char *team, const char *limit)
{
	_cleanup_(buf_done) struct buf path = { .limit = OPTIONS_PATH };
	struct client_answer a;
	json_t *o;
	int r;

	if (path_of_team("/v1/wallets/", team, "/transactions", &path) < 0 ||
	    client_param(&path, "limit", limit) < 0 || buf_put(&path, '\0') < 0)
		return show_no_memory();
	r = client_fetch(cli, path.p, &a);
	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (cli->format == FORMAT_JSON)
		show_raw(buf_str(&a.body));
	else if (cli->format == FORMAT_JSONL)
		show_lines(json_object_get(o, "transactions"));
	else if (print_moves(cli, json_object_get(o, "transactions")) < 0)
		r = show_no_memory();
	json_decref(o);
	buf_done(&a.body);
	return r;
}

int wallet_main(const struct cli *cli, int argc, char **argv)
{
	const char *reason = NULL, *key = NULL, *limit = NULL, *what;
	const struct option_row rows[] = { { "reason", 0, &reason, NULL, NULL },
					   { "key", 0, &key, NULL, NULL },
					   { "limit", 0, &limit, NULL, NULL } };
	int words, r = options_take(rows, COUNT_OF(rows), argc, argv, &words);

	if (r != CLI_OK)
		return r;
	what = words ? argv[1] : "list";
	if (strcmp(what, "list") == 0 && words <= 1)
		return wallet_list(cli);
	if (strcmp(what, "show") == 0 && words == 2)
		return wallet_show(cli, argv[2]);
	if (strcmp(what, "allocate") == 0 && words == 3)
		return wallet_allocate(cli, argv[2], argv[3], reason, key);
	if (strcmp(what, "transactions") == 0 && words == 2)
		return wallet_moves(cli, argv[2], limit);
	return cli_usage("wallet",
			 "wallet: list, show TEAM, allocate TEAM AMOUNT or transactions TEAM");
}
