package limits_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/server/internal/limits"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		nonconforming = "Password did not conform with policy: "
		invalid       = "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must "
	)
	none, strict := limits.PasswordRules{MinimumLength: 6}, limits.Default()
	symbolsOnly := limits.PasswordRules{MinimumLength: 6, RequireSymbols: true}
	long := limits.Default()
	long.MinimumLength = 99
	for _, test := range []struct {
		name, password string
		rules          limits.PasswordRules
		want           string
	}{
		{"good", "Passw0rd!", strict, ""},
		{"shortest", "Pas0rd!x", strict, ""},
		{"too short by one", "Pas0rd!", strict, nonconforming + "Password not long enough"},
		{"all wrong, length first", "      x", strict, invalid + `satisfy regular expression pattern: ^[\S]+.*[\S]+$`},
		{"short and nothing else right", "ééééééé", strict, nonconforming + "Password not long enough"},
		{"long but nothing else right", "éééééééé", strict, nonconforming + "Password must have uppercase characters"},
		{"no uppercase", "passw0rd!", strict, nonconforming + "Password must have uppercase characters"},
		{"no lowercase", "PASSW0RD!", strict, nonconforming + "Password must have lowercase characters"},
		{"no number", "Password!", strict, nonconforming + "Password must have numeric characters"},
		{"no symbol", "Passw0rdx", strict, nonconforming + "Password must have symbol characters"},
		{"other uppercase does not count", "ÄÖpassw0rd!", strict, nonconforming + "Password must have uppercase characters"},
		{"other digits do not count", "Password!٣", strict, nonconforming + "Password must have numeric characters"},
		{"other symbols do not count", "Passw0rd€", strict, nonconforming + "Password must have symbol characters"},
		{"space inside is a symbol", "Pass w0rd", strict, ""},
		{"space in front", " Passw0rd", strict, invalid + `satisfy regular expression pattern: ^[\S]+.*[\S]+$`},
		{"space behind", "Passw0rd! ", strict, invalid + `satisfy regular expression pattern: ^[\S]+.*[\S]+$`},
		{"six of anything", "abcdef", none, ""},
		{"five", "abcde", none, invalid + "have length greater than or equal to 6"},
		{"empty", "", none, invalid + "have length greater than or equal to 6"},
		{"five, strict", "Aa1!x", strict, invalid + "have length greater than or equal to 6"},
		{"256 characters", strings.Repeat("é", 256), none, ""},
		{"257 characters", strings.Repeat("a", 257), none, invalid + "have length less than or equal to 256"},
		{"98 of 99", strings.Repeat("Aa1!", 24) + "Aa", long, nonconforming + "Password not long enough"},
		{"99 of 99", strings.Repeat("Aa1!", 24) + "Aa1", long, ""},
		{"letters have no symbol", "abcdef", symbolsOnly, nonconforming + "Password must have symbol characters"},
	} {
		got := ""
		if err := test.rules.Check(test.password); err != nil {
			got = err.Error()
			var refused *limits.PasswordError
			if !errors.As(err, &refused) || refused.Malformed != strings.HasPrefix(test.want, invalid) {
				t.Errorf("%s: %#v", test.name, err)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %q: (-want +got)\n%s", test.name, test.password, diff)
		}
	}
}

// TestSymbols goes by Cognito's list for each character of ASCII.
func TestSymbols(t *testing.T) {
	t.Parallel()
	documented := strings.Join(strings.Fields(`^ $ * . [ ] { } ( ) ? - " ! @ # % & / \ , > < ' : ; | _ ~ `+"` + ="), "") + " "
	if len(documented) != 33 {
		t.Fatalf("%d symbols in the test's list, want 33", len(documented))
	}
	rules := limits.PasswordRules{MinimumLength: 6, RequireSymbols: true}
	for c := rune(0); c < 128; c++ {
		err := rules.Check("abc" + string(c) + "def")
		if got, want := err == nil, strings.ContainsRune(documented, c); got != want {
			t.Errorf("%q counts as a symbol: %v, want %v", c, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	if err := limits.Default().Validate(); err != nil {
		t.Errorf("the default rules are refused: %v", err)
	}
	if d := limits.Default(); d.MinimumLength != 8 || !d.RequireUppercase || !d.RequireLowercase || !d.RequireNumbers || !d.RequireSymbols {
		t.Errorf("Default = %+v, want Cognito's", d)
	}
	for _, test := range []struct {
		length, days int
		good         bool
	}{{6, 0, true}, {99, 365, true}, {5, 7, false}, {100, 7, false}, {0, 7, false}, {8, -1, false}, {8, 366, false}} {
		rules := limits.PasswordRules{MinimumLength: test.length, TemporaryPasswordValidityDays: test.days}
		if err := rules.Validate(); (err == nil) != test.good {
			t.Errorf("Validate of %+v: %v, want success %v", test, err, test.good)
		}
	}
	now := time.Date(2026, 2, 25, 12, 0, 0, 0, time.UTC)
	if got, want := limits.Default().TemporaryUntil(now), time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("TemporaryUntil = %v, want %v", got, want)
	}
}

func TestGenerateConforms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := limits.PasswordRules{
			MinimumLength:    rapid.IntRange(-1, 300).Draw(t, "length"),
			RequireUppercase: rapid.Bool().Draw(t, "upper"),
			RequireLowercase: rapid.Bool().Draw(t, "lower"),
			RequireNumbers:   rapid.Bool().Draw(t, "numbers"),
			RequireSymbols:   rapid.Bool().Draw(t, "symbols"),
		}
		got := limits.Generate(rules)
		rules.MinimumLength = min(rules.MinimumLength, limits.MaximumLength)
		if err := rules.Check(got); err != nil {
			t.Fatalf("Generate(%+v) = %q: %v", rules, got, err)
		}
		if want := min(max(rules.MinimumLength, 16), 256); len(got) != want {
			t.Fatalf("Generate(%+v) = %q, want %d characters", rules, got, want)
		}
		if strings.ContainsAny(got, "0Oo1Il\"'`$\\!&<> ") || strings.ContainsAny(got[:1], "-_.:+=@") {
			t.Fatalf("Generate(%+v) = %q is hard to type", rules, got)
		}
	})
}

// TestGenerateIsUnbiased counts characters. Of a bias such as 256 mod 62 gives,
// a quarter too many of some, the statistic would be in the thousands.
func TestGenerateIsUnbiased(t *testing.T) {
	t.Parallel()
	const rounds = 2000
	counts, total := map[rune]int{}, 0
	seen := map[string]bool{}
	for range rounds {
		// So long that what has to be thrown away for lack of a kind is next to
		// nothing.
		password := limits.Generate(limits.PasswordRules{MinimumLength: 99})
		seen[password] = true
		for _, c := range password[1:] {
			counts[c]++
			total++
		}
	}
	if len(seen) != rounds {
		t.Error("the same password twice")
	}
	expected := float64(total) / float64(len(counts))
	statistic := 0.0
	for _, count := range counts {
		statistic += math.Pow(float64(count)-expected, 2) / expected
	}
	// 56 characters, 55 degrees of freedom: above 140 once in a billion runs.
	if len(counts) != 56 || statistic > 140 {
		t.Errorf("%d characters, chi-square %.0f, want 56 and at most 140", len(counts), statistic)
	}
}

func FuzzCheck(f *testing.F) {
	for _, password := range []string{"Passw0rd!", "", "\xff\xfe\xfd\xfc\xfb\xfa", strings.Repeat("a", 300), "a b\tc\nd"} {
		f.Add(password, 8, true)
	}
	f.Fuzz(func(t *testing.T, password string, length int, require bool) {
		rules := limits.PasswordRules{length, require, require, require, require, 7}
		err := rules.Check(password)
		if err == nil && (len(password) < 6 || len([]rune(password)) > 256) {
			t.Errorf("%q is accepted", password)
		}
		if err != nil && len(password) > 10 && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	})
}
