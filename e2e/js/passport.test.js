// passport-openidconnect in Express: sign-in for web applications on Passport.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { CreateUserPoolClientCommand } from '@aws-sdk/client-cognito-identity-provider';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import Strategy from 'passport-openidconnect';
import { browser } from './browser.js';
import { administrator, listen, newUser, password, start } from './service.js';

let up, sdk, server, home, username;

before(async () => {
	up = await start();
	sdk = administrator(up);
	username = await newUser(up);
	server = createServer();
	await listen(server);
	home = `http://127.0.0.1:${server.address().port}`;
	const { UserPoolClient: client } = await sdk.send(new CreateUserPoolClientCommand({
		UserPoolId: up.user_pool_id, ClientName: 'passport', GenerateSecret: true, AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: ['code'],
		AllowedOAuthScopes: ['openid', 'email', 'profile'], CallbackURLs: [`${home}/callback`], LogoutURLs: [`${home}/`], SupportedIdentityProviders: ['COGNITO'],
	}));
	server.on('request', application(client));
});

after(async () => {
	sdk?.destroy();
	server?.closeAllConnections();
	server?.close();
	await up?.stop();
});

// application is the one of the library's own documentation, with a sign-out.
function application(client) {
	const pool = up.issuer;
	passport.use(new Strategy({
		issuer: up.issuer, authorizationURL: `${pool}/oauth2/authorize`, tokenURL: `${pool}/oauth2/token`, userInfoURL: `${pool}/oauth2/userInfo`,
		clientID: client.ClientId, clientSecret: client.ClientSecret, callbackURL: `${home}/callback`, scope: ['email', 'profile'], nonce: true, skipUserProfile: false,
	}, (issuer, profile, context, idToken, accessToken, refreshToken, done) => done(null, { issuer, profile, refreshToken: Boolean(refreshToken) })));
	passport.serializeUser((user, done) => done(null, user));
	passport.deserializeUser((user, done) => done(null, user));
	const app = express();
	app.use(session({ secret: 'e2e', resave: false, saveUninitialized: false }));
	app.use(passport.session());
	app.get('/login', passport.authenticate('openidconnect'));
	app.get('/callback', passport.authenticate('openidconnect', { failureRedirect: '/failed', failureMessage: true }), (request, response) => response.redirect('/'));
	app.get('/', (request, response) => response.json(request.user ?? null));
	app.get('/failed', (request, response) => response.status(401).json(request.session.messages));
	app.get('/logout', (request, response, next) => request.logout((error) => {
		if (error) return next(error);
		response.redirect(`${pool}/logout?${new URLSearchParams({ client_id: client.ClientId, logout_uri: `${home}/` })}`);
	}));
	app.use((error, request, response, next) => response.status(500).json({ name: error.name, message: error.message }));
	return app;
}

const fill = () => ({ username, password });
const user = async ({ ask }) => (await ask(`${home}/`)).json();

// signIn is a browser's way through the application and the sign-in pages.
async function signIn(browsing, form = fill) {
	const back = await browsing.visit(`${home}/login`, `${home}/callback`, form);
	return browsing.ask(back);
}

describe('passport-openidconnect', () => {
	it('signs in, with a profile from userInfo', async () => {
		const browsing = browser();
		const answer = await signIn(browsing);
		assert.equal(answer.headers.get('location'), '/', await answer.text());
		const { issuer, profile, refreshToken } = await user(browsing);
		assert.equal(issuer, up.issuer);
		assert.match(profile.id, /^[0-9a-f-]{36}$/);
		assert.deepEqual(profile.emails, [{ value: `${username}@example.com` }]);
		assert.equal(refreshToken, true);
	});

	it('signs in again without a password while the browser is signed in at the pool', async () => {
		const browsing = browser();
		await signIn(browsing);
		const answer = await signIn(browsing, () => assert.fail('a page asks for something'));
		assert.equal(answer.headers.get('location'), '/');
	});

	it('signs out at the application and at the pool', async () => {
		const browsing = browser();
		await signIn(browsing);
		await browsing.visit(`${home}/logout`, `${home}/`);
		assert.equal(await user(browsing), null);
		let asked = 0;
		await signIn(browsing, () => {
			asked++;
			return fill();
		});
		assert.equal(asked, 1);
	});

	it('refuses an answer to a sign-in of another browser', async () => {
		const back = await browser().visit(`${home}/login`, `${home}/callback`, fill);
		const other = browser();
		const answer = await other.ask(back);
		assert.notEqual(answer.headers.get('location'), '/');
		assert.equal(await user(other), null);
	});

	it('reports a code that is none', async () => {
		const browsing = browser();
		const back = await browsing.visit(`${home}/login`, `${home}/callback`, fill);
		const bent = new URL(back);
		bent.searchParams.set('code', `${back.searchParams.get('code')}x`);
		const answer = await browsing.ask(bent);
		assert.deepEqual([answer.status, (await answer.json()).name], [500, 'TokenError']);
	});
});
