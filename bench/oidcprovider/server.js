// The peer of the section "The code grant": oidc-provider with its own pages and its
// own store in memory, set up to answer as Latchkey does: PKCE is required, the access
// token is a JWT, a refresh token comes along, and both tokens are signed by RS256 with
// a key of 2048 bits. It prints its address and ends with its parent.
//
//	node server.js       serve
//	node server.js null  serve, with signatures that cost nothing and are worth nothing
import { generateKeyPair, randomBytes, webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });

if (process.argv[2] === 'null') Object.getPrototypeOf(webcrypto.subtle).sign = async () => new ArrayBuffer(256);
await serve();

async function serve() {
	console.info = console.warn = () => {}; // its advice for production
	const { Provider } = await import('oidc-provider');
	let handle;
	const server = createServer((request, response) => handle(request, response));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const issuer = `http://127.0.0.1:${server.address().port}`;
	handle = new Provider(issuer, {
		jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'one' }] },
		cookies: { keys: [randomBytes(16).toString('hex')] },
		clients: [{
			client_id: 'bench', token_endpoint_auth_method: 'none', redirect_uris: ['https://app.example.com/callback'],
			grant_types: ['authorization_code', 'refresh_token'],
		}],
		pkce: { required: () => true },
		claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
		conformIdTokenClaims: false, // its ID token says as much as ours
		findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: 'bench@example.com', email_verified: true, name: 'Bench' }) }),
		issueRefreshToken: () => true,
		features: {
			resourceIndicators: {
				enabled: true,
				defaultResource: () => 'urn:bench:api',
				useGrantedResource: () => true,
				getResourceServerInfo: () => ({ scope: 'read', audience: 'urn:bench:api', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
			},
		},
	}).callback();
	process.stdin.resume().on('end', () => process.exit(0));
	console.log(issuer);
}
