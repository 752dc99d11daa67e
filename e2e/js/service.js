// One `latchkey up` for a test file, a proxy that watches the wire, and users
// to sign in. The command is $LATCHKEY_COMMAND, or built here.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	AdminCreateUserCommand,
	AdminSetUserPasswordCommand,
	CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';

export const password = 'Correct-Horse-9';
export const temporary = 'Temporary-1';
export const incorrect = 'Incorrect username or password.';

// start runs the service until stop is called. stop fails if the service does
// not end in order on SIGTERM.
export async function start() {
	const home = mkdtempSync(join(tmpdir(), 'latchkey-e2e-'));
	const log = openSync(join(home, 'stderr'), 'w');
	const child = spawn(
		command(home),
		['up', '--json', '--listen', '127.0.0.1:0', '--https-listen', '127.0.0.1:0', '--data', join(home, 'data')],
		{ env: environment(home), stdio: ['ignore', 'pipe', log] },
	);
	closeSync(log);
	const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
	const last = () => child.kill('SIGKILL'); // should this process end before stop
	process.once('exit', last);
	try {
		const ready = JSON.parse(await firstLine(child, ended, () => readFileSync(join(home, 'stderr'), 'utf8')));
		ready.issuer = `${ready.endpoint}/${ready.user_pool_id}`;
		return { ...ready, stop: () => stop(child, ended, home, last) };
	} catch (error) {
		child.kill('SIGKILL');
		rmSync(home, { recursive: true, force: true });
		throw error;
	}
}

function command(home) {
	if (process.env.LATCHKEY_COMMAND) return process.env.LATCHKEY_COMMAND;
	const target = join(home, 'latchkey');
	const root = fileURLToPath(new URL('../..', import.meta.url));
	execFileSync('go', ['build', '-o', target, './cmd/latchkey'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
	return target;
}

function environment(home) {
	const kept = Object.entries(process.env).filter(([name]) => !/^(LATCHKEY|XDG)_/.test(name));
	return { ...Object.fromEntries(kept), LATCHKEY_HOME: join(home, 'home'), XDG_CONFIG_HOME: join(home, 'config') };
}

function firstLine(child, ended, said) {
	return new Promise((resolve, reject) => {
		let text = '';
		// It hangs, if it needs a tenth of that.
		const late = setTimeout(() => reject(new Error('no line of JSON within 2 min')), 120_000).unref();
		child.once('error', reject);
		ended.then(({ code }) => reject(new Error(`the service ended with ${code}: ${said()}`)));
		child.stdout.on('data', (piece) => {
			text += piece;
			if (!text.includes('\n')) return;
			clearTimeout(late);
			resolve(text);
		});
	});
}

async function stop(child, ended, home, last) {
	const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
	child.kill('SIGTERM');
	const { code, signal } = await ended;
	clearTimeout(late);
	process.removeListener('exit', last);
	const said = readFileSync(join(home, 'stderr'), 'utf8');
	rmSync(home, { recursive: true, force: true });
	if (code !== 0) throw new Error(`the service ended with ${code ?? signal}: ${said}`);
}

// listen has a server wait on a free port of its own. It leaves it to clients to close
// connections: one that it closed after some seconds could be the one on which a request
// is on its way.
export async function listen(server) {
	server.keepAliveTimeout = 0;
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

// tap is a proxy in front of the service that records each call.
export async function tap(target) {
	const calls = [];
	const server = createServer(async (request, response) => {
		const body = await all(request);
		const answer = await fetch(target + request.url, {
			method: request.method,
			headers: passed(request.headers),
			body: request.method === 'POST' ? body : undefined,
		});
		const text = await answer.text();
		const operation = (request.headers['x-amz-target'] ?? '').split('.')[1];
		calls.push({ operation, headers: request.headers, request: body ? JSON.parse(body) : undefined, status: answer.status, answer: text ? JSON.parse(text) : undefined });
		const headers = Object.fromEntries(answer.headers);
		delete headers['content-length'];
		delete headers['transfer-encoding'];
		response.writeHead(answer.status, headers).end(text);
	});
	await listen(server);
	return {
		endpoint: `http://127.0.0.1:${server.address().port}`,
		calls,
		operations: () => calls.map((call) => call.operation),
		clear: () => calls.splice(0),
		stop: () => new Promise((resolve) => {
			server.close(resolve);
			server.closeAllConnections();
		}),
	};
}

async function all(stream) {
	let text = '';
	stream.setEncoding('utf8'); // a letter of two bytes may come in two pieces
	for await (const piece of stream) text += piece;
	return text;
}

function passed(headers) {
	const { host, connection, 'content-length': length, ...rest } = headers;
	return rest;
}

// administrator is the AWS SDK with the service's admin key.
export function administrator(up) {
	return new CognitoIdentityProviderClient({
		endpoint: up.endpoint,
		region: up.region,
		credentials: { accessKeyId: up.access_key_id, secretAccessKey: up.secret_access_key },
	});
}

// newUser makes a user that has the password, or must choose one first.
export async function newUser(up, { permanent = true } = {}) {
	const sdk = administrator(up);
	const Username = `user-${randomBytes(6).toString('hex')}`;
	await sdk.send(new AdminCreateUserCommand({
		UserPoolId: up.user_pool_id, Username, TemporaryPassword: temporary, MessageAction: 'SUPPRESS',
		UserAttributes: [{ Name: 'email', Value: `${Username}@example.com` }, { Name: 'email_verified', Value: 'true' }],
	}));
	if (permanent) {
		await sdk.send(new AdminSetUserPasswordCommand({ UserPoolId: up.user_pool_id, Username, Password: password, Permanent: true }));
	}
	sdk.destroy();
	return Username;
}

// payload reads a token without verifying it.
export function payload(token) {
	return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}
