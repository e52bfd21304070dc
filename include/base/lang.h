/* lang.h -- the few words of C that everything else here is written in. */
#ifndef BASE_LANG_H
#define BASE_LANG_H

#ifdef NDEBUG
#error "submeter keeps its asserts: a wrong bill is worse than a restart. Build without NDEBUG"
#endif

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(fn)    __attribute__((cleanup(fn)))
#define _must_use_       __attribute__((warn_unused_result))
#define _printf_(at, va) __attribute__((format(printf, at, va)))
#define COUNT_OF(array)  (sizeof(array) / sizeof((array)[0]))

#ifndef MIN /* <sys/param.h> has them too */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif

/* Gives the pointer away: the variable is empty afterwards, so its cleanup does nothing. */
#define take(var)                               \
	({                                      \
		__typeof__(var) taken_ = (var); \
		(var) = NULL;                   \
		taken_;                         \
	})

#endif
