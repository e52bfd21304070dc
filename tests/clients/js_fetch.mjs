// The calls of common.py with the runtime's own fetch(): Bun, Deno, Node 18 and later.
import {opts, request, reportBody, run} from './common.mjs';

await run(async i => {
	const {url, headers, body} = request(i);
	const answer = await fetch(url, {method: 'POST', headers, body});
	reportBody(i, answer.status, await answer.text());
});
