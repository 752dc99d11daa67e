// The AWS SDK for JavaScript v3: public calls unsigned, administrative ones
// really signed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
	AdminAddUserToGroupCommand,
	AdminCreateUserCommand,
	AdminDeleteUserCommand,
	AdminGetUserCommand,
	AdminInitiateAuthCommand,
	AdminUpdateUserAttributesCommand,
	CognitoIdentityProviderClient,
	CreateGroupCommand,
	CreateUserPoolCommand,
	DeleteUserPoolCommand,
	DescribeUserPoolClientCommand,
	GetTokensFromRefreshTokenCommand,
	GetUserCommand,
	InitiateAuthCommand,
	ListUsersCommand,
	NotAuthorizedException,
	RespondToAuthChallengeCommand,
	RevokeTokenCommand,
	UserNotFoundException,
	UsernameExistsException,
	paginateListUsers,
} from '@aws-sdk/client-cognito-identity-provider';
import { administrator, incorrect, newUser, password, payload, start, temporary } from './service.js';

let up, admin, open;

before(async () => {
	up = await start();
	admin = administrator(up);
	// No credentials: whatever is asked for them says so.
	open = new CognitoIdentityProviderClient({
		endpoint: up.endpoint, region: up.region,
		credentials: () => { throw new Error('a public operation asks for credentials'); },
	});
});

after(async () => {
	admin?.destroy();
	open?.destroy();
	await up?.stop();
});

const passwordAuth = (USERNAME, PASSWORD) => new InitiateAuthCommand({
	AuthFlow: 'USER_PASSWORD_AUTH', ClientId: up.client_id, AuthParameters: { USERNAME, PASSWORD },
});
const refreshAuth = (REFRESH_TOKEN) => new InitiateAuthCommand({
	AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId: up.client_id, AuthParameters: { REFRESH_TOKEN },
});
const signIn = async (username) => (await open.send(passwordAuth(username, password))).AuthenticationResult;

// refused asks for an error class with a text.
async function refused(promise, type, message) {
	await assert.rejects(promise, (error) => {
		assert.ok(error instanceof type, `${error.name}: ${error.message}`);
		assert.equal(error.message, message);
		assert.equal(error.$metadata.httpStatusCode, 400);
		assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
		return true;
	});
}

describe('AWS SDK for JavaScript: sessions', () => {
	it('signs in and refreshes both ways', async () => {
		const first = await signIn(await newUser(up));
		assert.equal(first.TokenType, 'Bearer');
		assert.equal(first.ExpiresIn, 3600);
		const both = [
			await open.send(refreshAuth(first.RefreshToken)),
			await open.send(new GetTokensFromRefreshTokenCommand({ ClientId: up.client_id, RefreshToken: first.RefreshToken })),
		];
		for (const { AuthenticationResult } of both) {
			assert.equal(AuthenticationResult.RefreshToken, undefined);
			assert.notEqual(AuthenticationResult.AccessToken, first.AccessToken);
			for (const kept of ['auth_time', 'origin_jti', 'sub', 'username']) {
				assert.equal(payload(AuthenticationResult.AccessToken)[kept], payload(first.AccessToken)[kept], kept);
			}
		}
	});

	it('revokes', async () => {
		const { AccessToken, RefreshToken } = await signIn(await newUser(up));
		await open.send(new RevokeTokenCommand({ ClientId: up.client_id, Token: RefreshToken }));
		await refused(open.send(new GetUserCommand({ AccessToken })), NotAuthorizedException, 'Access Token has been revoked');
		await refused(open.send(refreshAuth(RefreshToken)), NotAuthorizedException, 'Refresh Token has been revoked');
	});

	it('answers NEW_PASSWORD_REQUIRED', async () => {
		const username = await newUser(up, { permanent: false });
		const { ChallengeName, Session, ChallengeParameters } = await open.send(passwordAuth(username, temporary));
		assert.equal(ChallengeName, 'NEW_PASSWORD_REQUIRED');
		assert.deepEqual(JSON.parse(ChallengeParameters.requiredAttributes), []);
		const { AuthenticationResult } = await open.send(new RespondToAuthChallengeCommand({
			ClientId: up.client_id, ChallengeName, Session, ChallengeResponses: { USERNAME: username, NEW_PASSWORD: password },
		}));
		assert.equal(payload(AuthenticationResult.IdToken)['cognito:username'], username);
	});

	it('is refused with classes it knows', async () => {
		const username = await newUser(up);
		await refused(open.send(passwordAuth(username, 'Wrong-Horse-9')), NotAuthorizedException, incorrect);
		await refused(open.send(refreshAuth('no-token')), NotAuthorizedException, 'Invalid Refresh Token.');
		await refused(open.send(new GetUserCommand({ AccessToken: 'a.b.c' })), NotAuthorizedException, 'Invalid Access Token');
	});
});

describe('AWS SDK for JavaScript: administration', () => {
	it('makes, changes, finds and deletes a user', async () => {
		const Username = await newUser(up);
		const user = { UserPoolId: up.user_pool_id, Username };
		await refused(admin.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' })), UsernameExistsException, 'User account already exists');
		await admin.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: [{ Name: 'given_name', Value: 'Zoë "Z" \\ 你好' }] }));
		const got = await admin.send(new AdminGetUserCommand(user));
		assert.equal(got.UserAttributes.find(({ Name }) => Name === 'given_name').Value, 'Zoë "Z" \\ 你好');
		assert.ok(got.UserCreateDate instanceof Date && Math.abs(Date.now() - got.UserCreateDate) < 600_000, String(got.UserCreateDate));
		const { Users } = await admin.send(new ListUsersCommand({ UserPoolId: up.user_pool_id, Filter: `username = "${Username}"` }));
		assert.deepEqual(Users.map((found) => found.Username), [Username]);
		await admin.send(new AdminDeleteUserCommand(user));
		await refused(admin.send(new AdminGetUserCommand(user)), UserNotFoundException, 'User does not exist.');
	});

	it('pages through a pool of its own', async () => {
		const { UserPool } = await admin.send(new CreateUserPoolCommand({ PoolName: 'pages' }));
		const names = Array.from({ length: 5 }, (_, i) => `page${i}`);
		for (const Username of names) await admin.send(new AdminCreateUserCommand({ UserPoolId: UserPool.Id, Username, MessageAction: 'SUPPRESS' }));
		const found = [];
		for await (const page of paginateListUsers({ client: admin, pageSize: 2 }, { UserPoolId: UserPool.Id })) {
			assert.ok(page.Users.length <= 2);
			found.push(...page.Users.map(({ Username }) => Username));
		}
		assert.deepEqual(found.sort(), names);
		await admin.send(new DeleteUserPoolCommand({ UserPoolId: UserPool.Id }));
	});

	it('signs in for a user, whose groups are in the tokens', async () => {
		const Username = await newUser(up);
		const pool = { UserPoolId: up.user_pool_id };
		await admin.send(new CreateGroupCommand({ ...pool, GroupName: 'from-js' }));
		await admin.send(new AdminAddUserToGroupCommand({ ...pool, GroupName: 'from-js', Username }));
		const { AuthenticationResult } = await admin.send(new AdminInitiateAuthCommand({
			...pool, ClientId: up.client_id, AuthFlow: 'ADMIN_USER_PASSWORD_AUTH', AuthParameters: { USERNAME: Username, PASSWORD: password },
		}));
		assert.deepEqual(payload(AuthenticationResult.AccessToken)['cognito:groups'], ['from-js']);
	});

	it('describes the app client', async () => {
		const { UserPoolClient } = await admin.send(new DescribeUserPoolClientCommand({ UserPoolId: up.user_pool_id, ClientId: up.client_id }));
		assert.equal(UserPoolClient.ClientSecret, undefined);
		assert.ok(UserPoolClient.ExplicitAuthFlows.includes('ALLOW_USER_SRP_AUTH'));
		assert.equal(UserPoolClient.PreventUserExistenceErrors, 'ENABLED');
	});

	it('is not let in with a wrong secret', async () => {
		const thief = new CognitoIdentityProviderClient({
			endpoint: up.endpoint, region: up.region, credentials: { accessKeyId: up.access_key_id, secretAccessKey: 'not-the-secret' },
		});
		await assert.rejects(thief.send(new ListUsersCommand({ UserPoolId: up.user_pool_id })), { name: 'InvalidSignatureException' });
		thief.destroy();
	});
});
