package trust_test

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/trust"
)

// TestPool checks what files of authorities are read, up to 4 MiB.
func TestPool(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	sized := func(size int) string {
		return strings.Repeat("#", size-len(certificate)-1) + "\n" + certificate
	}
	for name, test := range map[string]struct{ text, want string }{
		"one":             {certificate, ""},
		"over 1 MiB":      {sized(1<<20 + 1), ""},
		"4 MiB":           {sized(4 << 20), ""},
		"over 4 MiB":      {sized(4<<20 + 1), " has more than 4194304 bytes"},
		"no certificates": {"nothing\n", " holds no certificate in PEM form"},
		"empty":           {"", " holds no certificate in PEM form"},
	} {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		pool, err := trust.Pool(path)
		if test.want == "" {
			if err != nil || pool == nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if _, ok := errors.AsType[*trust.FileError](err); !ok || err.Error() != "read certificate authorities: "+path+test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := trust.Pool(filepath.Join(t.TempDir(), "missing.pem"))
	if _, ok := errors.AsType[*trust.FileError](err); !ok || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestPoolOfFolder checks a path that can be opened and not read.
func TestPoolOfFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pool, err := trust.Pool(folder)
	if _, ok := errors.AsType[*trust.FileError](err); !ok || pool != nil || !strings.Contains(err.Error(), folder) || strings.Contains(err.Error(), "certificate in PEM") {
		t.Errorf("%v", err)
	}
}
