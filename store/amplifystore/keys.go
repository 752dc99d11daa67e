package amplifystore

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/store"
)

// Names of Amplify's keys (createKeysForAuthStorage in @aws-amplify/auth).
const (
	provider      = "CognitoIdentityServiceProvider"
	lastAuthUser  = "LastAuthUser"
	accessToken   = "accessToken"
	idToken       = "idToken"
	refreshToken  = "refreshToken"
	clockDrift    = "clockDrift"
	signInDetails = "signInDetails"
	deviceKey     = "deviceKey"
	deviceGroup   = "deviceGroupKey"
	devicePass    = "randomPasswordKey"
	oauthMetadata = "oauthMetadata"

	latchkey = "latchkey" // the end of each key that is ours
)

// sessionKeys and deviceKeys are what a record is compared with, in the order in
// which Save writes them; the access token has its own turn.
var (
	sessionKeys = []string{accessToken, refreshToken, idToken, clockDrift, signInDetails, oauthMetadata}
	deviceKeys  = []string{deviceKey, deviceGroup, devicePass}
)

// clientID is Cognito's pattern of a ClientId (CreateUserPoolClient). It has no
// dot, which would make keys ambiguous.
var clientID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+]{1,128}$`) })

func (s *Store) key(parts ...string) string {
	return s.prefix + provider + "." + strings.Join(parts, ".")
}

func (s *Store) fieldKey(account store.Account, name string) string {
	return s.key(account.ClientID, account.Username, name)
}

func (s *Store) lastKey(scope store.Scope) string  { return s.key(scope.ClientID, lastAuthUser) }
func (s *Store) ownerKey(scope store.Scope) string { return s.key(scope.ClientID, latchkey) }

// indexKey and ownKey have four and five parts without dots in them, so that no
// two scopes or accounts share one.
func (s *Store) indexKey(scope store.Scope) string {
	return s.key(escape(scope.ClientID), escape(scope.PoolID), latchkey)
}

func (s *Store) ownKey(account store.Account) string {
	return s.key(escape(account.ClientID), escape(account.Username), escape(account.PoolID), latchkey)
}

func escape(part string) string {
	return strings.ReplaceAll(url.QueryEscape(part), ".", "%2E")
}

// shown reports whether Amplify's keys speak for a scope. A client id belongs to
// one user pool; should two claim it, the first one that was saved has the keys.
func (s *Store) shown(ctx context.Context, scope store.Scope) (bool, error) {
	if !expressible(scope) {
		return false, nil
	}
	owner, err := s.item(ctx, s.ownerKey(scope))
	return owner == "" || owner == scope.PoolID, err
}

// expressible reports whether a scope is an app client of a user pool. An
// identity pool's id has a colon.
func expressible(scope store.Scope) bool {
	return clientID().MatchString(scope.ClientID) && scope.PoolID != "" && !strings.Contains(scope.PoolID, ":")
}

// claim takes Amplify's keys for a scope if no other scope has them.
func (s *Store) claim(ctx context.Context, scope store.Scope) error {
	if !expressible(scope) {
		return nil
	}
	owner, err := s.item(ctx, s.ownerKey(scope))
	if err != nil || owner != "" {
		return err
	}
	return s.set(ctx, s.ownerKey(scope), scope.PoolID)
}
