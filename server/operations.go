package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// operations are the handlers of what the service offers, by target.
type operations map[string]wire.Handler

func operationsOf(s *Server) operations {
	table := make(operations)
	for name, handler := range s.pools.Operations() {
		table[wire.Target(wire.UserPools, name)] = handler
	}
	for name, handler := range s.identities.Operations() {
		table[wire.Target(wire.IdentityPools, name)] = handler
	}
	table[RotateSigningKeysTarget] = wire.Handle(s.rotateSigningKeys)
	return table
}

// handle passes a request to the operation's handler. There is none when Cognito
// knows the operation and this service does not offer it.
func (o operations) handle(ctx context.Context, body []byte, operation wire.Operation) (any, error) {
	handler := o[operation.Target()]
	if handler == nil {
		return nil, wire.NotOffered(operation)
	}
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return handler(ctx, body)
}

// apis are the three APIs by the prefix of their operations' names, which for
// Cognito's is that of the actions in IAM policies.
var apis = []struct {
	prefix  string
	service wire.Service
}{
	{"cognito-idp", wire.UserPools}, {"cognito-identity", wire.IdentityPools}, {"latchkey", administration},
}

// operationNamed finds the operation that a program names: "GetId", or with the
// prefix of its API "cognito-identity:GetId".
func operationNamed(name string) (wire.Operation, error) {
	prefix, short, whole := strings.Cut(name, ":")
	if !whole {
		short = name
	}
	var found []wire.Operation
	var names []string
	for _, api := range apis {
		if whole && api.prefix != prefix {
			continue
		}
		if operation, ok := lookup(wire.Target(api.service, short)); ok {
			found, names = append(found, operation), append(names, api.prefix+":"+short)
		}
	}
	switch len(found) {
	case 0:
		return wire.Operation{}, fmt.Errorf("unknown operation %q", name)
	case 1:
		return found[0], nil
	}
	return wire.Operation{}, fmt.Errorf("ambiguous operation %q: use %s", name, strings.Join(names, " or "))
}

// actionName is the name of an operation with the prefix of its API.
func actionName(o wire.Operation) string {
	for _, api := range apis {
		if api.service == o.Service {
			return api.prefix + ":" + o.Name
		}
	}
	return o.Name
}
