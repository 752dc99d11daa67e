// Amplify JS v6 in Node, with nothing changed but where the user pool is.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Amplify } from 'aws-amplify';
import { confirmSignIn, fetchAuthSession, fetchUserAttributes, getCurrentUser, signIn, signOut, updatePassword } from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
import { ConsoleLogger } from 'aws-amplify/utils';
import {
	AdminDisableUserCommand,
	AdminResetUserPasswordCommand,
	AdminUserGlobalSignOutCommand,
	CreateUserPoolClientCommand,
	CreateUserPoolCommand,
	DeleteUserPoolCommand,
	GetUserCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, incorrect, newUser, password, payload, start, tap, temporary } from './service.js';

ConsoleLogger.LOG_LEVEL = 'ERROR'; // it warns of every endpoint but AWS's

let up, wire, admin;

before(async () => {
	up = await start();
	wire = await tap(up.endpoint);
	admin = administrator(up);
	configure(up.client_id);
});

after(async () => {
	admin?.destroy();
	await wire?.stop();
	await up?.stop();
});

afterEach(async () => {
	await signOut();
	configure(up.client_id);
	wire.clear();
});

function configure(userPoolClientId, userPoolId = up.user_pool_id) {
	Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId, userPoolEndpoint: wire.endpoint } } });
}

// enter signs a user in who has the password, and gives their session.
async function enter(username) {
	const { isSignedIn, nextStep } = await signIn({ username, password });
	assert.equal(isSignedIn, true, nextStep.signInStep);
	return (await fetchAuthSession()).tokens;
}

const getUser = (token) => admin.send(new GetUserCommand({ AccessToken: token.toString() }));
const revoked = { name: 'NotAuthorizedException', message: 'Access Token has been revoked' };

describe('Amplify: signing in', () => {
	it('signs in by SRP, 25 times in a row', async () => {
		const username = await newUser(up);
		for (let i = 0; i < 25; i++) {
			await enter(username);
			await signOut();
		}
		const flows = wire.calls.filter((call) => call.operation === 'InitiateAuth').map((call) => call.request.AuthFlow);
		assert.deepEqual(flows, Array(25).fill('USER_SRP_AUTH'));
		assert.ok(!JSON.stringify(wire.calls.map((call) => call.request)).includes(password), 'the password went over the wire');
	});

	it('gives a session with both tokens', async () => {
		const username = await newUser(up);
		const { accessToken, idToken } = await enter(username);
		assert.equal(accessToken.payload.token_use, 'access');
		assert.equal(accessToken.payload.client_id, up.client_id);
		assert.equal(accessToken.payload.scope, 'aws.cognito.signin.user.admin');
		assert.equal(idToken.payload.token_use, 'id');
		assert.equal(idToken.payload.iss, up.issuer);
		assert.equal(idToken.payload.email, `${username}@example.com`);
		assert.equal(idToken.payload.email_verified, true);
		assert.equal((await fetchAuthSession()).userSub, idToken.payload.sub);
	});

	it('makes one call of many that refresh at once', async () => {
		await enter(await newUser(up));
		wire.clear();
		const sessions = await Promise.all(Array.from({ length: 20 }, () => fetchAuthSession({ forceRefresh: true })));
		assert.deepEqual(wire.operations(), ['GetTokensFromRefreshToken']);
		assert.equal(new Set(sessions.map(({ tokens }) => tokens.accessToken.toString())).size, 1);
	});

	it('knows the current user without a call', async () => {
		const username = await newUser(up);
		const { idToken } = await enter(username);
		wire.clear();
		const user = await getCurrentUser();
		assert.deepEqual(user, { username, userId: idToken.payload.sub, signInDetails: { loginId: username, authFlowType: 'USER_SRP_AUTH' } });
		assert.deepEqual(wire.operations(), []);
	});

	it('signs in with the e-mail address', async () => {
		const username = await newUser(up);
		await enter(`${username}@example.com`);
		assert.equal((await getCurrentUser()).username, username);
	});

	it('signs in with USER_PASSWORD_AUTH', async () => {
		const username = await newUser(up);
		const { isSignedIn } = await signIn({ username, password, options: { authFlowType: 'USER_PASSWORD_AUTH' } });
		assert.equal(isSignedIn, true);
		assert.deepEqual(wire.operations(), ['InitiateAuth']);
	});

	for (const authFlowType of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
		it(`asks for a new password where the first one was temporary, ${authFlowType}`, async () => {
			const username = await newUser(up, { permanent: false });
			const { isSignedIn, nextStep } = await signIn({ username, password: temporary, options: { authFlowType } });
			assert.equal(isSignedIn, false);
			assert.equal(nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED');
			assert.deepEqual(nextStep.missingAttributes, []);
			await assert.rejects(confirmSignIn({ challengeResponse: 'correct-horse-9' }), {
				name: 'InvalidPasswordException', message: 'Password did not conform with policy: Password must have uppercase characters',
			});
			const done = await confirmSignIn({ challengeResponse: password, options: { userAttributes: { given_name: 'Grace' } } });
			assert.equal(done.isSignedIn, true);
			assert.equal((await fetchAuthSession()).tokens.idToken.payload.given_name, 'Grace');
			await signOut();
			await enter(username);
		});
	}

	it('says which attributes are missing', async () => {
		const { UserPool } = await admin.send(new CreateUserPoolCommand({
			PoolName: 'required', Schema: [{ Name: 'given_name', AttributeDataType: 'String', Required: true, Mutable: true }],
		}));
		const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({
			UserPoolId: UserPool.Id, ClientName: 'required', ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
		}));
		const username = await newUser({ ...up, user_pool_id: UserPool.Id }, { permanent: false });
		configure(UserPoolClient.ClientId, UserPool.Id);
		const { nextStep } = await signIn({ username, password: temporary });
		assert.deepEqual(nextStep.missingAttributes, ['given_name']);
		await assert.rejects(confirmSignIn({ challengeResponse: password }), { name: 'InvalidParameterException' });
		const done = await confirmSignIn({ challengeResponse: password, options: { userAttributes: { given_name: 'Grace' } } });
		assert.equal(done.isSignedIn, true);
		assert.equal((await fetchUserAttributes()).given_name, 'Grace');
		await signOut();
		await admin.send(new DeleteUserPoolCommand({ UserPoolId: UserPool.Id }));
	});

	it('reads and changes what is the user\'s own', async () => {
		const username = await newUser(up);
		await enter(username);
		assert.equal((await fetchUserAttributes()).email, `${username}@example.com`);
		await updatePassword({ oldPassword: password, newPassword: 'Other-Horse-10' });
		await signOut();
		await assert.rejects(signIn({ username, password }), { name: 'NotAuthorizedException', message: incorrect });
		assert.equal((await signIn({ username, password: 'Other-Horse-10' })).isSignedIn, true);
	});
});

describe('Amplify: refusals', () => {
	it('tells nobody whether a user exists', async () => {
		const username = await newUser(up);
		for (const name of [username, 'nobody-at-all']) {
			for (const authFlowType of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
				await assert.rejects(signIn({ username: name, password: 'Wrong-Horse-9', options: { authFlowType } }), {
					name: 'NotAuthorizedException', message: incorrect,
				});
			}
		}
		const [known, unknown] = [username, 'nobody-at-all'].map((name) => wire.calls.find(
			(call) => call.operation === 'InitiateAuth' && call.request.AuthParameters.USERNAME === name,
		).answer);
		assert.deepEqual(Object.keys(unknown).sort(), Object.keys(known).sort());
		assert.deepEqual(Object.keys(unknown.ChallengeParameters).sort(), Object.keys(known.ChallengeParameters).sort());
	});

	it('says that a user does not exist, where the client wants it said', async () => {
		const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({
			UserPoolId: up.user_pool_id, ClientName: 'legacy', PreventUserExistenceErrors: 'LEGACY', ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'],
		}));
		configure(UserPoolClient.ClientId);
		await assert.rejects(signIn({ username: 'nobody-at-all', password }), { name: 'UserNotFoundException', message: 'User does not exist.' });
	});

	it('refuses a disabled user, with the right password only', async () => {
		const username = await newUser(up);
		await admin.send(new AdminDisableUserCommand({ UserPoolId: up.user_pool_id, Username: username }));
		await assert.rejects(signIn({ username, password }), { name: 'NotAuthorizedException', message: 'User is disabled.' });
		await assert.rejects(signIn({ username, password: 'Wrong-Horse-9' }), { name: 'NotAuthorizedException', message: incorrect });
	});

	it('takes a reset by the administrator for a step', async () => {
		const username = await newUser(up);
		await admin.send(new AdminResetUserPasswordCommand({ UserPoolId: up.user_pool_id, Username: username }));
		const { nextStep } = await signIn({ username, password });
		assert.equal(nextStep.signInStep, 'RESET_PASSWORD');
	});
});

describe('Amplify: refreshing', () => {
	it('forces new tokens of the same sign-in', async () => {
		const first = await enter(await newUser(up));
		const second = (await fetchAuthSession({ forceRefresh: true })).tokens;
		for (const use of ['accessToken', 'idToken']) {
			assert.notEqual(second[use].toString(), first[use].toString());
			assert.notEqual(second[use].payload.jti, first[use].payload.jti);
			for (const kept of ['auth_time', 'origin_jti', 'sub', 'event_id']) {
				assert.equal(second[use].payload[kept], first[use].payload[kept], kept);
			}
		}
		await getUser(second.accessToken);
		const refresh = wire.calls.find((call) => call.operation === 'GetTokensFromRefreshToken');
		assert.equal('RefreshToken' in refresh.answer.AuthenticationResult, false);
	});

	it('keeps up with a client that rotates', async () => {
		const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({
			UserPoolId: up.user_pool_id, ClientName: 'rotating', ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'],
			RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 },
		}));
		configure(UserPoolClient.ClientId);
		const first = await enter(await newUser(up));
		for (let i = 0; i < 5; i++) await fetchAuthSession({ forceRefresh: true });
		const sent = wire.calls.filter((call) => call.operation === 'GetTokensFromRefreshToken').map((call) => call.request.RefreshToken);
		assert.equal(new Set(sent).size, 5);
		const last = (await fetchAuthSession()).tokens.accessToken;
		assert.equal(last.payload.origin_jti, first.accessToken.payload.origin_jti);
		await signOut();
		await assert.rejects(getUser(last), revoked);
	});

	it('ends the session when the administrator ended it', async () => {
		const username = await newUser(up);
		await enter(username);
		await admin.send(new AdminUserGlobalSignOutCommand({ UserPoolId: up.user_pool_id, Username: username }));
		const session = await fetchAuthSession({ forceRefresh: true });
		assert.equal(session.tokens, undefined);
		await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
	});
});

describe('Amplify: signing out', () => {
	it('revokes the refresh token, and with it the access token', async () => {
		const username = await newUser(up);
		const { accessToken } = await enter(username);
		const stored = (await cognitoUserPoolsTokenProvider.authTokenStore.loadTokens()).refreshToken;
		wire.clear();
		await signOut();
		assert.deepEqual(wire.operations(), ['RevokeToken']);
		assert.equal(wire.calls[0].status, 200);
		assert.deepEqual(wire.calls[0].request, { ClientId: up.client_id, Token: stored });
		await assert.rejects(getUser(accessToken), revoked);
		assert.equal((await fetchAuthSession()).tokens, undefined);
	});

	it('ends all sessions, asked to do so', async () => {
		const username = await newUser(up);
		const elsewhere = (await enter(username)).accessToken;
		await cognitoUserPoolsTokenProvider.authTokenStore.clearTokens(); // as on another device
		const { accessToken } = await enter(username);
		wire.clear();
		await signOut({ global: true });
		assert.deepEqual(wire.operations(), ['GlobalSignOut']);
		assert.equal(wire.calls[0].status, 200);
		for (const token of [elsewhere, accessToken]) await assert.rejects(getUser(token), revoked);
		assert.equal(payload((await enter(username)).accessToken.toString()).username, username);
	});
});
