package session

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey-auth/latchkey/internal/expiry"
	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/store"
)

// testKeys are credentials with an hour's life.
func testKeys(key string, received time.Time, life time.Duration) *store.Credentials {
	received = received.Round(0)
	return &store.Credentials{AccessKeyID: key, SessionToken: store.NewSecret(key), ReceivedAt: received, Expiration: received.Add(life)}
}

// sessionRecord is alice's record of tokens that were issued at some time, with keys if
// wanted.
func sessionRecord(issued time.Time, withKeys bool) store.Record {
	p := &testPool{serial: 1}
	r := store.Record{Account: alice, Generation: 3, Sub: "sub-1", Tokens: &store.Tokens{
		Access: store.NewSecret(string(p.token("access", issued))), ID: store.NewSecret(string(p.token("id", issued))),
		Refresh: store.NewSecret("r"), ReceivedAt: issued.Round(0),
	}}
	if withKeys {
		r.SetIdentity(store.Identity{PoolID: testIdentityPool, Endpoint: testIdentityOrigin, ID: "us-east-1:u", Credentials: testKeys("k", issued, time.Hour)})
	}
	return r
}

var testReader = reader{scope: testScope, pool: testIdentityPool, origin: testIdentityOrigin, guests: true}

// TestStatesOfRecords checks what a program is shown of a record, facet by facet, and
// whether the hot path hands it out.
func TestStatesOfRecords(t *testing.T) {
	t.Parallel()
	now := time.Now()
	with := func(r store.Record, edit func(*store.Record)) store.Record { r = r.Clone(); edit(&r); return r }
	live := sessionRecord(now, true)
	ended := tombstone(live, "TokenRevokedException", "revoked")
	out := tombstone(live, SignedOutReason, "")
	noPool, noGuests, moved := testReader, testReader, testReader
	noPool.pool, noGuests.guests = "", false
	moved.formerIssuer = func(string) bool { return true }
	for name, test := range map[string]struct {
		reader                          reader
		record                          store.Record
		signedIn                        bool
		sub, tokens, identity, keys     error
		tokensFresh, keysFresh, hotPath bool
	}{
		"signed in":               {testReader, live, true, nil, nil, nil, nil, true, true, true},
		"no keys yet":             {testReader, sessionRecord(now, false), true, nil, nil, fault.NotFetched, fault.NotFetched, true, false, false},
		"no identity pool":        {noPool, live, true, nil, nil, fault.NoIdentityPool, fault.NoIdentityPool, true, false, true},
		"expired tokens":          {testReader, sessionRecord(now.Add(-2*time.Hour), true), true, nil, nil, nil, nil, false, false, false},
		"ended":                   {testReader, ended, false, fault.SessionExpired, fault.SessionExpired, fault.SessionExpired, fault.SessionExpired, false, false, false},
		"signed out":              {testReader, out, false, fault.SignedOut, fault.SignedOut, fault.NotFetched, fault.NotFetched, false, false, false},
		"signed out, no guests":   {noGuests, out, false, fault.SignedOut, fault.SignedOut, fault.GuestsDisabled, fault.GuestsDisabled, false, false, false},
		"signed out, no pool":     {noPool, out, false, fault.SignedOut, fault.SignedOut, fault.NoIdentityPool, fault.NoIdentityPool, false, false, false},
		"no record":               {testReader, store.Record{Account: alice}, false, fault.SignedOut, fault.SignedOut, fault.NotFetched, fault.NotFetched, false, false, false},
		"tokens of a former name": {moved, live, true, nil, nil, nil, nil, false, true, false},
		"unreadable tokens": {testReader, with(live, func(r *store.Record) {
			r.Tokens = &store.Tokens{Access: store.NewSecret("x"), Refresh: store.NewSecret("r")}
		}), true, nil, fault.Store, nil, nil, false, true, false},
		"no ID token":          {testReader, with(live, func(r *store.Record) { r.Tokens.ID = store.Secret{} }), true, nil, nil, fault.Config, fault.Config, true, false, true},
		"keys of another pool": {testReader, with(live, func(r *store.Record) { r.Identities[0].PoolID = "us-east-1:other" }), true, nil, nil, fault.NotFetched, fault.NotFetched, true, false, false},
	} {
		s := test.reader.state(stored(test.record), now, nil)
		v := s.View()
		_, subErr := v.UserSub()
		_, tokensErr := v.Tokens()
		_, identityErr := v.IdentityID()
		_, keysErr := v.Credentials()
		for facet, pair := range map[string][2]error{"sub": {subErr, test.sub}, "tokens": {tokensErr, test.tokens}, "identity": {identityErr, test.identity}, "keys": {keysErr, test.keys}} {
			if !errors.Is(pair[0], pair[1]) || (pair[0] == nil) != (pair[1] == nil) {
				t.Errorf("%s: %s: %v, want %v", name, facet, pair[0], pair[1])
			}
		}
		if v.SignedIn() != test.signedIn || (v.Username() != "") != test.signedIn {
			t.Errorf("%s: signed in %t as %q", name, v.SignedIn(), v.Username())
		}
		if s.TokensFresh(now) != test.tokensFresh || s.CredentialsFresh(now) != test.keysFresh || s.Fresh(now) != test.hotPath {
			t.Errorf("%s: fresh tokens %t, keys %t, all %t", name, s.TokensFresh(now), s.CredentialsFresh(now), s.Fresh(now))
		}
	}
}

// TestAnswersHideNothing checks what a caller is given when a renewal has failed: what can
// still be used stays, unless the caller insists on new.
func TestAnswersHideNothing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	fresh := testReader.state(stored(sessionRecord(now, true)), now, nil)
	expired := testReader.state(stored(sessionRecord(now.Add(-2*time.Hour), true)), now, nil)
	empty := testReader.state(stored(sessionRecord(now, false)), now, nil)
	for name, test := range map[string]struct {
		state                  *State
		want                   Want
		tokensErr, keysErr     error
		tokens, identity, keys error
	}{
		"nothing failed":              {fresh, Want{}, nil, nil, nil, nil, nil},
		"tokens failed":               {fresh, Want{}, errDown, nil, errDown, nil, nil},
		"keys failed, still usable":   {fresh, Want{}, nil, errDisk, nil, nil, nil},
		"keys failed, new ones":       {fresh, Want{Force: true}, nil, errDisk, nil, nil, errDisk},
		"keys failed and expired":     {expired, Want{}, nil, errDisk, nil, nil, errDisk},
		"keys expired, not asked for": {expired, Want{TokensOnly: true}, nil, nil, nil, nil, fault.NotFetched},
		"keys failed, none before":    {empty, Want{}, nil, errDisk, nil, errDisk, errDisk},
		"both failed":                 {empty, Want{}, errDown, errDisk, errDown, errDisk, errDisk},
		"none before, not asked for":  {empty, Want{TokensOnly: true}, nil, nil, nil, fault.NotFetched, fault.NotFetched},
	} {
		v := test.state.answer(test.want, test.tokensErr, test.keysErr)
		for facet, pair := range map[string][2]error{"tokens": {v.tokensErr, test.tokens}, "identity": {v.identityErr, test.identity}, "keys": {v.credentialsErr, test.keys}} {
			if !errors.Is(pair[0], pair[1]) || (pair[0] == nil) != (pair[1] == nil) {
				t.Errorf("%s: %s: %v, want %v", name, facet, pair[0], pair[1])
			}
		}
		if (v.tokens.Access == nil) != (v.tokensErr != nil) || (v.credentials.AccessKeyID == "") != (v.credentialsErr != nil) {
			t.Errorf("%s: a facet has both a value and an error, or neither", name)
		}
		if !v.SignedIn() || v.Username() != "alice" {
			t.Errorf("%s: the user is hidden", name)
		}
	}
}

// TestNeeds checks by random times that what has expired is never handed out, that what is
// fresh is not renewed, and that a minimum counts up to nine tenths of a life.
func TestNeeds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(label string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, label)) * time.Minute
		}
		age, minimum := minutes("age", 0, 90), minutes("minimum", 0, 120)
		s := testReader.state(stored(sessionRecord(now.Add(-age), true)), now, nil)
		left := s.tokens.Left(now)
		got := s.needTokens(now, Want{MinTokens: minimum})
		switch {
		case left <= 0 && got != needNow:
			t.Fatalf("expired for %v: need %d", -left, got)
		case left > 0 && got == needNow && left >= min(minimum, s.tokens.Life*9/10):
			t.Fatalf("%v are left of at least %v: need %d", left, minimum, got)
		case got != needNow && left < minimum && minimum <= s.tokens.Life*9/10:
			t.Fatalf("%v are left and %v wanted: need %d", left, minimum, got)
		case got == needNothing && !s.TokensFresh(now), got == needSoon && s.TokensFresh(now):
			t.Fatalf("fresh %t: need %d", s.TokensFresh(now), got)
		}
		if s.needTokens(now, Want{Force: true}) != needNow {
			t.Fatal("a forced call does not renew")
		}
		s.hasIdentity = false
		if s.needCredentials(now, Want{Force: true}) != needNothing {
			t.Fatal("keys are renewed without an identity pool")
		}
	})
	w := expiry.Window{Base: now, DueWall: now.UnixNano(), ExpiryWall: now.UnixNano(), Life: time.Hour}
	if got := needOf(&w, now, false, 0); got != needNow {
		t.Errorf("at the moment of expiry: need %d", got)
	}
}

// TestCredentialsAreMerged checks which keys stay when tokens are replaced by those of a
// record that was read before the keys were issued.
func TestCredentialsAreMerged(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state := func(key string, received time.Time, edit func(*store.Record)) *State {
		r := sessionRecord(now, false)
		if key != "" {
			r.SetIdentity(store.Identity{PoolID: testIdentityPool, Endpoint: testIdentityOrigin, ID: "us-east-1:u", Credentials: testKeys(key, received, time.Hour)})
		}
		if edit != nil {
			edit(&r)
		}
		return testReader.state(stored(r), now, nil)
	}
	for name, test := range map[string]struct {
		next, now *State
		want      string
	}{
		"issued meanwhile":   {state("", now, nil), state("new", now, nil), "new"},
		"newer than those":   {state("old", now.Add(-time.Minute), nil), state("new", now, nil), "new"},
		"older than those":   {state("new", now, nil), state("old", now.Add(-time.Minute), nil), "new"},
		"none":               {state("old", now, nil), state("", now, nil), "old"},
		"of another user":    {state("", now, nil), state("new", now, func(r *store.Record) { r.Sub = "sub-2" }), ""},
		"of another account": {state("", now, nil), state("new", now, func(r *store.Record) { r.Account.Username = "bob" }), ""},
		"of a session over":  {state("", now, nil), state("new", now, func(r *store.Record) { r.Ended = &store.Ended{Reason: SignedOutReason} }), ""},
	} {
		testReader.mergeCredentials(test.next, test.now)
		got := ""
		if c := testReader.identity(test.next.user.Record).Credentials; c != nil {
			got = c.AccessKeyID
		}
		if got != test.want || test.next.view.credentials.AccessKeyID != test.want {
			t.Errorf("%s: the record has %q and shows %q, want %q", name, got, test.next.view.credentials.AccessKeyID, test.want)
		}
	}
}
