#include <stdarg.h>
#include <stdio.h>
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/show.h"

enum doctor_verdict doctor_say(struct doctor *c, enum doctor_verdict v, const char *todo,
			       const char *format, ...)
{
	va_list va;

	va_start(va, format);
	vsnprintf(c->text, sizeof(c->text), format, va);
	va_end(va);
	snprintf(c->todo, sizeof(c->todo), "%s", todo ? todo : "");
	return v;
}

static const struct {
	const char *name;
	doctor_fn *fn;
} checks[] = {
#define CHECK(name, fn) { name, fn },
#include "tbl/check.h"
#undef CHECK
};

static const char *const verdicts[] = { [FINE] = "ok", [NOTE] = "note", [WARN] = "WARNING" };

static int add_check(struct table *t, json_t *list, const char *name, enum doctor_verdict v,
		     const struct doctor *c)
{
	json_t *one = json_pack("{s:s, s:s, s:s}", "check", name, "verdict",
				v == WARN ? "warning" : verdicts[v], "found", c->text);
	int r = one ? 0 : -ENOMEM;

	if (one && c->todo[0])
		json_object_set_new(one, "todo", json_string(c->todo));
	json_array_append_new(list, one);
	if (r == 0)
		r = table_cell(t, verdicts[v]);
	if (r == 0)
		r = table_cell(t, name);
	if (r == 0)
		r = table_cell(t, c->text);
	return r == 0 ? table_cell(t, c->todo) : r;
}

int doctor_main(const struct cli *cli, int argc, char **argv)
{
	_cleanup_(table_free) struct table *t = NULL;
	struct doctor c = { .cli = cli };
	json_t *list = json_array();
	bool warned = false;
	int r = table_new("VERDICT,CHECK,FOUND,WHAT TO DO", &t);

	if (argc > 1)
		return cli_usage("doctor", "doctor: takes no '%s'", argv[1]);
	conf_default(&c.conf);
	for (size_t i = 0; r == 0 && i < COUNT_OF(checks); i++) {
		enum doctor_verdict v = checks[i].fn(&c);

		warned |= v == WARN;
		r = add_check(t, list, checks[i].name, v, &c);
	}
	if (r == 0 && cli->format == FORMAT_JSON) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (r == 0 && cli->format == FORMAT_JSONL)
		show_lines(list);
	else if (r == 0 && !cli->quiet)
		r = table_print(t, cli, stdout);
	json_decref(list);
	if (r < 0)
		return show_no_memory();
	return warned ? CLI_WARNINGS : CLI_OK;
}
