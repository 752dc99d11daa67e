// A browser without a screen: fetch with a jar of cookies. It follows redirects,
// fills in forms, and stops where an address leads to the application.
import assert from 'node:assert/strict';

// text is what HTML says with character references, as far as addresses have them.
const text = (html) => html.replace(/&(?:amp|#(\d+));/g, (_, code) => code ? String.fromCodePoint(code) : '&');

export function browser() {
	const jar = new Map();

	async function ask(url, form) {
		const answer = await fetch(url, {
			method: form ? 'POST' : 'GET', redirect: 'manual', body: form && new URLSearchParams(form),
			headers: {
				cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
				...form && { origin: new URL(url).origin, 'sec-fetch-site': 'same-origin' },
			},
		});
		for (const line of answer.headers.getSetCookie()) {
			const [pair] = line.split(';');
			const name = pair.slice(0, pair.indexOf('='));
			if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(name);
			else jar.set(name, pair.slice(name.length + 1));
		}
		return answer;
	}

	// visit opens an address and gives the one that begins with home. Each page on the
	// way is given to fill, which answers with the values of its form's fields.
	async function visit(url, home, fill) {
		for (let steps = 0; steps < 20; steps++) {
			let answer = await ask(url);
			if (answer.status === 200) {
				const page = await answer.text();
				assert.ok(fill, `a page asks for something at ${url}: ${page}`);
				const action = new URL(text(page.match(/<form[^>]* action="([^"]+)"/)[1]), url);
				answer = await ask(action, fill(page));
			}
			assert.ok([302, 303].includes(answer.status), `${answer.status} of ${url}: ${await answer.text()}`);
			url = new URL(answer.headers.get('location'), url).href;
			if (url.startsWith(home)) return new URL(url);
		}
		throw new Error(`no end of redirects: ${url}`);
	}

	return { ask, visit };
}
