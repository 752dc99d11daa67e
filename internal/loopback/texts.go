package loopback

import (
	"strconv"
	"strings"
)

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

// maxAccept bounds how much of an Accept-Language header is looked at, in bytes.
const maxAccept = 256

// textsFor chooses by an Accept-Language header (RFC 9110 section 12.5.4): the
// language of the highest weight, the first of several. A range matches by its
// primary subtag, so that "de-CH" gets "de".
func textsFor(accepted string) loopbackTexts {
	best, weight := loopbackLanguages[0], 0.0
	for entry := range strings.SplitSeq(accepted[:min(len(accepted), maxAccept)], ",") {
		tag, parameter, _ := strings.Cut(entry, ";")
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		q := quality(parameter)
		for _, texts := range loopbackLanguages {
			if q > weight && strings.EqualFold(primary, texts.tag) {
				best, weight = texts, q
			}
		}
	}
	return best
}

// quality is the weight of a language range: 1 without one, 0 for what is none.
func quality(parameter string) float64 {
	if parameter = strings.TrimSpace(parameter); parameter == "" {
		return 1
	}
	text, ok := strings.CutPrefix(parameter, "q=")
	if !ok {
		return 0
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
