/* Why delivered bytes were not parsed.	SKIP(NAME, text, words)
 * Per cgroup: bytes delivered = parsed + the sum of these. */
SKIP(SERVER,	"server",	"the observed process is the server of this connection")
SKIP(OPAQUE,	"opaque",	"the connection speaks something we do not decode")
SKIP(DESYNC,	"desync",	"after an ambiguity in the framing")
SKIP(MIDSTREAM,	"midstream",	"before the first provable start of a message")
SKIP(AFTER_GAP,	"after_gap",	"after a hole, before the next provable start of a message")
SKIP(REFUSED,	"refused",	"a limit of connections or memory was reached")
SKIP(STALE,	"stale",	"bytes at an offset that was already past")
