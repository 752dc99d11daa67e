package store

import "time"

// The types of this file are schema 1 as it is on disks. They never change:
// a new member requires a new schema with new types and a conversion between
// the two. This file and those of later schemas are the only places where
// a record's secrets are revealed.

// record1 is the whole payload. Times are RFC 3339 in UTC with nanoseconds;
// durations are whole nanoseconds, since a number of seconds would need a
// fraction and with it a rounding. What is zero is left out, so that a signed-out
// record is short.
type record1 struct {
	Generation  uint64        `json:"generation"`
	Account     Account       `json:"account"`
	Sub         string        `json:"sub,omitzero"`
	SignIn      *signIn1      `json:"sign_in,omitzero"`
	Tokens      *tokens1      `json:"tokens,omitzero"`
	Drift       int64         `json:"drift_ns,omitzero"`
	Device      *device1      `json:"device,omitzero"`
	IdentityID  string        `json:"identity_id,omitzero"`
	Credentials *credentials1 `json:"credentials,omitzero"`
	Ended       *ended1       `json:"ended,omitzero"`
	SavedAt     time.Time     `json:"saved_at,omitzero"`
}

// signIn1 has the fields of [SignIn] in the same order: one converts to the other.
type signIn1 struct {
	LoginID string `json:"login_id"`
	Flow    string `json:"flow"`
}

// tokens1 holds the tokens as the service sent them. A member left out is a
// token that the service did not send.
type tokens1 struct {
	ID         string    `json:"id,omitzero"`
	Access     string    `json:"access,omitzero"`
	Refresh    string    `json:"refresh,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// device1 is what ConfirmDevice and the DEVICE_SRP_AUTH challenge need again.
type device1 struct {
	Key      string `json:"key"`
	GroupKey string `json:"group_key"`
	Password string `json:"password,omitzero"`
}

// credentials1 has the members of GetCredentialsForIdentity's answer.
type credentials1 struct {
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token,omitzero"`
	Expiration      time.Time `json:"expiration,omitzero"`
}

// ended1 stays in the record after its tokens are gone, so that the next start
// can still say why the user must sign in.
type ended1 struct {
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitzero"`
	At     time.Time `json:"at,omitzero"`
}

// newRecord1 reveals the record's secrets. Identity id and credentials are left out:
// since schema 4 they belong to an identity pool.
func newRecord1(r Record) *record1 {
	shape := &record1{
		Generation: r.Generation,
		Account:    r.Account,
		Sub:        r.Sub,
		SignIn:     (*signIn1)(r.SignIn),
		Drift:      int64(r.Drift),
		SavedAt:    r.SavedAt.UTC(),
	}
	if t := r.Tokens; t != nil {
		shape.Tokens = &tokens1{
			ID: t.ID.Reveal(), Access: t.Access.Reveal(), Refresh: t.Refresh.Reveal(),
			ReceivedAt: t.ReceivedAt.UTC(),
		}
	}
	if d := r.Device; d != nil {
		shape.Device = &device1{Key: d.Key, GroupKey: d.GroupKey, Password: d.Password.Reveal()}
	}
	if e := r.Ended; e != nil {
		shape.Ended = &ended1{Reason: e.Reason, Detail: e.Detail, At: e.At.UTC()}
	}
	return shape
}

// record wraps the secrets again. An empty text becomes the empty secret, so
// that what was left out and what was empty are the same to the program.
func (shape *record1) record() Record {
	r := Record{
		Generation: shape.Generation,
		Account:    shape.Account,
		Sub:        shape.Sub,
		SignIn:     (*SignIn)(shape.SignIn),
		Drift:      time.Duration(shape.Drift),
		SavedAt:    shape.SavedAt.UTC(),
	}
	if t := shape.Tokens; t != nil {
		r.Tokens = &Tokens{
			ID: NewSecret(t.ID), Access: NewSecret(t.Access), Refresh: NewSecret(t.Refresh),
			ReceivedAt: t.ReceivedAt.UTC(),
		}
	}
	if d := shape.Device; d != nil {
		r.Device = &Device{Key: d.Key, GroupKey: d.GroupKey, Password: NewSecret(d.Password)}
	}
	if shape.IdentityID != "" || shape.Credentials != nil {
		r.Identities = []Identity{{ID: shape.IdentityID, Credentials: shape.Credentials.credentials()}}
	}
	if e := shape.Ended; e != nil {
		r.Ended = &Ended{Reason: e.Reason, Detail: e.Detail, At: e.At.UTC()}
	}
	return r
}

// credentials wraps the secrets of c, which may be nil.
func (c *credentials1) credentials() *Credentials {
	if c == nil {
		return nil
	}
	return &Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: NewSecret(c.SecretAccessKey),
		SessionToken: NewSecret(c.SessionToken), Expiration: c.Expiration.UTC(),
	}
}
