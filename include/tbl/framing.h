/* How a body is told apart into events.	FRAMING(NAME, words)
 * Bodies of one document have none. */
FRAMING(SSE,		"server-sent events")
FRAMING(LINES,		"JSON documents, one a line")
FRAMING(ARRAY,		"the elements of one JSON array")
FRAMING(EVENTSTREAM,	"AWS event stream messages")
FRAMING(GRPC,		"gRPC messages")
FRAMING(MESSAGES,	"WebSocket messages")
