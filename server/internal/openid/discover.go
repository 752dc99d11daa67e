package openid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// Metadata is what is read of a provider's configuration (OpenID Connect Discovery
// 1.0, section 3; RFC 9207, section 3). Endpoints that are there are admitted URLs.
type Metadata struct {
	Issuer           string   `json:"issuer"`
	JWKSURI          string   `json:"jwks_uri"`
	Authorization    string   `json:"authorization_endpoint"`
	Token            string   `json:"token_endpoint"`
	UserInfo         string   `json:"userinfo_endpoint"`
	TokenAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	SigningAlgs      []string `json:"id_token_signing_alg_values_supported"`
	SendsIssuer      bool     `json:"authorization_response_iss_parameter_supported"`
}

// StatusError is an answer other than 200. Body is its beginning.
type StatusError struct {
	URL    string
	Status int
	Body   []byte
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("openid: %s: status %d; expected 200, redirects are not followed", e.URL, e.Status)
}

// ErrTooLong is why an answer is not read to its end.
var ErrTooLong = errors.New("openid: answer is too long")

// Fetch sends one request to a provider and reads the answer, of at most 256 KiB.
// One of another status than 200 is a *[StatusError].
func (r *Remotes) Fetch(request *http.Request) ([]byte, error) {
	if err := r.reach.CheckURL(request.URL.String()); err != nil {
		return nil, err
	}
	address := request.URL.Scheme + "://" + request.URL.Host + request.URL.Path // a query may hold secrets
	request.Header.Set("Accept", "application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxDocument:
		return nil, fmt.Errorf("%w: %s: more than %d bytes", ErrTooLong, address, maxDocument)
	case answer.StatusCode != http.StatusOK:
		return nil, &StatusError{URL: address, Status: answer.StatusCode, Body: body}
	}
	return body, nil
}

// discover fetches an issuer's configuration. Its issuer must be the one that was
// asked, byte for byte (section 4.3): whoever can make us ask elsewhere must not be
// able to answer for somebody else.
func (r *Remotes) discover(ctx context.Context, issuer string) (Metadata, error) {
	address := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Metadata{}, err
	}
	document, err := r.Fetch(request)
	if err != nil {
		return Metadata{}, err
	}
	return readMetadata(document, r.reach, address, issuer)
}

func readMetadata(document []byte, p Reach, address, issuer string) (m Metadata, err error) {
	switch {
	case json.Unmarshal(document, &m) != nil:
		return m, fmt.Errorf("openid: %s: not a JSON object with a text issuer and jwks_uri", address)
	case m.Issuer != issuer:
		return m, fmt.Errorf("openid: %s: its issuer is %q, want %q", address, m.Issuer, issuer)
	}
	for _, endpoint := range []string{m.Authorization, m.Token, m.UserInfo} {
		if endpoint == "" {
			continue
		}
		if err := p.CheckURL(endpoint); err != nil {
			return m, err
		}
	}
	return m, p.CheckURL(m.JWKSURI)
}
