package loopback

import "github.com/latchkey-auth/latchkey/internal/languages"

// loopbackTexts are what the loopback pages say in one language. Nothing of a
// request stands in any.
type loopbackTexts struct {
	tag                                   string
	signedIn, close, failed, why, nothing string
}

// loopbackLanguages are those of the service's own sign-in pages, the first for
// whoever speaks none of them.
var loopbackLanguages = []loopbackTexts{
	{
		"en", "You are signed in", "You can close this window and go back to the program.",
		"You are not signed in", "The program says why. You can close this window.", "There is nothing here",
	},
	{
		"de", "Sie sind angemeldet", "Sie können dieses Fenster schließen und zum Programm zurückkehren.",
		"Sie sind nicht angemeldet", "Das Programm sagt, warum. Sie können dieses Fenster schließen.", "Hier ist nichts",
	},
	{
		"fr", "Vous êtes connecté", "Vous pouvez fermer cette fenêtre et revenir au programme.",
		"Vous n’êtes pas connecté", "Le programme en donne la raison. Vous pouvez fermer cette fenêtre.", "Il n’y a rien ici",
	},
}

// textsFor are the texts in the language that an Accept-Language header asks for.
func textsFor(accepted string) loopbackTexts {
	offered := make([]string, len(loopbackLanguages))
	for i, texts := range loopbackLanguages {
		offered[i] = texts.tag
	}
	return loopbackLanguages[languages.Best(accepted, offered)]
}
