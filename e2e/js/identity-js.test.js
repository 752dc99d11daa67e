// amazon-cognito-identity-js, Amplify's predecessor, which refreshes with
// REFRESH_TOKEN_AUTH and reads errors from __type.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import cognito from 'amazon-cognito-identity-js';
import { GetUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { administrator, incorrect, newUser, password, start, tap, temporary } from './service.js';

const { AuthenticationDetails, CognitoUser, CognitoUserPool } = cognito;
let up, wire, admin, pool;

before(async () => {
	up = await start();
	wire = await tap(up.endpoint);
	admin = administrator(up);
	pool = new CognitoUserPool({ UserPoolId: up.user_pool_id, ClientId: up.client_id, endpoint: wire.endpoint, Storage: memory() });
});

after(async () => {
	admin?.destroy();
	await wire?.stop();
	await up?.stop();
});

function memory() {
	const kept = new Map();
	return {
		getItem: (key) => kept.get(key) ?? null,
		setItem: (key, value) => kept.set(key, value),
		removeItem: (key) => kept.delete(key),
		clear: () => kept.clear(),
	};
}

const userOf = (Username) => new CognitoUser({ Username, Pool: pool, Storage: memory() });

// authenticate gives { session } or { challenge }.
function authenticate(user, Password) {
	return new Promise((resolve, reject) => user.authenticateUser(new AuthenticationDetails({ Username: user.getUsername(), Password }), {
		onSuccess: (session) => resolve({ session }),
		onFailure: reject,
		newPasswordRequired: (attributes, required) => resolve({ challenge: { attributes, required } }),
	}));
}

// callback turns (error, result) into a promise.
const callback = (call) => new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
const callbacks = (call) => new Promise((onSuccess, onFailure) => call({ onSuccess, onFailure }));
const getUser = (session) => admin.send(new GetUserCommand({ AccessToken: session.getAccessToken().getJwtToken() }));
const revoked = { name: 'NotAuthorizedException', message: 'Access Token has been revoked' };

describe('amazon-cognito-identity-js', () => {
	it('signs in by SRP, 25 times in a row', async () => {
		const username = await newUser(up);
		for (let i = 0; i < 25; i++) {
			const { session } = await authenticate(userOf(username), password);
			assert.equal(session.isValid(), true);
			assert.equal(session.getIdToken().payload['cognito:username'], username);
		}
	});

	it('signs in with USER_PASSWORD_AUTH', async () => {
		const user = userOf(await newUser(up));
		user.setAuthenticationFlowType('USER_PASSWORD_AUTH');
		const { session } = await authenticate(user, password);
		assert.equal(session.getAccessToken().payload.token_use, 'access');
	});

	it('refreshes a session and keeps its refresh token', async () => {
		const user = userOf(await newUser(up));
		const { session } = await authenticate(user, password);
		wire.clear();
		const next = await callback((done) => user.refreshSession(session.getRefreshToken(), done));
		assert.equal(wire.calls[0].request.AuthFlow, 'REFRESH_TOKEN_AUTH');
		assert.notEqual(next.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());
		assert.equal(next.getRefreshToken().getToken(), session.getRefreshToken().getToken());
		for (const kept of ['auth_time', 'origin_jti', 'sub']) {
			assert.equal(next.getIdToken().payload[kept], session.getIdToken().payload[kept], kept);
		}
		const again = await callback((done) => user.refreshSession(next.getRefreshToken(), done));
		await getUser(again);
	});

	it('completes newPasswordRequired', async () => {
		const username = await newUser(up, { permanent: false });
		const user = userOf(username);
		const { challenge } = await authenticate(user, temporary);
		assert.equal(challenge.attributes.email, `${username}@example.com`);
		assert.deepEqual(challenge.required, []);
		const session = await callbacks((done) => user.completeNewPasswordChallenge(password, { given_name: 'Grace' }, done));
		assert.equal(session.getIdToken().payload.given_name, 'Grace');
		assert.ok((await authenticate(userOf(username), password)).session);
	});

	it('names the user by the sub after a sign-in, which signs in as well', async () => {
		const user = userOf(await newUser(up));
		const { session } = await authenticate(user, password);
		assert.equal(user.getUsername(), session.getIdToken().payload.sub);
		assert.ok((await authenticate(userOf(user.getUsername()), password)).session);
	});

	it('changes the password', async () => {
		const user = userOf(await newUser(up));
		const { session } = await authenticate(user, password);
		await assert.rejects(callback((done) => user.changePassword('Wrong-Horse-9', 'Other-Horse-10', done)), { name: 'NotAuthorizedException', message: incorrect });
		assert.equal(await callback((done) => user.changePassword(password, 'Other-Horse-10', done)), 'SUCCESS');
		await getUser(session);
		await assert.rejects(authenticate(userOf(user.getUsername()), password), { name: 'NotAuthorizedException', message: incorrect });
		assert.ok((await authenticate(userOf(user.getUsername()), 'Other-Horse-10')).session);
	});

	it('reads the user', async () => {
		const username = await newUser(up);
		const user = userOf(username);
		await authenticate(user, password);
		const { Username, UserAttributes } = await callback((done) => user.getUserData(done));
		assert.equal(Username, username);
		assert.equal(UserAttributes.find(({ Name }) => Name === 'email').Value, `${Username}@example.com`);
	});

	it('signs out everywhere', async () => {
		const username = await newUser(up);
		const [one, other] = [userOf(username), userOf(username)];
		const sessions = [(await authenticate(one, password)).session, (await authenticate(other, password)).session];
		assert.equal(await callbacks((done) => one.globalSignOut(done)), 'SUCCESS');
		for (const session of sessions) await assert.rejects(getUser(session), revoked);
	});

	it('revokes its token on sign-out', async () => {
		const user = userOf(await newUser(up));
		const { session } = await authenticate(user, password);
		wire.clear();
		await new Promise((resolve, reject) => user.signOut((error) => (error ? reject(error) : resolve())));
		assert.deepEqual(wire.operations(), ['RevokeToken']);
		await assert.rejects(getUser(session), revoked);
	});

	it('learns that its token was revoked, however often it asks', async () => {
		const user = userOf(await newUser(up));
		const { session } = await authenticate(user, password);
		const token = session.getRefreshToken();
		await callback((done) => user.revokeToken({ token: token.getToken(), callback: done }));
		wire.clear();
		await assert.rejects(callback((done) => user.refreshSession(token, done)), { name: 'NotAuthorizedException', message: 'Refresh Token has been revoked' });
		// It tries again and again; none of the answers may be another one.
		assert.deepEqual([...new Set(wire.calls.map((call) => call.answer.__type))], ['NotAuthorizedException']);
	});

	it('is refused in words it understands', async () => {
		const username = await newUser(up);
		for (const name of [username, 'nobody-at-all']) {
			await assert.rejects(authenticate(userOf(name), 'Wrong-Horse-9'), { name: 'NotAuthorizedException', code: 'NotAuthorizedException', message: incorrect });
		}
	});
});
