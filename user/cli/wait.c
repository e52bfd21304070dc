#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/client.h"
#include "cli/show.h"
#include "cli/wait.h"

#define LOOK_US 50000 /* between two looks */

struct look { /* one look at /readyz */
	int r;
	bool ready;
	char why[512];
};

static void look_ready(const struct cli *cli, bool aloud, struct look *ret)
{
	struct client_answer a;
	json_t *o;

	*ret = (struct look){ 0 };
	/* A socket that is not there yet is no news while there is time. */
	ret->r = client_try(cli, "/readyz", aloud, &a);
	if (ret->r != CLI_OK)
		return;
	ret->ready = a.status == 200;
	o = json_loadb(a.body.p ? a.body.p : "", a.body.n, 0, NULL);
	snprintf(ret->why, sizeof(ret->why), "%s",
		 show_str(json_object_get(o, "error"), "message"));
	json_decref(o);
	buf_done(&a.body);
}

int wait_ready(const struct cli *cli, unsigned seconds, bool (*gone)(void *ctx), void *ctx)
{
	uint64_t until = clock_boot_ns() + seconds * NS_PER_SEC;
	struct look look;

	for (;;) {
		bool last = clock_boot_ns() >= until || (gone && gone(ctx));

		look_ready(cli, last && !cli->quiet, &look);
		if (look.ready)
			return CLI_OK;
		if (last)
			break;
		usleep(LOOK_US);
	}
	if (look.r != CLI_OK)
		return look.r;
	if (!cli->quiet)
		fprintf(stderr, "submeter: not ready: %s\n", look.why);
	return CLI_ERROR;
}

/* The mark, "a:b"; asked again while the meter is away. */
static int get_mark(const struct cli *cli, uint64_t until, char mark[static SHOW_TEXT])
{
	for (;;) {
		struct client_answer a;
		bool last;
		int r = client_get(cli, "/v1/status?mark=1", &a);

		if (r != CLI_OK)
			return r;
		last = clock_boot_ns() >= until;
		if (a.status == 200) {
			json_t *o = json_loadb(a.body.p, a.body.n, 0, NULL);

			snprintf(mark, SHOW_TEXT, "%s", show_str(o, "mark"));
			json_decref(o);
		} else if (a.status != 503 || last) {
			r = client_complain(&a);
		}
		buf_done(&a.body);
		if (mark[0] || r != CLI_OK)
			return r;
		usleep(LOOK_US);
	}
}

int wait_idle(const struct cli *cli, unsigned seconds)
{
	uint64_t until = clock_boot_ns() + seconds * NS_PER_SEC;
	char mark[SHOW_TEXT] = "", path[SHOW_TEXT + 32];
	uint64_t open = 0;
	int r = get_mark(cli, until, mark);

	snprintf(path, sizeof(path), "/v1/status?idle=%s", mark);
	while (r == CLI_OK) {
		bool idle = false, last = clock_boot_ns() >= until;
		struct client_answer a;

		r = client_get(cli, path, &a);
		if (r != CLI_OK)
			return r;
		if (a.status == 200) {
			json_t *o = json_loadb(a.body.p, a.body.n, 0, NULL);

			idle = show_true(o, "idle");
			open = show_u64(o, "open_calls");
			json_decref(o);
		} else if (a.status != 503 || last) {
			r = client_complain(&a);
		}
		buf_done(&a.body);
		if (idle || r != CLI_OK)
			return r;
		if (last)
			break;
		usleep(LOOK_US);
	}
	if (r == CLI_OK && !cli->quiet)
		fprintf(stderr, "submeter: not idle after %u s: %llu call%s under way\n", seconds,
			(unsigned long long)open, open == 1 ? "" : "s");
	return r == CLI_OK ? CLI_ERROR : r;
}
