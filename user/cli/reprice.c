#include <stdio.h>
#include "base/jsonw.h"
#include "base/limit.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/reprice.h"
#include "cli/show.h"

struct reprice { /* what was asked, and what it came to so far */
	const char *since, *until, *provider, *model;
	bool corrected, dry_run;
	uint64_t looked, priced, fixed, joined, unpriced, next;
	unsigned parts;
	__int128 more;
};

static int write_body(const struct reprice *p, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_open(&w, '{');
	jsonw_key_str(&w, "since", str_of(p->since));
	jsonw_key_str(&w, "until", str_of(p->until));
	jsonw_key_str(&w, "provider", str_of(p->provider));
	jsonw_key_str(&w, "model", str_of(p->model));
	if (p->next)
		jsonw_key_u64(&w, "after", p->next);
	jsonw_key(&w, "corrected");
	jsonw_bool(&w, p->corrected);
	jsonw_key(&w, "dry_run");
	jsonw_bool(&w, p->dry_run);
	jsonw_close(&w, '}');
	return jsonw_done(&w);
}

static int add(struct reprice *p, const json_t *o)
{
	__int128 more;

	if (dec_pico128(str_of(show_str(o, "amount_usd")), &more) < 0)
		return log_err(0, "the meter's answer makes no sense"), CLI_ERROR;
	p->looked += show_u64(o, "looked");
	p->priced += show_u64(o, "priced");
	p->fixed += show_u64(o, "corrected");
	p->joined += show_u64(o, "joined");
	p->unpriced += show_u64(o, "unpriced");
	p->next = show_u64(o, "next");
	p->more += more;
	return CLI_OK;
}

/* The meter looks at a part of the calls at a time, so that it never stops metering for long. */
static int step(const struct cli *cli, struct reprice *p)
{
	_cleanup_(buf_done) struct buf body = { .limit = LIMIT_API_BODY };
	struct client_answer a;
	json_t *o;
	int r;

	if (write_body(p, &body) < 0)
		return show_no_memory();
	r = client_post(cli, "/v1/reprice", buf_str(&body), NULL, &a);
	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	r = a.status == 200 ? add(p, o) : client_complain(&a);
	json_decref(o);
	buf_done(&a.body);
	return r;
}

static int print_json(const struct reprice *p)
{
	_cleanup_(buf_done) struct buf out = { .limit = LIMIT_API_BODY };
	char text[DEC_TEXT];
	struct jsonw w;

	jsonw_init(&w, &out);
	jsonw_open(&w, '{');
	jsonw_key(&w, "dry_run");
	jsonw_bool(&w, p->dry_run);
	jsonw_key_u64(&w, "looked", p->looked);
	jsonw_key_u64(&w, "priced", p->priced);
	jsonw_key_u64(&w, "corrected", p->fixed);
	jsonw_key_u64(&w, "joined", p->joined);
	jsonw_key_u64(&w, "unpriced", p->unpriced);
	jsonw_key_str(&w, "amount_usd", dec_text(p->more, text));
	jsonw_close(&w, '}');
	if (jsonw_done(&w) < 0)
		return show_no_memory();
	show_raw(buf_str(&out));
	return CLI_OK;
}

static int print(const struct cli *cli, const struct reprice *p)
{
	char text[DEC_TEXT];

	if (show_as_json(cli))
		return print_json(p);
	if (cli->quiet)
		return CLI_OK;
	printf("%llu calls looked at: %llu %s a price, %llu %s corrected, %llu stay without one\n"
	       "teams %s $%s more\n",
	       (unsigned long long)p->looked, (unsigned long long)p->priced,
	       p->dry_run ? "would get" : "got", (unsigned long long)p->fixed,
	       p->dry_run ? "would be" : "were", (unsigned long long)p->unpriced,
	       p->dry_run ? "would pay" : "pay", dec_text(p->more, text).p);
	if (p->joined)
		printf("%llu %s not charged: another observation of the same call is\n",
		       (unsigned long long)p->joined, p->joined == 1 ? "is" : "are");
	if (p->dry_run && p->parts > 1)
		printf("looked at in %u parts: what one would do to the sums of a contract, or "
		       "charge, is not there for the next\n",
		       p->parts);
	return CLI_OK;
}

int reprice_main(const struct cli *cli, int argc, char **argv)
{
	struct reprice p = { 0 };
	const struct option_row rows[] = {
		{ "since", 0, &p.since, NULL, NULL },
		{ "until", 0, &p.until, NULL, NULL },
		{ "provider", 0, &p.provider, NULL, NULL },
		{ "model", 0, &p.model, NULL, NULL },
		{ "corrected", 0, NULL, &p.corrected, NULL },
		{ "dry-run", 0, NULL, &p.dry_run, NULL },
	};
	int words, r = options_take(rows, COUNT_OF(rows), argc, argv, &words);

	if (r != CLI_OK)
		return r;
	if (words)
		return cli_usage("price", "price reprice: takes no '%s'", argv[1]);
	do {
		r = step(cli, &p);
		p.parts++;
	} while (r == CLI_OK && p.next);
	return r == CLI_OK ? print(cli, &p) : r;
}
