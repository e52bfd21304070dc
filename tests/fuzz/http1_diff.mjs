// Node's HTTP parser as an oracle for http1_diff.py: reads a case a line (JSON), answers each with what Node made of it.
// Only public API: a server takes any Duplex as its connection, a client may bring its own.
import http from 'node:http';
import { Duplex } from 'node:stream';
import readline from 'node:readline';

function wire() {
	const socket = new Duplex({
		read() {},
		write(chunk, encoding, done) { done(); },
		final(done) { done(); },
	});
	socket.destroySoon = () => socket.destroy(); // as a net.Socket has it
	return socket;
}

// What was parsed before an error is handed on first.
const later = (fn) => setImmediate(() => setImmediate(fn));

function gather(message, entry, done) {
	message.on('data', (part) => { entry.body += part.toString('latin1'); });
	message.on('end', done);
	message.on('error', () => {});
	message.on('close', () => { entry.whole = message.complete; });
}

function requests(bytes, finish) {
	const told = { messages: [], error: null };
	const server = http.createServer({
		requireHostHeader: false, maxHeaderSize: 65536, keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0,
		connectionsCheckingInterval: 1 << 30,
	});
	const take = (req, res) => {
		const entry = { start: `${req.method} ${req.url}`, whole: false, body: '' };
		told.messages.push(entry);
		gather(req, entry, () => res.end());
	};
	server.maxHeadersCount = 0;
	server.on('request', take);
	server.on('checkContinue', take);
	server.on('checkExpectation', take);
	server.on('connect', (req, socket) => {
		told.messages.push({ start: `${req.method} ${req.url}`, whole: true, body: '' });
		told.error = 'CONNECT';
		socket.destroy();
	});
	const socket = wire();
	server.on('clientError', (e) => {
		told.error = e.code ?? String(e);
		later(() => socket.destroy());
	});
	socket.on('error', () => {});
	socket.on('close', () => finish(told));
	server.emit('connection', socket);
	socket.push(bytes);
	socket.push(null);
}

function response(bytes, method, finish) {
	const told = { messages: [], error: null };
	const socket = wire();
	const req = http.request({ createConnection: () => socket, method, path: '/', maxHeaderSize: 65536, setHost: false });
	req.on('error', (e) => { told.error ??= e.code ?? String(e); });
	req.on('response', (res) => {
		const entry = { start: String(res.statusCode), whole: false, body: '' };
		told.messages.push(entry);
		gather(res, entry, () => {});
	});
	const upgraded = (res, stream) => {
		told.messages.push({ start: String(res.statusCode), whole: true, body: '' });
		told.error = 'UPGRADE';
		stream.destroy();
	};
	req.on('upgrade', upgraded);
	req.on('connect', upgraded);
	socket.on('error', () => {});
	req.on('close', () => later(() => finish(told)));
	req.end();
	setImmediate(() => {
		socket.push(bytes);
		socket.push(null);
	});
}

for await (const line of readline.createInterface({ input: process.stdin })) {
	const { bytes, method } = JSON.parse(line);
	const raw = Buffer.from(bytes, 'latin1');
	const told = await new Promise((done) => (method ? response(raw, method, done) : requests(raw, done)));
	process.stdout.write(JSON.stringify(told) + '\n');
}
