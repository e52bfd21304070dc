/* How a TLS function's call looks, one handler each in bpf/shape.bpf.h.
 * SHAPE(NAME, END)
 *   END  how its return is probed: RETURN by a return probe, SITES at each of its RET instructions, NEVER not at all
 *
 * RET    fn(obj, buf, len) returns the bytes moved
 * PTR    fn(obj, buf, len, size_t *moved) returns 1 on success
 * INNER  fn(obj, buf, len, size_t *moved) returns more than 0 on success, 0 at the end of the stream
 * FREE   fn(obj): the connection object goes away
 * GO     as RET in Go's register convention. Go moves its stacks: a return probe would break it
 * GOPUT  as GO, but all of it counts at the entry: another goroutine may read the answer, and the program may end,
 *        before the call returns. A write that fails ends Go's connection, so that nothing comes after what it left unsent
 * GOFREE as FREE in Go's register convention
 * CHUNKS rustls: fn(obj, &OutboundChunks, ...) returns the bytes taken of a list of pieces
 * TAKEN  rustls: fn(obj, &Payload): one decrypted record, whole at the entry
 * NONE   no function: carried by sockets */
SHAPE(RET,	RETURN)
SHAPE(PTR,	RETURN)
SHAPE(INNER,	RETURN)
SHAPE(FREE,	NEVER)
SHAPE(GO,	SITES)
SHAPE(GOPUT,	NEVER)
SHAPE(GOFREE,	NEVER)
SHAPE(CHUNKS,	RETURN)
SHAPE(TAKEN,	NEVER)
SHAPE(NONE,	NEVER)
