// Our client's redirect sign-in at a provider that nobody here wrote: oidc-provider,
// set up to name what Cognito names (token_use, username) and to stand where
// Cognito's endpoints do. PKCE, the code, iss, the keys and the ID token are its own.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { generateKeyPair } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Provider from 'oidc-provider';
import { listen } from './service.js';

const clientId = 'latchkey-desk';
let server, issuer, home, redirector;
const requests = [];

before(async () => {
	home = mkdtempSync(join(tmpdir(), 'latchkey-e2e-'));
	redirector = join(home, 'redirector');
	execFileSync('go', ['build', '-o', redirector, './internal/redirector'], {
		cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' },
	});
	let handle;
	server = createServer((request, response) => {
		requests.push(request.url);
		handle(request, response);
	});
	await listen(server);
	issuer = `http://127.0.0.1:${server.address().port}`;
	handle = (await provider()).callback();
});

after(() => {
	server?.close();
	server?.closeAllConnections();
	rmSync(home, { recursive: true, force: true });
});

async function provider() {
	const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
	const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'one' };
	return new Provider(issuer, {
		jwks: { keys: [key] },
		cookies: { keys: ['for tests only'] },
		clients: [{
			client_id: clientId, application_type: 'native', token_endpoint_auth_method: 'none',
			redirect_uris: ['http://127.0.0.1/callback'], grant_types: ['authorization_code', 'refresh_token'],
		}],
		pkce: { required: () => true },
		routes: { authorization: '/oauth2/authorize', token: '/oauth2/token', jwks: '/.well-known/jwks.json' },
		claims: { openid: ['sub', 'token_use'] },
		conformIdTokenClaims: false,
		findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, token_use: 'id' }) }),
		extraTokenClaims: (_, token) => ({ token_use: 'access', username: token.accountId }),
		features: {
			resourceIndicators: {
				enabled: true,
				defaultResource: () => 'urn:example:api',
				useGrantedResource: () => true,
				getResourceServerInfo: () => ({ scope: 'read', audience: 'urn:example:api', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
			},
		},
	});
}

async function redirect(doing) {
	const { stdout } = await promisify(execFile)(redirector, [issuer, clientId, doing], { encoding: 'utf8' });
	return JSON.parse(stdout);
}

test('signs in: code, PKCE, iss, the keys, the ID token', async () => {
	const got = await redirect('sign-in');
	assert.equal(got.Error, '');
	assert.deepEqual([got.Kept, got.Username, got.UserID], [true, 'ann', 'ann']);
	assert.match(got.Page, /You can close this window/);
	const authorize = new URL(requests.find((url) => url.startsWith('/oauth2/authorize?')), issuer).searchParams;
	assert.equal(authorize.get('code_challenge_method'), 'S256');
	assert.equal(authorize.get('state').length, 43);
	assert.equal(authorize.get('nonce').length, 43);
	assert.ok(requests.includes('/.well-known/jwks.json'));
});

test('the person gives up at the provider', async () => {
	const got = await redirect('cancel');
	assert.deepEqual([got.Denied, got.Kept], [true, false], got.Error);
	assert.match(got.Page, /not signed in/);
});

test('an answer of another issuer than the expected is not believed', async () => {
	const before = requests.filter((url) => url === '/oauth2/token').length;
	const got = await redirect('mix-up');
	assert.deepEqual([got.Untrusted, got.Kept], [true, false], got.Error);
	assert.equal(requests.filter((url) => url === '/oauth2/token').length, before, 'the code was sent');
});
