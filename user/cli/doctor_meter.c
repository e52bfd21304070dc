/* What a running meter says of itself. */
#include <stdio.h>
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/show.h"

enum doctor_verdict doctor_api(struct doctor *c)
{
	struct client_answer a;
	char server[DOCTOR_TEXT];
	bool ready;

	if (client_server(c->cli, server, sizeof(server)) != CLI_OK)
		return doctor_say(c, WARN, NULL, "the server's address cannot be told");
	if (client_try(c->cli, "/readyz", false, &a) != CLI_OK)
		return doctor_say(c, NOTE, NULL, "no meter answers at %.400s", server);
	ready = a.status == 200;
	buf_done(&a.body);
	return ready ? doctor_say(c, FINE, NULL, "a meter is ready at %.400s", server)
		     : doctor_say(c, WARN, "`submeter status` says what is missing",
				  "a meter answers at %.400s, but is not ready", server);
}

/* NULL: no meter answers, and that is said elsewhere. */
static json_t *doctor_coverage(struct doctor *c)
{
	struct client_answer a;
	json_t *o;

	if (client_try(c->cli, "/v1/coverage", false, &a) != CLI_OK)
		return NULL;
	o = a.status == 200 ? json_loadb(a.body.p, a.body.n, 0, NULL) : NULL;
	buf_done(&a.body);
	return o;
}

static size_t doctor_count(const json_t *targets, const char *state, const char **ret_path)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(targets, i, one)
	{
		if (strcmp(show_str(one, "state"), state) != 0)
			continue;
		if (n++ == 0)
			*ret_path = show_str(one, "path");
	}
	return n;
}

enum doctor_verdict doctor_probes(struct doctor *c)
{
	json_t *o = doctor_coverage(c);
	enum doctor_verdict v;
	const char *path = "";
	size_t n;

	if (!o)
		return doctor_say(c, NOTE, NULL, "no meter answers");
	n = doctor_count(json_object_get(o, "targets"), "attached", &path);
	if (*show_str(o, "detached_since"))
		v = doctor_say(c, WARN, "`submeter attach`",
			       "every probe was taken away by `submeter detach`, since %.64s",
			       show_str(o, "detached_since"));
	else if (*show_str(o, "no_return_probes"))
		v = doctor_say(c, WARN, "look at `return probes` above", "only Go programs: %.200s",
			       show_str(o, "no_return_probes"));
	else
		v = doctor_say(c, FINE, NULL, "%zu files have probes", n);
	json_decref(o);
	return v;
}

enum doctor_verdict doctor_refused(struct doctor *c)
{
	json_t *o = doctor_coverage(c);
	enum doctor_verdict v;
	const char *path = "";
	size_t n;

	if (!o)
		return doctor_say(c, NOTE, NULL, "no meter answers");
	n = doctor_count(json_object_get(o, "targets"), "refused", &path);
	if (n)
		v = doctor_say(c, WARN, "`submeter coverage` says why",
			       "%zu files are not metered: %.200s%s", n, path,
			       n > 1 ? " and others" : "");
	else
		v = doctor_say(c, FINE, NULL, "none of the files that were looked at");
	json_decref(o);
	return v;
}

/* Not found by a test with a real program: so it is only believed to work. */
enum doctor_verdict doctor_unmetered(struct doctor *c)
{
	json_t *o = doctor_coverage(c);
	const json_t *sums;
	enum doctor_verdict v;
	uint64_t n;

	if (!o)
		return doctor_say(c, NOTE, NULL, "no meter answers");
	sums = json_object_get(o, "connections");
	n = show_u64(sums, "unmetered");
	if (n)
		v = doctor_say(c, WARN, "`submeter coverage` says whose and why",
			       "%llu of %llu connections to LLM hosts were not seen into",
			       (unsigned long long)n, (unsigned long long)show_u64(sums, "llm"));
	else
		v = doctor_say(c, FINE, NULL, "no connection to an LLM host");
	json_decref(o);
	return v;
}

enum doctor_verdict doctor_untried(struct doctor *c)
{
	static const struct {
		const char *family, *tried;
	} rows[] = {
#define TLS(row, family, function, shape, dir, finder, tried) { family, tried },
#include "tbl/tls.h"
#undef TLS
	};
	char list[DOCTOR_TEXT / 2] = "";

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t n = strlen(list);

		if (!rows[i].tried[0] && !strstr(list, rows[i].family) && n < sizeof(list))
			snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", rows[i].family);
	}
	if (list[0])
		return doctor_say(c, NOTE, NULL,
				  "functions of these that no real program has exercised: %s",
				  list);
	return doctor_say(c, FINE, NULL,
			  "every library's functions were exercised by real programs");
}
