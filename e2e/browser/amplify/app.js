// A web application as Amplify's documentation has it, with the configuration that
// `latchkey up` writes. Amplify knows no setting for where a service is in that file,
// so that two endpoints are set beside it.
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, getCurrentUser, signInWithRedirect, signOut } from 'aws-amplify/auth';
import 'aws-amplify/auth/enable-oauth-listener';
import { ConsoleLogger, Hub, parseAmplifyConfig } from 'aws-amplify/utils';

ConsoleLogger.LOG_LEVEL = 'ERROR'; // it warns of every endpoint but AWS's

const home = location.origin + '/';
const events = JSON.parse(sessionStorage.getItem('events') ?? '[]'); // they outlive redirects

async function show() {
	try {
		const { username } = await getCurrentUser();
		document.querySelector('#who').textContent = username;
		document.body.dataset.state = 'in';
	} catch (error) {
		document.querySelector('#who').textContent = 'nobody';
		document.body.dataset.state = error.name === 'UserUnAuthenticatedException' ? 'out' : `${error}`;
	}
}

Hub.listen('auth', ({ payload: { event, data } }) => {
	events.push(event + (typeof data === 'string' ? ` ${data}` : '') + (data?.error ? ` ${data.error.message}` : ''));
	sessionStorage.setItem('events', JSON.stringify(events));
	if (event !== 'tokenRefresh') show();
});

// What the page's buttons do, and what a test asks for.
const app = {
	signIn: () => signInWithRedirect(),
	signInWith: (input) => signInWithRedirect(input),
	signOut: () => signOut(),
	signOutEverywhere: () => signOut({ global: true }),
	user: () => getCurrentUser(),
	events: () => {
		sessionStorage.removeItem('events');
		return events.splice(0);
	},
	async session(options) {
		const { tokens, credentials, identityId, userSub } = await fetchAuthSession(options);
		if (!tokens) return null;
		const stored = (name) => localStorage.getItem(Object.keys(localStorage).find((key) => key.endsWith(`.${name}`)) ?? '');
		return {
			access: tokens.accessToken.toString(), claims: tokens.accessToken.payload, id: tokens.idToken.payload, refresh: stored('refreshToken'),
			identityId, userSub, accessKeyId: credentials?.accessKeyId ?? '', expires: credentials?.expiration?.toISOString() ?? '',
		};
	},
	// Amplify goes on as a guest where the refresh was refused, with the identity of the
	// user, which the identity pool refuses, as AWS does.
	over: () => fetchAuthSession({ forceRefresh: true }).then(({ tokens }) => tokens ? 'a session' : '', ({ message }) => message),
	// As if another program had lost its session: the browser's at the pool goes on.
	forget: () => localStorage.clear(),
};
window.app = app;
for (const name of ['signIn', 'signOut', 'signOutEverywhere']) document.querySelector(`#${name}`).onclick = app[name];

const outputs = await (await fetch('/amplify_outputs.json')).json();
const { Auth, ...rest } = parseAmplifyConfig(outputs);
const { Cognito } = Auth;
Object.assign(Cognito, { userPoolEndpoint: outputs.latchkey.user_pool_endpoint, identityPoolEndpoint: outputs.latchkey.identity_pool_endpoint });
Object.assign(Cognito.loginWith.oauth, { redirectSignIn: [home], redirectSignOut: [home] });
Amplify.configure({ ...rest, Auth: { Cognito } });
show();
