package localservice

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

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

// writeConfig writes the clients' configuration into the data folder, and into
// the user's configuration folder unless a file of somebody else's is there.
func (s *Service) writeConfig() error {
	s.describe()
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
	if err := shareConfig(append(data, '\n')); err != nil {
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

func (s *Service) describe() {
	s.ready = Ready{
		Endpoint: url("http", s.web), HTTPSEndpoint: url("https", s.secure), CAFile: s.authority.CAFile,
		Region: Region, UserPoolID: s.state.UserPoolID, ClientID: s.state.ClientID,
		IdentityPoolID: s.state.IdentityPoolID,
		Username:       s.state.Username, Password: s.state.Password,
		AccessKeyID: s.state.AccessKeyID, SecretAccessKey: s.state.SecretAccessKey,
		ConfigFile: filepath.Join(s.options.Dir, userdirs.ConfigFile), CredentialKeyFile: s.credentialKeyFile(),
		InsecureHTTP: !s.web.Addr().(*net.TCPAddr).IP.IsLoopback(),
	}
	if s.changed {
		s.ready.Password, s.ready.PasswordChanged = "", true
	}
	if s.metrics != nil {
		s.ready.MetricsEndpoint = url("http", s.metrics) + "/metrics"
	}
}

// shareConfig puts the configuration where the command looks for it by itself.
func shareConfig(data []byte) error {
	path, err := userdirs.OwnConfig()
	if err != nil {
		return err
	}
	old, err := readBounded(path, 1<<20)
	switch {
	case err == nil && !ours(old):
		return fmt.Errorf("%s is not a file of latchkey up", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, data)
}

func ours(data []byte) bool {
	var o outputs
	return wire.Unmarshal(data, &o) == nil && o.Latchkey.MadeBy == madeBy
}
