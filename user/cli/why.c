#include <stdio.h>
#include "cli/client.h"
#include "cli/show.h"

static const struct {
	const char *leaf, *words;
} leaves[] = {
#define LEAF(name, text, words) { text, words },
#include "tbl/leaf.h"
#undef LEAF
};

static const char *leaf_words(const char *leaf)
{
	for (size_t i = 0; i < COUNT_OF(leaves); i++)
		if (strcmp(leaf, leaves[i].leaf) == 0)
			return leaves[i].words;
	return leaf;
}

/* One line "label  text", left away where there is no text. */
static void say(const char *label, const char *text)
{
	if (text && *text)
		printf("%-12s %s\n", label, text);
}

static void say_who(const json_t *c)
{
	static const char *const facts[][2] = {
		{ "cgroup", "cgroup" },         { "unit", "unit" },    { "container", "container" },
		{ "program", "exe" },           { "command", "comm" }, { "session", "session" },
		{ "credential", "credential" },
	};

	printf("\nwho pays\n");
	say("  team", show_str(c, "team"));
	if (*show_str(c, "rule"))
		printf("  %-10s %s of team map %s: the first that matches\n", "rule",
		       show_str(c, "rule"), show_str(c, "map_revision"));
	else
		printf("  %-10s none of team map %s matches\n", "rule",
		       show_str(c, "map_revision"));
	for (size_t i = 0; i < COUNT_OF(facts); i++)
		if (*show_str(c, facts[i][1]))
			printf("  %-10s %s\n", facts[i][0], show_str(c, facts[i][1]));
	if (json_object_get(c, "pid"))
		printf("  %-10s %llu, user %llu\n", "process",
		       (unsigned long long)show_u64(c, "pid"),
		       (unsigned long long)show_u64(c, "uid"));
}

static void say_what(const json_t *c)
{
	printf("call         %s\n", show_str(c, "id"));
	say("kind", show_str(c, "kind"));
	printf("%-12s %s at %s (%s)%s\n", "asked", show_str(c, "operation"),
	       show_str(c, "provider"), show_str(c, "server_address"),
	       show_true(c, "stream") ? ", streamed" : "");
	say("model", *show_str(c, "model_served") ? show_str(c, "model_served")
						  : show_str(c, "model_requested"));
	if (*show_str(c, "model_served") &&
	    strcmp(show_str(c, "model_served"), show_str(c, "model_requested")) != 0)
		say("requested", show_str(c, "model_requested"));
	say("tier", show_str(c, "service_tier"));
	printf("%-12s %s", "outcome", show_str(c, "outcome"));
	if (json_object_get(c, "http_status"))
		printf(", HTTP %llu", (unsigned long long)show_u64(c, "http_status"));
	printf("\n%-12s %s\n%-12s %s\n", "began", show_str(c, "ts_start"), "ended",
	       show_str(c, "ts_end"));
	say("response", show_str(c, "response_id"));
}

static void say_leaves(const json_t *c, const char *key, const char *title)
{
	const json_t *usage = json_object_get(c, key);
	const char *leaf;
	json_t *n;

	if (json_object_size(usage) == 0)
		return;
	printf("  %s\n", title);
	json_object_foreach((json_t *)usage, leaf, n) printf(
		"    %14lld  %s (%s)\n", (long long)json_integer_value(n), leaf_words(leaf), leaf);
}

static void say_usage(const json_t *c)
{
	printf("\nwhat was used: %s\n", show_str(c, "usage_source"));
	say_leaves(c, "usage", "units");
	say_leaves(c, "usage_low", "at least");
	say_leaves(c, "usage_high", "at most");
	if (*show_str(c, "why_words"))
		printf("  reason: %s (%s)\n", show_str(c, "why_words"), show_str(c, "why"));
}

static void say_cost(const json_t *c)
{
	const char *cost = show_str(c, "cost_usd"), *plan = show_str(c, "equivalent_cost_usd");
	const char *shadow = show_str(c, "shadow_cost_usd");

	if (*cost)
		printf("  cost       $%s\n", cost);
	else if (*plan)
		printf("  cost       paid by a plan; by the token it would be $%s\n", plan);
	else
		printf("  cost       unknown: nothing was booked\n");
	if (*shadow)
		printf("  by the book's shadow rates it would be $%s: no money is booked\n",
		       shadow);
	if (*show_str(c, "list_cost_usd"))
		printf("  contract   %s; at list price $%s\n", show_str(c, "contract"),
		       show_str(c, "list_cost_usd"));
	if (*show_str(c, "reported_cost_usd"))
		printf("  the provider says $%s", show_str(c, "reported_cost_usd"));
	if (*show_str(c, "reported_difference_usd"))
		printf(", $%s more than that", show_str(c, "reported_difference_usd"));
	if (*show_str(c, "reported_cost_usd"))
		putchar('\n');
}

static void say_price(const json_t *c)
{
	static const char *const keys[] = { "book", "entry", "match", "tier", "band", "region" };
	const json_t *price = json_object_get(c, "price"), *lines = json_object_get(c, "lines"), *l;
	size_t i;

	printf("\nwhat it costs: %s\n", show_str(c, "billing"));
	for (i = 0; i < COUNT_OF(keys); i++)
		if (*show_str(price, keys[i]))
			printf("  %-10s %s\n", keys[i], show_str(price, keys[i]));
	json_array_foreach(lines, i, l)
	{
		const json_t *per = json_object_get(l, "per");

		printf("  %14llu x $%s", (unsigned long long)show_u64(l, "quantity"),
		       show_str(l, "rate"));
		if (json_is_integer(per) && json_integer_value(per) != 1)
			printf(" / %lld", (long long)json_integer_value(per));
		printf(" = $%s  %s\n", show_str(l, "amount_usd"), leaf_words(show_str(l, "leaf")));
	}
	say_cost(c);
	json_array_foreach(json_object_get(c, "flag_words"), i, l)
		printf("  note: %s\n", json_string_value(l));
}

static void say_revision(const json_t *v)
{
	printf("  %s %s", show_str(v, "reason"), show_str(v, "booked"));
	if (*show_str(v, "told_by"))
		printf(", %s %s", strcmp(show_str(v, "reason"), "joined") ? "told by" : "to",
		       show_str(v, "told_by"));
	if (*show_str(v, "actor"))
		printf(", asked for by %s", show_str(v, "actor"));
	printf(": %s", show_str(v, "billing"));
	if (*show_str(v, "cost_usd"))
		printf(" $%s", show_str(v, "cost_usd"));
	printf(", $%s more than before\n", show_str(v, "amount_usd"));
}

/* How it goes with other calls. */
static void say_others(const json_t *c)
{
	const char *later = show_str(c, "later");

	if (*show_str(c, "paid_by"))
		printf("  a gateway's call: team %s asked for it, and pays it\n",
		       show_str(c, "paid_by"));
	if (*show_str(c, "joined_to"))
		printf("  the same call is billed as %s\n", show_str(c, "joined_to"));
	if (strcmp(later, "fetched") == 0)
		printf("  an answer fetched by its id: who asked for it pays\n");
	else if (*later)
		printf("  a result of a batch: billed once, however often it is fetched\n");
	if (*show_str(c, "retry_of"))
		printf("  tries again what failed as %s\n", show_str(c, "retry_of"));
	else if (*show_str(c, "repeat_of"))
		printf("  the same request as %s\n", show_str(c, "repeat_of"));
}

static void say_ledger(const json_t *c)
{
	const json_t *ledger = json_object_get(c, "ledger"), *t;
	size_t i;

	printf("\nledger: call %llu, booked %s\n", (unsigned long long)show_u64(ledger, "seq"),
	       show_str(ledger, "booked"));
	json_array_foreach(json_object_get(ledger, "transfers"), i, t)
		printf("  transfer %llu  %s -> %s  $%s  %s, %s  %s\n",
		       (unsigned long long)show_u64(t, "seq"), show_str(t, "debit"),
		       show_str(t, "credit"), show_str(t, "amount"), show_str(t, "reason"),
		       show_str(t, "kind"), show_str(t, "id"));
	if (json_array_size(json_object_get(ledger, "transfers")) == 0)
		printf("  no transfer\n");
	json_array_foreach(json_object_get(ledger, "revisions"), i, t) say_revision(t);
	say_others(c);
}

int why_main(const struct cli *cli, int argc, char **argv)
{
	char path[128];
	struct client_answer a;
	json_t *c;
	int r;

	if (argc != 2 || argv[1][0] == '-')
		return cli_usage("why", "why: which call? An id as `submeter calls` prints it");
	if (strspn(argv[1], "0123456789abcdefABCDEF") != strlen(argv[1]) ||
	    snprintf(path, sizeof(path), "/v1/calls/%s", argv[1]) >= (int)sizeof(path))
		return cli_usage("why", "why: an id is up to 32 hex digits");
	r = client_fetch(cli, path, &a);
	if (r != CLI_OK)
		return r;
	c = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (show_as_json(cli)) {
		show_raw(buf_str(&a.body));
	} else {
		say_what(c);
		say_who(c);
		say_usage(c);
		say_price(c);
		say_ledger(c);
	}
	json_decref(c);
	buf_done(&a.body);
	return CLI_OK;
}
