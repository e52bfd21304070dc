/* Every command of `submeter`.	COMMAND("name", function, "usage after the name", "one line", "more, for its --help") */
COMMAND("status",	status_main,	"[--wait SEC] [--wait-idle SEC]",
	"is the meter attached and ready, and what has it seen",
	"Exits 0 when the meter is ready, 1 with what is missing.\n"
	"  --wait SEC       wait until it is ready, at most SEC seconds\n"
	"  --wait-idle SEC  wait until every byte seen so far is booked; exits 1 with the open calls\n"
	"-o json prints the whole state; its fields are described in user/desk/README.md.\n")
COMMAND("coverage",	coverage_main,	"",
	"what is metered and by what, what is not and why, and when nothing was",
	"Lists the files that were looked at, how their functions were found and why a file is refused; the processes, teams and LLM\n"
	"hosts with their TLS connections, seen into or not; what was never tried on a real program; the times without probes.\n")
COMMAND("calls",	calls_main,	"[tail] [--since T] [--until T] [--team T] [--cgroup P] [--model M] [--provider P] [--kind K] [--limit N] [--follow]",
	"every call, one a row",
	"  --since T, --until T  RFC 3339, a date, or how long ago: 30m, 12h, 7d\n"
	"  --team, --cgroup (a subtree), --model, --provider, --kind (inference, other, error)\n"
	"  --limit N   the last N calls\n"
	"  --follow    go on printing calls as they are booked (`calls tail` does the same)\n"
	"-o jsonl prints one whole record a line.\n")
COMMAND("report",	report_main,	"[--window W | --since T --until T] [-g KEYS] [--team T] [--cgroup P] [--model M] [--provider P] [--kind K]",
	"what was spent, and by whom",
	"  --window W  today yesterday week lastweek month lastmonth all, 30m 12h 7d, or FROM,UNTIL (RFC 3339 or unix seconds);\n"
	"              default: this UTC month\n"
	"  -g KEYS     team (default), cgroup, model, provider, kind, host, project, department, cost_center, environment,\n"
	"              unit, day; several with commas\n"
	"REQUESTS counts inference calls alone; `-g kind` also shows model lists, token counts and failed calls.\n"
	"ESTIMATED is the part of the cost that rests on bounds, not on what the provider reported.\n")
COMMAND("why",		why_main,	"CALL",
	"why a call costs what it costs, and why that team pays",
	"CALL is an id as `calls` prints it, or its first characters.\n")
COMMAND("wallet",	wallet_main,	"list | show TEAM | allocate TEAM AMOUNT [--reason R] [--key K] | transactions TEAM [--limit N]",
	"the teams' money",
	"  list                   every wallet and its balance\n"
	"  show TEAM              one wallet\n"
	"  allocate TEAM AMOUNT   put AMOUNT US dollars into a wallet; --key makes a retry harmless\n"
	"  transactions TEAM      the transfers of a wallet, newest first\n")
COMMAND("run",		run_main,	"[--team T] [--] CMD [ARG...]",
	"meter one command and print its bill",
	"Needs root, no daemon and no settings: makes a cgroup and a private meter, runs CMD inside, prints the bill on\n"
	"standard error and takes everything away. Exits with CMD's status (128 + signal if one ended it).\n"
	"  --team T    the team in the records (default: run)\n"
	"  --wait SEC  how long to wait for the last call to be booked (default 10)\n"
	"-c FILE gives `observe.folders`, `prices`, `endpoints` and `capture`; -o json prints the bill as JSON.\n")
COMMAND("audit",	audit_main,	"[--format har|exchanges] FILE...",
	"price saved traffic; no root, no daemon",
	NULL)
COMMAND("price",	price_main,	"list | show PROVIDER/MODEL | check FILE... | diff OLD NEW | import FILE | reprice",
	"what calls cost: the price books, and what public lists say",
	"  list                 every model and its standard rates\n"
	"  show PROVIDER/MODEL  every dated entry: bands, tiers, rates, where it is from, which file and line\n"
	"  check FILE...        can this book be loaded on top of the others; names the line that is wrong, and exits 1\n"
	"  diff OLD NEW         what changed, row by row: books, `shipped`, or public lists (.json)\n"
	"  reprice              asks the meter to price what is booked without a price by its book of now; rows stay, corrections\n"
	"                       are booked beside them. --since, --until, --provider, --model choose calls; --corrected takes those\n"
	"                       too that have another price now; --dry-run only says what would be done\n"
	"  import FILE          a public list against the books: what is new, what changed, what is refused and why\n"
	"    --from LIST        litellm, genai-prices, models.dev; default: by its looks\n"
	"    --since DATE       the new prices hold from then on; default: today (UTC)\n"
	"    --consensus FILE   another list: where they disagree; may be repeated\n"
	"    --out FILE         the whole list as a price book of its own\n"
	"    --approve --into FILE  write what is new, and what changed there: past entries stay, the one that held ends\n"
	"    --jumps, --drops   also what became five times dearer or cheaper, or has another rule; also where the list lacks\n"
	"                       rates or rules the book has\n"
	"    --backdate         --since may be before today: a reprice gives those calls the new price\n"
	"    --source TEXT, --checked DATE  for the provenance of the entries; default: the file's name, today\n"
	"  --provider P         only these, as we or the list call them; may be repeated\n"
	"  --at TIME            the prices of that moment\n"
	"  --prices FILE        another book on top; may be repeated. --no-shipped: neither the shipped one nor those of -c\n"
	"Nothing asks the daemon. -v lists every entry that is refused or flagged; -o json has them all.\n")
COMMAND("team-map",	team_map_main,	"validate | test | explain (--cgroup PATH | --pid PID | ...) [--map FILE]",
	"check the team map, or ask it who pays",
	"  validate   is the file well formed; names the line that is not\n"
	"  test       run the fixtures that the file holds\n"
	"  explain    who pays for this caller: the rules tried, and the one that matched\n"
	"  --map FILE the map (default /etc/submeter/team-map.yaml); nothing asks the daemon\n")
COMMAND("detach",	detach_main,	"--all",
	"take every probe away, until `submeter attach`",
	"Nothing is metered until then; the time is a gap that `coverage` shows. A restart of submeterd attaches, too.\n")
COMMAND("attach",	attach_main,	"",
	"attach again after `submeter detach --all`",
	"")
COMMAND("doctor",	doctor_main,	"",
	"can this host be metered, and what is missing",
	"Needs no daemon. Exits 3 when something is missing.\n")
COMMAND("version",	version_main,	"",
	"print the version",
	"")
