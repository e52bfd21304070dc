#include "make.h"

void make_chunked(struct buf *out, struct str body, const struct make_chunked *how)
{
	const struct make_chunked none = { 0 };

	if (!how)
		how = &none;
	while (body.n) {
		size_t most = how->size ? how->size : body.n;
		struct str one = str_head(body, how->seed ? make_size(how->seed, most) : most);

		make_printf(out, "%zx%s\r\n", one.n, how->extension ? how->extension : "");
		make_add(out, one);
		make_add(out, S("\r\n"));
		body = str_skip(body, one.n);
	}
	make_printf(out, "0%s\r\n", how->extension ? how->extension : "");
	make_add(out, str_of(how->trailers));
	make_add(out, S("\r\n"));
}
