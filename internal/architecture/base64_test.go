package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// decoding finds calls of decoders that encoding/base64 has, and others of these names.
var decoding = regexp.MustCompile(`[a-z0-9)]+\.(DecodeString|AppendDecode)\(|base64\.NewDecoder\(`)

// decodesBase64 reports whether a file calls a decoder of encoding/base64, which skips
// line ends.
func decodesBase64(text string) bool {
	if !strings.Contains(text, `"encoding/base64"`) {
		return false
	}
	return slices.ContainsFunc(decoding.FindAllString(text, -1), func(call string) bool { return !strings.HasPrefix(call, "hex.") })
}

// lenient are the files that may skip line ends, with the reason.
var lenient = map[string]string{
	"internal/strictbase64/strictbase64.go": "refuses them itself",
	"server/internal/federation/apple.go":   "reads a key that a person copied from a file with lines",
}

// TestBase64IsDecodedStrictly: what comes from outside goes through internal/strictbase64,
// or through the decoder of package jwt.
func TestBase64IsDecodedStrictly(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	out, err := exec.Command("go", "list", "-f", `{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}`, module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Fatalf("go list found %d files", len(files))
	}
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(absolute, file)
		if err != nil {
			t.Fatal(err)
		}
		if name = filepath.ToSlash(name); !decodesBase64(string(text)) {
			continue
		}
		if used[name] = true; lenient[name] == "" {
			t.Errorf("%s decodes base64 that may have line ends; use internal/strictbase64", name)
		}
	}
	for name := range lenient {
		if !used[name] {
			t.Errorf("%s decodes no base64: it needs no exception", name)
		}
	}
}
