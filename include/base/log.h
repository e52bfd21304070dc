/* log.h -- lines for the operator, on standard error. Only app/ and cli/ log above debug.
 *
 * Everything that came from outside is escaped to printable ASCII. No payload, at any level. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_max; /* default LOG_INFO; set once at start */
/* Put before each line: a program's name, "submeter...", as it is; a role's name, such as "meter", as
 * "submeterd[meter]". */
extern const char *log_who;

void log_line(enum log_level level, int r, const char *format, ...) _printf_(3, 4);

/* Returns `r`, so that a caller can log and return in one step. `r` is 0 or a negative errno whose
 * text is added. */
#define log_err(r, ...)                             \
	({                                          \
		int r_ = (r);                       \
		log_line(LOG_ERR, r_, __VA_ARGS__); \
		r_;                                 \
	})
#define log_warn(r, ...)                             \
	({                                           \
		int r_ = (r);                        \
		log_line(LOG_WARN, r_, __VA_ARGS__); \
		r_;                                  \
	})
#define log_info(...)  log_line(LOG_INFO, 0, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, 0, __VA_ARGS__)

#endif
