/* submeterd: options, then the supervisor. */
#include <getopt.h>
#include <stdio.h>
#include "app/role.h"

static const char usage[] =
	"usage: submeterd [-c FILE] [--state DIR] [--runtime DIR]\n"
	"\n"
	"Meters the LLM calls of the configured cgroups. Runs in the foreground; SIGTERM drains "
	"and ends,\n"
	"SIGHUP reloads the team map and the settings that say so. Needs root: the parts that read "
	"traffic give every privilege "
	"away.\n"
	"\n"
	"  -c, --config FILE   settings (default /etc/submeter/submeter.yaml where it exists)\n"
	"      --state DIR     ledger and keys, instead of `state` in FILE\n"
	"      --runtime DIR   api.sock, instead of `runtime` in FILE\n"
	"      --version       print the version\n"
	"  -h, --help          print this\n";

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct submeterd_opts o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.conf = optarg;
			break;
		case 's':
			o.state = optarg;
			break;
		case 'r':
			o.runtime = optarg;
			break;
		case 'v':
			puts("submeterd " SUBMETER_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "submeterd: unexpected argument '%s'\n%s", argv[optind], usage);
		return 2;
	}
	return supervisor_main(&o);
}
