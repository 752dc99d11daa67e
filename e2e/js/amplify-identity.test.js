// Amplify JS v6 in Node with an identity pool: guests, users, and the way from
// one to the other. Nothing is changed but where the two APIs are.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, signIn, signOut } from 'aws-amplify/auth';
import { cognitoCredentialsProvider, cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
import { ConsoleLogger } from 'aws-amplify/utils';
import { AdminUserGlobalSignOutCommand } from '@aws-sdk/client-cognito-identity-provider';
import { administrator, newUser, password, start, tap } from './service.js';

ConsoleLogger.LOG_LEVEL = 'ERROR'; // it warns of every endpoint but AWS's

let up, wire;

before(async () => {
	up = await start();
	wire = await tap(up.endpoint);
	configure();
});

after(async () => {
	await wire?.stop();
	await up?.stop();
});

afterEach(async () => {
	await signOut();
	await otherDevice();
	configure();
	wire.clear();
});

function configure(allowGuestAccess = true) {
	Amplify.configure({ Auth: { Cognito: {
		userPoolId: up.user_pool_id, userPoolClientId: up.client_id, userPoolEndpoint: wire.endpoint,
		identityPoolId: up.identity_pool_id, identityPoolEndpoint: wire.endpoint, allowGuestAccess,
	} } });
}

// otherDevice forgets all that Amplify keeps, as on a device that nobody used yet.
async function otherDevice() {
	await cognitoUserPoolsTokenProvider.authTokenStore.clearTokens();
	await cognitoCredentialsProvider.clearCredentialsAndIdentityId();
}

async function enter(username) {
	const { isSignedIn, nextStep } = await signIn({ username, password });
	assert.equal(isSignedIn, true, nextStep.signInStep);
	return fetchAuthSession();
}

const identityCalls = () => wire.calls.filter(({ operation }) => ['GetId', 'GetCredentialsForIdentity'].includes(operation));

function good(session) {
	assert.match(session.identityId, /^us-east-1:[0-9a-f-]{36}$/);
	assert.match(session.credentials.accessKeyId, /^ASIA/);
	assert.ok(session.credentials.secretAccessKey && session.credentials.sessionToken);
	const left = session.credentials.expiration - Date.now();
	assert.ok(left > 50 * 60_000 && left <= 60 * 60_000, `${left} ms left`);
}

describe('Amplify: identity pool', () => {
	it('gives a guest an identity and credentials, and keeps them', async () => {
		const session = await fetchAuthSession();
		good(session);
		assert.equal(session.tokens, undefined);
		assert.equal(session.userSub, undefined);
		assert.deepEqual(wire.operations(), ['GetId', 'GetCredentialsForIdentity']);
		wire.clear();
		const again = await fetchAuthSession();
		assert.equal(again.identityId, session.identityId);
		assert.equal(again.credentials.accessKeyId, session.credentials.accessKeyId);
		assert.deepEqual(wire.operations(), []);
	});

	it('asks nothing of it when the application wants no guests', async () => {
		configure(false);
		const session = await fetchAuthSession();
		assert.equal(session.credentials, undefined);
		assert.equal(session.identityId, undefined);
		assert.deepEqual(wire.operations(), []);
	});

	it('gives a user an identity and credentials, by the issuer as the provider', async () => {
		const session = await enter(await newUser(up));
		good(session);
		const [getId, getCredentials] = identityCalls();
		const key = session.tokens.idToken.payload.iss.replace('http://', '');
		for (const call of [getId, getCredentials]) {
			assert.equal(call.status, 200);
			assert.deepEqual(Object.keys(call.request.Logins), [key]);
			assert.equal(call.headers.authorization, undefined);
		}
	});

	it('turns the guest into the user, with the same identity', async () => {
		const guest = await fetchAuthSession();
		wire.clear();
		const user = await enter(await newUser(up));
		good(user);
		assert.equal(user.identityId, guest.identityId);
		assert.notEqual(user.credentials.accessKeyId, guest.credentials.accessKeyId);
		assert.deepEqual(identityCalls().map(({ operation }) => operation), ['GetCredentialsForIdentity']);
		assert.equal(identityCalls()[0].request.IdentityId, guest.identityId);
	});

	it('gives new credentials, asked to, for the same identity', async () => {
		const first = await enter(await newUser(up));
		const second = await fetchAuthSession({ forceRefresh: true });
		good(second);
		assert.equal(second.identityId, first.identityId);
		assert.notEqual(second.credentials.accessKeyId, first.credentials.accessKeyId);
		const guest = (await signOut(), await fetchAuthSession());
		const renewed = await fetchAuthSession({ forceRefresh: true });
		assert.equal(renewed.identityId, guest.identityId);
		assert.notEqual(renewed.credentials.accessKeyId, guest.credentials.accessKeyId);
	});

	it('gives a user one identity on two devices', async () => {
		const username = await newUser(up);
		const { identityId } = await enter(username);
		await otherDevice();
		assert.equal((await enter(username)).identityId, identityId);
		// On a third one somebody was a guest before.
		await otherDevice();
		const guest = await fetchAuthSession();
		assert.notEqual(guest.identityId, identityId);
		assert.equal((await enter(username)).identityId, identityId);
		assert.equal((await fetchAuthSession({ forceRefresh: true })).identityId, identityId);
	});

	it('gives the next user of the device another identity', async () => {
		const first = await enter(await newUser(up));
		await signOut();
		const second = await enter(await newUser(up));
		assert.notEqual(second.identityId, first.identityId);
		good(second);
	});

	it('refuses credentials to who was signed out everywhere', async () => {
		const username = await newUser(up);
		await enter(username);
		const admin = administrator(up);
		await admin.send(new AdminUserGlobalSignOutCommand({ UserPoolId: up.user_pool_id, Username: username }));
		admin.destroy();
		await cognitoCredentialsProvider.clearCredentialsAndIdentityId();
		await assert.rejects(fetchAuthSession(), { name: 'NotAuthorizedException', message: 'Token is inactive' });
	});
});
