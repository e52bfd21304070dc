/* A ClientHello of any bytes: the name lies within them, is one, and more bytes after it change nothing. */
#include "conn/hello.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size }, name = hello_name(in), less;

	if (!name.n)
		return 0;
	MUST(name.p >= in.p && name.p + name.n <= in.p + in.n && name.n <= 253);
	for (size_t i = 0; i < name.n; i++)
		MUST(name.p[i] > ' ' && name.p[i] < 127);
	less = hello_name(str_head(in, (size_t)(name.p - in.p) + name.n));
	MUST(str_eq(less, name));
	less = hello_name(str_head(in, (size_t)(name.p - in.p) + name.n - 1));
	MUST(!less.n);
	return 0;
}
