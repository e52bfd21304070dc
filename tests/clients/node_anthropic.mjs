// Calls with the official `@anthropic-ai/sdk` package; SDK= is the folder whose node_modules holds it.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {opts, headers, report, run} from './common.mjs';

const require = createRequire(process.env.SDK + '/package.json');
const {default: Anthropic} = await import(pathToFileURL(require.resolve('@anthropic-ai/sdk')));
const client = new Anthropic({apiKey: 'sk-ant-test-0000', maxRetries: 0, timeout: 120000});
const models = ['claude-haiku-4-5', 'claude-opus-5-5', 'claude-sonnet-5'];

async function call(i) {
	const more = {headers: headers(i)};
	const body = {model: models[i % models.length], max_tokens: 512, messages: [{role: 'user', content: opts.text}]};
	if (!opts.stream) {
		const answer = await client.messages.create(body, more);
		return report(i, answer.id, answer.stop_reason === 'end_turn');
	}
	let id, done = false;
	for await (const event of await client.messages.create({...body, stream: true}, more)) {
		id = event.message?.id ?? id;
		done ||= event.type === 'message_stop';
	}
	report(i, id, done);
}

await run(call);
