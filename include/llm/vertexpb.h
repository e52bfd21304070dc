/* vertexpb.h -- Vertex' GenerateContentResponse as protobuf: its usage becomes the JSON object that the REST interface sends.
 * Made from the published definition (google.cloud.aiplatform.v1); not tried on real traffic. */
#ifndef LLM_VERTEXPB_H
#define LLM_VERTEXPB_H

#include "llm/protobuf.h"

struct said;
struct vertexpb;

int vertexpb_new(struct said *to, struct vertexpb **ret) _must_use_;
void vertexpb_free(struct vertexpb **v);
void vertexpb_reset(struct vertexpb *v);
int vertexpb_feed(struct vertexpb *v, struct str bytes) _must_use_; /* -EBADMSG, -ENOMEM */
bool vertexpb_whole(const struct vertexpb *v);

#endif
