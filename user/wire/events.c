/* events.c -- which bodies are streams of events, and how they are split: by their media type, or, where only the body
 * itself can tell, by its first byte. */
#include "wire/events.h"

static const struct {
	struct str type;
	const struct events *events;
} types[] = {
	{ { "text/event-stream", 17 }, &sse_events },
	{ { "application/x-ndjson", 20 }, &lines_events },
	{ { "application/ndjson", 18 }, &lines_events },
	{ { "application/jsonl", 17 }, &lines_events },
	{ { "application/x-jsonl", 19 }, &lines_events },
	{ { "application/jsonlines", 21 }, &lines_events },
	{ { "application/x-jsonlines", 23 }, &lines_events },
	{ { "application/stream+json", 23 }, &lines_events },
	{ { "application/vnd.amazon.eventstream", 34 }, &eventstream_events },
	{ { "application/grpc", 16 }, &grpc_events },
	{ { "application/grpc+proto", 22 }, &grpc_events },
};

/* "text/event-stream; charset=utf-8" */
static struct str type_of(struct str content_type)
{
	struct str type = content_type;

	str_cut(&content_type, &type, ';');
	return str_trim(type);
}

const struct events *events_find(struct str content_type)
{
	struct str type = type_of(content_type);

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (str_ieq(type, types[i].type))
			return types[i].events;
	return NULL;
}

bool events_json(struct str content_type)
{
	return str_ieq(type_of(content_type), S("application/json"));
}

const struct events *events_guess(char first, bool json)
{
	switch (first) {
	case '[':
		return &array_events;
	case ':':    /* a comment */
	case 'd':    /* data */
	case 'e':    /* event */
	case 'i':    /* id */
	case 'r':    /* retry */
	case '\xef': /* a byte order mark */
		return json ? NULL : &sse_events;
	case '\0': /* the length of a message below 16 MiB; its CRC will tell */
		return json ? NULL : &eventstream_events;
	default:
		return NULL;
	}
}
