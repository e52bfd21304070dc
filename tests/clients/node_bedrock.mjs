// Calls with AWS' own @aws-sdk/client-bedrock-runtime, which speaks HTTP/2 alone; SDK= is the folder whose node_modules holds it.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {headers, opts, run} from './common.mjs';

process.removeAllListeners('warning'); // the SDK's, that the next one will want a newer Node
const require = createRequire(process.env.SDK + '/package.json');
const {default: aws} = await import(pathToFileURL(require.resolve('@aws-sdk/client-bedrock-runtime')));
const models = ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'amazon.nova-untold-v1:0']; // the second is in no book
const apis = (opts.apis || 'converse,invoke').split(','), utf8 = new TextDecoder();
let kept;

function connect() {
	return new aws.BedrockRuntimeClient({region: 'us-east-1', maxAttempts: 1, requestHandler: {disableConcurrentStreams: false},
		credentials: {accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'test'}});
}

function send(client, i, command) {
	command.middlewareStack.add(next => args => {
		const {'accept-encoding': none, ...all} = headers(i); // the SDK undoes no coding
		Object.assign(args.request.headers, all);
		return next(args);
	}, {step: 'build'});
	return client.send(command);
}

// [what the SDK answers, whether it is whole]
async function converse(client, i) {
	const modelId = models[Math.floor(i / apis.length) % models.length];
	const input = {modelId, messages: [{role: 'user', content: [{text: opts.text}]}]};
	if (!opts.stream) {
		const answer = await send(client, i, new aws.ConverseCommand(input));
		return [answer, answer.usage.totalTokens > 0 && answer.stopReason === 'end_turn'];
	}
	const answer = await send(client, i, new aws.ConverseStreamCommand(input));
	let usage;
	for await (const event of answer.stream)
		usage = event.metadata?.usage ?? usage;
	return [answer, usage?.totalTokens > 0];
}

async function invoke(client, i) {
	const body = JSON.stringify({anthropic_version: 'bedrock-2023-05-31', max_tokens: 512,
		messages: [{role: 'user', content: opts.text}]});
	const input = {modelId: models[0], contentType: 'application/json', body};
	if (!opts.stream) {
		const answer = await send(client, i, new aws.InvokeModelCommand(input));
		return [answer, JSON.parse(utf8.decode(answer.body)).stop_reason === 'end_turn'];
	}
	const answer = await send(client, i, new aws.InvokeModelWithResponseStreamCommand(input));
	let last;
	for await (const event of answer.body)
		last = JSON.parse(utf8.decode(event.chunk.bytes));
	return [answer, last.type === 'message_stop'];
}

await run(async i => {
	const client = opts.keep ? kept ??= connect() : connect();
	const [answer, whole] = await (apis[i % apis.length] === 'converse' ? converse : invoke)(client, i);
	const {requestId: id, httpStatusCode: status} = answer.$metadata;
	process.stdout.write(JSON.stringify({tag: `${opts.tag}/${i}`, id, status, whole}) + '\n');
	if (client !== kept)
		client.destroy();
});
kept?.destroy();
