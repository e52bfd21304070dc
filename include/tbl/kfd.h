/* Every kernel object that outlives a role: kept by the supervisor, inherited by whom it concerns.
 * KFD(NAME, name in bpf/, what) */
KFD(DATA,	"data",		"ring: plaintext chunks")
KFD(CTL,	"ctl",		"ring: ends of connections and processes, cgroups made")
KFD(CG_COUNT,	"cg_count",	"mmapable array: per-cgroup counters, written by the kernel")
KFD(CG_USED,	"cg_used",	"mmapable array: bytes consumed per cgroup, written by the meter")
KFD(VERDICT,	"verdicts",	"mmapable array: connections not worth copying, written by the meter")
KFD(SCOPE,	"scope",	"hash: cgroup ids given by the operator")
KFD(SELF,	"self",		"hash: our own processes, never looked at")
KFD(CONN_KEY,	"conn_keys",	"hash: (process, TLS object) to slot; swept by the attacher")
KFD(CONN_FREE,	"conn_free",	"queue: free connection slots")
KFD(ENTER,	"tls_enter",	"program: entry of a TLS call")
KFD(LEAVE,	"tls_leave",	"program: return of a TLS call")
