#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/run_home.h"
#include "cli/show.h"
#include "cli/wait.h"

#define READY_SECONDS 30
#define IDLE_SECONDS  10
#define END_US        20000
#define END_LOOKS     750 /* 15 s: submeterd itself promises 10 */

struct session { /* one run */
	const struct cli *cli;
	struct run_home home;
	struct cli private; /* as `cli`, but talks to our own meter */
	pid_t meter;
	pid_t cmd;
};

int run_words(int argc, char **argv)
{
	static const char *const valued[] = { "--team", "--wait",   "-c",      "--config",
					      "-o",     "--output", "--server" };
	int i = 0;

	while (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0) {
		for (size_t k = 0; k < COUNT_OF(valued); k++)
			if (strcmp(argv[i], valued[k]) == 0) {
				i++;
				break;
			}
		i++;
	}
	return MIN(i, argc);
}

/* ---- the meter ---- */

static bool meter_gone(struct session *s)
{
	if (s->meter > 0 && waitpid(s->meter, NULL, WNOHANG) == s->meter)
		s->meter = 0;
	return s->meter == 0;
}

/* Ends the waiting for the meter: it is gone, or we were told to end. */
static bool give_up(void *ctx)
{
	sigset_t came;

	sigpending(&came);
	return meter_gone(ctx) || sigismember(&came, SIGINT) == 1 ||
	       sigismember(&came, SIGTERM) == 1 || sigismember(&came, SIGHUP) == 1;
}

static int start_meter(struct session *s)
{
	s->meter = run_home_meter(&s->home);
	if (s->meter < 0) {
		fprintf(stderr, "submeter: cannot start submeterd: %s\n", strerror((int)-s->meter));
		s->meter = 0;
		return CLI_ERROR;
	}
	if (wait_ready(&s->private, READY_SECONDS, give_up, s) == CLI_OK)
		return CLI_OK;
	fprintf(stderr, "submeter: the private meter did not become ready; it said:\n");
	run_home_log(&s->home, stderr);
	return CLI_ERROR;
}

static void end_meter(struct session *s)
{
	if (s->meter == 0)
		return;
	kill(s->meter, SIGTERM);
	for (int i = 0; i < END_LOOKS && !meter_gone(s); i++)
		usleep(END_US);
	if (s->meter == 0)
		return;
	/* What it holds in the kernel goes with it: nothing is pinned. */
	kill(s->meter, SIGKILL);
	waitpid(s->meter, NULL, 0);
	s->meter = 0;
}

/* ---- the command ---- */

static const int passed_on[] = { SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
/* A terminal sends these to the command, too: it decides. */
static const int left_alone[] = { SIGINT, SIGQUIT };

static sigset_t signals_of_run(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	for (size_t i = 0; i < COUNT_OF(left_alone); i++)
		sigaddset(&set, left_alone[i]);
	sigaddset(&set, SIGCHLD);
	return set;
}

static pid_t start_command(const struct session *s, char **argv, const sigset_t *before)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (run_home_enter(&s->home) < 0) {
		fprintf(stderr, "submeter: cannot enter %s: %s\n", s->home.cgroup, strerror(errno));
		_exit(CLI_ERROR);
	}
	sigprocmask(SIG_SETMASK, before, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "submeter: cannot run '%s': %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Who sent it? What a terminal sends, the command got itself. */
static void pass_on(const struct session *s, const siginfo_t *info)
{
	for (size_t i = 0; i < COUNT_OF(left_alone); i++)
		if (info->si_signo == left_alone[i] && info->si_code == SI_KERNEL)
			return;
	kill(s->cmd, info->si_signo);
}

/* Its status as a shell would give it. */
static int wait_command(struct session *s, const sigset_t *set)
{
	for (;;) {
		siginfo_t info;
		int status;

		if (sigwaitinfo(set, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			pass_on(s, &info);
			continue;
		}
		if (waitpid(s->cmd, &status, WNOHANG) != s->cmd)
			continue;
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

/* ---- the bill ---- */

static void print_bill(struct session *s, unsigned seconds)
{
	struct cli quiet = s->private;
	json_t *report;

	if (meter_gone(s)) {
		fprintf(stderr,
			"submeter: the private meter ended before the command did: no bill\n");
		return;
	}
	if (wait_idle(&quiet, seconds) != CLI_OK)
		fprintf(stderr, "submeter: calls under way are not on this bill\n");
	if (client_json(&s->private, "/v1/usage?window=all&aggregate=provider,model", &report) !=
	    CLI_OK)
		return;
	if (show_as_json(s->cli)) {
		json_dumpf(report, stderr, JSON_COMPACT);
		fputc('\n', stderr);
	} else if (!s->cli->quiet) {
		fputc('\n', stderr);
		if (report_table(s->cli, report, "provider,model", stderr) < 0)
			show_no_memory();
		report_notes(report, stderr);
	}
	json_decref(report);
}

static int run_session(struct session *s, char **argv, unsigned seconds)
{
	sigset_t set = signals_of_run(), before;
	int status;

	/* From here on a signal is no reason to leave the cgroup and the folder behind. */
	sigprocmask(SIG_BLOCK, &set, &before);
	status = start_meter(s);
	if (status != CLI_OK)
		return status;
	s->cmd = start_command(s, argv, &before);
	if (s->cmd < 0) {
		fprintf(stderr, "submeter: cannot fork: %s\n", strerror(errno));
		return CLI_ERROR;
	}
	status = wait_command(s, &set);
	print_bill(s, seconds);
	return status;
}

static int run_here(const struct cli *cli, const char *team, char **argv, unsigned seconds)
{
	struct session s = { .cli = cli, .private = *cli };
	int r;

	if (geteuid() != 0) {
		fprintf(stderr, "submeter: run needs root: sudo submeter run -- %s\n", argv[0]);
		return CLI_ERROR;
	}
	r = run_home_make(&s.home, cli->conf, team);
	if (r == CLI_OK) {
		s.private.server = s.home.server;
		r = run_session(&s, argv, seconds);
	}
	end_meter(&s);
	run_home_remove(&s.home);
	return r;
}

int run_main(const struct cli *cli, int argc, char **argv)
{
	const char *team = "run", *wait = NULL;
	const struct option_row rows[] = { { "team", 0, &team, NULL, NULL },
					   { "wait", 0, &wait, NULL, NULL } };
	int own = 1 + run_words(argc - 1, argv + 1), words;
	unsigned seconds = IDLE_SECONDS;
	int r = options_take(rows, COUNT_OF(rows), own, argv, &words);

	if (r == CLI_OK && wait)
		r = options_seconds("run", "--wait", wait, &seconds);
	if (r != CLI_OK)
		return r;
	argv += own;
	if (*argv && strcmp(*argv, "--") == 0)
		argv++;
	if (!*argv)
		return cli_usage("run", "run: which command?");
	return run_here(cli, team, argv, seconds);
}
