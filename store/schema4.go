package store

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The types of this file are schema 4: schema 3 with the service of an account, the
// issuer, a list of identities in place of one identity id and its credentials, and what
// is known of refresh tokens that were not accepted.

// record4 is the whole payload. Its members stand beside those of record3, without
// identity_id, credentials and credentials_received_at.
type record4 struct {
	record3
	Issuer        string      `json:"issuer,omitzero"`
	Identities    []identity4 `json:"identities,omitzero"`
	FormerRefresh string      `json:"former_refresh,omitzero"`
	DeviceRefused bool        `json:"device_refused,omitzero"`
}

// identity4 is an [Identity].
type identity4 struct {
	PoolID      string        `json:"pool_id,omitzero"`
	Endpoint    string        `json:"endpoint,omitzero"`
	Role        string        `json:"role,omitzero"`
	ID          string        `json:"id,omitzero"`
	Credentials *credentials4 `json:"credentials,omitzero"`
}

// credentials4 is [Credentials]: those of schema 1 and when they were received.
type credentials4 struct {
	credentials1
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// newRecord4 reveals the record's secrets.
func newRecord4(r Record) *record4 {
	shape := &record4{record3: *newRecord3(r), Issuer: r.Issuer}
	if t := r.Tokens; t != nil {
		shape.FormerRefresh, shape.DeviceRefused = t.Former.Reveal(), t.DeviceRefused
	}
	for _, i := range r.Identities {
		shape.Identities = append(shape.Identities, identity4{
			PoolID: i.PoolID, Endpoint: i.Endpoint, Role: i.Role, ID: i.ID, Credentials: newCredentials4(i.Credentials),
		})
	}
	return shape
}

func newCredentials4(c *Credentials) *credentials4 {
	if c == nil {
		return nil
	}
	return &credentials4{
		credentials1: credentials1{
			AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(),
			SessionToken: c.SessionToken.Reveal(), Expiration: c.Expiration.UTC(),
		},
		ReceivedAt: c.ReceivedAt.UTC(),
	}
}

// record wraps the secrets again. It serves every schema: what an older one read
// is in the embedded shapes.
func (shape *record4) record() Record {
	r := shape.record3.record()
	r.Issuer = shape.Issuer
	if r.Tokens != nil {
		r.Tokens.Former, r.Tokens.DeviceRefused = NewSecret(shape.FormerRefresh), shape.DeviceRefused
	}
	for _, i := range shape.Identities {
		identity := Identity{PoolID: i.PoolID, Endpoint: i.Endpoint, Role: i.Role, ID: i.ID}
		if i.Credentials != nil {
			identity.Credentials = i.Credentials.credentials()
			identity.Credentials.ReceivedAt = i.Credentials.ReceivedAt.UTC()
		}
		r.Identities = append(r.Identities, identity)
	}
	return r
}

// read reads the value of one member of the payload.
func (shape *record4) read(dec *jsontext.Decoder, name string) error {
	switch name {
	case "account":
		return readAccount4(dec, &shape.Account)
	case "issuer":
		return readText(dec, &shape.Issuer)
	case "identities":
		return readList(dec, &shape.Identities, MaxIdentities, errIdentities, (*identity4).read)
	case "former_refresh":
		return readText(dec, &shape.FormerRefresh)
	case "device_refused":
		return readFlag(dec, &shape.DeviceRefused)
	case "identity_id", "credentials", "credentials_received_at":
		return errUnknownName
	}
	return shape.record3.read(dec, name)
}

// readAccount4 reads an [Account] with its service.
func readAccount4(dec *jsontext.Decoder, a *Account) error {
	return readTexts(dec, map[string]*string{
		"pool_id": &a.PoolID, "client_id": &a.ClientID, "service": &a.Service, "username": &a.Username,
	})
}

func (i *identity4) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		switch name {
		case "pool_id":
			return readText(dec, &i.PoolID)
		case "endpoint":
			return readText(dec, &i.Endpoint)
		case "role":
			return readText(dec, &i.Role)
		case "id":
			return readText(dec, &i.ID)
		case "credentials":
			return readPart(dec, &i.Credentials, (*credentials4).read)
		}
		return errUnknownName
	})
}

func (c *credentials4) read(dec *jsontext.Decoder) error {
	return readObject(dec, func(name string) error {
		if name == "received_at" {
			return readTime(dec, &c.ReceivedAt)
		}
		return c.credentials1.readMember(dec, name)
	})
}
