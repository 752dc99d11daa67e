// Shows a password while somebody wants to see it, and sends a form once.
// Nothing on the page depends on it.
for (const input of document.querySelectorAll('input[type=password]')) {
	const button = input.parentNode.querySelector('button');
	button.hidden = false;
	button.onclick = () => {
		const show = input.type === 'password';
		input.type = show ? 'text' : 'password';
		button.setAttribute('aria-pressed', show);
		input.focus();
	};
}
for (const form of document.forms) {
	let sent = false;
	form.onsubmit = event => {
		if (sent) event.preventDefault();
		sent = true;
		setTimeout(() => sent = false, 5000);
		for (const input of form.querySelectorAll('input[autocomplete*=password]')) input.type = 'password';
	};
}
