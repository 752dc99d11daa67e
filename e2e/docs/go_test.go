package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/latchkey-auth/latchkey/server/storage/sqlite" // blocks import it, and go.mod must have what it needs
)

// packages are the packages that blocks use without an import, by the name in the block.
var packages = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "net": "net", "os": "os", "slog": "log/slog",
	"strings": "strings", "testing": "testing", "time": "time", "tls": "crypto/tls",
	"latchkey": root, "account": root + "/account", "cognitocreds": root + "/cognitocreds", "jwt": root + "/jwt", "latchkeytest": root + "/latchkeytest",
	"sigv4auth": root + "/sigv4auth", "filestore": root + "/store/filestore", "server": root + "/server", "plug": root + "/server/plug",
	"sqlite": root + "/server/storage/sqlite", "mail": root + "/server/mail",
	"s3": "github.com/aws/aws-sdk-go-v2/service/s3", "v4": "github.com/aws/aws-sdk-go-v2/aws/signer/v4",
}

const root = "github.com/latchkey-auth/latchkey"

// prelude declares what fragments of the guide take as given. A fragment declares its own
// variables in an inner scope.
const prelude = `
var (
	ctx      context.Context
	client   *latchkey.Client
	err      error
	w        http.ResponseWriter
	r        *http.Request
	request  *http.Request
	ask      func(question string) string
	username, password, code, dir string
)
`

// harmless are errors of the compiler that come from putting fragments into functions.
var harmless = regexp.MustCompile(`declared and not used|no new variables on left side of :=`)

// note is a line of the output that is no error.
var note = regexp.MustCompile(`^#|^$`)

var comment = regexp.MustCompile(`(?m)(^|\s)//.*$`)

// TestGoBlocks compiles every Go block: whole programs and test functions as they are, and
// fragments as the body of a function. A comment "go: …" before a block has more declarations
// or imports for it.
func TestGoBlocks(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp(".", "_blocks")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	var names, paths []string
	var wholes []bool // programs, not fragments
	for i, b := range blocks(t) {
		if b.language != "go" {
			continue
		}
		name := fmt.Sprintf("block%02d", i)
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "block.go"), []byte(b.program(t)), 0o600); err != nil {
			t.Fatal(err)
		}
		names, paths = append(names, fmt.Sprintf("%s:%d", b.page, b.line)), append(paths, "./"+path)
		wholes = append(wholes, strings.HasPrefix(b.code, "package "))
	}
	if len(paths) < 15 {
		t.Fatalf("only %d Go blocks were found", len(paths))
	}
	out, failed := exec.CommandContext(t.Context(), "go", append([]string{"build", "-gcflags=-e", "-o", os.DevNull}, paths...)...).CombinedOutput()
	excused := false
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if note.MatchString(line) {
			continue
		}
		whole := false
		for i, path := range paths {
			file := strings.TrimPrefix(path, "./") + "/block.go"
			whole = whole || strings.Contains(line, file) && wholes[i]
			line = strings.ReplaceAll(line, file, names[i])
		}
		if !whole && harmless.MatchString(line) {
			excused = true
			continue
		}
		t.Error(line)
	}
	if failed != nil && !excused && !t.Failed() {
		t.Errorf("go build: %v\n%s", failed, out)
	}
}

// program is the file that has a block in it.
func (b block) program(t *testing.T) string {
	t.Helper()
	if strings.HasPrefix(b.code, "package ") {
		return b.code
	}
	more, _ := strings.CutPrefix(b.note, "go:")
	var imports []string
	for line := range strings.Lines(more) {
		if strings.HasPrefix(strings.TrimSpace(line), "import ") {
			imports, more = append(imports, strings.TrimSpace(line)), strings.Replace(more, line, "", 1)
		}
	}
	text := prelude + more
	if !strings.Contains(strings.Join(imports, "\n"), "/config\"") {
		text += "\nvar config latchkey.Config\n"
	}
	if strings.HasPrefix(b.code, "func ") {
		text += b.code
	} else {
		text += "\nfunc block() error {\n\t{\n" + b.code + "\n\t}\n\treturn nil\n}\n"
	}
	for _, name := range names() {
		used := regexp.MustCompile(`(^|[^.\w"])` + name + `\.[A-Z]`).MatchString(comment.ReplaceAllString(text, ""))
		declared := regexp.MustCompile(`\b` + name + `(, \w+)* :=|\b` + name + ` +\*?\w*\.?\w+ *\n`).MatchString(b.code)
		if used && !declared {
			imports = append(imports, fmt.Sprintf("import %s %q", name, packages[name]))
		}
	}
	return "package block\n\n" + strings.Join(imports, "\n") + "\n" + text
}

func names() []string {
	var all []string
	for name := range packages {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
