package amplifystore

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/store"
)

// ErrIncomplete means that JavaScript has written or removed a part of a session
// and not the rest. It comes inside a [store.DamagedError], whose Path names the
// first key that is missing or does not fit.
var ErrIncomplete = errors.New("the keys of Amplify hold a part of a session")

var errOtherPool = errors.New("the tokens are of another user pool")

// keyError says which of an account's keys is wrong.
type keyError struct {
	name string
	err  error
}

func (e *keyError) Error() string { return e.name + ": " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// Bounds for what JavaScript wrote.
const (
	maxToken = 50_000  // bytes, what the client receives
	maxDrift = 1 << 40 // milliseconds, some 35 years
	maxIssue = 1 << 37 // seconds; RFC 3339 can write the year

	// oneGrant is how far apart the iat claims of an access token and an ID token
	// may be if they came together, in seconds.
	oneGrant = 5
	// apiScope is the only scope of a sign-in by API; such a sign-in always brings
	// all three tokens.
	apiScope = "aws.cognito.signin.user.admin"
)

// claims are the members of a token that a record needs. The token is not
// verified: it is one's own, and the service judges it.
type claims struct {
	Subject  string `json:"sub"`
	Issuer   string `json:"iss"`
	Client   string `json:"client_id"`
	Use      string `json:"token_use"`
	Scope    string `json:"scope"`
	IssuedAt int64  `json:"iat"`
}

// poolID is what the last part of Cognito's issuers looks like.
var poolID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`) })

// ofPool reports whether the issuer is the pool, or cannot tell.
func (c claims) ofPool(pool string) bool {
	last := c.Issuer[strings.LastIndexByte(c.Issuer, '/')+1:]
	return last == pool || !poolID().MatchString(last)
}

// fromJavaScript puts the session in Amplify's keys into record. Errors are
// *keyError, or errOtherPool.
func fromJavaScript(record *store.Record, found fields) error {
	access, err := complete(found)
	if err != nil {
		return err
	}
	if !access.ofPool(record.Account.PoolID) {
		return errOtherPool
	}
	if access.Client != "" && access.Client != record.Account.ClientID {
		return &keyError{accessToken, errors.New("the token is of another app client")}
	}
	drift, err := parseDrift(found)
	if err != nil {
		return err
	}
	signIn, err := parseDetails(found[signInDetails])
	if err != nil {
		return err
	}
	redirect, err := parseMetadata(found[oauthMetadata])
	if err != nil {
		return err
	}
	sameSub := record.Sub == access.Subject
	moved := record.Issuer != "" && access.Issuer != "" && record.Issuer != access.Issuer
	if !sameSub || moved { // what is another person's
		record.Identities, record.Redirect = nil, nil
	}
	if moved { // another service must not receive refresh tokens that this one issued
		record.Pending = nil
	}
	if !sameSub || access.Issuer != "" {
		record.Issuer = access.Issuer
	}
	switch {
	case !redirect:
		record.Redirect = nil
	case record.Redirect == nil:
		record.Redirect = &store.Redirect{} // where JavaScript came back to is not kept
	}
	record.Sub, record.SignIn, record.Drift, record.Ended = access.Subject, signIn, drift, nil
	received := time.Unix(access.IssuedAt, 0).Add(-drift).UTC()
	record.SavedAt = received
	record.Tokens = &store.Tokens{
		ID: store.NewSecret(found[idToken]), Access: store.NewSecret(found[accessToken]),
		Refresh: store.NewSecret(found[refreshToken]), ReceivedAt: received,
	}
	return nil
}

// complete checks that the tokens are there that belong together, and returns
// the claims of the access token.
func complete(found fields) (claims, error) {
	if found[accessToken] == "" {
		return claims{}, &keyError{accessToken, ErrIncomplete}
	}
	access, err := parseToken(found, accessToken, "access")
	if err != nil {
		return claims{}, err
	}
	// Without a scope claim the token is some emulator's, which sends all three.
	scopes := strings.Fields(access.Scope)
	api := len(scopes) == 0 || len(scopes) == 1 && scopes[0] == apiScope
	if found[idToken] == "" && (api || slices.Contains(scopes, "openid")) {
		return claims{}, &keyError{idToken, ErrIncomplete}
	}
	// clockDrift is the last that Amplify writes.
	if found[refreshToken] == "" && (api || found[clockDrift] == "") {
		return claims{}, &keyError{refreshToken, ErrIncomplete}
	}
	if len(found[refreshToken]) > maxToken || !utf8.ValidString(found[refreshToken]) {
		return claims{}, &keyError{refreshToken, errTooLong}
	}
	if found[idToken] == "" {
		return access, nil
	}
	id, err := parseToken(found, idToken, "id")
	if err != nil {
		return claims{}, err
	}
	apart := id.IssuedAt - access.IssuedAt
	if id.Subject != access.Subject || apart > oneGrant || apart < -oneGrant {
		return claims{}, &keyError{idToken, fmt.Errorf("%w: the access token and the ID token were not issued together", ErrIncomplete)}
	}
	return access, nil
}

var (
	errTooLong = errors.New("it is longer than 50,000 bytes or not UTF-8, which no token is")
	errToken   = errors.New("it is not a token: three parts in base64url, the second a JSON object with sub and iat")
	errUse     = errors.New("it is a token for another use")
)

// parseToken reads the payload of a token. Errors do not quote it.
func parseToken(found fields, name, use string) (claims, error) {
	token := found[name]
	if len(token) > maxToken {
		return claims{}, &keyError{name, errTooLong}
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, &keyError{name, errToken}
	}
	payload, err := strictbase64.DecodeURL(parts[1])
	if err != nil {
		return claims{}, &keyError{name, errToken}
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || c.Subject == "" || c.IssuedAt <= 0 || c.IssuedAt > maxIssue || len(c.Issuer) > store.MaxText {
		return claims{}, &keyError{name, errToken}
	}
	if c.Use != "" && c.Use != use {
		return claims{}, &keyError{name, errUse}
	}
	return c, nil
}

// issuerOf returns the iss claim of an access token, empty if it cannot be read.
func issuerOf(token store.Secret) string {
	c, err := parseToken(fields{accessToken: token.Reveal()}, accessToken, "access")
	if err != nil {
		return ""
	}
	return c.Issuer
}

// withoutCredentials returns the identities that have an id, without credentials.
func withoutCredentials(identities []store.Identity) []store.Identity {
	var kept []store.Identity
	for _, i := range identities {
		if i.Credentials = nil; i.ID != "" {
			kept = append(kept, i)
		}
	}
	return kept
}

// parseDrift reads clockDrift; a missing one is 0, as for Amplify. See the
// package's documentation for version 5.
func parseDrift(found fields) (time.Duration, error) {
	text := found[clockDrift]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxDrift || n < -maxDrift {
		return 0, &keyError{clockDrift, errors.New("it is not a whole number of milliseconds")}
	}
	drift := time.Duration(n) * time.Millisecond
	if found[signInDetails] == "" && found[oauthMetadata] == "" && n < 0 && n > -maxDrift/1000 {
		drift = time.Duration(-n) * time.Second
	}
	return drift, nil
}

// parseDetails reads signInDetails. JavaScript leaves out a member that is
// undefined.
func parseDetails(text string) (*store.SignIn, error) {
	if text == "" {
		return nil, nil
	}
	var d *details
	if len(text) > maxToken || json.Unmarshal([]byte(text), &d) != nil {
		return nil, &keyError{signInDetails, errors.New("it is not the JSON object that Amplify writes")}
	}
	if d == nil {
		return nil, nil
	}
	return &store.SignIn{LoginID: d.LoginID, Flow: d.Flow}, nil
}

// parseMetadata reads oauthMetadata: whether the user signed in by redirect.
func parseMetadata(text string) (redirect bool, err error) {
	if text == "" {
		return false, nil
	}
	var m metadata
	if len(text) > maxToken || json.Unmarshal([]byte(text), &m) != nil {
		return false, &keyError{oauthMetadata, errors.New("it is not the JSON object that Amplify writes")}
	}
	return m.SignIn, nil
}
