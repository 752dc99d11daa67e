// Package architecture holds the test of who may import whom.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/latchkey-auth/latchkey"

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Imports    []string
}

// list describes the module's own packages.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		packages = append(packages, p)
	}
}

// rule says what a package may import of this module, and which others.
type rule struct {
	packages string   // a package, or with /... a package and all below it
	own      []string // packages of this module, in the same form
	foreign  []string // modules beyond the standard library, by prefix
}

// The house. The first rule that names a package is the one that counts.
var rules = []rule{
	{"", []string{"jwt", "store", "internal/..."}, []string{"golang.org/x/oauth2", "github.com/go-json-experiment/json"}},
	{"jwt/...", nil, []string{"golang.org/x/sync"}},
	{"store", []string{"internal/secret", "store/internal/..."}, []string{"github.com/go-json-experiment/json"}},
	{"store/...", []string{"store", "store/internal/...", "internal/atomicfile", "internal/strictbase64"}, []string{"github.com/gofrs/flock", "golang.org/x/sys", "pgregory.net/rapid", "github.com/google/go-cmp", "github.com/go-json-experiment/json"}},
	{"sigv4auth", []string{"internal/seal", "internal/secret", "internal/sigv4", "internal/tempkey"}, nil}, // APIs import it: neither the client nor the service
	{"account", []string{""}, nil},
	{"cognitocreds", []string{""}, []string{"github.com/aws/aws-sdk-go-v2/aws"}},
	{"latchkeytest", []string{"", "server/...", "internal/..."}, nil},
	{"server/storage/sqlite", []string{"server/storage"}, []string{"modernc.org/sqlite", "github.com/gofrs/flock", "github.com/go-json-experiment/json"}},
	{"server/storage/...", []string{"server/storage"}, []string{"pgregory.net/rapid", "github.com/google/go-cmp"}},
	{"server/metrics", []string{"server"}, nil},
	{"server/plug", nil, nil},
	{"server/mail", []string{"server/plug"}, []string{"github.com/wneessen/go-mail"}},
	{"server/stsbroker", []string{"server/plug"}, nil},
	{"server/ownbroker", []string{"internal/tempkey", "server/plug"}, nil},
	{"server/internal/paging", []string{"internal/seal", "internal/strictbase64", "internal/wire"}, nil},
	{"server/internal/settings", []string{"internal/wire"}, nil},
	{"server/internal/tagging", []string{"internal/wire"}, nil},
	{"server/internal/hosted", []string{"internal/languages", "internal/pagestyle", "internal/random", "internal/wire", "server/plug"}, nil}, // the pages know neither accounts nor tokens: server wires
	{"server/internal/limits", []string{"server/storage"}, []string{"golang.org/x/time"}},
	{"server/internal/identitypool", []string{"internal/...", "jwt", "server/internal/openid", "server/internal/paging", "server/internal/settings", "server/internal/tagging", "server/plug", "server/storage"},
		[]string{"github.com/go-json-experiment/json"}},
	{"server/internal/openid", []string{"jwt", "server/plug"}, []string{"github.com/go-json-experiment/json"}}, // other providers, for both kinds of pools
	{"server/internal/openid/openidtest", []string{"internal/strictbase64"}, nil},                              // a provider for tests
	{"server/internal/federation", []string{"internal/...", "jwt", "server/internal/openid"}, []string{"github.com/go-json-experiment/json"}},
	{"server/internal/oauth", []string{"internal/random", "internal/seal", "internal/strictbase64", "internal/wire", "server/internal/federation"}, nil},
	{"server/internal/userpool", []string{"internal/wire", "server/internal/userpool/accounts", "server/internal/userpool/admin", "server/internal/userpool/pool", "server/internal/userpool/signin", "server/internal/userpool/tokens"}, nil},
	{"server/internal/userpool/pooltest", []string{"internal/...", "jwt", "server/internal/userpool/...", "server/internal/userpool", "server/storage/..."}, nil}, // for tests
	{"server/internal/userpool/pool", []string{"internal/...", "server/internal/federation", "server/internal/limits", "server/internal/paging", "server/internal/settings", "server/plug", "server/storage"},
		[]string{"golang.org/x/text", "github.com/go-json-experiment/json"}},
	{"server/internal/userpool/tokens", []string{"internal/...", "jwt", "server/internal/settings", "server/internal/userpool/pool", "server/storage"}, nil},
	{"server/internal/userpool/signin", []string{"internal/...", "server/internal/federation", "server/internal/userpool/pool", "server/internal/userpool/tokens", "server/storage"}, nil},
	{"server/internal/userpool/accounts", []string{"internal/...", "server/internal/limits", "server/internal/paging", "server/internal/userpool/pool", "server/internal/userpool/tokens", "server/plug", "server/storage"}, []string{"golang.org/x/text"}},
	{"server/internal/userpool/admin", []string{"internal/...", "server/internal/federation", "server/internal/limits", "server/internal/paging", "server/internal/settings", "server/internal/tagging", "server/internal/userpool/pool", "server/internal/userpool/tokens", "server/storage"}, nil},
	{"server", []string{"internal/...", "server/..."}, []string{"golang.org/x/sync"}},
	{"internal/outcall", nil, nil},
	{"internal/keys", []string{"internal/outcall", "internal/seal", "jwt", "server/plug", "server/storage"}, []string{"golang.org/x/sync"}}, // the signing keys of a service
	{"internal/outbox", []string{"internal/localonly", "internal/pagestyle", "server/plug"}, nil},                                           // of a service for development
	{"internal/localservice", []string{"internal/...", "server/..."}, []string{"golang.org/x/sync"}},
	{"internal/sessionpage", []string{"", "internal/localonly", "internal/pagestyle", "jwt", "store"}, nil}, // a program on the client
	{"internal/cli/...", []string{"...", ""}, []string{"github.com/spf13/cobra", "golang.org/x/term", "golang.org/x/sys"}},
	{"internal/seal", []string{"internal/atomicfile"}, nil},
	{"internal/localca", []string{"internal/atomicfile"}, nil},
	{"internal/sigv4", []string{"internal/secret"}, nil},
	{"internal/tempkey", []string{"internal/random", "internal/seal", "internal/secret", "internal/strictbase64"}, nil}, // nothing but a use of the seal
	{"internal/fault", nil, nil},
	{"internal/origin", nil, nil},
	{"internal/registry", []string{"internal/atomicfile", "internal/filelock", "internal/origin"}, []string{"github.com/go-json-experiment/json"}},
	{"internal/filelock", []string{"internal/atomicfile"}, []string{"github.com/gofrs/flock"}},
	{"internal/awsprofile", []string{"internal/atomicfile", "internal/filelock", "internal/plaintext", "internal/userdirs"}, nil},
	{"internal/expiry", nil, nil},
	{"internal/pagestyle", nil, nil},
	{"internal/trust", nil, nil},
	{"internal/localhost", nil, nil},
	{"internal/cognito", []string{"internal/expiry", "internal/fault", "internal/localhost", "internal/strictbase64", "internal/trust", "internal/wire", "jwt", "store"}, []string{"github.com/go-json-experiment/json"}},
	{"internal/session", []string{"internal/cognito", "internal/expiry", "internal/fault", "jwt", "store"}, nil},
	{"internal/authflow", []string{"internal/expiry", "internal/fault", "internal/secret", "internal/strictbase64"}, []string{"github.com/go-json-experiment/json", "golang.org/x/oauth2"}},
	{"internal/loopback", []string{"internal/authflow", "internal/fault", "internal/languages", "internal/secret"}, nil},
	{"internal/amplifyconfig", nil, []string{"github.com/go-json-experiment/json"}},
	{"internal/wire/wiretest", []string{"internal/wire"}, nil},
	{"internal/wire", nil, []string{"github.com/go-json-experiment/json"}},
	{"internal/srp", []string{"internal/strictbase64"}, []string{"filippo.io/bigmod"}},
	{"internal/...", []string{"internal/secret"}, []string{"golang.org/x/sys"}},
	{"cmd/latchkey", []string{"internal/cli/..."}, nil},
}

// matches reports whether a package is meant by a pattern.
func matches(pattern, path string) bool {
	base, tree := strings.CutSuffix(pattern, "...")
	if !tree {
		return pattern == path
	}
	base = strings.TrimSuffix(base, "/")
	if base == "" {
		return path != ""
	}
	return path == base || strings.HasPrefix(path, base+"/")
}

func TestImportsFollowTheHouse(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages", len(packages))
	}
	for _, p := range packages {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.packages, p.ImportPath) })
		if i < 0 {
			t.Errorf("package %q stands in no rule: say here who it may import", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !allowed(rules[i], imported) {
				t.Errorf("%q must not import %s", p.ImportPath, imported)
			}
		}
	}
}

// TestRulesAreNarrow finds permissions that no package uses.
func TestRulesAreNarrow(t *testing.T) {
	t.Parallel()
	imports := make([][]string, len(rules)) // of the packages of each rule
	for _, p := range list(t) {
		if i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.packages, p.ImportPath) }); i >= 0 {
			imports[i] = append(imports[i], p.Imports...)
		}
	}
	for i, r := range rules {
		if strings.HasSuffix(r.packages, "...") {
			continue // also for packages that come
		}
		for _, pattern := range r.own {
			used := func(path string) bool {
				own, ok := strings.CutPrefix(path, module)
				return ok && matches(pattern, strings.TrimPrefix(own, "/"))
			}
			if !slices.ContainsFunc(imports[i], used) {
				t.Errorf("%s does not import %s: remove it from its rule", r.packages, pattern)
			}
		}
		for _, prefix := range r.foreign {
			if !slices.ContainsFunc(imports[i], func(path string) bool { return strings.HasPrefix(path, prefix) }) {
				t.Errorf("%s does not import %s: remove it from its rule", r.packages, prefix)
			}
		}
	}
}

func allowed(r rule, imported string) bool {
	if own, ok := strings.CutPrefix(imported, module); ok {
		own = strings.TrimPrefix(own, "/")
		return slices.ContainsFunc(r.own, func(pattern string) bool { return matches(pattern, own) })
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	return slices.ContainsFunc(r.foreign, func(prefix string) bool {
		return imported == prefix || strings.HasPrefix(imported, prefix+"/")
	})
}

// TestRules keeps the test above honest.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, path string
		want          bool
	}{
		{"jwt", "jwt", true}, {"jwt", "jwt/x", false}, {"jwt/...", "jwt", true}, {"jwt/...", "jwt/x", true},
		{"jwt/...", "jwtx", false}, {"", "", true}, {"", "jwt", false}, {"...", "jwt", true}, {"...", "", false},
	} {
		if got := matches(test.pattern, test.path); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.path, got)
		}
	}
	server := rules[slices.IndexFunc(rules, func(r rule) bool { return r.packages == "server" })]
	if allowed(server, module) {
		t.Error("server may import the client")
	}
	if allowed(rules[0], module+"/server") {
		t.Error("the client may import server")
	}
}
