package settings_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
)

type shape struct {
	Name   string            `json:",omitzero"`
	Secret wire.Sensitive    `json:",omitzero"`
	Tags   map[string]string `json:",omitzero"`
}

// TestStoredSettingsComeBack: what was encoded is decoded to the same, secrets too.
func TestStoredSettingsComeBack(t *testing.T) {
	t.Parallel()
	want := shape{Name: "a", Secret: "s3cret", Tags: map[string]string{"k": "v"}}
	data, err := settings.Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got shape
	if err := settings.Decode("pool", data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDamagedSettingsAreOurError: the error names the entity, and is no exception that
// an operation would answer as the caller's.
func TestDamagedSettingsAreOurError(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty": "", "no object": "[]", "cut off": `{"Name":"se`, "wrong type": `{"Name":["secret"]}`, "twice": `{"Name":"a","Name":"b"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cache settings.Cache[shape]
			for range 2 { // a failure is not kept
				_, err := cache.Decode("us-east-1_POOL", []byte(data))
				if err == nil || !strings.Contains(err.Error(), "us-east-1_POOL") || strings.Contains(err.Error(), "secret") {
					t.Errorf("decode: %v", err)
				}
				if _, ok := errors.AsType[*wire.Exception](err); ok {
					t.Errorf("%v is an exception", err)
				}
			}
			if _, err := cache.Decode("us-east-1_POOL", []byte(`{"Name":"a"}`)); err != nil {
				t.Errorf("after the repair: %v", err)
			}
		})
	}
}

// TestCacheServesWhatIsStored: settings are decoded once and served until the stored
// ones differ, in whatever order the stored ones are seen.
func TestCacheServesWhatIsStored(t *testing.T) {
	t.Parallel()
	var cache settings.Cache[shape]
	decode := func(id, data string) *shape {
		t.Helper()
		got, err := cache.Decode(id, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const before, after = `{"Name":"before"}`, `{"Name":"after"}`
	first := decode("a", before)
	if again := decode("a", before); again != first {
		t.Error("the same settings were decoded twice")
	}
	if got := decode("b", after); got.Name != "after" {
		t.Errorf("another entity has %+v", got)
	}
	if got := decode("a", after); got.Name != "after" || first.Name != "before" {
		t.Errorf("after a change %+v, and who had the old ones has %+v", got, first)
	}
	if got := decode("a", before); got.Name != "before" { // the change was undone
		t.Errorf("after the change was undone %+v", got)
	}
	cache.Forget("b")
	if got := decode("b", before); got.Name != "before" {
		t.Errorf("of an entity that was made again %+v", got)
	}
}

// TestCacheIsSafe: readers of two versions each get theirs.
func TestCacheIsSafe(t *testing.T) {
	t.Parallel()
	var cache settings.Cache[shape]
	var group sync.WaitGroup
	for i := range 8 {
		name := []string{"before", "after"}[i%2]
		group.Go(func() {
			for range 200 {
				got, err := cache.Decode("a", []byte(`{"Name":"`+name+`"}`))
				if err != nil || got.Name != name {
					t.Errorf("%+v, %v, want %s", got, err, name)
				}
			}
		})
	}
	group.Wait()
}
