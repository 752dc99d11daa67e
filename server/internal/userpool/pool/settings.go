package pool

import (
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/limits"
)

// Settings are a pool's settings as they are stored: Cognito's own shape,
// so that what is not served yet is still given back as it came.
type Settings struct {
	wire.UserPoolType
	// LegacyIssuers are the issuers of identities that were stored without one, by the
	// provider's name. Nil means that no provider has changed since; it is never nil in
	// pools whose identities all have an issuer.
	LegacyIssuers map[string]string `json:",omitzero"`
	// Issuers are the issuers that the pool's tokens have and had, the newest last.
	Issuers []string `json:",omitzero"`
}

// ClientSettings are an app client's settings as they are stored. The client
// secret is stored sealed in another column, never in them.
type ClientSettings struct {
	wire.UserPoolClientType
}

// caseSensitive reports whether names that differ in case are two users. The
// API's default is that they are (UsernameConfiguration of CreateUserPool).
func (p *Settings) caseSensitive() bool {
	u := p.UsernameConfiguration
	return u == nil || u.CaseSensitive == nil || *u.CaseSensitive
}

// PasswordRules are the rules that new passwords must keep.
func (p *Settings) PasswordRules() limits.PasswordRules {
	if p.Policies == nil || p.Policies.PasswordPolicy == nil {
		return limits.Default()
	}
	w := p.Policies.PasswordPolicy
	rules := limits.PasswordRules{
		RequireUppercase: w.RequireUppercase, RequireLowercase: w.RequireLowercase,
		RequireNumbers: w.RequireNumbers, RequireSymbols: w.RequireSymbols,
	}
	rules.MinimumLength = limits.Default().MinimumLength
	if w.MinimumLength != nil {
		rules.MinimumLength = int(*w.MinimumLength)
	}
	return rules
}

// TemporaryLife is how long a temporary password lasts: seven days unless the
// policy or the older AdminCreateUserConfig says otherwise.
func (p *Settings) TemporaryLife() time.Duration {
	days := int32(limits.Default().TemporaryPasswordValidityDays)
	if c := p.AdminCreateUserConfig; c != nil && c.UnusedAccountValidityDays != nil && *c.UnusedAccountValidityDays > 0 {
		days = *c.UnusedAccountValidityDays
	}
	if p.Policies != nil && p.Policies.PasswordPolicy != nil {
		if d := p.Policies.PasswordPolicy.TemporaryPasswordValidityDays; d != nil && *d > 0 {
			days = *d
		}
	}
	return time.Duration(days) * 24 * time.Hour
}

// Token lifetimes that Cognito uses when a client names none
// (CreateUserPoolClient: AccessTokenValidity, IdTokenValidity, RefreshTokenValidity).
const (
	defaultTokenLife   = time.Hour
	DefaultRefreshLife = 30 * 24 * time.Hour
	DefaultAuthSession = 3 * time.Minute
)

// AccessLife is the life of access tokens.
func (c *ClientSettings) AccessLife() time.Duration {
	return life(c.AccessTokenValidity, c.Units().AccessToken, time.Hour, defaultTokenLife)
}

// IDLife is the life of ID tokens.
func (c *ClientSettings) IDLife() time.Duration {
	return life(c.IdTokenValidity, c.Units().IdToken, time.Hour, defaultTokenLife)
}

// TokenLife is how long the longer one of a pair of tokens lives.
func (c *ClientSettings) TokenLife() time.Duration { return max(c.AccessLife(), c.IDLife()) }

// RefreshLife is the life of refresh tokens.
func (c *ClientSettings) RefreshLife() time.Duration {
	return life(c.RefreshTokenValidity, c.Units().RefreshToken, 24*time.Hour, DefaultRefreshLife)
}

// AuthSessionLife is how long a challenge may be answered.
func (c *ClientSettings) AuthSessionLife() time.Duration {
	return life(c.AuthSessionValidity, wire.TimeUnitMinutes, time.Minute, DefaultAuthSession)
}

// Units are the units of the client's validities.
func (c *ClientSettings) Units() wire.TokenValidityUnitsType {
	if c.TokenValidityUnits == nil {
		return wire.TokenValidityUnitsType{}
	}
	return *c.TokenValidityUnits
}

// life turns a validity and its unit into a duration; a missing or zero
// validity is the default.
func life(validity *int32, unit string, defaultUnit, defaultLife time.Duration) time.Duration {
	if validity == nil || *validity == 0 {
		return defaultLife
	}
	return time.Duration(*validity) * UnitDuration(unit, defaultUnit)
}

// UnitDuration is the duration of a unit of TokenValidityUnits.
func UnitDuration(unit string, fallback time.Duration) time.Duration {
	switch unit {
	case wire.TimeUnitSeconds:
		return time.Second
	case wire.TimeUnitMinutes:
		return time.Minute
	case wire.TimeUnitHours:
		return time.Hour
	case wire.TimeUnitDays:
		return 24 * time.Hour
	}
	return fallback
}

// Allows reports whether the client may use a flow, given the names by which
// ExplicitAuthFlows grants it. A client without the setting has Cognito's
// default: refresh, SRP and custom.
func (c *ClientSettings) Allows(names ...wire.ExplicitAuthFlow) bool {
	flows := c.ExplicitAuthFlows
	if len(flows) == 0 {
		flows = []wire.ExplicitAuthFlow{wire.AllowRefreshTokenAuth, wire.AllowUserSRPAuth, wire.AllowCustomAuth}
	}
	for _, flow := range flows {
		for _, name := range names {
			if flow == name {
				return true
			}
		}
	}
	return false
}

// LegacyFlows reports whether the client names its flows in the form without
// ALLOW_, under which SRP and refresh are always allowed.
func (c *ClientSettings) LegacyFlows() bool {
	for _, flow := range c.ExplicitAuthFlows {
		if !strings.HasPrefix(string(flow), "ALLOW_") {
			return true
		}
	}
	return false
}

// HidesUsers reports whether the client's answers must not tell whether a user exists.
func (c *ClientSettings) HidesUsers() bool {
	return c.PreventUserExistenceErrors == wire.PreventUserExistenceErrorsEnabled
}

// Revocable reports whether tokens carry the claims that revocation goes by.
func (c *ClientSettings) Revocable() bool {
	return c.EnableTokenRevocation == nil || *c.EnableTokenRevocation || c.Rotates()
}

// Rotates reports whether every refresh hands out a new refresh token.
func (c *ClientSettings) Rotates() bool {
	return c.RefreshTokenRotation != nil && c.RefreshTokenRotation.Feature == wire.FeatureEnabled
}

// RetryGrace is how long the predecessor of a rotated refresh token still
// gets the same successor.
func (c *ClientSettings) RetryGrace() time.Duration {
	if !c.Rotates() || c.RefreshTokenRotation.RetryGracePeriodSeconds == nil {
		return 0
	}
	return time.Duration(*c.RefreshTokenRotation.RetryGracePeriodSeconds) * time.Second
}
