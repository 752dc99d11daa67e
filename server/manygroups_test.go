package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

// TestManyGroups: the tokens of a user in 100 groups with names of 128 characters have
// more than 16 KiB. The service takes what it issued.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	w := identityWorld(t, nil)
	w.addUser("ann")
	precedences := map[string]int32{}
	for i := range int32(100) {
		precedences[fmt.Sprintf("%03d-", i)+strings.Repeat("g", 124)] = i
	}
	w.inGroups("ann", precedences)
	tokens := w.signIn("ann")
	if n := len(tokens.AccessToken); n <= 16<<10 {
		t.Fatalf("the access token has only %d bytes", n)
	}
	if _, err := w.getUser(tokens.AccessToken); err != nil {
		t.Errorf("GetUser: %v", err)
	}
	refreshed, err := w.refresh(tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{Issuer: w.server.Issuer(w.pool), ClientIDs: []string{w.client}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := verifier.VerifyID(context.Background(), string(refreshed.IdToken))
	if err != nil {
		t.Fatal(err)
	}
	if len(id.Groups()) != 100 || len(id.Roles()) != 100 {
		t.Errorf("%d groups, %d roles", len(id.Groups()), len(id.Roles()))
	}
	login := w.login(wire.Sensitive(id.Raw()))
	if _, err := w.getCredentials(w.mustID(login), login); err != nil {
		t.Errorf("GetCredentialsForIdentity: %v", err)
	}
}
