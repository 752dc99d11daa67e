package accounts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/internal/wire/wiretest"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	equals := func(name, value string) storage.UserFilter {
		return storage.UserFilter{Attribute: name, Match: storage.Equals, Value: value}
	}
	starts := func(name, value string) storage.UserFilter {
		return storage.UserFilter{Attribute: name, Match: storage.StartsWith, Value: value}
	}
	const broken = "Error while parsing filter"
	tests := []struct {
		filter string
		want   storage.UserFilter
		text   string
	}{
		{filter: "", want: storage.UserFilter{}},
		{filter: `email = "a@example.com"`, want: equals("email", "a@example.com")},
		{filter: `email="a@example.com"`, want: equals("email", "a@example.com")},
		{filter: "  email\t=\n\"x\"  ", want: equals("email", "x")},
		{filter: `given_name ^= "Jo"`, want: starts("given_name", "Jo")},
		{filter: `given_name^="Jo"`, want: starts("given_name", "Jo")},
		{filter: `name ^= ""`, want: starts("name", "")},
		{filter: `cognito:user_status = "CONFIRMED"`, want: equals("cognito:user_status", "CONFIRMED")},
		{filter: `status = "Enabled"`, want: equals("status", "Enabled")},
		{filter: `name = "a \"b\" \\ = ^= c"`, want: equals("name", `a "b" \ = ^= c`)},
		{filter: `name = "x' OR '1'='1"`, want: equals("name", "x' OR '1'='1")},
		{filter: `name = "%_*"`, want: equals("name", "%_*")},
		{filter: `name = "'; DROP TABLE users; --"`, want: equals("name", "'; DROP TABLE users; --")},
		{filter: " ", text: broken},
		{filter: "email", text: broken},
		{filter: `= "x"`, text: broken},
		{filter: `^= "x"`, text: broken},
		{filter: `email = x`, text: broken},
		{filter: `email = 'x'`, text: broken},
		{filter: `email = "x`, text: broken},
		{filter: `email = "x\"`, text: broken},
		{filter: `email = "x\n"`, text: broken},
		{filter: `email == "x"`, text: broken},
		{filter: `email != "x"`, text: broken},
		{filter: `email! = "x"`, text: "Invalid search attribute: email!"},
		{filter: `email ^ = "x"`, text: broken},
		{filter: `email = "x" and name = "y"`, text: broken},
		{filter: `email = "x" OR 1=1`, text: broken},
		{filter: `name = "x"; DROP TABLE users`, text: broken},
		{filter: `"email" = "x"`, text: broken},
		{filter: `1=1 OR email = "x"`, text: broken},
		{filter: `email) OR (1 = "1"`, text: broken},
		{filter: `custom:tier = "gold"`, text: "Invalid search attribute: custom:tier"},
		{filter: `Email = "x"`, text: "Invalid search attribute: Email"},
		{filter: `password = "x"`, text: "Invalid search attribute: password"},
		{filter: `verifier = "x"`, text: "Invalid search attribute: verifier"},
		{filter: `name = "` + strings.Repeat("a", maxFilter) + `"`, text: broken},
	}
	for _, tt := range tests {
		got, err := parseFilter(tt.filter)
		if tt.text != "" {
			wiretest.WantException(t, err, wire.InvalidParameterException, tt.text)
			continue
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("parseFilter(%q): %v (-want +got):\n%s", tt.filter, err, diff)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"", `email = "a"`, `name ^= "\"\\"`, `= "`, `name = "x" OR "1"="1"`, "name\x00=\"\xff\"", `name="\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := parseFilter(text)
		if err != nil {
			if !wire.IsException(err, wire.InvalidParameterException) || filter != (storage.UserFilter{}) {
				t.Fatalf("parseFilter(%q) = %v, %v", text, filter, err)
			}
			return
		}
		if text != "" && !slices.Contains(searchable, filter.Attribute) {
			t.Fatalf("parseFilter(%q) searches by %q", text, filter.Attribute)
		}
		if text == "" {
			return
		}
		// Written out, the filter says the same again.
		operator := map[storage.Match]string{storage.Equals: "=", storage.StartsWith: "^="}[filter.Match]
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(filter.Value)
		again, err := parseFilter(fmt.Sprintf(`%s %s "%s"`, filter.Attribute, operator, quoted))
		if len(quoted) < maxFilter/2 && (err != nil || again != filter) {
			t.Fatalf("parseFilter(%q) = %v, again %v, %v", text, filter, again, err)
		}
	})
}
