// Adds new messages as they come and copies. Without scripts the page reloads by itself.
'use strict';
document.documentElement.classList.add('scripted');
const list = document.getElementById('list'), news = document.getElementById('news'), live = document.getElementById('live');

function say(state, text) {
	if (!live.hidden && live.dataset.state === state) return;
	live.hidden = false;
	live.dataset.state = state;
	live.lastElementChild.textContent = text;
}

async function update() {
	try {
		const answer = await fetch(location.pathname, { cache: 'no-store' });
		if (!answer.ok) throw new Error(answer.statusText);
		const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
		merge([...page.getElementById('list').children]);
		say('on', 'Live');
	} catch {
		say('off', 'The service does not answer');
	}
}

// merge leaves the messages that are on the page already where they are, with the focus and the selection.
function merge(now) {
	const known = new Set(now.map(e => e.id));
	for (const old of [...list.children]) if (!known.has(old.id)) old.remove();
	let added = 0;
	now.forEach((e, i) => {
		if (list.children[i]?.id === e.id) return;
		const fresh = document.importNode(e, true);
		if (e.id) fresh.classList.add('fresh');
		list.insertBefore(fresh, list.children[i] ?? null);
		if (e.id) added++;
	});
	if (added) news.textContent = added === 1 ? 'One new message' : added + ' new messages';
}

document.addEventListener('click', async event => {
	const button = event.target.closest('button[data-copy]');
	if (!button) return;
	const label = button.dataset.label ??= button.textContent;
	try {
		await navigator.clipboard.writeText(button.dataset.copy);
		button.textContent = 'Copied';
	} catch {
		button.textContent = 'Not copied';
	}
	news.textContent = button.textContent;
	setTimeout(() => { button.textContent = label; }, 2000);
});

say('on', 'Live');
setInterval(update, 3000);
