package latchkey

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
)

const (
	testIdentityPool   = "us-east-1:00000000-0000-4000-8000-000000000000"
	secondIdentityPool = "us-east-1:22222222-0000-4000-8000-000000000000"
)

// fakeIdentities is the identity pool of a fakePool, which locks it. It knows logins by
// their tokens' issuer and subject, links a guest at the first sign-in, answers
// with the owner's identity afterwards, and remembers whose each key is.
type fakeIdentities struct {
	pool       string        // its id
	life       time.Duration // of credentials
	noGuests   bool
	serial     int
	identities map[string]*fakeIdentity
	keys       map[string]fakeKey // by access key id
}

// fakeKey says whose credentials are: an identity's, and the login's that asked
// for them; empty for a guest.
type fakeKey struct{ identity, subject string }

type fakeIdentity struct {
	id       string
	logins   map[string]string // provider to subject
	disabled bool
}

func newFakeIdentities(pool string) fakeIdentities {
	return fakeIdentities{pool: pool, life: time.Hour, identities: map[string]*fakeIdentity{}, keys: map[string]fakeKey{}}
}

func (p *fakeIdentities) operate(op string, body []byte, now time.Time) *http.Response {
	var request struct {
		IdentityPoolId, IdentityId string
		Logins                     wire.Parameters
	}
	if err := wire.Unmarshal(body, &request); err != nil {
		return exception("SerializationException", err.Error())
	}
	logins := map[string]string{}
	for provider, token := range request.Logins {
		subject := token
		if read, err := jwt.Decode(token); err == nil {
			if subject = read.Subject(); !now.Before(read.Expiry()) {
				return exception("NotAuthorizedException", fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now.Unix(), read.Expiry().Unix()))
			}
		}
		logins[provider] = subject
	}
	if len(logins) == 0 && p.noGuests {
		return exception("NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.")
	}
	if op == opIdentity {
		if request.IdentityPoolId != p.pool {
			return exception("ResourceNotFoundException", "IdentityPool '"+request.IdentityPoolId+"' not found.")
		}
		return success(wire.GetIdResponse{IdentityId: p.of(logins).id})
	}
	return p.credentials(request.IdentityId, logins, now)
}

// find is the identity of a login; nil if there is none.
func (p *fakeIdentities) find(logins map[string]string) *fakeIdentity {
	for _, known := range p.identities {
		for provider, subject := range logins {
			if known.logins[provider] == subject && !known.disabled {
				return known
			}
		}
	}
	return nil
}

// of is the identity of a login, which is made if there is none.
func (p *fakeIdentities) of(logins map[string]string) *fakeIdentity {
	if known := p.find(logins); known != nil {
		return known
	}
	p.serial++
	made := &fakeIdentity{id: fmt.Sprintf("%s-0000-4000-8000-%012d", p.pool[:18], p.serial), logins: logins}
	p.identities[made.id] = made
	return made
}

func (p *fakeIdentities) credentials(id string, logins map[string]string, now time.Time) *http.Response {
	who := p.identities[id]
	switch {
	case who == nil:
		return exception("ResourceNotFoundException", "Identity '"+id+"' not found.")
	case who.disabled, len(logins) == 0 && len(who.logins) > 0:
		return exception("NotAuthorizedException", "Access to Identity '"+id+"' is forbidden.")
	case len(logins) > 0 && len(who.logins) == 0:
		if owner := p.find(logins); owner != nil {
			who.disabled = true // merged
			who = owner
		} else {
			who.logins = logins
		}
	}
	issued := fakeKey{identity: who.id}
	for provider, subject := range logins {
		if issued.subject = subject; who.logins[provider] != subject {
			return exception("NotAuthorizedException", "Logins don't match. Please include at least one valid login for this identity or identity pool.")
		}
	}
	p.serial++
	key := fmt.Sprintf("ASIA%s%07d", p.pool[10:18], p.serial)
	p.keys[key] = issued
	return success(wire.GetCredentialsForIdentityResponse{IdentityId: who.id, Credentials: &wire.Credentials{
		AccessKeyId: key, SecretKey: wire.Sensitive("secret-" + key), SessionToken: wire.Sensitive("session-" + key),
		Expiration: wire.NewTime(now.Add(p.life)),
	}})
}

// ownerOf says whose credentials are: the identity's id, and the subject of the
// login that they were given to.
func (p *fakePool) ownerOf(accessKey string) (id, subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	issued, ok := p.identity.keys[accessKey]
	if !ok {
		issued = p.second.keys[accessKey]
	}
	return issued.identity, issued.subject
}

func withIdentityPool(guests bool) func(*Config) {
	return func(c *Config) { c.IdentityPoolID, c.AllowGuests = testIdentityPool, guests }
}

// wantCredentials fails unless the session has credentials of its identity that
// have not expired, and returns them.
func wantCredentials(t testing.TB, p *fakePool, s *Session) Credentials {
	t.Helper()
	credentials, err := s.Credentials()
	if err != nil {
		t.Fatalf("Credentials: %v", err)
	}
	id, err := s.IdentityID()
	if owner, _ := p.ownerOf(credentials.AccessKeyID); err != nil || owner != id || id == "" {
		t.Fatalf("credentials %s of identity %s, session of identity %s, %v", credentials.AccessKeyID, owner, id, err)
	}
	if !time.Now().Before(credentials.Expiration) {
		t.Fatalf("credentials expired at %v", credentials.Expiration)
	}
	return credentials
}

// asked is how often the identity pool was called: GetId and
// GetCredentialsForIdentity.
func (p *fakePool) asked() [2]int { return [2]int{p.count(opIdentity), p.count(opCredentials)} }
