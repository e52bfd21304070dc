/* Every setting of submeter.yaml.	CONFIG(key, member, TYPE, default, help)
 *	PATH	text, one path		PATHS	list of at most CONF_LIST paths
 *	TEXT	text			SIZE	bytes, "32M" allowed
 *	BOOL	true or false		MS	milliseconds */
CONFIG("observe.cgroups",	cgroups,	PATHS,	"/",	"cgroup v2 subtrees to meter; nothing outside them is read")
CONFIG("observe.exclude",	exclude,	PATHS,	"",	"subtrees inside those that are left alone")
CONFIG("observe.folders",	folders,	PATHS,	"/usr/lib:/usr/lib64:/lib:/usr/local/lib:/opt",	"files and folders searched for TLS libraries at start, before a process maps them")
CONFIG("observe.hierarchy",	hierarchy,	TEXT,	"auto",	"which cgroup hierarchy names the payer: auto or v2")
CONFIG("team_map",		team_map,	PATH,	"/etc/submeter/team-map.yaml",	"cgroup to team rules")
CONFIG("prices",		prices,		PATHS,	"",	"price books added to the shipped one")
CONFIG("ledger.batch_ms",	batch_ms,	MS,	"50",	"a booked call is on disk at most this much later")
CONFIG("capture.ring",		ring_bytes,	SIZE,	"32M",	"ring for plaintext between kernel and meter")
CONFIG("capture.quota",		quota_bytes,	SIZE,	"0",	"most of the ring that one cgroup may hold; 0 = a quarter")
CONFIG("state",			state,		PATH,	"/var/lib/submeter",	"ledger, keys, epoch")
CONFIG("runtime",		runtime,	PATH,	"/run/submeter",	"api.sock")
