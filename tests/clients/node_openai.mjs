// Calls with the official `openai` package; SDK= is the folder whose node_modules holds it.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {opts, headers, report, run} from './common.mjs';

const require = createRequire(process.env.SDK + '/package.json');
const {default: OpenAI} = await import(pathToFileURL(require.resolve('openai')));
const client = new OpenAI({apiKey: 'sk-test-0000', maxRetries: 0, timeout: 120000});
const chat = ['gpt-4o-mini', 'gpt-4.1-mini', 'gpt-5.5', 'gpt-6-sol'], responses = ['gpt-5.5', 'gpt-6-sol', 'gpt-4.1-mini'];
const apis = (opts.apis || 'chat,responses').split(',');

async function call(i) {
	const turn = Math.floor(i / apis.length), more = {headers: headers(i)};
	if (apis[i % apis.length] === 'chat') {
		const body = {model: chat[turn % chat.length], messages: [{role: 'user', content: opts.text}]};
		if (!opts.stream) {
			const answer = await client.chat.completions.create(body, more);
			return report(i, answer.id, answer.choices[0].finish_reason === 'stop');
		}
		let id, usage;
		for await (const chunk of await client.chat.completions.create(
			{...body, stream: true, stream_options: {include_usage: true}}, more)) {
			id = chunk.id;
			usage = chunk.usage ?? usage;
		}
		return report(i, id, Boolean(usage));
	}
	const body = {model: responses[turn % responses.length], input: opts.text};
	if (!opts.stream) {
		const answer = await client.responses.create(body, more);
		return report(i, answer.id, answer.status === 'completed');
	}
	let id, done = false;
	for await (const event of await client.responses.create({...body, stream: true}, more)) {
		id = event.response?.id ?? id;
		done ||= event.type === 'response.completed';
	}
	report(i, id, done);
}

await run(call);
