// aws-jwt-verify on our tokens and keys. CognitoJwtVerifier accepts no issuer
// but AWS's own, so JwtRsaVerifier is given ours, with the checks that the
// other one has built in.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { JwtRsaVerifier } from 'aws-jwt-verify';
import { JwtInvalidAudienceError, JwtInvalidIssuerError, JwtInvalidSignatureError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { payload, start } from './service.js';

let up, tokens, fetches;

before(async () => {
	up = await start();
	const sdk = new CognitoIdentityProviderClient({ endpoint: up.endpoint, region: up.region });
	tokens = (await sdk.send(new InitiateAuthCommand({
		AuthFlow: 'USER_PASSWORD_AUTH', ClientId: up.client_id, AuthParameters: { USERNAME: up.username, PASSWORD: up.password },
	}))).AuthenticationResult;
	sdk.destroy();
});

after(() => up?.stop());

// The library's own fetcher speaks https only.
const fetcher = {
	async fetch(uri) {
		fetches++;
		const response = await fetch(uri);
		assert.equal(response.status, 200);
		return response.arrayBuffer();
	},
};

const use = (wanted) => (token) => assert.equal(token.payload.token_use, wanted);

function verifier(options) {
	fetches = 0;
	return JwtRsaVerifier.create({ issuer: up.issuer, ...options }, { jwksCache: new SimpleJwksCache({ fetcher }) });
}

describe('aws-jwt-verify', () => {
	it('accepts the ID token', async () => {
		const claims = await verifier({ audience: up.client_id, customJwtCheck: use('id') }).verify(tokens.IdToken);
		assert.equal(claims['cognito:username'], up.username);
		assert.equal(claims.email_verified, true);
	});

	it('accepts the access token, and fetches the keys once', async () => {
		const verify = verifier({ audience: null, customJwtCheck: use('access') });
		for (let i = 0; i < 3; i++) {
			assert.equal((await verify.verify(tokens.AccessToken)).client_id, up.client_id);
		}
		assert.equal(fetches, 1);
	});

	it('verifies with keys that it was given', async () => {
		const jwks = await (await fetch(`${up.issuer}/.well-known/jwks.json`)).json();
		const verify = JwtRsaVerifier.create({ issuer: up.issuer, audience: up.client_id });
		verify.cacheJwks(jwks);
		assert.equal(verify.verifySync(tokens.IdToken).aud, up.client_id);
	});

	it('fetches the keys over https, given the CA file', () => {
		const script = `
			import { JwtRsaVerifier } from 'aws-jwt-verify';
			import { SimpleFetcher } from 'aws-jwt-verify/https';
			import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
			const [issuer, audience, jwksUri] = process.argv.slice(1);
			const token = await new Response(process.stdin).text();
			// The library's own fetcher, which has a second and a half for a machine that may be busy.
			const fetcher = new SimpleFetcher({ defaultRequestOptions: { timeout: 60_000, responseTimeout: 60_000 } });
			const jwksCache = new SimpleJwksCache({ fetcher });
			console.log((await JwtRsaVerifier.create({ issuer, audience, jwksUri }, { jwksCache }).verify(token)).sub);`;
		const verify = (env) => execFileSync(process.execPath, [
			'--input-type=module', '--eval', script, up.issuer, up.client_id, `${up.https_endpoint}/${up.user_pool_id}/.well-known/jwks.json`,
		], { cwd: import.meta.dirname, input: tokens.IdToken, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });
		assert.equal(verify({ NODE_EXTRA_CA_CERTS: up.ca_file }).trim(), payload(tokens.IdToken).sub);
		assert.throws(() => verify({ NODE_EXTRA_CA_CERTS: '' }), /unable to verify|self.signed/i);
	});

	it('refuses what is not ours, or not for us', async () => {
		const [header, , signature] = tokens.IdToken.split('.');
		const claims = { ...payload(tokens.IdToken), email: 'eve@example.com' };
		const forged = Buffer.from(JSON.stringify(claims)).toString('base64url');
		await assert.rejects(verifier({ audience: up.client_id }).verify([header, forged, signature].join('.')), JwtInvalidSignatureError);
		await assert.rejects(verifier({ audience: 'another' }).verify(tokens.IdToken), JwtInvalidAudienceError);
		await assert.rejects(verifier({ audience: null, issuer: `${up.issuer}x`, jwksUri: `${up.issuer}/.well-known/jwks.json` }).verify(tokens.IdToken), JwtInvalidIssuerError);
		await assert.rejects(verifier({ audience: up.client_id, customJwtCheck: use('access') }).verify(tokens.IdToken), assert.AssertionError);
	});
});
