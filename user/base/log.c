#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "base/log.h"

#define LOG_TEXT 2048 /* bytes of one message; the rest is cut */

enum log_level log_max = LOG_INFO;
const char *log_who = "submeter";

/* A line is built here and leaves in one write(2), so that lines of several processes do not mix. */
struct log_out {
	size_t n;
	char text[2 * LOG_TEXT];
};

static void log_put(struct log_out *o, const char *z)
{
	static const char hex[] = "0123456789abcdef";

	for (; *z && o->n < sizeof(o->text) - 8; z++) {
		unsigned char c = (unsigned char)*z;

		if (c >= ' ' && c < 0x7F) {
			o->text[o->n++] = (char)c;
			continue;
		}
		o->text[o->n++] = '\\';
		if (c == '\n') {
			o->text[o->n++] = 'n';
			continue;
		}
		o->text[o->n++] = 'x';
		o->text[o->n++] = hex[c >> 4];
		o->text[o->n++] = hex[c & 15];
	}
}

void log_line(enum log_level level, int r, const char *format, ...)
{
	static const char *const words[] = { "", "warning: ", "", "debug: " };
	int old_errno = errno;
	struct log_out o = { 0 };
	char text[LOG_TEXT];
	va_list va;
	ssize_t wrote;

	if (level > log_max)
		return;
	va_start(va, format);
	if (vsnprintf(text, sizeof(text), format, va) < 0)
		text[0] = '\0';
	va_end(va);
	if (str_starts(str_of(log_who), S("submeter"))) {
		log_put(&o, log_who);
	} else {
		log_put(&o, "submeterd[");
		log_put(&o, log_who);
		log_put(&o, "]");
	}
	log_put(&o, ": ");
	log_put(&o, words[level]);
	log_put(&o, text);
	if (r < 0) {
		log_put(&o, ": ");
		log_put(&o, strerror(-r));
	}
	o.text[o.n++] = '\n';
	wrote = write(STDERR_FILENO, o.text, o.n);
	(void)wrote; /* nowhere left to say that standard error is gone */
	errno = old_errno;
}
