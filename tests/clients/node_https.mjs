// The calls of common.py with Node's https module, for versions that have no fetch().
import https from 'node:https';
import zlib from 'node:zlib';
import {opts, request, reportBody, run} from './common.mjs';

const agent = new https.Agent({keepAlive: Boolean(opts.keep), maxSockets: opts.parallel});

await run(i => new Promise((resolve, reject) => {
	const {url, headers, body} = request(i);
	headers['content-length'] = Buffer.byteLength(body);
	const req = https.request(url, {method: 'POST', headers, agent}, answer => {
		const plain = answer.headers['content-encoding'] === 'gzip' ? answer.pipe(zlib.createGunzip()) : answer;
		const pieces = [];
		plain.on('data', piece => pieces.push(piece));
		plain.on('error', reject);
		plain.on('end', () => resolve(reportBody(i, answer.statusCode, Buffer.concat(pieces).toString())));
	});
	// a reset by a server that closes after its answer is no error of the answer, which may still be unpacked
	req.on('error', e => req.res?.complete || reject(e));
	req.end(body);
}));
agent.destroy();
