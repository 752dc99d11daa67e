// cognito-srp-helper with the AWS SDK: SRP by hand, as backends sign people in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
	CognitoIdentityProviderClient, CreateUserPoolClientCommand, CreateUserPoolCommand, AdminCreateUserCommand, AdminSetUserPasswordCommand,
	InitiateAuthCommand, NotAuthorizedException, RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { createPasswordHash, createSecretHash, createSrpSession, signSrpSession, wrapAuthChallenge, wrapInitiateAuth } from 'cognito-srp-helper';
import { administrator, incorrect, newUser, password, payload, start } from './service.js';

let up, admin, sdk, username;

before(async () => {
	up = await start();
	admin = administrator(up);
	sdk = new CognitoIdentityProviderClient({ endpoint: up.endpoint, region: up.region });
	username = await newUser(up);
});

after(async () => {
	admin?.destroy();
	sdk?.destroy();
	await up?.stop();
});

// signIn is the helper's own example. name is what the person types.
async function signIn({ name, pass = password, pool = up.user_pool_id, client = { id: up.client_id }, hashed = false }) {
	const secret = client.secret && { SECRET_HASH: createSecretHash(name, client.id, client.secret) };
	const session = createSrpSession(name, hashed ? createPasswordHash(name, pass, pool) : pass, pool, hashed);
	const challenge = await sdk.send(new InitiateAuthCommand(wrapInitiateAuth(session, {
		ClientId: client.id, AuthFlow: 'USER_SRP_AUTH', AuthParameters: { CHALLENGE_NAME: 'SRP_A', USERNAME: name, ...secret },
	})));
	assert.equal(challenge.ChallengeName, 'PASSWORD_VERIFIER');
	const { AuthenticationResult } = await sdk.send(new RespondToAuthChallengeCommand(wrapAuthChallenge(signSrpSession(session, challenge), {
		ClientId: client.id, ChallengeName: 'PASSWORD_VERIFIER', ChallengeResponses: { USERNAME: name, ...secret }, Session: challenge.Session,
	})));
	return payload(AuthenticationResult.AccessToken);
}

const refused = (promise) => assert.rejects(promise, (error) => error instanceof NotAuthorizedException && error.message === incorrect);

describe('cognito-srp-helper', () => {
	it('signs in by name, twenty times in a row', async () => {
		for (let i = 0; i < 20; i++) assert.equal((await signIn({ name: username })).username, username);
	});

	it('signs in by e-mail address', async () => {
		assert.equal((await signIn({ name: `${username}@example.com` })).username, username);
	});

	it('signs in at a client with a secret', async () => {
		const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({
			UserPoolId: up.user_pool_id, ClientName: 'backend', GenerateSecret: true, ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'],
		}));
		const client = { id: UserPoolClient.ClientId, secret: UserPoolClient.ClientSecret };
		assert.equal((await signIn({ name: username, client })).client_id, client.id);
		await assert.rejects(signIn({ name: username, client: { ...client, secret: 'another' } }), NotAuthorizedException);
	});

	it('is refused with a wrong password, and for nobody', async () => {
		await refused(signIn({ name: username, pass: 'wrong' }));
		await refused(signIn({ name: 'nobody' }));
	});

	// See docs/cognito-divergences.md on pools with aliases.
	it('signs in with a hash made before only where the pool has no aliases', async () => {
		await refused(signIn({ name: username, hashed: true }));
		const { UserPool } = await admin.send(new CreateUserPoolCommand({ PoolName: 'plain' }));
		const pool = UserPool.Id;
		const { UserPoolClient } = await admin.send(new CreateUserPoolClientCommand({ UserPoolId: pool, ClientName: 'plain' }));
		await admin.send(new AdminCreateUserCommand({ UserPoolId: pool, Username: 'ann', MessageAction: 'SUPPRESS' }));
		await admin.send(new AdminSetUserPasswordCommand({ UserPoolId: pool, Username: 'ann', Password: password, Permanent: true }));
		const client = { id: UserPoolClient.ClientId };
		assert.equal((await signIn({ name: 'ann', pool, client, hashed: true })).username, 'ann');
	});
});
