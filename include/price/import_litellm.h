/* import_litellm.h -- one model of LiteLLM's list while it is read. For the two files of that importer. */
#ifndef PRICE_IMPORT_LITELLM_H
#define PRICE_IMPORT_LITELLM_H

#include "price/import_entry.h"

enum litellm_where { /* in a model, where a member stands */
		     LITELLM_ENTRY,
		     LITELLM_FIELD,
		     LITELLM_SEARCH,
		     LITELLM_SPECIFIC,
		     LITELLM_STEP,
		     LITELLM_STEP_FIELD,
		     LITELLM_RANGE,
		     LITELLM_OFF_PEAK,
		     LITELLM_OFF_HOURS,
		     LITELLM_OFF_NAMED, /* a member of off_peak_pricing, whatever its value is */
		     LITELLM_NAMED,     /* a member's name alone, whatever its value is */
		     LITELLM_COUNT
};

enum litellm_mode { /* kinds of service */
		    LITELLM_TEXT = 1,
		    LITELLM_IMAGE = 2,
		    LITELLM_HEARD = 4,
		    LITELLM_SPOKEN = 8,
		    LITELLM_RANK = 16,
		    LITELLM_PAGES = 32,
		    LITELLM_FILM = 64,
		    LITELLM_ALL = 127
};

struct litellm_field {
	enum litellm_where where;
	unsigned step; /* of tiered_pricing, from 1 */
	struct str name, text;
	enum json_type type;
	struct litellm_field *next;
};

struct litellm {
	struct import *m;
	struct import_entry *e; /* the model that is open; NULL: none */
	struct litellm_field *fields, **end;
	struct str name[LITELLM_COUNT]; /* the member that is open, of each kind of object */
	unsigned step, count;
	unsigned mode; /* bits of enum litellm_mode; all where it is not one that is metered */
};

/* The text of a member; absent where there is none. */
struct str litellm_text(const struct litellm *l, enum litellm_where where, const char *name);
/* The same, where it is a number. */
struct str litellm_number(const struct litellm *l, enum litellm_where where, const char *name);
/* Everything of the model that costs money. */
int litellm_prices(struct litellm *l) _must_use_;

#endif
