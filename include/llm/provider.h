/* provider.h -- a provider as tables: its hosts, its paths, and where its answers say what was used.
 *
 * Code only where a table cannot say it (struct llm_format.count). user/llm/README.md shows how to
 * add a provider in ten lines. All tables are constant and live forever. */
#ifndef LLM_PROVIDER_H
#define LLM_PROVIDER_H

#include "base/json.h"
#include "base/limit.h"
#include "flow.h"

/* ---- what a body says, by JSON path: rows are struct json_want with one of these as id ---------- */

enum llm_mark {
	MARK_SPEED,  /* as MARK_TIER, and beats it unless it is "standard" */
	MARK_MODEL,  /* who answered; the last non-empty one wins */
	MARK_ID,     /* the provider's id of the answer */
	MARK_TIER,   /* the service tier that was served */
	MARK_USAGE,  /* the usage object; JSON_RAW */
	MARK_BESIDE, /* whoever passes the answer on counts too: an object of its own, see llm_format.headers; JSON_RAW */
	MARK_ERROR,  /* anything but null: an error instead of, or after, an answer; JSON_EACH */
	MARK_KIND,   /* the name of the object or event, see llm_format.last */
	MARK_STATUS, /* of a job: queued, in_progress, ...; of an error message: a number */
	MARK_BACKGROUND,     /* true: the answer is made while nobody waits, and fetched later */
	MARK_DEFERRED,       /* the id by which such an answer is fetched */
	MARK_LANE,           /* which of several streams of one socket */
	MARK_OTHER_MODEL,    /* of a session: who hears what is said */
	MARK_STOP,           /* not null: the answer is whole */
	MARK_CHOICE,         /* the number of this answer, where several are given at once */
	MARK_TEXT,           /* text of the answer: its size is all that is looked at; JSON_SIZE */
	MARK_SEARCH,         /* a text for each search of the web */
	MARK_PICTURE_SEARCH, /* the same, for pictures */
	MARK_MAPS,           /* there: it was found on a map; JSON_EACH */
	MARK_IMAGE,          /* a picture of the answer; JSON_EACH */
	MARK_TOOL,           /* an item of the answer has ended; JSON_EACH */
	MARK_TOOL_TYPE,      /* of that item: */
	MARK_TOOL_STATUS,
	MARK_TOOL_ACTION,
	MARK_TOOL_SESSION,
	MARK_LIST,   /* an object for each part of the answer, see llm_format.list; JSON_RAW */
	MARK_LISTED, /* of a line of a file: there, the file lists results of a batch */
	MARK_RESULT, /* there, the line is one; JSON_EACH */
	MARK_EXTRA, /* anything but null: something is billed that the usage does not tell; JSON_EACH */
	MARK_MIXED,  /* a model of several that took part; JSON_EACH */
	MARK_MEMBER, /* + i: a number that stands in no usage object; it becomes the member fields[i].path of one (overlay) */
};

/* ---- what the usage object says, paths relative to it -------------------------------------------- */

enum llm_field_flag {
	FIELD_PART = 1, /* it is contained in the leaf `inside` and is taken out of it */
	FIELD_SHARED =
		2, /* may also be contained in a part before it: at most the rest of `inside` counts */
	FIELD_ELSE = 4,     /* only where no earlier row gave this leaf */
	FIELD_SECONDS = 8,  /* decimal seconds, counted as milliseconds */
	FIELD_TOTAL = 16,   /* not a leaf: what all tokens together must come to */
	FIELD_TIER = 32,    /* not a leaf: text of the served tier */
	FIELD_SPEED = 64,   /* not a leaf: a tier that beats the tier */
	FIELD_REGION = 128, /* not a leaf: text of the region */
	FIELD_SAME =
		256, /* an earlier row may have given this leaf: then it says the same, or nothing holds */
	FIELD_APART = 512, /* a part, unless the total holds it besides `inside`: then it is none */
	FIELD_LOOSE =
		1024, /* a part that is counted otherwise: at most the whole counts, flagged */
	FIELD_BEYOND = 2048, /* the total does not hold it */
	FIELD_EXTRA =
		4096, /* not a leaf: where it is not 0, something is billed that no row tells */
};

struct llm_field {
	const char *path;
	enum leaf leaf;
	unsigned flags;
	enum leaf inside;
};

/* What a usage object came to. Texts point into the object or into tables. */
struct llm_count {
	struct leaves used;
	enum why why;   /* BAD_USAGE and the like: then `used` says nothing */
	unsigned flags; /* 1u << enum flag */
	char tier[LIMIT_MODEL_TEXT], region[LIMIT_MODEL_TEXT]; /* empty: not told */
	char model[LIMIT_MODEL_TEXT]; /* who answered, where the usage says it */
	bool none;                    /* no field of the table is there: BAD_USAGE too */
	enum why extra;               /* `used` holds, but more is billed: why it has no price */
	bool search_once;             /* however many searches of the web, one is billed */
	bool heads;                   /* nothing but llm_format.headers told it */
};

/* ---- tools that are counted from the items of the answer ------------------------------------------ */

struct llm_tool {
	const char *type;
	enum leaf leaf;
	const char *action; /* only items with this action, or with none, count; NULL = all */
	bool once;          /* items of one session count once */
};

/* ---- one way to report usage ----------------------------------------------------------------------- */

struct llm_socket;

struct llm_format {
	const struct json_want *marks; /* of the whole body, and of each event of a stream */
	size_t mark_count;
	const struct llm_field *fields;
	size_t field_count;
	const char *const
		*last; /* names of events that end a stream; ends with NULL; may be NULL */
	const struct llm_tool *tools;
	size_t tool_count;
	bool overlay;   /* usage objects of one answer complete each other, non-null members win */
	bool no_output; /* the answer has no tokens of its own (embeddings) */
	bool named; /* AWS: the kind of an event is its name; its JSON may be wrapped, see below */
	bool wrapped; /* each event is {"bytes": base64 of the JSON} */
	bool spread;  /* what is billed may lie in any event, not in the last usage alone */
	bool binary;  /* events are protobuf: user/llm/vertexpb.c */
	bool headers; /* AWS: heads tell the tier, that of the answer counts tokens too (beside the usage object) */
	bool upload;     /* requests may be forms */
	bool stream;     /* a JSON array in answer is a stream */
	bool characters; /* no usage object: the characters of the request's `input` are billed */
	bool pictures;   /* no usage object: the number of MARK_IMAGE is billed */
	bool sized; /* and what a picture costs stands in the request: the tier is its "quality/size" */
	const char *
		list; /* what MARK_LIST finds becomes {"<this>":{"<its last name>":[...]}} of the usage object (overlay) */
	const char *tier; /* that was served, whatever the answer says */
	enum later
		later; /* of what other exchanges asked for; LATER_RESULT: a line is a document */
	bool deferred; /* LATER_FETCHED: it is all there, and {model} of its path is its id */
	const struct llm_socket
		*socket; /* no bodies: the calls of a WebSocket that is opened here */
	/* Instead of the fields alone; -ENOMEM only. `model`: who answered, else who was asked. NULL = llm_count_fields() */
	int (*count)(const struct llm_format *f, struct str raw, struct str model,
		     struct llm_count *ret);
};

/* A WebSocket that carries calls. What begins one: a message of the client's, or one of the server's. */
struct llm_socket {
	const struct llm_format *format; /* of the server's messages; `last` ends a call */
	const char *
		begin; /* the client's message that begins a call; NULL: the server's `created` does */
	const char *cancel;  /* the client's message that gives one up */
	const char *created; /* the server's message that tells the id of the next answer */
	const char *extra;   /* the server's message that is a call of its own, by another model */
	const struct llm_format *extra_format;
};

#define LLM_TABLE(rows) (rows), COUNT_OF(rows)

/* ---- where it is ------------------------------------------------------------------------------------- */

enum llm_use {
	HOST_LLM, /* calls, and what belongs to them: a POST that no table has is a call */
	HOST_PLAN, /* paid by a plan, not by the token: a call is what a table has, or what reports usage */
	HOST_MIXED, /* much else, too: a call is what a table has, or what reports usage */
};

struct llm_host {
	const char *
		name; /* lower case; '*' stands for anything; with a port where only that will do */
	const char *
		region; /* NULL: not told by the host; "*": what the last '*' of the name stands for */
	enum llm_use use;
};

/* Patterns: "{model}" is the model, "{}" anything but '/', "**" anything at all. The first row that fits
 * decides. A POST without a row is a call without a price, unless the host is one of plans or of much else; any other
 * request without one is KIND_OTHER. */
struct llm_route {
	const char *method; /* NULL = any */
	const char *path;
	const char *operation;
	enum kind kind;
	const struct llm_format *format; /* inference: NULL = not read by this version */
};

/* No call: nothing is billed for such a request. Only whole paths: behind a prefix there may be a call one day. */
#define LLM_FREE(path, operation)                       \
	{                                               \
		NULL, path, operation, KIND_OTHER, NULL \
	}

/* Where the usage object says what the call cost, whatever else it says: dollars, or `per` to the dollar. */
struct llm_cost {
	const char *path;
	uint64_t per;     /* 0: dollars */
	const char *only; /* where this is true, */
	const char *more; /* this comes on top, or the cost is not told */
};

struct llm_provider {
	const char *name;
	const struct llm_host *hosts;
	size_t host_count;
	const struct llm_route *routes;
	size_t route_count;
	const struct llm_provider *like; /* its routes stand behind these; NULL: none */
	const struct llm_cost *cost;     /* NULL: not told */
	const char *plan;                /* calls on such paths are paid by a plan; NULL: none */
	const char *place; /* where {model} stands in such paths is the region; NULL: not told */
	const char *placeless; /* but not in these; NULL: none */
};

#define PROVIDER(id) extern const struct llm_provider llm_##id;
#include "tbl/provider.h"
#undef PROVIDER
extern const struct llm_provider llm_unknown; /* every other host: shapes of paths, never a price */
extern const struct llm_format llm_chat;      /* OpenAI's chat completions */
extern const struct llm_format llm_responses, llm_embeddings, llm_image, llm_audio;
enum { LLM_OPENAI_TOOLS = 4 };
extern const struct llm_tool llm_openai_tools[LLM_OPENAI_TOOLS];
/* A stored answer by its id; files of batch results, OpenAI's and Anthropic's; text to speech. */
extern const struct llm_format llm_fetched, llm_results, llm_message_results, llm_speech;
extern const struct llm_format llm_messages;                                 /* Anthropic's */
extern const struct llm_format llm_generate, llm_generate_stream, llm_embed; /* Gemini's */
extern const struct llm_format llm_converse, llm_invoke, llm_invoke_stream;  /* Bedrock's */
extern const struct llm_format llm_orphan; /* an answer whose request was not seen */
extern const struct llm_format llm_stray;  /* a listed host, a path that is not */

/* For hosts that are an LLM API and speak the usual languages, each in a dialect of its own. */
extern const struct llm_provider llm_shapes;
extern const struct llm_provider llm_google;              /* what is managed at Gemini and Vertex */
extern const struct llm_provider llm_claude;              /* and at Anthropic's own host */
extern const struct llm_format llm_ocr, llm_billed_units; /* Mistral's pages; Cohere's */
extern const struct llm_format
	llm_dialect; /* chat completions with all that anybody adds to them */
extern const struct llm_format llm_vectors; /* embeddings, rerank */
extern const struct llm_format llm_ollama_chat;

/* How a provider's answer reports usage, by what it calls itself ("object", "type"), or NULL. */
const struct llm_format *llm_format_by_kind(const struct llm_provider *p, struct str kind);

/* By Host header value (port and case do not matter), or by name; llm_unknown when there is none.
 * *ret_host (may be NULL) is the row that fitted, or NULL. */
const struct llm_provider *provider_by_host(struct str host, const struct llm_host **ret_host);
const struct llm_provider *provider_by_name(struct str name);

/* By the shape of a request alone, for plain HTTP to a port that was configured for such servers; llm_unknown. */
const struct llm_provider *provider_local(struct str method, struct str target);

/* Of a row that fitted: where the host is, told by it or by the last '*' of its name; absent: not told. */
struct str provider_region(const struct llm_host *row, struct str host);

/* The first character of a target, undone where it is percent-encoded; *ret_n: bytes it takes. */
char provider_char(struct str target, size_t *ret_n);

/* A value of the query, still percent-encoded, or absent. */
struct str provider_query(struct str target, struct str name);

/* A Host header value without its port and final dot. */
struct str provider_host_name(struct str host);

bool provider_plan(const struct llm_provider *p, struct str target);        /* paid by a plan? */
struct str provider_place(const struct llm_provider *p, struct str target); /* absent: not told */

/* The calls of a socket that this request opens, or NULL. */
static inline const struct llm_socket *llm_route_socket(const struct llm_route *r)
{
	return r && r->format ? r->format->socket : NULL;
}

/* The row for a request, or NULL. `*ret_model` is the part of the target that names the model,
 * still percent-encoded, or absent. The query string is ignored. */
const struct llm_route *provider_route(const struct llm_provider *p, struct str method,
				       struct str target, struct str *ret_model);

/* ---- for formats that need code ------------------------------------------------------------------------ */

/* Dollars as somebody wrote them, as plain decimal text; false: it is no amount. */
bool llm_dollars(struct str text, char ret[static DEC_TEXT]);
/* What the provider says it costs, as decimal text of dollars; empty: it does not say. -ENOMEM */
int llm_cost(const struct llm_cost *c, struct str raw, char ret[static DEC_TEXT]);
/* Reads one usage object by the table. -ENOMEM; everything else is said by ret->why. */
int llm_count_fields(const struct llm_format *f, struct str raw, struct llm_count *ret);
/* Adds b to a; false when a number does not fit. */
bool llm_leaves_add(struct leaves *a, const struct leaves *b);

#endif
