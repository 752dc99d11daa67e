// One session for a JavaScript front end and a Go program: Amplify JS v6 over a
// custom storage, and our client with amplifystore over the same storage.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Amplify } from 'aws-amplify';
import { decodeJWT, fetchAuthSession, getCurrentUser, signIn, signOut } from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
import { ConsoleLogger } from 'aws-amplify/utils';
import {
	CognitoIdentityProviderClient,
	CreateUserPoolClientCommand,
	GetUserCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, newUser, password, payload, start } from './service.js';

ConsoleLogger.LOG_LEVEL = 'ERROR';

// Folder is the storage: a file per key, named by the key in hexadecimal, as the
// Go program has it.
class Folder {
	constructor(path) {
		this.path = path;
	}

	file(key) {
		return join(this.path, Buffer.from(key).toString('hex'));
	}

	async setItem(key, value) {
		const temp = `${this.file(key)}.js`;
		writeFileSync(temp, value);
		renameSync(temp, this.file(key));
	}

	async getItem(key) {
		try {
			return readFileSync(this.file(key), 'utf8');
		} catch (error) {
			if (error.code === 'ENOENT') return null;
			throw error;
		}
	}

	async removeItem(key) {
		rmSync(this.file(key), { force: true });
	}

	async clear() {
		for (const name of readdirSync(this.path)) rmSync(join(this.path, name));
	}
}

let up, folder, home, sharer, admin, rotating;

before(async () => {
	up = await start();
	admin = administrator(up);
	home = mkdtempSync(join(tmpdir(), 'latchkey-e2e-shared-'));
	sharer = join(home, 'sharer');
	execFileSync('go', ['build', '-o', sharer, './internal/sharer'], {
		cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' },
	});
	folder = new Folder(mkdtempSync(join(home, 'storage-')));
	const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({
		UserPoolId: up.user_pool_id, ClientName: 'rotating', ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'],
		RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 },
	}));
	rotating = UserPoolClient.ClientId;
	use(up.client_id);
});

after(async () => {
	admin?.destroy();
	if (home) rmSync(home, { recursive: true, force: true });
	await up?.stop();
});

afterEach(async () => {
	await signOut();
	await folder.clear();
	use(up.client_id);
});

let clientId;
const application = 'http://localhost:3000/';

function use(userPoolClientId) {
	clientId = userPoolClientId;
	Amplify.configure({ Auth: { Cognito: {
		userPoolId: up.user_pool_id, userPoolClientId, userPoolEndpoint: up.endpoint,
		loginWith: { oauth: {
			domain: `${new URL(up.https_endpoint).host}/${up.user_pool_id}`, scopes: ['openid', 'email', 'aws.cognito.signin.user.admin'],
			redirectSignIn: [application], redirectSignOut: [application], responseType: 'code',
		} },
	} } });
	cognitoUserPoolsTokenProvider.setKeyValueStorage(folder);
}

// go runs the Go program, each time anew, and gives what it found.
function go(...args) {
	return JSON.parse(execFileSync(sharer, [folder.path, up.endpoint, up.user_pool_id, clientId, ...args], { encoding: 'utf8' }));
}

async function tokens(options) {
	const { tokens } = await fetchAuthSession(options);
	return tokens && { access: tokens.accessToken.toString(), id: tokens.idToken.toString() };
}

async function works(access) {
	const sdk = new CognitoIdentityProviderClient({ endpoint: up.endpoint, region: up.region });
	try {
		return Boolean(await sdk.send(new GetUserCommand({ AccessToken: access })));
	} catch (error) {
		assert.equal(error.name, 'NotAuthorizedException');
		return false;
	} finally {
		sdk.destroy();
	}
}

// byRedirect does what Amplify does in a page when the browser comes back from the
// sign-in pages: it keeps the tokens of the code, and then that they came by redirect.
async function byRedirect(username) {
	const verifier = randomBytes(32).toString('base64url');
	const query = new URLSearchParams({
		client_id: clientId, redirect_uri: application, response_type: 'code', scope: 'openid email aws.cognito.signin.user.admin', state: 's',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
	});
	const login = await fetch(`${up.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' });
	const back = await fetch(new URL(login.headers.get('location'), up.endpoint), {
		method: 'POST', redirect: 'manual', body: new URLSearchParams({ username, password }),
	});
	const answer = await fetch(`${up.issuer}/oauth2/token`, { method: 'POST', body: new URLSearchParams({
		grant_type: 'authorization_code', client_id: clientId, redirect_uri: application, code_verifier: verifier,
		code: new URL(back.headers.get('location')).searchParams.get('code'),
	}) });
	const { access_token: access, id_token: id, refresh_token: refreshToken } = await answer.json();
	const { tokenOrchestrator } = cognitoUserPoolsTokenProvider;
	await tokenOrchestrator.setTokens({ tokens: {
		accessToken: decodeJWT(access), idToken: decodeJWT(id), refreshToken, clockDrift: payload(access).iat * 1000 - Date.now(), username,
	} });
	await tokenOrchestrator.setOAuthMetadata({ oauthSignIn: true });
	return { access, id };
}

// pageLeft is where a page goes to while Amplify does something.
async function pageLeft(something) {
	globalThis.window = { location: { origin: new URL(application).origin, hostname: 'localhost', pathname: '/' } };
	try {
		await something();
		return globalThis.window.location.href;
	} finally {
		delete globalThis.window;
	}
}

describe('A session shared by Amplify JS and Go', () => {
	it('signed in by JavaScript, is the same in Go, also after refreshes on both sides', async () => {
		const username = await newUser(up);
		await signIn({ username, password });
		const first = await tokens();
		// Amplify files the session under USERNAME of the challenge.
		const { sub } = payload(first.id);
		assert.deepEqual(go('session'), { signedIn: true, username: sub, sub, ...first, loginId: username });

		const refreshed = go('refresh');
		assert.notEqual(refreshed.access, first.access);
		assert.deepEqual(await tokens(), { access: refreshed.access, id: refreshed.id });

		const again = await tokens({ forceRefresh: true });
		assert.notEqual(again.access, refreshed.access);
		assert.equal(go('session').access, again.access);
	});

	it('signed in by Go, is the same in JavaScript', async () => {
		const username = await newUser(up);
		const { access, id, sub } = go('sign-in', username, password);
		assert.deepEqual(await tokens(), { access, id });
		assert.deepEqual(await getCurrentUser(), { username, userId: sub, signInDetails: { loginId: username, authFlowType: 'USER_SRP_AUTH' } });
	});

	it('signed out by JavaScript, is signed out in Go', async () => {
		await signIn({ username: await newUser(up), password });
		const { access } = go('session');
		assert.equal(await works(access), true);
		await signOut();
		assert.deepEqual(go('session'), { signedIn: false });
		assert.equal(await works(access), false);
	});

	it('signed out by Go, is signed out in JavaScript, and revoked', async () => {
		await signIn({ username: await newUser(up), password });
		const { access } = await tokens();
		assert.deepEqual(go('sign-out'), { signedIn: false });
		assert.equal(await tokens(), undefined);
		await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
		assert.equal(await works(access), false);
	});

	it('signed in by redirect in JavaScript, is known as that in Go, whose sign-out ends the browser\'s session', async () => {
		const username = await newUser(up);
		const { access, id } = await byRedirect(username);
		assert.deepEqual(go('session'), { signedIn: true, username, sub: payload(id).sub, access, id });
		assert.notEqual((await tokens({ forceRefresh: true })).access, access);
		assert.notEqual(go('refresh').access, access);
		const logout = new URL(go('sign-out').logoutUrl);
		assert.equal(logout.origin + logout.pathname, `${up.issuer}/logout`);
		assert.deepEqual(Object.fromEntries(logout.searchParams), { client_id: clientId, logout_uri: application });
		assert.equal(await tokens(), undefined);
		assert.equal(await pageLeft(signOut), undefined, 'nobody is signed in, and yet there was a logout');
	});

	it('signed in by redirect in Go, is known as that in JavaScript, whose sign-out ends the browser\'s session', async () => {
		const username = await newUser(up);
		const { access, id, sub } = go('sign-in-by-redirect', username, password);
		assert.deepEqual(await tokens(), { access, id });
		assert.deepEqual(await getCurrentUser(), { username, userId: sub });
		assert.notEqual((await tokens({ forceRefresh: true })).access, access);
		assert.equal(go('session').loginId, undefined);
		const logout = new URL(await pageLeft(signOut));
		assert.equal(logout.host + logout.pathname, `${new URL(up.https_endpoint).host}/${up.user_pool_id}/logout`);
		assert.equal(logout.searchParams.get('logout_uri'), application);
		assert.deepEqual(go('session'), { signedIn: false });
		assert.deepEqual(go('sign-out'), { signedIn: false });
	});

	it('signed in with a password on the other side, is no longer one of a redirect', async () => {
		const username = await newUser(up);
		await byRedirect(username);
		assert.equal(go('session').loginId, undefined);
		assert.equal(go('sign-in', username, password).loginId, username);
		assert.equal((await getCurrentUser()).signInDetails.loginId, username);
		assert.equal(await pageLeft(signOut), undefined);
	});

	it('survives rotation without grace, whoever refreshes', async () => {
		use(rotating);
		await signIn({ username: await newUser(up), password });
		let last = await tokens();
		for (let i = 0; i < 5; i++) {
			const byGo = go('refresh');
			assert.notEqual(byGo.access, last.access);
			last = await tokens({ forceRefresh: true });
			assert.notEqual(last.access, byGo.access);
		}
		assert.equal(await works(last.access), true);
	});

	it('changes users on either side', async () => {
		const [alice, bob] = [await newUser(up), await newUser(up)];
		await signIn({ username: alice, password });
		assert.equal(go('session').loginId, alice);
		assert.equal(go('sign-in', bob, password).username, bob);
		assert.equal((await getCurrentUser()).username, bob);
		await signOut();
		await signIn({ username: alice, password });
		assert.equal(go('session').loginId, alice);
	});
});
