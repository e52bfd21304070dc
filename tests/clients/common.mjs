// What the Node clients share: their options, a pool of calls, one line an answer.
const opts = {calls: 1, stream: 0, gzip: 0, keep: 1, parallel: 1, tag: 'node', sim: '', apis: '', text: 'What does our tariff say?'};
for (let i = 2; i < process.argv.length; i += 2) {
	const key = process.argv[i].slice(2), value = process.argv[i + 1];
	opts[key] = typeof opts[key] === 'number' ? Number(value) : value;
}
export {opts};

export function headers(i) {
	const all = {'x-test-tag': `${opts.tag}/${i}`, 'accept-encoding': opts.gzip ? 'gzip, deflate' : 'identity'};
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
