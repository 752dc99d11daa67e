package server

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/internal/identitypool"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/plug"
)

// Bounds of settings.
const (
	mostKeptAnswers    = 24 * time.Hour // Config.LostAnswers
	mostCredentialLife = 12 * time.Hour // of AWS STS
	mostPerSource      = 1e6            // Limits.PerSource
	mostArithmetic     = 1 << 12
	mostQueue          = 1 << 20
	// mostRegion leaves room for a UUID in an identity pool's id, which has 55 characters at
	// most.
	mostRegion = 18
)

var validRegion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`) })

// check returns an error that names a setting which the service cannot obey.
func (c Config) check() error {
	if c.Storage == nil || len(c.SealingKeys) == 0 {
		return errors.New("server: Config.Storage and Config.SealingKeys are required")
	}
	if err := c.checkParts(); err != nil {
		return err
	}
	return cmp.Or(c.checkSpans(), c.checkRegion(), c.Limits.check(), checkAudiences(c.Providers.Audiences), checkFixedBrand(c.Brands))
}

// copied returns c with copies of the lists that the service reads later.
func (c Config) copied() Config {
	c.Limits.Proxies = slices.Clone(c.Limits.Proxies)
	audiences := make(map[string][]string, len(c.Providers.Audiences))
	for issuer, clients := range c.Providers.Audiences {
		audiences[issuer] = slices.Clone(clients)
	}
	c.Providers.Audiences = audiences
	return c
}

// checkParts refuses interfaces that hold a nil pointer, which would panic in the first request
// that needs the part.
func (c Config) checkParts() error {
	for _, part := range []struct {
		field string
		value any
	}{
		{"Storage", c.Storage}, {"Signer", c.Signer}, {"Broker", c.Broker}, {"Messenger", c.Messenger},
		{"Brands", c.Brands}, {"Observer", c.Observer},
	} {
		switch v := reflect.ValueOf(part.value); v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
			if v.IsNil() {
				return fmt.Errorf("server: Config.%s is a nil %s; leave the field empty to have none", part.field, v.Type())
			}
		}
	}
	return nil
}

func (c Config) checkSpans() error {
	switch {
	case c.GuestLife != 0 && c.GuestLife < identitypool.LeastGuestLife:
		return fmt.Errorf("server: GuestLife %v is neither 0 nor at least %v", c.GuestLife, identitypool.LeastGuestLife)
	case c.KeyLife < 0:
		return fmt.Errorf("server: KeyLife %v is negative; 0 keeps keys until RotateSigningKeys is called", c.KeyLife)
	case c.LostAnswers < 0 || c.LostAnswers > mostKeptAnswers:
		return fmt.Errorf("server: LostAnswers %v is not between 0 and %v", c.LostAnswers, mostKeptAnswers)
	case c.CredentialLife < 0 || c.CredentialLife > mostCredentialLife:
		return fmt.Errorf("server: CredentialLife %v is not between 0 (the default) and %v", c.CredentialLife, mostCredentialLife)
	}
	return nil
}

func (c Config) checkRegion() error {
	if c.Region != "" && (len(c.Region) > mostRegion || !validRegion().MatchString(c.Region)) {
		return fmt.Errorf(`server: Region %q is not like "us-east-1": at most %d of a-z, 0-9 and single hyphens`, c.Region, mostRegion)
	}
	return nil
}

func (l Limits) check() error {
	switch {
	case math.IsNaN(l.PerSource) || l.PerSource > mostPerSource:
		return fmt.Errorf("server: Limits.PerSource %v is not a number up to %v; a negative one is no bound", l.PerSource, float64(mostPerSource))
	case l.Arithmetic < 0 || l.Arithmetic > mostArithmetic:
		return fmt.Errorf("server: Limits.Arithmetic %d is not between 0 (the default) and %d", l.Arithmetic, mostArithmetic)
	case l.Queue < 0 || l.Queue > mostQueue:
		return fmt.Errorf("server: Limits.Queue %d is not between 0 (the default) and %d", l.Queue, mostQueue)
	case l.SessionsPerUser < 0 || l.SessionsPerUser > pool.DefaultSessionsPerUser:
		return fmt.Errorf("server: Limits.SessionsPerUser %d is not between 0 (the default) and %d", l.SessionsPerUser, pool.DefaultSessionsPerUser)
	}
	if i := slices.IndexFunc(l.Proxies, func(p netip.Prefix) bool { return !p.IsValid() }); i >= 0 {
		return fmt.Errorf("server: Limits.Proxies[%d] is not a valid prefix", i)
	}
	return nil
}

// checkAudiences refuses issuers and client ids that no token matches.
func checkAudiences(audiences map[string][]string) error {
	for issuer, clients := range audiences {
		switch {
		case issuer == "" || strings.Contains(issuer, "://"):
			return fmt.Errorf("server: Providers.Audiences has the key %q: write the issuer without %q", issuer, "https://")
		case len(clients) == 0 || slices.Contains(clients, ""):
			return fmt.Errorf("server: Providers.Audiences of %q has no client id or an empty one", issuer)
		}
	}
	return nil
}

// checkFixedBrand validates a brand that is the same for all clients.
func checkFixedBrand(brands plug.Brands) (err error) {
	switch b := brands.(type) {
	case plug.Brand:
		err = hosted.CheckBrand(b)
	case *plug.Brand:
		err = hosted.CheckBrand(*b)
	}
	if err != nil {
		return fmt.Errorf("server: Config.Brands: %w", err)
	}
	return nil
}

// publicURL returns Config.PublicURL without a final slash. Issuers, which are in every token,
// begin with it.
func publicURL(text string) (string, error) {
	base := strings.TrimSuffix(text, "/")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", fmt.Errorf("server: PublicURL %q is not an http or https URL", text)
	case u.User != nil || strings.ContainsAny(base, "?# ") || strings.HasSuffix(base, "/"):
		return "", fmt.Errorf("server: PublicURL %q has more than scheme, host and path", text)
	}
	return base, nil
}
