// Package amplifystore keeps sessions in the key layout of Amplify JS v6, over
// any storage that has the four methods of Amplify's KeyValueStorageInterface.
// Use it to carry a custom storage over from an Amplify application, or to share
// a session with a JavaScript front end. For a Go program alone, filestore is the
// better choice: one record in one file, and locks.
//
// # Layout
//
// P is CognitoIdentityServiceProvider, C the app client's id, U the username.
// Amplify's keys hold what Amplify JS v6 puts there:
//
//	P.C.LastAuthUser                      the active user
//	P.C.U.accessToken .idToken            the tokens
//	P.C.U.refreshToken
//	P.C.U.clockDrift                      the service's clock minus ours, in milliseconds
//	P.C.U.signInDetails                   {"loginId":…,"authFlowType":…}
//	P.C.U.deviceKey .deviceGroupKey       the remembered device; it outlives sign-outs
//	P.C.U.randomPasswordKey
//	P.C.U.oauthMetadata                   {"oauthSignIn":true} for a sign-in by redirect
//
// The keys of this package end in ".latchkey", which no key of Amplify does. In
// them names are percent-encoded, dots too:
//
//	P.C.latchkey                          the user pool that Amplify's keys of C belong to
//	P.C.POOL.latchkey                     the usernames with a record, and the active one
//	P.C.U.POOL.latchkey                   what else the record holds
//
// The last one holds the generation, the end of a session, the identities with their
// credentials, and a SHA-256 of each value that [Store.Save] left in Amplify's
// keys. Tokens are not in it, so that a sign-out in JavaScript leaves none behind.
// There are exceptions, which Amplify's keys cannot express: a guest, a session
// that ended with its tokens kept, a second user pool with the same client id, an
// identity pool in place of a user pool, and a client id that no service gives out
// (one with a dot, say). Their records lie whole in the key of this package, and
// Amplify does not see them.
//
// # Several services
//
// Amplify's layout has no place for [store.Scope.Service], and neither do the keys of
// this package: accounts that differ in their service alone share one record, one
// pointer and one lock. Records and accounts carry the Scope that was asked for. A
// client identifies the service of a session by Record.Issuer. Load takes it from the access
// token where JavaScript wrote the session or the record does not have one; a token
// that has no iss claim leaves it empty. When JavaScript signs in at another issuer,
// identities, credentials and pending revocations of the one before are dropped. The
// store is therefore no [store.ServiceLister].
//
// # Several users
//
// Amplify knows one user per client, the one that LastAuthUser names; the other
// keys carry the username. So every account has its keys, and Amplify sees the
// active one: [Store.SetActive] moves LastAuthUser and touches nothing else. For
// the guest it removes LastAuthUser. Save leaves LastAuthUser alone, hence new
// tokens never stand under another user's name. [Store.Active] goes by
// LastAuthUser when JavaScript changed it, and [Store.List] adds its user.
//
// # A write and a crash
//
// A storage of keys has no transaction. Save first writes the whole record to the
// account's own key, together with the hashes of what Amplify's keys held before:
// with this one write the record is saved. Then it brings Amplify's keys up to
// date, and finally removes the tokens from the record. After a crash, or an error
// of the storage, in between, Load finds the record in the account's key, returns it and
// completes the write. Delete and SetActive work likewise. A Save that failed half
// way may be called again with the same arguments, and completes.
//
// For JavaScript, which may read at any moment, the order is: the refresh token
// first and the access token last, so that a reader never finds a spent refresh token
// with a new access token; and when a session ends, the access token goes first,
// without which Amplify takes the user for signed out.
//
// # What JavaScript changed
//
// Load compares Amplify's keys with the hashes. When they differ, JavaScript
// refreshed, signed out or signed in, and what it wrote is the session: tokens,
// drift, sign-in details and device come from Amplify's keys, and the rest of the
// record stays if the sub claim is the same. A removed session is a record with
// Ended (reason "signed-out", its time unknown and zero).
//
// The generation of such a record is the kept one, plus one, plus 20 bits of a
// SHA-256 over Amplify's keys. Two programs that find the same change agree on it,
// and two that find different changes do not take them for one; a Save that was
// decided upon before the change is therefore an [store.ErrConflict]. Load writes
// the new generation and the new hashes to this package's keys, so that generations
// grow from change to change. It never writes a token that was not there, and
// removes nothing but what a Save or Delete had begun to remove. If that write
// fails Load still returns the record; the next one tries again.
//
// A session of which JavaScript has written or removed a part is not used. Load
// waits a moment ([WithPatience]) and then reports a [store.DamagedError] with
// [ErrIncomplete]; the keys stay as they are, and a sign-in or a Delete replaces
// them. Complete is: an access token, an ID token (unless its scopes are those of
// an OAuth sign-in without openid) and a refresh token (only the implicit grant has
// none). Amplify's clockDrift, signInDetails and device keys may be missing.
//
// Load also waits when the access token is new and clockDrift is not, which
// Amplify writes last: the new refresh token may not be there yet. It takes what
// it then finds, since two drifts may be equal.
//
// Version 5 wrote clockDrift as our clock minus the service's, in seconds. Where
// neither sign-in details nor OAuth metadata tell that version 6 wrote it, the
// reading by which tokens expire earlier is taken: it costs one refresh at most.
//
// # Signing in by redirect
//
// A session that has oauthMetadata is one with a [store.Redirect] in its record, and
// the other way round: whichever side signs it out ends the browser's session at the
// sign-in pages too. Amplify does not keep where the browser came back to, so that
// URI is empty for a session that JavaScript began; and it writes oauthMetadata after
// the tokens, so that Load, should it come in between, learns of the redirect the next
// time. A sign-out in JavaScript takes that page's browser over the logout page. If a Go program began the session in the system's browser (Redirect.Browser),
// the record keeps the redirect, for the next sign-out in Go.
//
// What else Amplify keeps of a redirect (P.C.inflightOAuth, .oauthSignIn, .oauthPKCE,
// .oauthState) is a page's own, in its localStorage, and not touched.
//
// # What is not promised
//
// Compare-and-swap holds among the goroutines that share a [Store], and among all
// programs if the storage is a [Locker]. Without one, two processes that save at
// the same moment may both succeed. JavaScript takes no lock in any case: what it
// writes while Save runs can be overwritten, or be mixed with what Save writes,
// which Load then reports as incomplete or takes for a change; and both sides may
// spend the same refresh token, which ends the session where tokens rotate. A
// sign-out in JavaScript that comes after a sign-in was cut off, and before a Go
// program read again, looks the same as keys that were not written yet.
// A page that listens to the storage learns of a change no earlier than its own
// events tell it; it should read again when LastAuthUser changes.
//
// Tokens lie in the storage in the clear, as Amplify needs them.
package amplifystore
