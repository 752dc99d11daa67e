package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

func TestAdmit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		next, previous, kept uint64
		want                 error
	}{
		{1, 0, 0, nil},
		{5, 0, 0, nil},
		{6, 5, 5, nil},
		{1 << 63, 5, 5, nil},
		{0, 0, 0, store.ErrGeneration},
		{5, 5, 5, store.ErrGeneration},
		{4, 5, 5, store.ErrGeneration},
		{5, 5, 6, store.ErrGeneration},
		{1, 0, 1, store.ErrConflict},
		{6, 5, 0, store.ErrConflict},
		{6, 5, 4, store.ErrConflict},
	}
	for _, test := range tests {
		if err := store.Admit(test.next, test.previous, test.kept); !errors.Is(err, test.want) {
			t.Errorf("Admit(%d, %d, %d): %v, want %v", test.next, test.previous, test.kept, err, test.want)
		}
	}
}

func TestDamagedError(t *testing.T) {
	t.Parallel()
	cause := errors.New("cut")
	var err error = &store.DamagedError{Path: "a.json", Err: cause}
	if !errors.Is(err, store.ErrDamaged) || !errors.Is(err, cause) {
		t.Errorf("%v is not both ErrDamaged and its cause", err)
	}
	if got := err.Error(); strings.Contains(got, "aside") || strings.Contains(got, "before") {
		t.Errorf("%q speaks of files that are not there", got)
	}
	err = &store.DamagedError{Path: "a.json", Aside: "a.corrupt", Backup: "a.bak", Err: cause}
	for _, word := range []string{"a.json", "a.corrupt", "a.bak", "cut", "sign in again"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

// TestPrintedRecord makes sure that a record may be logged by accident.
func TestPrintedRecord(t *testing.T) {
	t.Parallel()
	record := storetest.Sample(storetest.Account("alice"), 1)
	secrets := []store.Secret{
		record.Tokens.ID, record.Tokens.Access, record.Tokens.Refresh,
		record.Device.Password, record.Identities[1].Credentials.SecretAccessKey, record.Identities[1].Credentials.SessionToken,
		record.Pending[0].Token,
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{
			record, &record, record.Tokens, *record.Tokens, record.Identities, record.Identities[1],
			record.Identities[1].Credentials, *record.Identities[1].Credentials, *record.Device,
		} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range secrets {
				if strings.Contains(text, secret.Reveal()) {
					t.Errorf("%s of %T shows a secret", verb, value)
				}
			}
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	record := storetest.Sample(storetest.Account("alice"), 1)
	record.Ended = &store.Ended{Reason: "signed-out"}
	copied := record.Clone()
	if diff := storetest.Diff(record, copied); diff != "" {
		t.Errorf("clone differs:\n%s", diff)
	}
	if copied.SignIn == record.SignIn || copied.Tokens == record.Tokens || copied.Device == record.Device ||
		&copied.Identities[0] == &record.Identities[0] || copied.Identities[1].Credentials == record.Identities[1].Credentials || copied.Ended == record.Ended || &copied.Pending[0] == &record.Pending[0] {
		t.Error("clone shares a part with the original")
	}
}

func ExampleEncode() {
	record := store.Record{
		Generation: 1,
		Account:    store.Account{Scope: store.Scope{PoolID: "us-east-1_AbCdEf123", ClientID: "client"}, Username: "alice"},
		Tokens:     &store.Tokens{Refresh: store.NewSecret("refresh-token")},
	}
	data, err := store.Encode(record)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := store.Decode(data)
	fmt.Println(back.Account.Username, back.Tokens.Refresh, err)

	data[len(data)/2] ^= 1
	_, err = store.Decode(data)
	fmt.Println(err)
	// Output:
	// alice [redacted] <nil>
	// its checksum does not match: bytes changed after they were written
}

func TestLive(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record store.Record
		want   bool
	}{
		"a user":            {store.Record{Tokens: &store.Tokens{}}, true},
		"another provider":  {store.Record{Federation: &store.Federation{Provider: "p"}}, true},
		"a user, ended":     {store.Record{Tokens: &store.Tokens{}, Ended: &store.Ended{}}, false},
		"ended":             {store.Record{Ended: &store.Ended{}}, false},
		"a guest":           {store.Record{Identities: []store.Identity{{PoolID: "p", ID: "i"}}}, false},
		"a device alone":    {store.Record{Device: &store.Device{}}, false},
		"nothing":           {store.Record{}, false},
		"a provider, ended": {store.Record{Federation: &store.Federation{}, Ended: &store.Ended{}}, false},
	}
	for name, test := range tests {
		if got := test.record.Live(); got != test.want {
			t.Errorf("%s: Live is %t", name, got)
		}
	}
}
