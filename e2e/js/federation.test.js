// Signing in at another provider: oidc-provider, which nobody here wrote, is where the
// users of a pool sign in.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
	AdminGetUserCommand,
	AdminLinkProviderForUserCommand,
	CreateIdentityProviderCommand,
	CreateUserPoolClientCommand,
	GetTokensFromRefreshTokenCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { Provider } from 'oidc-provider';
import { browser } from './browser.js';
import { administrator, listen, newUser, payload, start } from './service.js';

const callback = 'https://app.example.com/callback';

let up, idp, sdk, client;

before(async () => {
	up = await start();
	sdk = administrator(up);
	idp = await provider(`${up.endpoint}/${up.user_pool_id}/oauth2/idpresponse/Corp`);
	await sdk.send(new CreateIdentityProviderCommand({
		UserPoolId: up.user_pool_id, ProviderName: 'Corp', ProviderType: 'OIDC',
		ProviderDetails: {
			client_id: 'latchkey', client_secret: 'a secret of the provider', attributes_request_method: 'GET',
			oidc_issuer: idp.issuer, authorize_scopes: 'openid email profile',
		},
		AttributeMapping: { email: 'email', email_verified: 'email_verified', name: 'name' },
	}));
	const made = await sdk.send(new CreateUserPoolClientCommand({
		UserPoolId: up.user_pool_id, ClientName: 'federated', SupportedIdentityProviders: ['COGNITO', 'Corp'],
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: ['code'], AllowedOAuthScopes: ['openid', 'email', 'profile'],
		CallbackURLs: [callback],
	}));
	client = made.UserPoolClient.ClientId;
});

after(async () => {
	await idp?.stop();
	sdk?.destroy();
	await up?.stop();
});

// provider runs oidc-provider with its own development pages, where any name signs in.
async function provider(redirect) {
	const server = createServer((request, response) => handle(request, response));
	await listen(server);
	const issuer = `http://127.0.0.1:${server.address().port}`;
	const oidc = new Provider(issuer, {
		clients: [{ client_id: 'latchkey', client_secret: 'a secret of the provider', redirect_uris: [redirect] }],
		claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
		cookies: { keys: [randomBytes(16).toString('hex')] },
		findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@corp.example`, email_verified: true, name: `${id} <b>` }) }),
	});
	const handle = oidc.callback();
	return { issuer, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

// at fills in the pages of oidc-provider.
const at = (login) => (page) => page.includes('value="login"') ? { prompt: 'login', login, password: 'any' } : { prompt: 'consent' };

async function signIn(login) {
	const verifier = randomBytes(32).toString('base64url');
	const query = new URLSearchParams({
		client_id: client, redirect_uri: callback, response_type: 'code', scope: 'openid email profile', state: 's-1', nonce: 'n-1',
		identity_provider: 'Corp', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
	});
	const { searchParams: back } = await browser().visit(`${up.issuer}/oauth2/authorize?${query}`, callback, at(login));
	assert.equal(back.get('state'), 's-1');
	assert.ok(back.get('code'), back.toString());
	const answer = await fetch(`${up.issuer}/oauth2/token`, {
		method: 'POST',
		body: new URLSearchParams({ grant_type: 'authorization_code', client_id: client, redirect_uri: callback, code: back.get('code'), code_verifier: verifier }),
	});
	const tokens = await answer.json();
	assert.equal(answer.status, 200, JSON.stringify(tokens));
	return tokens;
}

describe('signing in at oidc-provider', () => {
	it('makes a user, with a session of our own', async () => {
		const tokens = await signIn('ann');
		const id = payload(tokens.id_token);
		assert.equal(id['cognito:username'], 'corp_ann'); // the pool does not tell case apart
		assert.equal(id.email, 'ann@corp.example');
		assert.equal(id.email_verified, true);
		assert.equal(id.nonce, 'n-1');
		assert.deepEqual(id['cognito:groups'], [`${up.user_pool_id}_Corp`]);
		assert.equal(id.identities[0].userId, 'ann');
		assert.equal(id.identities[0].providerName, 'Corp');
		const user = await sdk.send(new AdminGetUserCommand({ UserPoolId: up.user_pool_id, Username: 'Corp_ann' }));
		assert.equal(user.UserStatus, 'EXTERNAL_PROVIDER');
		assert.equal(user.UserAttributes.find(({ Name }) => Name === 'name').Value, 'ann <b>');
		const fresh = await sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId: client, RefreshToken: tokens.refresh_token }));
		assert.equal(payload(fresh.AuthenticationResult.IdToken).sub, id.sub);
	});

	it('is the same user the next time', async () => {
		const first = payload((await signIn('bob')).id_token);
		const second = payload((await signIn('bob')).id_token);
		assert.equal(second.sub, first.sub);
	});

	it('is the user whom an administrator linked', async () => {
		const Username = await newUser(up);
		await sdk.send(new AdminLinkProviderForUserCommand({
			UserPoolId: up.user_pool_id,
			DestinationUser: { ProviderName: 'Cognito', ProviderAttributeValue: Username },
			SourceUser: { ProviderName: 'Corp', ProviderAttributeName: 'Cognito_Subject', ProviderAttributeValue: 'carol' },
		}));
		const id = payload((await signIn('carol')).id_token);
		assert.equal(id['cognito:username'], Username);
		assert.equal(id.email, 'carol@corp.example');
	});
});
