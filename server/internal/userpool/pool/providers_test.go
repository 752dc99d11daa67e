package pool

import (
	"testing"

	"github.com/latchkey-auth/latchkey/server/storage"
)

// TestIdentityLogins: a provider and a subject are one login and no other; a stored
// attribute that is no list is nobody's identity.
func TestIdentityLogins(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, one := range [][3]string{{"A:b", "", "c"}, {"A", "", "b:c"}, {"A", "b", "c"}, {"A", "", ":b:c"}, {"A", "b:c", ""}, {"A", "b", ":c"}, {"A", "B", "c"}} {
		var issuer *string
		if one[1] != "" {
			issuer = &one[1]
		}
		if login := identityLogin(one[0], issuer, one[2]); seen[login] {
			t.Errorf("%v: login %s is another identity's", one, login)
		} else {
			seen[login] = true
		}
	}
	for _, text := range []string{"", "x", "{}", `[{"userId":1}]`, "null"} {
		if got := identityLogins(storage.User{Attributes: map[string]string{"identities": text}}); len(got) != 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}
