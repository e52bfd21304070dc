/* How a TLS function is found in a file.
 * FINDER(NAME, "text", proof, "what it knows: versions and machines")
 *   proof  1: a signature, not a name. It must show itself right: until the first bytes that come through such a probe
 *          look like HTTP, it is on trial; when they do not, the probe is taken away and the file reported. */
FINDER(SYMBOL,	"symbol",	0,	"every version, x86-64 and arm64")
FINDER(CALLEE,	"callee",	0,	"OpenSSL 3.0 to 3.2, x86-64: what the named functions call")
FINDER(OPENSSL,	"error sites",	1,	"OpenSSL 1.1.1 to 3.x without symbols, x86-64")
FINDER(BORING,	"error codes",	1,	"BoringSSL without symbols, x86-64")
FINDER(GO,	"pclntab",	0,	"Go 1.17 and later, with or without symbols")
FINDER(RUSTLS,	"rustls",	1,	"rustls 0.23, x86-64")
FINDER(SOCKET,	"socket",	0,	"plain HTTP to configured ports")
