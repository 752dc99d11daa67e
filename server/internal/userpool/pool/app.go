package pool

import (
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/srp"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Outcome is where a step of a sign-in leads: to tokens or to a challenge.
// The responses of the four sign-in operations have its shape.
type Outcome = wire.InitiateAuthResponse

// App is an app client with its pool, as one request sees them.
type App struct {
	Pool         storage.Pool
	PoolSettings *Settings
	Client       storage.Client
	Settings     *ClientSettings
	Secret       string // empty for a public client
}

// SRPPool is the pool's name in SRP: what follows the first underscore of its id.
func (a *App) SRPPool() string { return SRPPool(a.Pool.ID) }

// SRPPool is the part of a pool's id that SRP uses: what follows the region.
func SRPPool(poolID string) string {
	_, name, _ := strings.Cut(poolID, "_")
	return name
}

// CheckSecretHash checks SECRET_HASH of a client with a secret. names are the
// user names that it may cover: USERNAME as it was sent, and in an answer to a
// challenge also USER_ID_FOR_SRP and the name that was typed.
func (a *App) CheckSecretHash(hash string, names ...string) error {
	if a.Secret == "" {
		return nil
	}
	if hash == "" {
		return wire.SecretHashMissing(a.Client.ID)
	}
	for _, name := range names {
		if equal(hash, srp.SecretHash(name, a.Client.ID, a.Secret)) {
			return nil
		}
	}
	return wire.SecretHashWrong(a.Client.ID)
}

// CheckSecret checks the plain client secret of the operations that take one.
func (a *App) CheckSecret(secret string) error {
	switch {
	case a.Secret == "" || equal(secret, a.Secret):
		return nil
	case secret == "":
		return wire.SecretHashMissing(a.Client.ID)
	}
	return wire.SecretHashWrong(a.Client.ID)
}

// MayWrite reports whether the client may set an attribute on a user's behalf. No client
// writes what the service keeps, nor what only administrators write.
func (a *App) MayWrite(name string) bool {
	if slices.Contains(BuiltIn, name) || a.PoolSettings.DeveloperOnly(name) {
		return false
	}
	list := a.Settings.WriteAttributes
	return len(list) == 0 || slices.Contains(list, name)
}

// MayRead reports whether the client sees an attribute. Without ReadAttributes it sees all.
func (a *App) MayRead(name string) bool {
	list := a.Settings.ReadAttributes
	return len(list) == 0 || slices.Contains(list, name)
}
