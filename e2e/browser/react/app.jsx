// A React application as the documentation of react-oidc-context describes it. The test
// serves the settings of its AuthProvider.
import { UserManager } from 'oidc-client-ts';
import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { AuthProvider, useAuth } from 'react-oidc-context';

const settings = await (await fetch('/settings.json')).json();
const home = location.origin + '/';
Object.assign(settings, { redirect_uri: home, silent_redirect_uri: home + 'silent', post_logout_redirect_uri: home });

const page = new EventTarget();
const loaded = []; // the access token of each user that oidc-client-ts has loaded

// renewed waits until oidc-client-ts has loaded a user so many times since the page began.
async function renewed(count) {
	while (loaded.length < count) await new Promise((resolve) => page.addEventListener('loaded', resolve, { once: true }));
	return loaded;
}

// plain makes an object without getters of a user.
const plain = (user) => user && { ...user, expires_in: user.expires_in };

function Notes() {
	const auth = useAuth();
	const { events, error, isLoading, isAuthenticated, user } = auth;
	useEffect(() => events.addUserLoaded(({ access_token }) => {
		loaded.push(access_token);
		page.dispatchEvent(new Event('loaded'));
	}), [events]);
	useEffect(() => {
		document.body.dataset.state = isLoading ? 'loading' : error ? 'failed' : isAuthenticated ? 'in' : 'out';
		window.app = { auth, plain, renewed };
	});
	// Sign-out as the Cognito console's example has it.
	function hosted() {
		auth.removeUser();
		location.href = `${settings.authority}/logout?client_id=${settings.client_id}&logout_uri=${encodeURIComponent(home)}`;
	}
	return (
		<main>
			<h1>Example Notes</h1>
			<p>Signed in: <b>{user ? user.profile['cognito:username'] : 'nobody'}</b></p>
			{error && <p role="alert">{error.message}</p>}
			<button id="signIn" onClick={() => auth.signinRedirect()}>Sign in</button>{' '}
			<button id="renew" onClick={() => auth.signinSilent()}>Renew</button>{' '}
			<button id="signOut" onClick={() => auth.signoutRedirect()}>Sign out</button>{' '}
			<button id="hosted" onClick={hosted}>Sign out as Cognito says</button>
		</main>
	);
}

if (location.pathname === '/silent') {
	new UserManager(settings).signinSilentCallback();
} else {
	createRoot(document.querySelector('#root')).render(
		<StrictMode>
			<AuthProvider {...settings} onSigninCallback={() => history.replaceState({}, '', location.pathname)}>
				<Notes />
			</AuthProvider>
		</StrictMode>,
	);
}
