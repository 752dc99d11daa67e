// @aws-sdk/credential-providers: AWS credentials of an identity pool, as programs on the
// AWS SDK take them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { fromCognitoIdentity, fromCognitoIdentityPool } from '@aws-sdk/credential-providers';
import { administrator, newUser, password, start } from './service.js';

let up, clientConfig;

before(async () => {
	up = await start();
	clientConfig = { endpoint: up.endpoint, region: up.region };
});

after(() => up?.stop());

// cache is where the SDK keeps identity ids; each user has one.
function cache() {
	const items = new Map();
	return {
		items,
		getItem: async (key) => items.get(key) ?? null,
		setItem: async (key, value) => items.set(key, value),
		removeItem: async (key) => items.delete(key),
	};
}

async function idToken(username) {
	const sdk = administrator(up);
	const { AuthenticationResult } = await sdk.send(new InitiateAuthCommand({
		ClientId: up.client_id, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: username, PASSWORD: password },
	}));
	sdk.destroy();
	return AuthenticationResult.IdToken;
}

function check(credentials) {
	assert.match(credentials.accessKeyId, /^ASIA/);
	assert.ok(credentials.secretAccessKey && credentials.sessionToken);
	assert.match(credentials.identityId, /^us-east-1:[0-9a-f-]{36}$/);
	const left = credentials.expiration - Date.now();
	assert.ok(left > 50 * 60_000 && left <= 60 * 60_000, `${left} ms left`);
}

describe('fromCognitoIdentityPool', () => {
	it('gives credentials to guests, and keeps their identity', async () => {
		const kept = cache();
		const provide = () => fromCognitoIdentityPool({ identityPoolId: up.identity_pool_id, clientConfig, cache: kept })();
		const first = await provide();
		check(first);
		const again = await provide();
		check(again);
		assert.equal(again.identityId, first.identityId);
		assert.notEqual(again.accessKeyId, first.accessKeyId);
		assert.equal(kept.items.size, 1);
	});

	it('gives credentials to users, by a token that is asked for each time', async () => {
		const username = await newUser(up);
		let asked = 0;
		const provide = fromCognitoIdentityPool({
			identityPoolId: up.identity_pool_id, clientConfig, cache: cache(), userIdentifier: username,
			logins: { [`cognito-idp.${up.region}.amazonaws.com/${up.user_pool_id}`]: async () => {
				asked++;
				return idToken(username);
			} },
		});
		const first = await provide();
		check(first);
		const again = await provide();
		check(again);
		assert.equal(again.identityId, first.identityId);
		assert.ok(asked >= 2, `the token was asked for ${asked} times`);
	});

	it('is refused with a token that is none', async () => {
		const provide = fromCognitoIdentityPool({
			identityPoolId: up.identity_pool_id, clientConfig, cache: cache(),
			logins: { [`cognito-idp.${up.region}.amazonaws.com/${up.user_pool_id}`]: 'no token' },
		});
		await assert.rejects(provide(), { name: 'NotAuthorizedException' });
	});
});

describe('fromCognitoIdentity', () => {
	it('gives credentials of an identity that is known', async () => {
		const { identityId } = await fromCognitoIdentityPool({ identityPoolId: up.identity_pool_id, clientConfig, cache: cache() })();
		const credentials = await fromCognitoIdentity({ identityId, clientConfig })();
		check(credentials);
		assert.equal(credentials.identityId, identityId);
	});
});
