// Relying parties that nobody here wrote: openid-client, and oauth4webapi below it.
// They take everything from discovery, and check what they are told: state, iss,
// nonce, the ID token and its signature, the shapes of answers and of errors.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateResourceServerCommand, CreateUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as rp from 'openid-client';
import { browser } from './browser.js';
import { administrator, newUser, password, start } from './service.js';

const callback = 'https://app.example.com/callback';
const bye = 'https://app.example.com/bye';
const api = 'https://api.example.com';

let up, sdk, username, app, desk, turning, robot;

before(async () => {
	up = await start();
	sdk = administrator(up);
	username = await newUser(up);
	await sdk.send(new CreateResourceServerCommand({
		UserPoolId: up.user_pool_id, Identifier: api, Name: 'notes',
		Scopes: [{ ScopeName: 'read', ScopeDescription: 'read notes' }, { ScopeName: 'write', ScopeDescription: 'write notes' }],
	}));
	const people = { AllowedOAuthFlows: ['code'], AllowedOAuthScopes: ['openid', 'email', `${api}/read`], CallbackURLs: [callback], LogoutURLs: [bye] };
	app = await newClient({ ...people, GenerateSecret: true });
	desk = await newClient(people);
	turning = await newClient({ ...people, RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 } });
	robot = await newClient({ GenerateSecret: true, AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: [`${api}/read`, `${api}/write`] });
});

after(async () => {
	sdk?.destroy();
	await up?.stop();
});

async function newClient(settings) {
	const { UserPoolClient } = await sdk.send(new CreateUserPoolClientCommand({
		UserPoolId: up.user_pool_id, ClientName: 'relying party', AllowedOAuthFlowsUserPoolClient: true, SupportedIdentityProviders: ['COGNITO'], ...settings,
	}));
	return { id: UserPoolClient.ClientId, secret: UserPoolClient.ClientSecret };
}

// enter goes through the sign-in pages and gives the address that the application is
// called at.
const enter = (address, { visit } = browser()) => visit(address, callback, () => ({ username, password }));

describe('openid-client', () => {
	const found = (client, way, metadata) => rp.discovery(new URL(up.issuer), client.id, metadata, way, {
		execute: [rp.allowInsecureRequests, rp.enableNonRepudiationChecks],
	});

	// begin is a sign-in up to the callback: its address, and what it is checked with.
	async function begin(config, more = {}, browsing = browser()) {
		const checks = {
			pkceCodeVerifier: rp.randomPKCECodeVerifier(), expectedState: rp.randomState(), expectedNonce: rp.randomNonce(),
			maxAge: 300, idTokenExpected: true,
		};
		const address = rp.buildAuthorizationUrl(config, {
			redirect_uri: callback, scope: `openid email ${api}/read`, state: checks.expectedState, nonce: checks.expectedNonce,
			code_challenge: await rp.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
		});
		return { back: await enter(address.href, browsing), checks };
	}

	async function signIn(config, browsing) {
		const { back, checks } = await begin(config, {}, browsing);
		return rp.authorizationCodeGrant(config, back, checks);
	}

	const refused = (error, status = 400) => (e) => {
		assert.ok(e instanceof rp.ResponseBodyError, e);
		assert.deepEqual([e.error, e.status], [error, status]);
		return true;
	};
	const challenged = (scheme, error) => (e) => {
		assert.ok(e instanceof rp.WWWAuthenticateChallengeError, e);
		assert.deepEqual([e.status, e.cause[0].scheme, e.cause[0].parameters.error], [401, scheme, error]);
		return true;
	};

	for (const [name, client, way] of [
		['its secret in the header', () => app, () => rp.ClientSecretBasic(app.secret)],
		['its secret in the body', () => app, () => rp.ClientSecretPost(app.secret)],
		['no secret', () => desk, () => rp.None()],
	]) {
		it(`signs in, asks, refreshes and revokes with ${name}`, async () => {
			const config = await found(client(), way());
			assert.equal(config.serverMetadata().supportsPKCE(), true);
			const tokens = await signIn(config);
			const claims = tokens.claims();
			assert.deepEqual([claims.iss, claims.aud, claims['cognito:username']], [up.issuer, client().id, username]);
			assert.equal(tokens.scope, `openid email ${api}/read`);
			const info = await rp.fetchUserInfo(config, tokens.access_token, claims.sub);
			assert.deepEqual([info.sub, info.email, info.username], [claims.sub, `${username}@example.com`, username]);

			const fresh = await rp.refreshTokenGrant(config, tokens.refresh_token);
			assert.equal(fresh.claims().sub, claims.sub);
			assert.equal(fresh.claims().auth_time, claims.auth_time);
			assert.notEqual(fresh.access_token, tokens.access_token);
			const less = await rp.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid' });
			assert.equal(less.scope, 'openid');

			await rp.tokenRevocation(config, tokens.refresh_token);
			await assert.rejects(rp.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'));
			for (const { access_token } of [tokens, fresh, less]) {
				await assert.rejects(rp.fetchUserInfo(config, access_token, claims.sub), challenged('bearer', 'invalid_token'));
			}
			await rp.tokenRevocation(config, tokens.refresh_token); // RFC 7009: done is done
		});
	}

	it('believes only the issuer that it asked', async () => {
		const config = await found(desk, rp.None());
		const { back, checks } = await begin(config);
		assert.equal(back.searchParams.get('iss'), up.issuer);
		const foreign = new URL(back);
		foreign.searchParams.set('iss', 'https://elsewhere.example.com');
		await assert.rejects(rp.authorizationCodeGrant(config, foreign, checks), { code: 'OAUTH_INVALID_RESPONSE' });
		// Without it: discovery promises it.
		foreign.searchParams.delete('iss');
		await assert.rejects(rp.authorizationCodeGrant(config, foreign, checks), { code: 'OAUTH_INVALID_RESPONSE' });
		await rp.authorizationCodeGrant(config, back, checks);
	});

	it('is refused with a wrong code, verifier or redirect URI, which cost nothing', async () => {
		const config = await found(desk, rp.None());
		const { back, checks } = await begin(config);
		const bent = new URL(back);
		const code = back.searchParams.get('code');
		bent.searchParams.set('code', code.slice(0, -4) + (code.endsWith('AAAA') ? 'BBBB' : 'AAAA'));
		await assert.rejects(rp.authorizationCodeGrant(config, bent, checks), refused('invalid_grant'));
		const other = { ...checks, pkceCodeVerifier: rp.randomPKCECodeVerifier() };
		await assert.rejects(rp.authorizationCodeGrant(config, back, other), refused('invalid_grant'));
		const elsewhere = new URL(back.search, 'https://app.example.com/elsewhere');
		await assert.rejects(rp.authorizationCodeGrant(config, elsewhere, checks), refused('invalid_grant'));
		const foreign = await found(turning, rp.None());
		await assert.rejects(rp.authorizationCodeGrant(foreign, back, checks), refused('invalid_grant'));
		await rp.authorizationCodeGrant(config, back, checks);
	});

	it('loses the session of a code that is used twice', async () => {
		const config = await found(app, rp.ClientSecretPost(app.secret));
		const { back, checks } = await begin(config);
		const tokens = await rp.authorizationCodeGrant(config, back, checks);
		await rp.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
		await assert.rejects(rp.authorizationCodeGrant(config, back, checks), refused('invalid_grant'));
		await assert.rejects(rp.refreshTokenGrant(config, tokens.refresh_token), refused('invalid_grant'));
		await assert.rejects(rp.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), challenged('bearer', 'invalid_token'));
	});

	it('is refused with a wrong secret, and without one', async () => {
		const { back, checks } = await begin(await found(app, rp.ClientSecretBasic(app.secret)));
		await assert.rejects(rp.authorizationCodeGrant(await found(app, rp.ClientSecretBasic('wrong')), back, checks), challenged('basic'));
		await assert.rejects(rp.authorizationCodeGrant(await found(app, rp.ClientSecretPost('wrong')), back, checks), refused('invalid_client'));
		await assert.rejects(rp.authorizationCodeGrant(await found(app, rp.None()), back, checks), refused('invalid_client'));
		await assert.rejects(rp.tokenRevocation(await found(app, rp.ClientSecretPost('wrong')), 'any'), refused('invalid_client', 401));
	});

	it('hears of what the person sees nothing of', async () => {
		const config = await found(desk, rp.None());
		const gone = async (error, more) => {
			const { back, checks } = await begin(config, more);
			await assert.rejects(rp.authorizationCodeGrant(config, back, checks), (e) => {
				assert.ok(e instanceof rp.AuthorizationResponseError, e);
				return e.error === error;
			});
		};
		await gone('login_required', { prompt: 'none' });
		await gone('invalid_request', { code_challenge_method: 'plain' });
		await gone('invalid_scope', { scope: 'nothing of ours' });
		await gone('unsupported_response_type', { response_type: 'id_token' });
	});

	it('signs out at the browser, and comes back with its state', async () => {
		const config = await found(app, rp.ClientSecretPost(app.secret));
		const browsing = browser();
		const tokens = await signIn(config, browsing);
		const silently = () => begin(config, { prompt: 'none' }, browsing);
		assert.ok((await silently()).back.searchParams.has('code'));
		const out = (more) => rp.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, ...more }).href;
		const foreign = await browsing.ask(out({ post_logout_redirect_uri: 'https://elsewhere.example.com/' }));
		assert.equal(foreign.status, 400);
		assert.ok((await silently()).back.searchParams.has('code'));
		const back = await browsing.visit(out({ post_logout_redirect_uri: bye, state: 'a b' }), bye);
		assert.equal(back.href, `${bye}?state=a+b`);
		assert.equal((await silently()).back.searchParams.get('error'), 'login_required');
		// As at Cognito, the tokens go on until they are revoked.
		await rp.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
	});

	it('signs out by the name that Cognito has for it', async () => {
		const config = await found(app, rp.ClientSecretPost(app.secret));
		const browsing = browser();
		await signIn(config, browsing);
		assert.equal((await browsing.visit(rp.buildEndSessionUrl(config, { logout_uri: bye }).href, bye)).href, bye);
		assert.equal((await begin(config, { prompt: 'none' }, browsing)).back.searchParams.get('error'), 'login_required');
	});

	it('gets a token of its own', async () => {
		const config = await found(robot, rp.ClientSecretBasic(robot.secret));
		const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri), { timeoutDuration: 60_000 });
		for (const [scope, granted] of [[`${api}/read`, `${api}/read`], [undefined, `${api}/read ${api}/write`]]) {
			const tokens = await rp.clientCredentialsGrant(config, scope && { scope });
			assert.deepEqual([tokens.scope, tokens.refresh_token, tokens.id_token], [granted, undefined, undefined]);
			const { payload } = await jwtVerify(tokens.access_token, keys, { issuer: up.issuer, algorithms: ['RS256'] });
			assert.deepEqual([payload.client_id, payload.sub, payload.token_use, payload.scope], [robot.id, robot.id, 'access', granted]);
			assert.equal(payload.username, undefined);
		}
		await assert.rejects(rp.clientCredentialsGrant(config, { scope: `${api}/delete` }), refused('invalid_scope'));
		await assert.rejects(rp.clientCredentialsGrant(config, { scope: 'openid' }), refused('invalid_scope'));
		await assert.rejects(rp.clientCredentialsGrant(await found(app, rp.ClientSecretPost(app.secret))), refused('unauthorized_client'));
		await assert.rejects(rp.clientCredentialsGrant(await found(robot, rp.ClientSecretBasic('wrong'))), challenged('basic'));
	});
});

describe('oauth4webapi', () => {
	const insecure = { [oauth.allowInsecureRequests]: true };
	let as;

	before(async () => {
		const issuer = new URL(up.issuer);
		as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
	});

	async function signIn(client, way) {
		const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
		const address = new URL(as.authorization_endpoint);
		address.search = new URLSearchParams({
			client_id: client.client_id, redirect_uri: callback, response_type: 'code', scope: 'openid email', state, nonce,
			code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
		});
		const back = oauth.validateAuthResponse(as, client, await enter(address.href), state);
		const answer = await oauth.authorizationCodeGrantRequest(as, client, way, back, callback, verifier, insecure);
		const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true });
		await oauth.validateApplicationLevelSignature(as, answer, insecure);
		return tokens;
	}

	const refresh = async (client, way, token) => oauth.processRefreshTokenResponse(
		as, client, await oauth.refreshTokenGrantRequest(as, client, way, token, insecure),
	);

	it('signs in, asks, refreshes and revokes', async () => {
		const client = { client_id: app.id };
		const way = oauth.ClientSecretBasic(app.secret);
		const tokens = await signIn(client, way);
		const { sub } = oauth.getValidatedIdTokenClaims(tokens);
		const info = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, insecure));
		assert.equal(info.email, `${username}@example.com`);
		const fresh = await refresh(client, way, tokens.refresh_token);
		assert.equal(oauth.getValidatedIdTokenClaims(fresh).sub, sub);
		assert.equal(fresh.refresh_token, undefined);
		await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, way, tokens.refresh_token, insecure));
		await assert.rejects(refresh(client, way, tokens.refresh_token), { error: 'invalid_grant', status: 400 });
	});

	it('turns refresh tokens over, and loses the session when an old one comes back', async () => {
		const client = { client_id: turning.id };
		const first = await signIn(client, oauth.None());
		const second = await refresh(client, oauth.None(), first.refresh_token);
		const third = await refresh(client, oauth.None(), second.refresh_token);
		assert.equal(new Set([first, second, third].map((tokens) => tokens.refresh_token)).size, 3);
		await assert.rejects(refresh(client, oauth.None(), first.refresh_token), { error: 'invalid_grant' });
		await assert.rejects(refresh(client, oauth.None(), third.refresh_token), { error: 'invalid_grant' });
	});

	it('gets a token of its own', async () => {
		const client = { client_id: robot.id };
		const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost(robot.secret), { scope: `${api}/write` }, insecure);
		const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
		assert.deepEqual([tokens.scope, tokens.token_type, tokens.expires_in], [`${api}/write`, 'bearer', 3600]);
	});
});
