package localservice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey-auth/latchkey/internal/atomicfile"
	"github.com/latchkey-auth/latchkey/internal/userdirs"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// outputs is an amplify_outputs.json with the object that says what Amplify's
// own file cannot: where the service is.
type outputs struct {
	Version  string          `json:"version"`
	Auth     outputsAuth     `json:"auth"`
	Latchkey outputsLatchkey `json:"latchkey"`
}

type outputsAuth struct {
	Region            string   `json:"aws_region"`
	UserPoolID        string   `json:"user_pool_id"`
	ClientID          string   `json:"user_pool_client_id"`
	IdentityPoolID    string   `json:"identity_pool_id"`
	Guests            bool     `json:"unauthenticated_identities_enabled"`
	UsernameAttribute []string `json:"username_attributes"`
	VerificationTypes []string `json:"user_verification_types"`

	OAuth outputsOAuth `json:"oauth"`
}

// outputsOAuth is what redirect sign-in needs. Amplify puts https:// in front of
// the domain.
type outputsOAuth struct {
	Providers    []string `json:"identity_providers"`
	Domain       string   `json:"domain"`
	Scopes       []string `json:"scopes"`
	SignIn       []string `json:"redirect_sign_in_uri"`
	SignOut      []string `json:"redirect_sign_out_uri"`
	ResponseType string   `json:"response_type"`
}

type outputsLatchkey struct {
	UserPoolEndpoint     string `json:"user_pool_endpoint"`
	IdentityPoolEndpoint string `json:"identity_pool_endpoint"`
	OAuthBaseURL         string `json:"oauth_base_url"`
	Issuer               string `json:"issuer"`
	CAFile               string `json:"ca_file"`
	InsecureHTTP         bool   `json:"insecure_http,omitzero"`
	// MadeBy marks a file that may be replaced without asking.
	MadeBy string `json:"made_by"`
}

const madeBy = "latchkey up"

// writeConfig writes the clients' configuration into the data folder. With
// Options.ShareConfig it also becomes the user's configuration, unless that is another
// program's or of another service that runs.
func (s *Service) writeConfig(ctx context.Context) error {
	if err := s.describe(); err != nil {
		return err
	}
	data, err := wire.Marshal(outputs{
		Version: "1.4",
		Auth: outputsAuth{
			Region: Region, UserPoolID: s.state.UserPoolID, ClientID: s.state.ClientID,
			IdentityPoolID: s.state.IdentityPoolID, Guests: true,
			UsernameAttribute: []string{"username"}, VerificationTypes: []string{"email"},
			OAuth: outputsOAuth{
				Providers: []string{}, Domain: fmt.Sprintf("%s.localhost:%d", domainPrefix, s.secure.Addr().(*net.TCPAddr).Port),
				Scopes: oauthScopes, SignIn: callbackURLs, SignOut: logoutURLs, ResponseType: "code",
			},
		},
		Latchkey: outputsLatchkey{
			UserPoolEndpoint: s.ready.Endpoint, IdentityPoolEndpoint: s.ready.Endpoint,
			OAuthBaseURL: s.pagesURL(), Issuer: s.server.Issuer(s.state.UserPoolID),
			CAFile: s.ready.CAFile, InsecureHTTP: s.ready.InsecureHTTP, MadeBy: madeBy,
		},
	})
	if err == nil {
		err = atomicfile.Write(s.ready.ConfigFile, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if !s.options.ShareConfig {
		return nil
	}
	if err := shareConfig(ctx, s.ready.Endpoint, append(data, '\n')); err != nil {
		s.options.Logger.Warn("the user's configuration was left alone", "reason", err)
	}
	return nil
}

// pagesURL is what the sign-in pages stand below: over http on a loopback address,
// where nobody is between browser and service, and where no browser warns of an
// authority that it does not know; else over https.
func (s *Service) pagesURL() string {
	base := s.ready.HTTPSEndpoint
	if address := s.web.Addr().(*net.TCPAddr).IP; address.IsLoopback() || address.IsUnspecified() {
		base = s.ready.Endpoint
	}
	return base + "/" + s.state.UserPoolID
}

// describe fills in s.ready and records where the service listens.
func (s *Service) describe() error {
	r := running{
		Endpoint: url("http", s.web), HTTPSEndpoint: url("https", s.secure), CAFile: s.authority.CAFile,
		PasswordChanged: s.changed, InsecureHTTP: !s.web.Addr().(*net.TCPAddr).IP.IsLoopback(),
	}
	if s.metrics != nil {
		r.MetricsEndpoint = url("http", s.metrics) + "/metrics"
	}
	s.ready = describe(s.options.Dir, s.state, r)
	return r.write(s.options.Dir)
}

// shareConfig puts the configuration of the service at endpoint where the command looks
// for it by itself.
func shareConfig(ctx context.Context, endpoint string, data []byte) error {
	path, err := userdirs.OwnConfig()
	if err != nil {
		return err
	}
	old, err := readBounded(path, 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		before, ours := parseOutputs(old)
		if !ours {
			return fmt.Errorf("%s is not a file of latchkey up", path)
		}
		if other := before.Latchkey.UserPoolEndpoint; other != endpoint && before.served(ctx) {
			return fmt.Errorf("%s is of the service that runs at %s", path, other)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, data)
}

// parseOutputs reads a file that writeConfig wrote; ours is false for any other.
func parseOutputs(data []byte) (o outputs, ours bool) {
	ours = wire.Unmarshal(data, &o) == nil && o.Latchkey.MadeBy == madeBy
	return o, ours
}

// servedTimeout bounds how long a start waits for the service that a configuration names.
const servedTimeout = 2 * time.Second

// served reports whether the user pool of o is served where o says.
func (o outputs) served(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, servedTimeout)
	defer cancel()
	status, _, err := get(ctx, o.Latchkey.UserPoolEndpoint+"/"+o.Auth.UserPoolID+"/.well-known/jwks.json")
	return err == nil && status == http.StatusOK
}
