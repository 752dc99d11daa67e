// One session for a JavaScript front end and a Go program: Amplify JS v6 over a
// custom storage, and our client with amplifystore over the same storage.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, getCurrentUser, signIn, signOut } from 'aws-amplify/auth';
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
	execFileSync('go', ['build', '-o', sharer, './sharer'], {
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

function use(userPoolClientId) {
	clientId = userPoolClientId;
	Amplify.configure({ Auth: { Cognito: { userPoolId: up.user_pool_id, userPoolClientId, userPoolEndpoint: up.endpoint } } });
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

describe('A session shared by Amplify JS and Go', () => {
	it('signed in by JavaScript, is the same in Go, also after refreshes on both sides', async () => {
		const username = await newUser(up);
		await signIn({ username, password });
		const first = await tokens();
		assert.deepEqual(go('session'), { signedIn: true, username, sub: payload(first.id).sub, ...first });

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
		assert.equal(go('session').username, alice);
		assert.equal(go('sign-in', bob, password).username, bob);
		assert.equal((await getCurrentUser()).username, bob);
		await signOut();
		await signIn({ username: alice, password });
		assert.equal(go('session').username, alice);
	});
});
