// Lets the bars shrink, follows the stream, and sends what does not lead to another
// page without leaving this one. Nothing on the page depends on it.
'use strict';
const body = document.body;
const drift = Number(body.dataset.now) - Date.now();
const message = document.getElementById('message'), news = document.getElementById('news');

function span(ms) {
	const s = Math.floor(ms / 1000), units = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
	for (let i = 0; i < 3; i++) {
		const [size, name] = units[i], [next, nextName] = units[i + 1];
		if (s >= size) return Math.floor(s / size) + name + ' ' + Math.floor(s % size / next) + nextName;
	}
	return s + 's';
}

function tick() {
	const now = Date.now() + drift;
	for (const life of document.querySelectorAll('.life')) {
		const until = Number(life.dataset.until), left = until - now, share = left / (until - life.dataset.from);
		life.querySelector('.left').textContent = left > 0 ? span(left) + ' left' : 'expired ' + span(-left) + ' ago';
		life.querySelector('progress').value = Math.max(0, Math.min(1, share)) * 1000;
		life.dataset.state = left <= 0 ? 'over' : share < 0.1 ? 'low' : 'good';
	}
}
setInterval(tick, 1000);
tick();

// put replaces a part, and leaves what the person has opened open and the focus where it was.
function put({ id, version, html }) {
	const old = document.getElementById(id);
	if (!old || old.dataset.version === version) return;
	const open = [...old.querySelectorAll('details')].map(d => d.open);
	const focus = old.contains(document.activeElement) ? document.activeElement.id : '';
	old.innerHTML = html;
	old.dataset.version = version;
	old.querySelectorAll('details').forEach((d, i) => { if (i < open.length) d.open = open[i]; });
	if (focus) document.getElementById(focus)?.focus();
	tick();
	if (id === 'events') news.textContent = old.querySelector('li span')?.innerText ?? ''; // for those who listen
	old.classList.remove('fresh');
	void old.offsetWidth;
	old.classList.add('fresh');
}

// On a small screen lists of claims would push everything else out of sight.
const small = matchMedia('(max-width: 44rem)');
small.onchange = () => { for (const d of document.querySelectorAll('.claims')) d.open = !small.matches; };
if (small.matches) small.onchange();

const live = document.getElementById('live');
const source = new EventSource('/session/events?layout=' + body.dataset.layout);
function say(state, text) {
	live.hidden = false;
	live.dataset.state = state;
	live.lastElementChild.textContent = text;
}
source.onopen = () => say('on', 'Live');
source.onerror = () => source.readyState === EventSource.CLOSED ? say('off', 'Not live: reload the page') : say('off', 'Connecting again…');
source.addEventListener('part', event => put(JSON.parse(event.data)));
source.addEventListener('reload', () => { source.close(); location.reload(); });
addEventListener('pagehide', () => source.close());
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });

function complain(text) {
	const p = document.createElement('p');
	p.className = 'message alert';
	p.setAttribute('role', 'alert');
	p.textContent = text;
	message.replaceChildren(p);
}

// Copy buttons need a script, so they are shown with one. Tokens are not on the page: the
// service is asked for the one that is copied.
body.classList.add('scripted');

async function token(what) {
	const answer = await fetch('/session/copy', {
		method: 'POST', redirect: 'manual', headers: { 'Latchkey-Part': 'copy', 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'what=' + what,
	});
	if (!answer.ok) throw new Error(await answer.text());
	return answer.text();
}

// Browsers allow the clipboard while the press of the button is going on, so what is still
// on its way is handed over as a promise.
function copy(text) {
	if (typeof text === 'string') return navigator.clipboard.writeText(text);
	return navigator.clipboard.write([new ClipboardItem({ 'text/plain': text.then(t => new Blob([t], { type: 'text/plain' })) })]);
}

document.addEventListener('click', async event => {
	const button = event.target.closest('.copy');
	if (!button) return;
	const { copy: text, token: what } = button.dataset;
	try {
		const loading = what ? token(what) : text;
		await Promise.all([loading, copy(loading)]);
		button.dataset.done = 'yes';
		news.textContent = 'Copied';
		setTimeout(() => { delete button.dataset.done; news.textContent = ''; }, 2000);
	} catch (problem) {
		complain(problem instanceof TypeError || problem instanceof DOMException ? 'Nothing was copied: the browser does not allow it, or the service does not answer.' : problem.message);
	}
});

document.addEventListener('submit', async event => {
	const form = event.target, button = event.submitter;
	if (form.dataset.sent) return event.preventDefault();
	form.dataset.sent = 'yes';
	button?.setAttribute('aria-busy', 'true');
	const done = () => { delete form.dataset.sent; button?.removeAttribute('aria-busy'); };
	if (!form.hasAttribute('data-here')) {
		source.close(); // what it would tell of is what the next page shows
		return setTimeout(done, 5000);
	}
	event.preventDefault();
	try {
		const answer = await fetch(form.action, {
			method: 'POST', redirect: 'manual', headers: { 'Latchkey-Part': 'message', 'Content-Type': 'application/x-www-form-urlencoded' },
		});
		if (!answer.ok) return location.reload();
		message.innerHTML = await answer.text();
	} catch {
		complain('The service does not answer. Is latchkey up still running?');
	} finally {
		done();
	}
});
