/* Every setting of submeter.yaml.	CONFIG(key, member, TYPE, default, help)
 *	PATH	text, one path		PATHS	list of at most CONF_LIST paths
 *	TEXT	text			SIZE	bytes, "32M" allowed
 *	BOOL	true or false		MS	milliseconds
 *	IDS	list of at most CONF_LIST numbers
 * "(SIGHUP)" in the help: taken anew from the file at SIGHUP, as the team map is. */
CONFIG("observe.cgroups",	cgroups,	PATHS,	"/",	"cgroup subtrees to meter; nothing outside them is read")
CONFIG("observe.exclude",	exclude,	PATHS,	"",	"subtrees inside those that are left alone")
CONFIG("observe.folders",	folders,	PATHS,	"/usr/lib:/usr/lib64:/lib:/usr/local/lib:/usr/bin:/usr/local/bin:/opt",	"files and folders searched and watched for TLS libraries, before a process maps them")
CONFIG("observe.hierarchy",	hierarchy,	TEXT,	"auto",	"which cgroup hierarchy names the payer: auto, v2, pids, memory or systemd")
CONFIG("observe.exe",		exe,		PATHS,	"",	"only these programs: a file by its path, or a base name; empty = every one (SIGHUP)")
CONFIG("observe.exclude_exe",	exclude_exe,	PATHS,	"",	"programs that are left alone, as in observe.exe (SIGHUP)")
CONFIG("observe.uid",		uid,		IDS,	"",	"only processes of these user ids; empty = every one (SIGHUP)")
CONFIG("observe.exclude_uid",	exclude_uid,	IDS,	"",	"user ids whose processes are left alone (SIGHUP)")
CONFIG("observe.deny",		deny,		PATHS,	"",	"files that are never probed, by path or pattern: /opt/*/libssl.so.3 (SIGHUP)")
CONFIG("observe.plaintext",	plaintext,	IDS,	"11434:8000:4000",	"ports of plain HTTP that are metered, on the client's side: Ollama, vLLM, LiteLLM; needs observe.sockets")
CONFIG("observe.unix",		unix_paths,	PATHS,	"",	"unix sockets of one's own LLM servers: what goes through them is not metered, `submeter coverage` counts who is connected")
CONFIG("observe.sockets",	sockets,	BOOL,	"true",	"look at the sockets of observed cgroups: plain HTTP, and TLS that is not seen into")
CONFIG("team_map",		team_map,	PATH,	"/etc/submeter/team-map.yaml",	"cgroup to team rules")
CONFIG("prices",		prices,		PATHS,	"",	"price books added to the shipped one; SIGHUP reads these files again")
CONFIG("ledger.batch_ms",	batch_ms,	MS,	"50",	"a booked call is on disk at most this much later")
CONFIG("capture.ring",		ring_bytes,	SIZE,	"32M",	"ring for plaintext between kernel and meter")
CONFIG("capture.quota",		quota_bytes,	SIZE,	"0",	"most of the ring that one cgroup may hold; 0 = a quarter")
CONFIG("state",			state,		PATH,	"/var/lib/submeter",	"ledger, keys, epoch")
CONFIG("runtime",		runtime,	PATH,	"/run/submeter",	"api.sock")
