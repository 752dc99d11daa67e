package tagging_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/tagging"
)

func TestAdd(t *testing.T) {
	t.Parallel()
	pool := tagging.Resource{ID: "us-east-1_Example01", Kind: "a user pool"}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("tag", i)] = "v"
	}
	for name, c := range map[string]struct {
		have, more, want map[string]string
		refused          string
	}{
		"to none":    {nil, map[string]string{"a": "1"}, map[string]string{"a": "1"}, ""},
		"replaces":   {map[string]string{"a": "1", "b": "2"}, map[string]string{"a": "3"}, map[string]string{"a": "3", "b": "2"}, ""},
		"same id":    {nil, map[string]string{tagging.CustomID: pool.ID}, map[string]string{tagging.CustomID: pool.ID}, ""},
		"another id": {nil, map[string]string{tagging.CustomID: "other"}, nil, "The tag _custom_id_ cannot be changed: a user pool keeps its id."},
		"the most":   {many, map[string]string{"tag1": "v"}, many, ""},
		"too many":   {many, map[string]string{"more": "v"}, nil, "51 tags are too many: a user pool can have 50."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pool.Add(c.have, c.more)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if c.refused == "" != (err == nil) {
				t.Fatal(err)
			}
			if e, ok := errors.AsType[*wire.Exception](err); err != nil && (!ok || e.Type != wire.InvalidParameterException || e.Message != c.refused) {
				t.Errorf("error %v, want %q", err, c.refused)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	have := map[string]string{"a": "1", "b": "2"}
	got := tagging.Remove(have, []string{"a", "none"})
	if diff := cmp.Diff(map[string]string{"b": "2"}, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if len(have) != 2 {
		t.Errorf("Remove changed its argument to %v", have)
	}
}
