/* TLS libraries by the functions that carry plaintext.
 * TLS(ROW, family, symbol, SHAPE, DIR)
 *   SHAPE  how the call looks, one handler each in bpf/shape.bpf.h:
 *          RET   fn(obj, buf, len) returns the bytes moved
 *          PTR   fn(obj, buf, len, size_t *moved) returns 1 on success
 *          INNER fn(obj, buf, len, size_t *moved) returns more than 0 on success, 0 at the end of the stream
 *          FREE  fn(obj): the connection object goes away
 * A row without a symbol is found through others: tbl/inner.h.
 * The row's number travels as the probe's cookie. A finder looks each symbol up on its own: one that is
 * missing never keeps another from being attached. */
TLS(OPENSSL_READ,	"openssl",	"SSL_read",	RET,	IN)
TLS(OPENSSL_WRITE,	"openssl",	"SSL_write",	RET,	OUT)
TLS(OPENSSL_READ_EX,	"openssl",	"SSL_read_ex",	PTR,	IN)
TLS(OPENSSL_WRITE_EX,	"openssl",	"SSL_write_ex",	PTR,	OUT)
TLS(OPENSSL_FREE,	"openssl",	"SSL_free",	FREE,	OUT)
TLS(OPENSSL_READ_INNER,	"openssl",	"",		INNER,	IN)
TLS(OPENSSL_WRITE_INNER, "openssl",	"",		INNER,	OUT)
