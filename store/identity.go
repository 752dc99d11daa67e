package store

import (
	"slices"
	"strings"
)

// Identity is what an identity pool issued to an account. PoolID, Endpoint and Role
// are its key: a record has at most one Identity of each key.
type Identity struct {
	// PoolID is the identity pool's id. It is empty in records of schemas 1 to 3,
	// which did not keep it; Endpoint and Role are then empty too.
	PoolID   string
	Endpoint string // origin where the pool was called
	Role     string // ARN of the role that was chosen; empty for the pool's choice

	ID          string       // the identity id; empty if it is not known
	Credentials *Credentials // nil if there are none
}

// SameKey reports whether i and other have the same pool, endpoint and role.
func (i Identity) SameKey(other Identity) bool {
	return i.PoolID == other.PoolID && i.Endpoint == other.Endpoint && i.Role == other.Role
}

func (i Identity) empty() bool { return i.ID == "" && i.Credentials == nil }

// IdentityAt returns the account's identity in an identity pool. Without an entry of
// that key it returns an Identity that has the key alone. The result shares its
// Credentials with r.
//
// An entry of a record of schemas 1 to 3 names no pool. Its identity id answers for every
// pool in its region until SetIdentity replaces it; its credentials, which another pool
// may have issued, answer for none.
func (r Record) IdentityAt(poolID, endpoint, role string) Identity {
	key := Identity{PoolID: poolID, Endpoint: endpoint, Role: role}
	if at := slices.IndexFunc(r.Identities, key.SameKey); at >= 0 {
		return r.Identities[at]
	}
	at := slices.IndexFunc(r.Identities, Identity{}.SameKey)
	if at < 0 || !sameRegion(r.Identities[at].ID, poolID) {
		return key
	}
	key.ID = r.Identities[at].ID
	return key
}

// SetIdentity makes i the record's last identity, in the place of the one of the same
// key, and removes the first one if there are more than [MaxIdentities]. An i with
// neither ID nor Credentials removes the one of its key. An i with a PoolID also
// removes the entry of schemas 1 to 3. Copies of the record made before do not change.
func (r *Record) SetIdentity(i Identity) {
	identities := make([]Identity, 0, len(r.Identities)+1)
	for _, old := range r.Identities {
		if !old.SameKey(i) && (i.PoolID == "" || old.PoolID != "") {
			identities = append(identities, old)
		}
	}
	if !i.empty() {
		i.Credentials = clone(i.Credentials)
		identities = append(identities, i)
	}
	if more := len(identities) - MaxIdentities; more > 0 {
		identities = identities[more:]
	}
	if len(identities) == 0 {
		identities = nil
	}
	r.Identities = identities
}

// sameRegion compares the regions of an identity id and an identity pool's id.
func sameRegion(identityID, poolID string) bool {
	region, _, ok := strings.Cut(identityID, ":")
	poolRegion, _, poolOK := strings.Cut(poolID, ":")
	return ok && poolOK && region == poolRegion
}

func cloneIdentities(identities []Identity) []Identity {
	identities = slices.Clone(identities)
	for n := range identities {
		identities[n].Credentials = clone(identities[n].Credentials)
	}
	return identities
}
