package shortcut

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey"
	"github.com/latchkey-auth/latchkey/store"
)

// samples are the configuration files that the client library is tested with.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../../testdata/config/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("%q, %v", names, err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = data
	}
	return files
}

func TestScopeOf(t *testing.T) {
	t.Parallel()
	want := store.Scope{PoolID: "us-east-1_a", ClientID: "app"}
	inner := strings.TrimSuffix(strings.TrimPrefix(outputs, `{"version":"1.4",`), "}")
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"as Amplify writes it": {outputs, true},
		"in another order":     {"\n{ " + inner + `, "data": {"auth": {"user_pool_id": "x"}}, "version": "1" } ` + "\n", true},
		"a later version":      {strings.Replace(outputs, "1.4", "1.99", 1), true},
		"another version":      {strings.Replace(outputs, "1.4", "2.0", 1), false},
		"no version":           {"{" + inner + "}", false},
		"a number for one":     {strings.Replace(outputs, `"1.4"`, "1", 1), false},
		"Gen 1 beside":         {strings.Replace(outputs, `{"v`, `{"aws_x":1,"v`, 1), false},
		"no auth":              {`{"version":"1"}`, false},
		"auth of another kind": {`{"version":"1","auth":[]}`, false},
		"a pool that is null":  {strings.Replace(outputs, `"us-east-1_a"`, "null", 1), false},
		"no client":            {strings.Replace(outputs, `"app"`, `""`, 1), false},
		"a member twice":       {strings.Replace(outputs, `"auth":{`, `"auth":{"user_pool_id":"us-east-1_b",`, 1), false},
		"something behind":     {outputs + ";", false},
		"JavaScript":           {"export default " + outputs, false},
		"a byte order mark":    {"\xef\xbb\xbf" + outputs, false},
		"cut":                  {outputs[:len(outputs)-1], false},
		"nothing":              {"", false},
		"a list":               {"[]", false},
	} {
		got, pool, ok := scopeOf([]byte(test.text))
		if ok != test.ok || ok && (got != want || pool != "us-east-1:b") {
			t.Errorf("%s: %+v, %q, %t", name, got, pool, ok)
		}
	}
	if _, _, ok := scopeOf(samples(t)["amplify_outputs.json"]); !ok {
		t.Error("Amplify's own file is not read")
	}
}

// FuzzScopeOf: what is read here and by the client library is read as the same.
func FuzzScopeOf(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Add([]byte(outputs))
	f.Fuzz(func(t *testing.T, data []byte) {
		scope, identityPool, ok := scopeOf(data)
		if !ok {
			return
		}
		config, err := latchkey.ParseConfig(data)
		if err == nil && (config.UserPoolID != scope.PoolID || config.ClientID != scope.ClientID || config.IdentityPoolID != identityPool) {
			t.Errorf("%+v, %q, and the client reads %q, %q, %q", scope, identityPool, config.UserPoolID, config.ClientID, config.IdentityPoolID)
		}
	})
}
