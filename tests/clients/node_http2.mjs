// The calls of common.py with Node's http2 module: streams of one connection a host, or a connection a call.
import http2 from 'node:http2';
import zlib from 'node:zlib';
import {opts, request, reportBody, run} from './common.mjs';

const sessions = new Map(), undo = {gzip: zlib.gunzipSync, deflate: zlib.inflateSync, br: zlib.brotliDecompressSync,
	zstd: zlib.zstdDecompressSync};

function session(origin) {
	let s = opts.keep && sessions.get(origin);
	if (!s || s.closed || s.destroyed) {
		s = http2.connect(origin);
		s.on('error', () => {}); // each stream has the same error
		sessions.set(origin, s);
	}
	return s;
}

await run(i => new Promise((resolve, reject) => {
	const {url, headers, body} = request(i), {origin, pathname} = new URL(url), s = session(origin);
	const stream = s.request({':method': 'POST', ':path': pathname, ...headers}), pieces = [];
	let head;
	stream.on('response', h => head = h);
	stream.on('data', piece => pieces.push(piece));
	stream.on('error', reject);
	stream.on('end', () => {
		const whole = Buffer.concat(pieces), coding = undo[head['content-encoding']];
		reportBody(i, head[':status'], (coding ? coding(whole) : whole).toString());
		if (!opts.keep)
			s.close();
		resolve();
	});
	stream.end(body);
}));
for (const s of sessions.values())
	s.close();
