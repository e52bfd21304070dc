/* Names of files that may hold TLS functions, looked for in the folders of the settings. A program of an npm package lies
 * there under its own name, however deep.
 * LIBNAME("pattern", "what it is") */
LIBNAME("libssl*.so*",		"OpenSSL, BoringSSL")
LIBNAME("libgnutls.so*",	"GnuTLS")
LIBNAME("libnode.so*",		"Node as a library")
LIBNAME("_ssl.*.so",		"Python with OpenSSL linked in")
LIBNAME("python3*",		"Python with OpenSSL linked in (python-build-standalone)")
LIBNAME("libpython3*.so*",	"the same as a library")
LIBNAME("node",			"Node with OpenSSL linked in")
LIBNAME("nodejs",		"the same by its older name")
LIBNAME("bun",			"Bun, BoringSSL")
LIBNAME("deno",			"Deno, rustls")
LIBNAME("claude",		"Claude Code, Bun")
LIBNAME("codex",		"Codex, rustls")
