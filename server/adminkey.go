package server

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// AdminKey is an access key of an administrator, who signs requests with it (AWS
// Signature Version 4).
type AdminKey struct {
	// Name names the administrator in the log and in refusals: letters, digits and any
	// of +=,.@_-, at most 64; default ID. Several keys may have one name.
	Name string
	// ID is the access key id: letters, digits and any of _.-, at most 128.
	ID     string
	Secret plug.Secret
	// Operations are the operations that the key may call, by the names that
	// [Server.Call] takes. If nil, the key may call all of them. An empty list is an error.
	Operations []string
}

// administrator is an AdminKey that New has checked.
type administrator struct {
	name    string
	secret  secret.String
	allowed map[string]bool // by target; nil allows all
}

var (
	validKeyID   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`) })
	validKeyName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,64}$`) }) // as of a user in IAM
)

// administratorsOf checks Config.AdminKeys and returns them by access key id.
func administratorsOf(adminKeys []AdminKey) (map[string]administrator, error) {
	all := make(map[string]administrator, len(adminKeys))
	for i, key := range adminKeys {
		field := fmt.Sprintf("server: Config.AdminKeys[%d]", i)
		switch _, twice := all[key.ID]; {
		case !validKeyID().MatchString(key.ID):
			return nil, fmt.Errorf("%s: invalid ID %q", field, key.ID)
		case key.Name != "" && !validKeyName().MatchString(key.Name):
			return nil, fmt.Errorf("%s: invalid Name %q", field, key.Name)
		case twice:
			return nil, fmt.Errorf("%s: duplicate ID %q", field, key.ID)
		case key.Secret.IsZero():
			return nil, fmt.Errorf("%s: Secret of %q is empty", field, key.ID)
		}
		allowed, err := targetsOf(key.Operations)
		if err != nil {
			return nil, fmt.Errorf("%s: Operations of %q: %w", field, key.ID, err)
		}
		all[key.ID] = administrator{name: cmp.Or(key.Name, key.ID), secret: secret.New(key.Secret.Reveal()), allowed: allowed}
	}
	return all, nil
}

// targetsOf finds the operations that need a signature by their names.
func targetsOf(names []string) (map[string]bool, error) {
	switch {
	case names == nil:
		return nil, nil
	case len(names) == 0:
		return nil, errors.New("the list is empty; nil allows all operations")
	}
	targets := make(map[string]bool, len(names))
	for _, name := range names {
		operation, err := operationNamed(name)
		if err != nil {
			return nil, err
		}
		if operation.Auth != wire.Signed {
			return nil, fmt.Errorf("operation %q needs no admin key", name)
		}
		if targets[operation.Target()] {
			return nil, fmt.Errorf("duplicate operation %q", name)
		}
		targets[operation.Target()] = true
	}
	return targets, nil
}

// authorize returns an AccessDeniedException unless the administrator may call the operation.
func (a administrator) authorize(operation wire.Operation) error {
	if a.allowed == nil || a.allowed[operation.Target()] {
		return nil
	}
	return wire.Exceptionf(wire.AccessDeniedException, wire.MessageNotAllowed, a.name, actionName(operation))
}

// adminSignatures returns the verifiers of admin calls by signing name.
func adminSignatures(administrators map[string]administrator, now func() time.Time) map[string]*sigv4.Verifier {
	verifiers := map[string]*sigv4.Verifier{}
	for _, service := range []wire.Service{wire.UserPools, wire.IdentityPools} {
		name := service.SigningName()
		verifiers[name] = &sigv4.Verifier{
			Lookup: func(id string) (secret.String, bool) {
				a, ok := administrators[id]
				return a.secret, ok
			},
			Services: []string{name}, Now: now,
		}
	}
	return verifiers
}
