package admin

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/paging"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// customIDPrefix stands before the id that a new client is to have, in its
// name. The name is kept as it was given. Emulators of Cognito share the convention.
const customIDPrefix = "_custom_id_:"

// CreateUserPoolClient makes an app client, public or with a secret. The secret
// is sealed for this client id and shown by CreateUserPoolClient,
// DescribeUserPoolClient and UpdateUserPoolClient.
func (s *Service) CreateUserPoolClient(ctx context.Context, in *wire.CreateUserPoolClientRequest) (*wire.CreateUserPoolClientResponse, error) {
	id, err := idOfClient(in.ClientName)
	if err != nil {
		return nil, err
	}
	if in.GenerateSecret && in.ClientSecret != "" {
		return nil, pool.Invalid("GenerateSecret and ClientSecret exclude each other: leave one out.")
	}
	a := &pool.App{Secret: string(in.ClientSecret)}
	if in.GenerateSecret {
		a.Secret = pool.NewClientSecret()
	}
	now := s.now()
	a.Client = storage.Client{ID: id, PoolID: in.UserPoolId, Name: in.ClientName, CreatedAt: now, ModifiedAt: now}
	if a.Secret != "" {
		a.Client.Secret = s.box.Seal(pool.PurposeSecret, []byte(a.Secret), []byte(id))
	}
	err = s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if _, a.PoolSettings, err = s.pools.LoadPool(tx, in.UserPoolId); err != nil {
			return err
		}
		if err := configure(a, tx, in.UserPoolClientSettings, "creating"); err != nil {
			return err
		}
		err = tx.Clients.Insert(a.Client)
		if errors.Is(err, storage.ErrExists) {
			return pool.Invalid("The client id %s is taken: a client with it exists already, in this user pool or another.", id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateUserPoolClientResponse{UserPoolClient: shape(a)}, nil
}

// idOfClient takes the id from the name that pins it, or draws one.
func idOfClient(name string) (string, error) {
	id, pinned := strings.CutPrefix(name, customIDPrefix)
	if !pinned {
		return pool.NewClientID(), nil
	}
	if !pool.IsClientID(id) {
		return "", pool.Invalid("What follows %s in ClientName must be a client id: 1 to 128 letters, digits, underscores or plus signs.", customIDPrefix)
	}
	if id == wire.AllClients {
		return "", pool.Invalid("The client id %s is reserved: it stands for all clients in SetUICustomization.", id)
	}
	return id, nil
}

// configure gives the client the settings of a request, checked and complete.
// doing is "creating" or "updating".
func configure(a *pool.App, tx storage.Tx, w wire.UserPoolClientSettings, doing string) error {
	set := &pool.ClientSettings{UserPoolClientType: wire.UserPoolClientType{UserPoolClientSettings: completeClient(w)}}
	if err := checkClientAttributes(a.PoolSettings, set, doing); err != nil {
		return err
	}
	for _, check := range []func(*pool.ClientSettings) error{checkLives, checkFlows, checkRotation, checkRedirects} {
		if err := check(set); err != nil {
			return err
		}
	}
	if err := checkScopes(tx, a.Client.PoolID, set); err != nil {
		return err
	}
	if err := checkProviders(tx, a.Client.PoolID, set); err != nil {
		return err
	}
	if err := checkOAuthFlows(set, a.Secret != ""); err != nil {
		return err
	}
	data, err := settings.Encode(set)
	a.Settings, a.Client.Settings = set, data
	return err
}

// completeClient puts Cognito's defaults in the place of what a request leaves
// out (CreateUserPoolClient).
func completeClient(w wire.UserPoolClientSettings) wire.UserPoolClientSettings {
	c := pool.ClientSettings{UserPoolClientType: wire.UserPoolClientType{UserPoolClientSettings: w}}
	if len(w.ExplicitAuthFlows) == 0 {
		w.ExplicitAuthFlows = []wire.ExplicitAuthFlow{wire.AllowUserSRPAuth, wire.AllowCustomAuth}
		if !c.Rotates() {
			w.ExplicitAuthFlows = append(w.ExplicitAuthFlows, wire.AllowRefreshTokenAuth)
		}
	}
	if w.RefreshTokenValidity == nil || *w.RefreshTokenValidity == 0 {
		unit := pool.UnitDuration(c.Units().RefreshToken, 24*time.Hour)
		w.RefreshTokenValidity = new(int32(pool.DefaultRefreshLife / unit))
	}
	if w.AuthSessionValidity == nil {
		w.AuthSessionValidity = new(int32(pool.DefaultAuthSession / time.Minute))
	}
	w.PreventUserExistenceErrors = cmp.Or(w.PreventUserExistenceErrors, wire.PreventUserExistenceErrorsLegacy)
	w.EnableTokenRevocation = new(w.EnableTokenRevocation == nil || *w.EnableTokenRevocation)
	w.EnablePropagateAdditionalUserContextData = new(pool.IsTrue(w.EnablePropagateAdditionalUserContextData))
	w.AllowedOAuthFlowsUserPoolClient = new(pool.IsTrue(w.AllowedOAuthFlowsUserPoolClient))
	return w
}

// checkClientAttributes checks that the attributes which a client reads and
// writes are in the schema, that it writes none that the service keeps, and that
// it can write all that a user must have.
func checkClientAttributes(p *pool.Settings, c *pool.ClientSettings, doing string) error {
	for _, name := range c.ReadAttributes {
		if p.SchemaOf(name) == nil {
			return pool.Invalid("Invalid read attributes specified while %s a client: %s is not in the schema.", doing, name)
		}
	}
	for _, name := range c.WriteAttributes {
		a := p.SchemaOf(name)
		if a == nil || slices.Contains(pool.BuiltIn, name) || pool.IsTrue(a.DeveloperOnlyAttribute) {
			return pool.Invalid("Invalid write attributes specified while %s a client: %s cannot be written by a client.", doing, name)
		}
	}
	for _, name := range p.RequiredAttributes() {
		if len(c.WriteAttributes) > 0 && !slices.Contains(c.WriteAttributes, name) {
			return pool.Invalid("Invalid write attributes specified while %s a client: %s is required and must be among them.", doing, name)
		}
	}
	return nil
}

// Bounds of token lives (CreateUserPoolClient: AccessTokenValidity,
// IdTokenValidity, RefreshTokenValidity).
const (
	leastTokenLife   = 5 * time.Minute
	mostTokenLife    = 24 * time.Hour
	leastRefreshLife = time.Hour
	mostRefreshLife  = 3650 * 24 * time.Hour
)

// checkLives checks the lives of the client's tokens with their units.
func checkLives(c *pool.ClientSettings) error {
	const text = "Invalid range for token validity. %s must be from %s in its unit of TokenValidityUnits, which is %s when absent."
	units := c.Units()
	switch {
	case !inRange(c.AccessTokenValidity, pool.UnitDuration(units.AccessToken, time.Hour), leastTokenLife, mostTokenLife):
		return pool.Invalid(text, "AccessTokenValidity", "5 minutes to 1 day", "hours")
	case !inRange(c.IdTokenValidity, pool.UnitDuration(units.IdToken, time.Hour), leastTokenLife, mostTokenLife):
		return pool.Invalid(text, "IdTokenValidity", "5 minutes to 1 day", "hours")
	case !inRange(c.RefreshTokenValidity, pool.UnitDuration(units.RefreshToken, 24*time.Hour), leastRefreshLife, mostRefreshLife):
		return pool.Invalid(text, "RefreshTokenValidity", "60 minutes to 10 years (3650 days)", "days")
	case c.RefreshLife() < max(c.AccessLife(), c.IDLife()):
		return pool.Invalid("Invalid range for token validity. RefreshTokenValidity must not be shorter than AccessTokenValidity and IdTokenValidity.")
	case !inRange(c.AuthSessionValidity, time.Minute, 3*time.Minute, 15*time.Minute):
		return pool.Invalid("AuthSessionValidity must be from 3 to 15 minutes.")
	}
	return nil
}

// inRange reports whether a validity is absent or, in its unit, from least to
// most. It divides: the product of a large validity and a day is beyond a Duration.
func inRange(validity *int32, unit, least, most time.Duration) bool {
	if validity == nil {
		return true
	}
	n := time.Duration(*validity)
	return n >= (least+unit-1)/unit && n <= most/unit
}

// checkFlows checks that the flows have one form of names (CreateUserPoolClient,
// ExplicitAuthFlows): what the older form grants beside its names, refresh and
// SRP, the newer one has names for.
func checkFlows(c *pool.ClientSettings) error {
	allow := 0
	for _, flow := range c.ExplicitAuthFlows {
		if strings.HasPrefix(string(flow), "ALLOW_") {
			allow++
		}
	}
	if allow > 0 && allow < len(c.ExplicitAuthFlows) {
		return pool.Invalid("ExplicitAuthFlows must not mix values that begin with ALLOW_ and values that do not.")
	}
	if len(c.ExplicitAuthFlows) > 1 && slices.Contains(c.ExplicitAuthFlows, wire.AllowClientTokenAuth) {
		return pool.Invalid("%s must be the only one of ExplicitAuthFlows.", wire.AllowClientTokenAuth)
	}
	return nil
}

// checkRotation checks the rotation of refresh tokens. A client that rotates
// cannot refresh by InitiateAuth, which returns no refresh token.
func checkRotation(c *pool.ClientSettings) error {
	if r := c.RefreshTokenRotation; r != nil && r.RetryGracePeriodSeconds != nil {
		if grace := *r.RetryGracePeriodSeconds; grace < 0 || grace > 60 {
			return pool.Invalid("RetryGracePeriodSeconds must be from 0 to 60.")
		}
	}
	if c.Rotates() && slices.Contains(c.ExplicitAuthFlows, wire.AllowRefreshTokenAuth) {
		return pool.Invalid("RefreshTokenRotation cannot be ENABLED together with %s: remove that flow from ExplicitAuthFlows and refresh with GetTokensFromRefreshToken.", wire.AllowRefreshTokenAuth)
	}
	return nil
}

// checkOAuthFlows checks which OAuth flows go together: client_credentials is a
// client acting for itself, which it has to prove (RFC 6749, section 4.4).
func checkOAuthFlows(c *pool.ClientSettings, confidential bool) error {
	flows := c.AllowedOAuthFlows
	if pool.IsTrue(c.AllowedOAuthFlowsUserPoolClient) && (len(flows) == 0 || len(c.AllowedOAuthScopes) == 0) {
		return wire.NewException(wire.InvalidOAuthFlowException, "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.")
	}
	if !slices.Contains(flows, "client_credentials") {
		return nil
	}
	if len(flows) > 1 {
		return wire.NewException(wire.InvalidOAuthFlowException, "client_credentials flow can not be selected along with code flow or implicit flow.")
	}
	if !confidential {
		return wire.NewException(wire.InvalidOAuthFlowException, "client_credentials flow can not be selected if client does not have a client secret.")
	}
	return nil
}

// shape is the client as answers show it, with its secret.
func shape(a *pool.App) *wire.UserPoolClientType {
	shape := a.Settings.UserPoolClientType
	shape.UserPoolId, shape.ClientId, shape.ClientName = a.Client.PoolID, a.Client.ID, a.Client.Name
	shape.ClientSecret = wire.Sensitive(a.Secret)
	shape.CreationDate, shape.LastModifiedDate = wire.NewTime(a.Client.CreatedAt), wire.NewTime(a.Client.ModifiedAt)
	return &shape
}

// DescribeUserPoolClient shows a client with all its settings.
func (s *Service) DescribeUserPoolClient(ctx context.Context, in *wire.DescribeUserPoolClientRequest) (*wire.DescribeUserPoolClientResponse, error) {
	var a *pool.App
	err := s.store.View(ctx, func(tx storage.Tx) (err error) {
		a, err = s.pools.LoadAppOf(tx, in.UserPoolId, in.ClientId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeUserPoolClientResponse{UserPoolClient: shape(a)}, nil
}

// ListUserPoolClients lists a pool's clients by id.
func (s *Service) ListUserPoolClients(ctx context.Context, in *wire.ListUserPoolClientsRequest) (*wire.ListUserPoolClientsResponse, error) {
	p, err := s.lists.Page(in.NextToken, in.MaxResults, "ListUserPoolClients", in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var list []storage.Client
	err = s.store.View(ctx, func(tx storage.Tx) (err error) {
		if _, _, err = s.pools.LoadPool(tx, in.UserPoolId); err == nil {
			list, err = tx.Clients.List(in.UserPoolId, p.After, p.Want())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next := paging.Turn(p, list, func(c storage.Client) string { return c.ID })
	out := &wire.ListUserPoolClientsResponse{NextToken: next}
	for _, c := range list {
		out.UserPoolClients = append(out.UserPoolClients, wire.UserPoolClientDescription{
			ClientId: c.ID, UserPoolId: c.PoolID, ClientName: c.Name,
		})
	}
	return out, nil
}

// UpdateUserPoolClient replaces a client's settings. What the request leaves out
// goes back to its default, except the name; the secret stays. Sessions of users of
// identity providers that it no longer names end.
func (s *Service) UpdateUserPoolClient(ctx context.Context, in *wire.UpdateUserPoolClientRequest) (*wire.UpdateUserPoolClientResponse, error) {
	var a *pool.App
	err := s.store.Update(ctx, func(tx storage.Tx) (err error) {
		if a, err = s.pools.LoadAppOf(tx, in.UserPoolId, in.ClientId); err != nil {
			return err
		}
		before := a.Settings.SupportedIdentityProviders
		if err := configure(a, tx, in.UserPoolClientSettings, "updating"); err != nil {
			return err
		}
		if err := s.tokens.EndDropped(tx, a, before); err != nil {
			return err
		}
		a.Client.Name = cmp.Or(in.ClientName, a.Client.Name)
		a.Client.ModifiedAt = s.pools.After(a.Client.ModifiedAt)
		return tx.Clients.Update(a.Client)
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateUserPoolClientResponse{UserPoolClient: shape(a)}, nil
}

// DeleteUserPoolClient removes a client and ends its sessions.
func (s *Service) DeleteUserPoolClient(ctx context.Context, in *wire.DeleteUserPoolClientRequest) (*wire.DeleteUserPoolClientResponse, error) {
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		a, err := s.pools.LoadAppOf(tx, in.UserPoolId, in.ClientId)
		if err != nil {
			return err
		}
		if err := s.sessions.Announce(tx, storage.Ended{PoolID: a.Pool.ID, ClientID: a.Client.ID}); err != nil {
			return err
		}
		return tx.Clients.Delete(a.Client.ID)
	})
	if err != nil {
		return nil, err
	}
	s.pools.ForgetClient(in.ClientId)
	return &wire.DeleteUserPoolClientResponse{}, nil
}
