package credentialprocess_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/credentialprocess"
	"github.com/latchkey-auth/latchkey/store"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	c := store.Credentials{
		AccessKeyID: "ASIA1", SecretAccessKey: store.NewSecret(`a/b+c"<&>`), SessionToken: store.NewSecret("t\\\n="),
		Expiration: time.Date(2026, 3, 1, 9, 30, 15, 999, time.FixedZone("", 3600)),
	}
	line := credentialprocess.Append([]byte("# "), c)
	want := "# " + `{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"a/b+c\"<&>","SessionToken":"t\\\n=","Expiration":"2026-03-01T08:30:15Z"}` + "\n"
	if diff := cmp.Diff(want, string(line)); diff != "" {
		t.Error(diff)
	}
	c.AccessKeyID = "\xff"
	if line := credentialprocess.Append(nil, c); !json.Valid(line) {
		t.Errorf("not JSON: %q", line)
	}
}
