// What the Node clients share: their options, a pool of calls, one line an answer.
import zlib from 'node:zlib';

const opts = {calls: 1, stream: 0, gzip: 0, keep: 1, parallel: 1, http2: 0, tag: 'node', sim: '', apis: '', accept: '', send: '',
	text: 'What does our tariff say?'};
for (let i = 2; i < process.argv.length; i += 2) {
	const key = process.argv[i].slice(2), value = process.argv[i + 1];
	opts[key] = typeof opts[key] === 'number' ? Number(value) : value;
}
if (opts.text.startsWith('@')) // @N: N characters
	opts.text = 'tariff '.repeat(Math.floor(Number(opts.text.slice(1)) / 7) + 1);
export {opts};

export function headers(i) {
	const all = {'x-test-tag': `${opts.tag}/${i}`, 'accept-encoding': opts.accept || (opts.gzip ? 'gzip, deflate' : 'identity')};
	const sim = opts.sim ? JSON.parse(opts.sim) : {};
	if (!opts.keep)
		sim.close = true; // fetch() may not say `connection: close`, so the server does
	if (Object.keys(sim).length)
		all['x-sim'] = JSON.stringify(sim);
	return all;
}

export function report(i, id, whole) {
	process.stdout.write(JSON.stringify({tag: `${opts.tag}/${i}`, id, status: 200, whole}) + '\n');
}

// call(i) for every i, `parallel` at a time
export async function run(call) {
	let next = 0;
	await Promise.all(Array.from({length: opts.parallel}, async () => {
		while (next < opts.calls)
			await call(next++);
	}));
}

const models = {
	chat: ['gpt-4o-mini', 'gpt-4.1-mini', 'gpt-5.5', 'gpt-6-sol'],
	responses: ['gpt-5.5', 'gpt-6-sol', 'gpt-4.1-mini'],
	messages: ['claude-haiku-4-5', 'claude-opus-5-5', 'claude-sonnet-5'],
};
const urls = {
	chat: 'https://api.openai.com/v1/chat/completions',
	responses: 'https://api.openai.com/v1/responses',
	messages: 'https://api.anthropic.com/v1/messages',
};

// Call number i for clients without an SDK, as common.py makes it.
export function request(i) {
	const apis = (opts.apis || 'chat,responses,messages').split(',');
	const api = apis[i % apis.length], turn = Math.floor(i / apis.length);
	const said = [{role: 'user', content: opts.text}], all = {'content-type': 'application/json', ...headers(i)};
	const body = {model: models[api][turn % models[api].length]};
	if (api === 'messages') {
		Object.assign(all, {'x-api-key': 'sk-ant-test-0000', 'anthropic-version': '2023-06-01'});
		Object.assign(body, {max_tokens: 512, messages: said});
	} else {
		all.authorization = 'Bearer sk-test-0000';
		body[api === 'responses' ? 'input' : 'messages'] = said;
	}
	if (opts.stream) {
		body.stream = true;
		if (api === 'chat')
			body.stream_options = {include_usage: true};
	}
	return {url: urls[api], headers: all, body: coded(JSON.stringify(body), all)};
}

const coders = {gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync};

// The body of a request in the content coding that was asked for.
export function coded(body, all) {
	if (!opts.send)
		return body;
	all['content-encoding'] = opts.send;
	return coders[opts.send](body);
}

// One line about a whole answer, from its text.
export function reportBody(i, status, text) {
	let id, whole = text.startsWith('{');
	if (whole)
		id = JSON.parse(text).id;
	else {
		const first = JSON.parse(text.split('\n').find(line => line.startsWith('data: {')).slice(6));
		id = first.id ?? first.response?.id ?? first.message?.id;
		whole = ['data: [DONE]', '"type":"response.completed"', '"type":"message_stop"'].some(end => text.includes(end));
	}
	process.stdout.write(JSON.stringify({tag: `${opts.tag}/${i}`, id, status, whole}) + '\n');
}
