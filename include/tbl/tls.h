/* TLS libraries by the functions that carry plaintext.
 * TLS(ROW, family, function, SHAPE, DIR, FINDER, "real programs it was tried on; empty: untried")
 *   SHAPE  how the call looks: tbl/shape.h
 *   FINDER how it is found in a file: tbl/finder.h
 * The row's number travels as the probe's cookie. A finder looks each function up on its own: one that is
 * missing never keeps another from being attached. */
TLS(OPENSSL_READ,	"openssl",	"SSL_read",	RET,	IN,	SYMBOL,	"curl, Node 16 to 24")
TLS(OPENSSL_WRITE,	"openssl",	"SSL_write",	RET,	OUT,	SYMBOL,	"curl, Node 16 to 24")
TLS(OPENSSL_READ_EX,	"openssl",	"SSL_read_ex",	PTR,	IN,	SYMBOL,	"Python 3.11")
TLS(OPENSSL_WRITE_EX,	"openssl",	"SSL_write_ex",	PTR,	OUT,	SYMBOL,	"Python 3.11")
TLS(OPENSSL_FREE,	"openssl",	"SSL_free",	FREE,	OUT,	SYMBOL,	"curl, Python, Node")
TLS(OPENSSL_READ_INNER,	"openssl",	"",		INNER,	IN,	CALLEE,	"curl, Python")
TLS(OPENSSL_WRITE_INNER, "openssl",	"",		INNER,	OUT,	CALLEE,	"curl, Python")
TLS(GNUTLS_RECV,	"gnutls",	"gnutls_record_recv",	RET,	IN,	SYMBOL,	"wget, gnutls-cli: GnuTLS 3.7")
TLS(GNUTLS_SEND,	"gnutls",	"gnutls_record_send",	RET,	OUT,	SYMBOL,	"")
TLS(GNUTLS_SEND2,	"gnutls",	"gnutls_record_send2",	RET,	OUT,	SYMBOL,	"wget, gnutls-cli: GnuTLS 3.7")
TLS(GNUTLS_DEINIT,	"gnutls",	"gnutls_deinit",	FREE,	OUT,	SYMBOL,	"wget, gnutls-cli: GnuTLS 3.7")
TLS(BARE_READ,		"openssl",	"SSL_read",	RET,	IN,	OPENSSL,	"C programs, static and static-pie: OpenSSL 3.0")
TLS(BARE_WRITE,		"openssl",	"SSL_write",	RET,	OUT,	OPENSSL,	"C programs, static and static-pie: OpenSSL 3.0")
TLS(BARE_READ_EX,	"openssl",	"SSL_read_ex",	PTR,	IN,	OPENSSL,	"Codex 0.169: OpenSSL 3.6")
TLS(BARE_WRITE_EX,	"openssl",	"SSL_write_ex",	PTR,	OUT,	OPENSSL,	"Codex 0.169: OpenSSL 3.6")
TLS(BORING_READ,	"boringssl",	"SSL_read",	RET,	IN,	BORING,	"Bun 1.4.5, Claude Code 2.1.330")
TLS(BORING_WRITE,	"boringssl",	"SSL_write",	RET,	OUT,	BORING,	"Bun 1.4.5, Claude Code 2.1.330")
TLS(GO_READ,		"go",		"crypto/tls.(*Conn).Read",	GO,	IN,	GO,	"Go 1.19, esbuild: Go 1.26")
TLS(GO_WRITE,		"go",		"crypto/tls.(*Conn).Write",	GOPUT,	OUT,	GO,	"Go 1.19, esbuild: Go 1.26")
TLS(GO_CLOSE,		"go",		"crypto/tls.(*Conn).Close",	GOFREE,	OUT,	GO,	"Go 1.19, esbuild: Go 1.26")
TLS(RUSTLS_OUT,		"rustls",	"buffer_plaintext",		CHUNKS,	OUT,	RUSTLS,	"Codex 0.169, Deno")
TLS(RUSTLS_IN,		"rustls",	"take_received_plaintext",	TAKEN,	IN,	RUSTLS,	"Codex 0.169, Deno")
TLS(PLAIN,		"http",		"",		NONE,	OUT,	SOCKET,	"Python")
