package amplifystore_test

import (
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/store"
	"github.com/latchkey-auth/latchkey/store/storetest"
)

// cameBack writes what Amplify JS 6.22 writes when the browser comes back from the
// sign-in pages: no sign-in details, and the metadata after the tokens.
func cameBack(s *storage, at time.Time) {
	s.put("LastAuthUser", alice.Username, "accessToken", redirectToken(at), "idToken", token("id", at, nil),
		"refreshToken", "refresh-"+at.String(), "signInDetails", "", "clockDrift", "-348")
	s.put("oauthMetadata", `{"oauthSignIn":true}`)
}

func redirectToken(at time.Time) string {
	return token("access", at, func(claims map[string]any) { claims["scope"] = "openid email" })
}

// backRecord is the record of cameBack.
func backRecord(at time.Time) store.Record {
	record := javaScriptRecord(at)
	record.SignIn, record.Device, record.Redirect = nil, nil, &store.Redirect{}
	record.Tokens.Access = store.NewSecret(redirectToken(at))
	return record
}

// TestRedirectByJavaScript follows a front end that signs in by redirect: Go knows
// it, keeps it over refreshes on both sides, and forgets it when the page signed out.
func TestRedirectByJavaScript(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := hurried(kv)
	check := func(name string, want store.Record) store.Record {
		t.Helper()
		got := load(t, s, alice)
		if diff := diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		return got
	}
	cameBack(kv, issued)
	kv.put("oauthMetadata", "") // Load comes in between
	early := backRecord(issued)
	early.Redirect, early.Drift = nil, 348*time.Second // not to be told from version 5's
	early.SavedAt = issued.Add(-early.Drift)
	early.Tokens.ReceivedAt = early.SavedAt
	check("before the metadata", early)
	cameBack(kv, issued)
	record := check("sign-in", backRecord(issued))

	previous := record.Generation
	record.Generation++
	record.Tokens.Refresh = store.NewSecret("refreshed by Go")
	save(t, s, record, previous)
	check("refresh by Go", record)
	if got := kv.items[prefix+alice.Username+".oauthMetadata"]; got != `{"oauthSignIn":true}` {
		t.Errorf("after a refresh by Go oauthMetadata is %q", got)
	}
	cameBack(kv, issued.Add(time.Hour))
	check("refresh by JavaScript", backRecord(issued.Add(time.Hour)))
	signedOut(kv)
	gone := backRecord(issued.Add(time.Hour))
	gone.Tokens, gone.Redirect = nil, nil
	gone.Ended = &store.Ended{Reason: "signed-out", Detail: "the session was removed from Amplify's keys"}
	check("sign-out", gone)
	signedIn(kv, issued.Add(2*time.Hour)) // with a password
	check("password", javaScriptRecord(issued.Add(2*time.Hour)))
}

// TestRedirectByGo: what Go signed in by redirect is known as such to Amplify, whose
// sign-out reads oauthMetadata.
func TestRedirectByGo(t *testing.T) {
	t.Parallel()
	const key = prefix + "alice@example.com.oauthMetadata"
	began := store.Redirect{URI: "http://127.0.0.1:49152/callback", Browser: true}
	for _, browser := range []bool{true, false} {
		kv := newStorage()
		s := hurried(kv)
		record := backRecord(issued)
		record.Generation, record.Redirect = 1, &store.Redirect{URI: began.URI, Browser: browser}
		save(t, s, record, 0)
		if got := kv.items[key]; got != `{"oauthSignIn":true}` {
			t.Errorf("oauthMetadata is %q", got)
		}
		if diff := storetest.Diff(record, load(t, s, alice)); diff != "" {
			t.Errorf("loaded:\n%s", diff)
		}
		cameBack(kv, issued.Add(time.Hour)) // JavaScript refreshes
		next := load(t, s, alice)
		if next.Redirect == nil || *next.Redirect != *record.Redirect {
			t.Errorf("after a refresh by JavaScript: %+v", next.Redirect)
		}
		signedOut(kv)
		left := load(t, s, alice).Redirect
		if browser != (left != nil && *left == began) {
			t.Errorf("a browser of Go's own %t: after a sign-out by JavaScript %+v is left", browser, left)
		}
		// The session that follows is one from a password, of Go's.
		last := load(t, s, alice)
		record = javaScriptRecord(issued.Add(2 * time.Hour))
		record.Generation = last.Generation + 1
		save(t, s, record, last.Generation)
		if got, there := kv.items[key]; there {
			t.Errorf("oauthMetadata is %q beside a session from a password", got)
		}
	}
}

// TestRedirectReplaced: a session of Go's from a password takes the place of one by
// redirect, and Amplify's sign-out must not lead over the logout page for it.
func TestRedirectReplaced(t *testing.T) {
	t.Parallel()
	kv := newStorage()
	s := hurried(kv)
	cameBack(kv, issued)
	previous := load(t, s, alice).Generation
	record := javaScriptRecord(issued)
	record.Generation = previous + 1
	save(t, s, record, previous)
	if got, there := kv.items[prefix+"alice@example.com.oauthMetadata"]; there {
		t.Errorf("oauthMetadata is %q", got)
	}
	if diff := storetest.Diff(record, load(t, s, alice)); diff != "" {
		t.Error(diff)
	}
}

// TestMetadata reads what is and what is not Amplify's.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"oauthSignIn":true}`: true, `{"oauthSignIn":true,"more":1}`: true,
		`{"oauthSignIn":false}`: false, `{}`: false, `null`: false, `{"OAUTHSIGNIN":true}`: false,
	} {
		kv := newStorage()
		signedIn(kv, issued)
		kv.put("oauthMetadata", text)
		if record := load(t, hurried(kv), alice); (record.Redirect != nil) != want {
			t.Errorf("%s: %+v, want a redirect: %t", text, record.Redirect, want)
		}
	}
	other := func(claims map[string]any) { claims["sub"] = "another" }
	kv := newStorage()
	s := hurried(kv)
	record := backRecord(issued)
	record.Generation, record.Redirect = 1, &store.Redirect{URI: "http://127.0.0.1:5000/callback", Browser: true}
	save(t, s, record, 0)
	kv.put("accessToken", token("access", issued, other), "idToken", token("id", issued, other))
	if got := load(t, s, alice); got.Redirect == nil || *got.Redirect != (store.Redirect{}) {
		t.Errorf("another person's session has the redirect %+v of the first", got.Redirect)
	}
}
