/* Functions that stand in for others.
 *
 * Without a name, doing the work of two with one:
 * INNER(ROW of tbl/tls.h, ROW it replaces, ROW it replaces, symbol)
 *
 * On a VM a probe on an instruction that the kernel must single-step costs ten times one on `push`. Where the named functions
 * begin with such an instruction and both call one function that begins with `push`, that one is probed in their place.
 * Not where the file has `symbol`: from then on the inner function takes other arguments. */
INNER(OPENSSL_READ_INNER,	OPENSSL_READ,	OPENSSL_READ_EX,	"")
INNER(OPENSSL_WRITE_INNER,	OPENSSL_WRITE,	OPENSSL_WRITE_EX,	"SSL_write_ex2")
/* A named function that does the work of another.
 * NESTED(ROW of tbl/tls.h, ROW that may only pass its arguments on to it)
 *
 * Where a file has both and the second calls the first, the first alone is probed, so that nothing is seen twice; else the
 * second alone: that is the library before the first became the way to all of it. */
NESTED(GNUTLS_SEND2,	GNUTLS_SEND)
