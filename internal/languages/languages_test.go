package languages

import (
	"strings"
	"testing"
)

func TestBest(t *testing.T) {
	t.Parallel()
	offered := []string{"en", "de", "fr"}
	for accepted, want := range map[string]string{
		"": "en", "*": "en", "ja": "en", "de": "de", "DE-ch": "de", "fr-CA, de;q=0.9": "fr", "ja, fr;q=0.2, de;q=0.8": "de",
		"de;q=0, fr;q=0.1": "fr", "de ; q=0.5 , en;q=0.4": "de", "en;q=0.5, fr;q=0.5": "en", "de;q=2": "en", "de;q=-1": "en",
		"de;q=NaN": "en", "de;q=": "en", "de;level=1": "en", "deu": "en", ",,;;q=1": "en", "\x00de": "en", "de_AT": "de",
		"fr," + strings.Repeat("x,", maxAccept) + "de": "fr", // what is beyond the bound is not read
		strings.Repeat("x,", maxAccept) + "de":         "en",
		strings.Repeat("x", maxAccept-1) + "de":        "en",
	} {
		if got := offered[Best(accepted, offered)]; got != want {
			t.Errorf("Best(%q) is %s, want %s", accepted, got, want)
		}
	}
}

func FuzzBest(f *testing.F) {
	f.Add("de-CH, fr;q=0.3")
	f.Fuzz(func(t *testing.T, accepted string) {
		if at := Best(accepted, []string{"en", "de", "fr"}); at < 0 || at > 2 {
			t.Errorf("index %d", at)
		}
	})
}
