#include "llm/weigh.h"

enum { LEAST_BYTES = 64 }; /* less is no picture, whatever its name */

/* By all APIs that are read. A name that is not here holds text. */
static const struct {
	const char *name;
	enum weigh_class class;
} names[] = {
	{ "type", WEIGH_NOT },
	{ "role", WEIGH_NOT },
	{ "id", WEIGH_NOT },
	{ "call_id", WEIGH_NOT },
	{ "tool_call_id", WEIGH_NOT },
	{ "tool_use_id", WEIGH_NOT },
	{ "toolUseId", WEIGH_NOT },
	{ "status", WEIGH_NOT },
	{ "detail", WEIGH_NOT },
	{ "format", WEIGH_NOT },
	{ "mimeType", WEIGH_NOT },
	{ "mime_type", WEIGH_NOT },
	{ "media_type", WEIGH_NOT },
	{ "signature", WEIGH_NOT },
	{ "thoughtSignature", WEIGH_NOT },
	{ "thought_signature", WEIGH_NOT },
	{ "encrypted_content", WEIGH_SEALED },
	{ "image_url", WEIGH_PICTURE },
	{ "image", WEIGH_PICTURE },
	{ "document", WEIGH_PAPER },
	{ "document_url", WEIGH_PAPER },
	{ "file", WEIGH_PAPER },
	{ "input_audio", WEIGH_SOUND },
	{ "audio", WEIGH_SOUND },
	{ "data", WEIGH_BYTES },
	{ "bytes", WEIGH_BYTES },
	{ "file_data", WEIGH_BYTES },
	{ "url", WEIGH_PLACE },
	{ "file_id", WEIGH_MORE },
	{ "file_url", WEIGH_MORE },
	{ "fileUri", WEIGH_MORE },
	{ "file_uri", WEIGH_MORE },
	{ "uri", WEIGH_MORE },
};

void weigh_name(struct weigh *w, struct str name)
{
	w->now = WEIGH_TEXT;
	for (size_t i = 0; name.p && i < COUNT_OF(names); i++)
		if (str_eq(str_of(names[i].name), name))
			w->now = names[i].class;
	if (w->now == WEIGH_PICTURE || w->now == WEIGH_PAPER || w->now == WEIGH_SOUND)
		w->around = w->now;
}

/* A piece that is no text. */
static void piece(struct weigh *w, size_t bytes)
{
	struct weight *s = &w->sum;

	s->media += bytes;
	if (w->around == WEIGH_PAPER)
		s->papers++;
	else if (w->around == WEIGH_SOUND)
		s->sounds++;
	else
		s->pictures++;
	w->around = WEIGH_TEXT;
}

void weigh_value(struct weigh *w, enum json_type type, struct str text)
{
	if (type != JSON_STRING && type != JSON_NUMBER)
		return;
	switch (w->now) {
	case WEIGH_TEXT:
		w->sum.text += text.n;
		break;
	case WEIGH_NOT:
		break;
	case WEIGH_SEALED:
		w->sum.sealed += text.n;
		break;
	case WEIGH_PLACE:
	case WEIGH_BYTES:
		if (w->around == WEIGH_TEXT && (w->now == WEIGH_PLACE || text.n < LEAST_BYTES))
			w->sum.text += text.n;
		else
			piece(w, text.n);
		break;
	case WEIGH_MORE:
		w->more = true;
		piece(w, 0);
		break;
	case WEIGH_PICTURE:
	case WEIGH_PAPER:
	case WEIGH_SOUND:
		piece(w, text.n);
		break;
	}
}
