// @auth/core, which is below NextAuth, SvelteKit Auth and others, with its Cognito
// provider: nothing is configured but the client and the issuer.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { AdminAddUserToGroupCommand, CreateGroupCommand, CreateUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import { Auth } from '@auth/core';
import Cognito from '@auth/core/providers/cognito';
import { browser } from './browser.js';
import { administrator, listen, newUser, password, payload, start } from './service.js';

let up, sdk, server, home, username, client;

before(async () => {
	up = await start();
	sdk = administrator(up);
	username = await newUser(up);
	const group = { UserPoolId: up.user_pool_id, GroupName: 'writers' };
	await sdk.send(new CreateGroupCommand(group));
	await sdk.send(new AdminAddUserToGroupCommand({ ...group, Username: username }));
	server = createServer((request, response) => serve(request, response).catch((error) => response.writeHead(500).end(String(error))));
	await listen(server);
	home = `http://127.0.0.1:${server.address().port}`;
	const { UserPoolClient } = await sdk.send(new CreateUserPoolClientCommand({
		UserPoolId: up.user_pool_id, ClientName: 'Auth.js', GenerateSecret: true, AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: ['code'],
		AllowedOAuthScopes: ['openid', 'email', 'profile'], CallbackURLs: [`${home}/auth/callback/cognito`], SupportedIdentityProviders: ['COGNITO'],
	}));
	client = { clientId: UserPoolClient.ClientId, clientSecret: UserPoolClient.ClientSecret };
});

after(async () => {
	sdk?.destroy();
	server?.closeAllConnections();
	server?.close();
	await up?.stop();
});

// serve hands a request to Auth.js as its adapters do.
async function serve(request, response) {
	const pieces = [];
	for await (const piece of request) pieces.push(piece);
	const answer = await Auth(new Request(new URL(request.url, home), {
		method: request.method, headers: request.headers, body: pieces.length ? Buffer.concat(pieces) : undefined,
	}), {
		basePath: '/auth', trustHost: true, secret: 'e2e', logger: { error() {}, warn() {}, debug() {} },
		providers: [Cognito({ ...client, issuer: up.issuer, checks: ['pkce', 'state', 'nonce'] })],
		callbacks: {
			jwt: ({ token, account }) => account ? { ...token, groups: payload(account.id_token)['cognito:groups'], refresh: account.refresh_token, scope: account.scope } : token,
			session: ({ session, token }) => ({ ...session, groups: token.groups, renewable: Boolean(token.refresh) }),
		},
	});
	const headers = Object.fromEntries(answer.headers);
	headers['set-cookie'] = answer.headers.getSetCookie();
	response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()));
}

const fill = () => ({ username, password });
const session = async ({ ask }) => (await ask(`${home}/auth/session`)).json();

// post sends a form of Auth.js, with its token.
async function post({ ask }, path) {
	const { csrfToken } = await (await ask(`${home}/auth/csrf`)).json();
	return ask(`${home}/auth/${path}`, { csrfToken, callbackUrl: `${home}/` });
}

async function signIn(browsing, form = fill) {
	const begun = await post(browsing, 'signin/cognito');
	const back = await browsing.visit(begun.headers.get('location'), `${home}/auth/callback/cognito`, form);
	return browsing.ask(back);
}

describe('@auth/core', () => {
	it('signs in by discovery, with groups and a refresh token', async () => {
		const browsing = browser();
		const answer = await signIn(browsing);
		assert.equal(answer.headers.get('location'), `${home}/`);
		const { user, groups, renewable } = await session(browsing);
		assert.equal(user.email, `${username}@example.com`);
		assert.deepEqual(groups, ['writers']);
		assert.equal(renewable, true);
	});

	it('signs out, and in again while the browser is signed in at the pool', async () => {
		const browsing = browser();
		await signIn(browsing);
		await post(browsing, 'signout');
		assert.equal(await session(browsing), null);
		await signIn(browsing, () => assert.fail('a page asks for something'));
		assert.equal((await session(browsing)).user.email, `${username}@example.com`);
	});

	it('refuses an answer with another state, and one of another browser', async () => {
		const browsing = browser();
		const begun = await post(browsing, 'signin/cognito');
		const back = await browsing.visit(begun.headers.get('location'), `${home}/auth/callback/cognito`, fill);
		const bent = new URL(back);
		bent.searchParams.set('state', 'x');
		for (const [who, address] of [[browsing, bent], [browser(), back]]) {
			const answer = await who.ask(address);
			assert.match(answer.headers.get('location'), /\/auth\/(error|signin)\?/);
			assert.equal(await session(who), null);
		}
	});
});
