package pool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

func TestSetAttributesLeavesTheOldMap(t *testing.T) {
	t.Parallel()
	user := storage.User{}
	if err := pool.SetAttributes(&user, map[string]string{"email": "a@example.com"}); err != nil {
		t.Fatal(err)
	}
	old := user.Attributes
	if err := pool.SetAttributes(&user, map[string]string{"email": ""}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"email": "a@example.com", "email_verified": "false"}, old); diff != "" || len(user.Attributes) != 0 {
		t.Errorf("old map (-want +got):\n%s", diff)
	}
}
