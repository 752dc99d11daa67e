package amplifystore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/amplifystore"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// hurried is a store that does not wait for JavaScript.
func hurried(kv amplifystore.KeyValue) *amplifystore.Store {
	return amplifystore.New(kv, amplifystore.WithPatience(0))
}

// diff compares all but the generation, which is derived from a hash.
func diff(want, got store.Record) string {
	want.Generation = got.Generation
	return storetest.Diff(want, got)
}

// TestReadJavaScript follows a front end through sign-in, refresh and sign-out.
func TestReadJavaScript(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := hurried(kv)
	if _, err := s.Active(t.Context(), alice.Scope); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Active of an empty storage: %v", err)
	}
	var generation uint64
	step := func(name string, want store.Record, active error) {
		t.Helper()
		theirs := amplifys(kv.copied())
		record := load(t, s, alice)
		if diff := diff(want, record); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if record.Generation <= generation {
			t.Errorf("%s: generation %d after %d", name, record.Generation, generation)
		}
		generation = record.Generation
		for range 2 { // it is the same every time, and for another program
			if diff := storetest.Diff(record, load(t, hurried(kv), alice)); diff != "" {
				t.Errorf("%s, loaded again:\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(theirs, amplifys(kv.copied())); diff != "" {
			t.Errorf("%s: Load changed Amplify's keys:\n%s", name, diff)
		}
		got, err := s.Active(t.Context(), alice.Scope)
		if !errors.Is(err, active) || err == nil && got != alice {
			t.Errorf("%s: Active: %v, %v, want %v", name, got, err, active)
		}
		accounts, err := s.List(t.Context(), alice.Scope)
		if err != nil || len(accounts) != 1 || accounts[0] != alice {
			t.Errorf("%s: List: %v, %v", name, accounts, err)
		}
	}
	signedIn(kv, issued)
	step("sign-in", javaScriptRecord(issued), nil)
	signedIn(kv, issued.Add(time.Hour))
	step("refresh", javaScriptRecord(issued.Add(time.Hour)), nil)

	ours := javaScriptRecord(issued.Add(2 * time.Hour))
	ours.Generation = generation + 1
	identity := store.Identity{PoolID: "us-east-1:0f0e0d0c-0b0a-0908-0706-050403020100", ID: "us-east-1:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"}
	withCredentials := identity
	withCredentials.Credentials = &store.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: store.NewSecret("s")}
	developer := store.Identity{PoolID: "us-east-1:11111111-2222-3333-4444-555555555555", Credentials: withCredentials.Credentials}
	ours.Identities = []store.Identity{developer, withCredentials}
	save(t, s, ours, generation)
	step("refresh by Go", ours, nil)
	theirs := javaScriptRecord(issued.Add(3 * time.Hour))
	theirs.Identities = ours.Identities
	signedIn(kv, issued.Add(3*time.Hour))
	step("refresh by JavaScript, of the same user", theirs, nil)
	signedOut(kv)
	gone := theirs
	gone.Tokens, gone.Identities = nil, []store.Identity{identity} // one without an id is gone with its credentials
	gone.Ended = &store.Ended{Reason: "signed-out", Detail: "the session was removed from Amplify's keys"}
	step("sign-out", gone, store.ErrNotFound)
	for key, value := range kv.copied() {
		if strings.Contains(value, theirs.Tokens.Refresh.Reveal()) {
			t.Errorf("%s holds the refresh token after JavaScript signed out", key)
		}
	}
	signedIn(kv, issued.Add(4*time.Hour))
	again := javaScriptRecord(issued.Add(4 * time.Hour))
	again.Identities = gone.Identities
	step("sign-in again", again, nil)
	kv.put("deviceKey", "", "deviceGroupKey", "", "randomPasswordKey", "")
	again.Device = nil
	step("device forgotten", again, nil)
}

// TestReadLargeTokens: the tokens of a user in 100 groups have more than 16 KiB.
func TestReadLargeTokens(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	signedIn(kv, issued)
	groups := make([]string, 100)
	for i := range groups {
		groups[i] = fmt.Sprintf("%03d", i) + strings.Repeat("g", 125)
	}
	large := func(use string) string {
		return token(use, issued, func(claims map[string]any) { claims["cognito:groups"] = groups })
	}
	kv.put("accessToken", large("access"), "idToken", large("id"))
	want := javaScriptRecord(issued)
	want.Tokens.Access, want.Tokens.ID = store.NewSecret(large("access")), store.NewSecret(large("id"))
	if diff := diff(want, load(t, hurried(kv), alice)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// TestCompareAndSwap has JavaScript change the session between Load and Save.
func TestCompareAndSwap(t *testing.T) {
	t.Parallel()
	changes := map[string]func(kv *storage){
		"refresh":  func(kv *storage) { signedIn(kv, issued.Add(time.Hour)) },
		"sign-out": signedOut,
	}
	for name, change := range changes {
		for _, seen := range []bool{false, true} {
			kv := newStorage()
			s := hurried(kv)
			signedIn(kv, issued)
			record := load(t, s, alice)
			previous := record.Generation
			record.Generation++
			if change(kv); seen {
				load(t, hurried(kv), alice) // another program took it in
			}
			before := amplifys(kv.copied())
			if err := s.Save(t.Context(), record, previous); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s, seen %t: Save: %v, want ErrConflict", name, seen, err)
			}
			if diff := cmp.Diff(before, amplifys(kv.copied())); diff != "" {
				t.Errorf("%s: the refused Save changed keys:\n%s", name, diff)
			}
		}
	}
	kv := newStorage()
	signedIn(kv, issued)
	if err := hurried(kv).Save(t.Context(), storetest.Sample(alice, 1), 0); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save over a session of JavaScript that was never loaded: %v, want ErrConflict", err)
	}
}

// TestDerivedGeneration wants two programs to give the same change the same
// generation, and different changes different ones.
func TestDerivedGeneration(t *testing.T) {
	t.Parallel()
	base := newStorage()
	save(t, hurried(base), storetest.Sample(alice, 7), 0)
	seen := make(map[uint64]int)
	for hour := range 20 {
		for range 2 {
			kv := base.repaired()
			signedIn(kv, issued.Add(time.Duration(hour)*time.Hour))
			seen[load(t, hurried(kv), alice).Generation]++
		}
	}
	for generation, times := range seen {
		if generation <= 7 || times != 2 {
			t.Errorf("generation %d was given %d times", generation, times)
		}
	}
}

// TestOtherUser signs another user in with JavaScript: the first one's record
// says that the session ended, and both are listed.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := hurried(kv)
	save(t, s, storetest.Sample(alice, 1), 0)
	if err := s.SetActive(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	signedOut(kv)
	other := func(claims map[string]any) { claims["sub"] = "another" }
	kv.items[prefix+"LastAuthUser"] = "bob"
	kv.items[prefix+"bob.accessToken"] = token("access", issued, other)
	kv.items[prefix+"bob.idToken"] = token("id", issued, other)
	kv.items[prefix+"bob.refreshToken"] = "refresh"
	active, err := s.Active(t.Context(), alice.Scope)
	if err != nil || active.Username != "bob" {
		t.Fatalf("Active: %v, %v", active, err)
	}
	if record := load(t, s, active); record.Sub != "another" || record.SignIn != nil || record.Drift != 0 {
		t.Errorf("bob's record has sub %q", record.Sub)
	}
	if record := load(t, s, alice); record.Ended == nil || record.Tokens != nil || record.Device == nil {
		t.Error("alice is signed in still, or her device is forgotten")
	}
	accounts, err := s.List(t.Context(), alice.Scope)
	if want := []store.Account{alice, active}; err != nil || cmp.Diff(want, accounts) != "" {
		t.Errorf("List: %v, %v", accounts, err)
	}
	elsewhere := store.Account{Scope: store.Scope{PoolID: "us-east-1_Other", ClientID: client}, Username: "bob"}
	if _, err := s.Load(t.Context(), elsewhere); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load for another pool: %v, want ErrNotFound", err)
	}
}

// TestOtherPool reads what JavaScript wrote for another user pool: it is not
// there, rather than damaged, and can be read for its own pool still.
func TestOtherPool(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := hurried(kv)
	signedIn(kv, issued)
	elsewhere := store.Account{Scope: store.Scope{PoolID: "us-east-1_Other", ClientID: client}, Username: alice.Username}
	if _, err := s.Load(t.Context(), elsewhere); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load for another pool: %v, want ErrNotFound", err)
	}
	if diff := diff(javaScriptRecord(issued), load(t, s, alice)); diff != "" {
		t.Error(diff)
	}
}

// TestSubsets takes away every subset of a session's keys.
func TestSubsets(t *testing.T) {
	t.Parallel()
	names := []string{"accessToken", "idToken", "refreshToken", "clockDrift", "signInDetails", "deviceKey", "LastAuthUser"}
	for subset := range 1 << len(names) {
		missing := make(map[string]bool)
		kv := newStorage()
		signedIn(kv, issued)
		for i, name := range names {
			if subset>>i&1 == 1 {
				missing[name] = true
				kv.put(name, "")
			}
		}
		before := kv.copied()
		record, err := hurried(kv).Load(t.Context(), alice)
		whole := !missing["accessToken"] && !missing["idToken"] && !missing["refreshToken"]
		none := missing["accessToken"] && missing["idToken"] && missing["refreshToken"]
		switch {
		case whole && (err != nil || record.Tokens == nil || (record.Device == nil) != missing["deviceKey"]):
			t.Errorf("without %v: %v, want a session", missing, err)
		case none && !missing["deviceKey"] && (err != nil || record.Tokens != nil || record.Device == nil):
			t.Errorf("without %v: %v, want the device", missing, err)
		case none && missing["deviceKey"] && !errors.Is(err, store.ErrNotFound):
			t.Errorf("without %v: %v, want ErrNotFound", missing, err)
		case !whole && !none && (!errors.Is(err, amplifystore.ErrIncomplete) || !errors.Is(err, store.ErrDamaged)):
			t.Errorf("without %v: %v, want ErrIncomplete", missing, err)
		}
		if diff := cmp.Diff(before, amplifys(kv.copied())); diff != "" {
			t.Errorf("Load changed Amplify's keys:\n%s", diff)
		}
	}
}

// TestHalves are pieces that a list of names does not tell.
func TestHalves(t *testing.T) {
	t.Parallel()
	scope := func(scope string) string {
		return token("access", issued, func(claims map[string]any) { claims["scope"] = scope })
	}
	tests := map[string]struct {
		pairs []string
		whole bool
	}{
		"new access token, old ID token":   {[]string{"accessToken", token("access", issued.Add(time.Hour), nil)}, false},
		"old access token, new ID token":   {[]string{"idToken", token("id", issued.Add(time.Hour), nil)}, false},
		"another user's ID token":          {[]string{"idToken", token("id", issued, func(c map[string]any) { c["sub"] = "x" })}, false},
		"issued a second apart":            {[]string{"idToken", token("id", issued.Add(time.Second), nil)}, true},
		"redirect without openid":          {[]string{"accessToken", scope("api/read"), "idToken", ""}, true},
		"redirect with openid":             {[]string{"accessToken", scope("openid email"), "idToken", ""}, false},
		"implicit grant":                   {[]string{"accessToken", scope("openid email"), "refreshToken", ""}, true},
		"redirect that is written to half": {[]string{"accessToken", scope("openid email"), "refreshToken", "", "clockDrift", ""}, false},
	}
	for name, test := range tests {
		kv := newStorage()
		signedIn(kv, issued)
		kv.put(test.pairs...)
		_, err := hurried(kv).Load(t.Context(), alice)
		if test.whole && err != nil || !test.whole && !errors.Is(err, amplifystore.ErrIncomplete) {
			t.Errorf("%s: %v, want whole %t", name, err, test.whole)
		}
	}
}

// TestPatience has JavaScript complete a session while Load waits.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := newStorage()
		s := amplifystore.New(kv)
		kv.put("LastAuthUser", alice.Username, "accessToken", token("access", issued, nil))
		go func() {
			time.Sleep(110 * time.Millisecond)
			signedIn(kv, issued)
		}()
		if diff := diff(javaScriptRecord(issued), load(t, s, alice)); diff != "" {
			t.Error(diff)
		}
		kv.put("idToken", "")
		start := time.Now()
		if _, err := s.Load(t.Context(), alice); !errors.Is(err, amplifystore.ErrIncomplete) {
			t.Errorf("Load: %v", err)
		}
		if waited := time.Since(start); waited != 250*time.Millisecond {
			t.Errorf("Load waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := s.Load(ctx, alice); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Load whose context ended: %v", err)
		}
	})
}

// TestRefreshUnderWay loads between JavaScript's new ID token and its new refresh
// token: the old one beside them is spent.
func TestRefreshUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := newStorage()
		s := amplifystore.New(kv)
		signedIn(kv, issued)
		load(t, s, alice)
		next := issued.Add(time.Hour)
		kv.put("accessToken", token("access", next, nil), "idToken", token("id", next, nil))
		go func() {
			time.Sleep(60 * time.Millisecond)
			signedIn(kv, next)
			kv.put("clockDrift", "-12")
		}()
		start := time.Now()
		record := load(t, s, alice)
		if got := record.Tokens.Refresh.Reveal(); got != "refresh-"+next.String() || record.Drift != -12*time.Millisecond {
			t.Errorf("Load gave the refresh token %s, drift %v", got, record.Drift)
		}
		if waited := time.Since(start); waited != 75*time.Millisecond {
			t.Errorf("Load waited %v, want until the next look", waited)
		}
		// Without rotation, and with the same drift, it is not to wait for ever.
		kv.put("accessToken", token("access", next.Add(time.Hour), nil), "idToken", token("id", next.Add(time.Hour), nil))
		if got := load(t, s, alice); !got.Tokens.ReceivedAt.Equal(next.Add(time.Hour + 12*time.Millisecond)) {
			t.Errorf("Load gave tokens of %v", got.Tokens.ReceivedAt)
		}
	})
}

func TestDrift(t *testing.T) {
	t.Parallel()
	const details = `{"loginId":"a","authFlowType":"USER_SRP_AUTH"}`
	tests := []struct {
		value, details, oauth string
		want                  time.Duration
	}{
		{"-348", details, "", -348 * time.Millisecond},
		{"-4000000", details, "", -4000 * time.Second},
		{"-348", "", `{"oauthSignIn":true}`, -348 * time.Millisecond},
		{"", "", "", 0},
		{"0", "", "", 0},
		{"-120", "", "", 120 * time.Second},       // version 5: our clock is behind
		{"4000", "", "", 4000 * time.Millisecond}, // either: tokens expire the earlier
	}
	for _, test := range tests {
		kv := newStorage()
		signedIn(kv, issued)
		kv.put("clockDrift", test.value, "signInDetails", test.details, "oauthMetadata", test.oauth)
		record := load(t, hurried(kv), alice)
		if record.Drift != test.want || !record.Tokens.ReceivedAt.Equal(issued.Add(-test.want)) {
			t.Errorf("clockDrift %q with details %q: %v, received at %v, want %v",
				test.value, test.details, record.Drift, record.Tokens.ReceivedAt, test.want)
		}
	}
}

// TestManyGroups reads the tokens of a user in 100 groups with names of 128
// characters, which are Cognito's limits.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	var groups []string
	for n := range 100 {
		groups = append(groups, fmt.Sprintf("%0128d", n))
	}
	inGroups := func(claims map[string]any) { claims["cognito:groups"] = groups }
	kv := newStorage()
	signedIn(kv, issued)
	access := token("access", issued, inGroups)
	kv.put("accessToken", access, "idToken", token("id", issued, inGroups))
	if got := load(t, hurried(kv), alice); got.Tokens.Access.Reveal() != access || len(access) < 16<<10 {
		t.Errorf("Load gave another token than the one of %d bytes", len(access))
	}
}

const canary = "CANARY-5f2d8e"

// damages are values that are not what Amplify writes. Each holds the canary.
func damages() map[string][]string {
	claim := func(use, name string, value any) string {
		return token(use, issued, func(claims map[string]any) { claims["jti"], claims[name] = canary, value })
	}
	return map[string][]string{
		"no token":          {"accessToken", canary},
		"bad base64":        {"accessToken", "a." + canary + "!.c"},
		"no JSON":           {"idToken", "a.Q0FOQVJZ." + canary},
		"folded base64":     {"accessToken", strings.Replace(claim("access", "x", canary), ".", ".\r\n", 1)},
		"no sub":            {"accessToken", claim("access", "sub", "")},
		"sub is a number":   {"accessToken", claim("access", "sub", 5)},
		"no iat":            {"accessToken", claim("access", "iat", 0)},
		"iat is far away":   {"accessToken", claim("access", "iat", int64(1)<<50)},
		"ID for access":     {"accessToken", claim("id", "x", canary)},
		"another client":    {"accessToken", claim("access", "client_id", canary)},
		"long token":        {"accessToken", strings.Repeat(canary, 4000)},
		"long refresh":      {"refreshToken", strings.Repeat(canary, 4000)},
		"refresh not UTF-8": {"refreshToken", canary + "\xff"},
		"drift":             {"clockDrift", canary},
		"wild drift":        {"clockDrift", fmt.Sprint(int64(1) << 50)},
		"details":           {"signInDetails", `{"loginId":"` + canary},
		"details' kind":     {"signInDetails", `["` + canary + `"]`},
		"details' member":   {"signInDetails", `{"loginId":7,"x":"` + canary + `"}`},
		"metadata":          {"oauthMetadata", `{"oauthSignIn":true,"x":` + canary},
		"metadata's member": {"oauthMetadata", `{"oauthSignIn":"` + canary + `"}`},
	}
}

// TestDamage wants an error that names the key and quotes no value, and a
// sign-in to clear it up.
func TestDamage(t *testing.T) {
	t.Parallel()
	for name, pairs := range damages() {
		kv := newStorage()
		s := hurried(kv)
		signedIn(kv, issued)
		kv.put(pairs...)
		_, err := s.Load(t.Context(), alice)
		damaged, ok := errors.AsType[*store.DamagedError](err)
		if !ok || errors.Is(err, amplifystore.ErrIncomplete) || damaged.Account != alice || !strings.HasSuffix(damaged.Path, pairs[0]) {
			t.Errorf("%s: %v, want damage of %s", name, err, pairs[0])
			continue
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, s)} {
			if strings.Contains(text, canary) || strings.Contains(text, "refresh-") {
				t.Errorf("%s: the error quotes a value: %s", name, text)
			}
		}
		save(t, s, storetest.Sample(alice, 1), 0)
		if diff := storetest.Diff(storetest.Sample(alice, 1), load(t, s, alice)); diff != "" {
			t.Errorf("%s, after a sign-in:\n%s", name, diff)
		}
	}
}

// FuzzLoad puts anything under Amplify's keys and ours. Load may not panic, must
// give the same twice, and no session without an access token.
func FuzzLoad(f *testing.F) {
	kv := newStorage()
	signedIn(kv, issued)
	own := prefix + "alice%40example%2Ecom." + pool + ".latchkey"
	if _, err := hurried(kv).Load(f.Context(), alice); err != nil {
		f.Fatal(err)
	}
	access, id := token("access", issued, nil), token("id", issued, nil)
	f.Add(access, id, "refresh", "-348", `{"loginId":"a"}`, "", kv.items[own])
	f.Add(access, id, "refresh", "0", "", `{"oauthSignIn":true}`, "")
	f.Add(access, "", "", "", "null", "null", "")
	f.Add(canary, id, "\xff", "NaN", "[", "{", "x y")
	f.Fuzz(func(t *testing.T, access, id, refresh, drift, details, metadata, ours string) {
		kv := newStorage()
		kv.put("accessToken", access, "idToken", id, "refreshToken", refresh, "clockDrift", drift, "signInDetails", details, "oauthMetadata", metadata)
		kv.items[own] = ours
		s := hurried(kv)
		record, err := s.Load(t.Context(), alice)
		again, errAgain := s.Load(t.Context(), alice)
		if (err == nil) != (errAgain == nil) || storetest.Diff(record, again) != "" {
			t.Fatalf("two loads differ: %v, %v", err, errAgain)
		}
		if err == nil && ours == "" && record.Tokens != nil && record.Tokens.Access.Reveal() != access {
			t.Fatal("a session without its access token")
		}
	})
}
