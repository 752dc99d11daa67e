package identitypool_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// identityModel says what the identity pool must answer: who has which identity,
// and what became of guests.
type identityModel struct {
	h      *harness
	logins []wire.Parameters // of the users, by number
	ids    []string          // all identities so far
	owner  map[string]int    // identity → user
	merged map[string]int    // guest's identity → user whose identity took its place
}

// of is the identity of a user, or "".
func (m *identityModel) of(user int) string {
	for id, owner := range m.owner {
		if owner == user {
			return id
		}
	}
	return ""
}

func (m *identityModel) guest(t *rapid.T) {
	id := m.h.mustID(nil)
	if slices.Contains(m.ids, id) {
		t.Fatalf("guest's identity %s was given out before", id)
	}
	m.ids = append(m.ids, id)
}

func (m *identityModel) getID(t *rapid.T) {
	user := rapid.IntRange(0, len(m.logins)-1).Draw(t, "user")
	got, want := m.h.mustID(m.logins[user]), m.of(user)
	if want == "" && !slices.Contains(m.ids, got) {
		m.ids, m.owner[got] = append(m.ids, got), user
	} else if got != want {
		t.Fatalf("user %d: identity %s, want %s", user, got, want)
	}
}

// credentials requests credentials for any identity as a guest or as any user.
func (m *identityModel) credentials(t *rapid.T) {
	if len(m.ids) == 0 {
		return
	}
	id := rapid.SampledFrom(m.ids).Draw(t, "identity")
	user := rapid.IntRange(-1, len(m.logins)-1).Draw(t, "user") // -1 is a guest
	var logins wire.Parameters
	if user >= 0 {
		logins = m.logins[user]
	}
	want := m.expect(id, user)
	out, err := m.h.getCredentials(id, logins)
	switch {
	case want == "" && err == nil:
		t.Fatalf("user %d got credentials for %s by way of %s", user, out.IdentityId, id)
	case want != "" && (err != nil || out.IdentityId != want):
		t.Fatalf("user %d asked for %s: %v, %v; want %s", user, id, out, err, want)
	}
}

// expect is the identity that is answered, "" for a refusal; it notes what changes.
func (m *identityModel) expect(id string, user int) string {
	owner, owned := m.owner[id]
	into, over := m.merged[id]
	switch {
	case over && user == into && user >= 0:
		return m.of(user)
	case over:
		return ""
	case owned && owner == user:
		return id
	case owned:
		return ""
	case user < 0:
		return id
	}
	if own := m.of(user); own != "" {
		m.merged[id] = user
		return own
	}
	m.owner[id] = user
	return id
}

// TestIdentitiesInAnyOrder: no sequence of calls by guests and users gives one of them the
// credentials of another.
func TestIdentitiesInAnyOrder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	var logins []wire.Parameters
	for _, user := range []string{"ann", "bob", "carl"} {
		logins = append(logins, h.signIn(user, nil))
	}
	rapid.Check(t, func(t *rapid.T) {
		err := h.store.Update(context.Background(), func(tx storage.Tx) error {
			list, err := tx.Identities.List(h.identities, false, "", 10_000)
			for _, identity := range list {
				if err == nil {
					err = tx.Identities.Delete(identity.ID)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		m := &identityModel{h: h, logins: logins, owner: map[string]int{}, merged: map[string]int{}}
		t.Repeat(map[string]func(*rapid.T){"guest": m.guest, "get id": m.getID, "credentials": m.credentials})
	})
}
