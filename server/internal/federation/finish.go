package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/latchkey-auth/latchkey/internal/strictbase64"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/jwt"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
)

// Answer is what a browser brings back from a provider.
type Answer struct {
	Code   string
	Issuer string // the iss parameter (RFC 9207); empty for none
}

// Person is who signed in. Claims are texts, by name: what was no text is as JSON has
// it, without quotes. Subject is unique at Issuer, which is as [Issuer] returns it.
type Person struct {
	Issuer, Subject string
	Claims          map[string]string
}

// maxSubject bounds a subject in bytes (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// tokens is the answer of a token endpoint (RFC 6749, section 5.1).
type tokens struct {
	Access wire.Sensitive `json:"access_token"`
	ID     wire.Sensitive `json:"id_token"`
}

// Finish redeems a code and says who signed in. Its error is an *[Error].
func (p *Party) Finish(ctx context.Context, at Provider, a Attempt, got Answer) (*Person, error) {
	m, err := p.endpoints(ctx, at)
	if err != nil {
		return nil, err
	}
	// Another issuer's answer must not be redeemed here (RFC 9207, section 2.4). Kinds
	// without an issuer have none in m, and their iss is ignored.
	if m.Issuer != "" && (got.Issuer != "" && got.Issuer != m.Issuer || got.Issuer == "" && m.SendsIssuer) {
		return nil, refuse(nil, clean(at.Name)+" Error - the answer is another provider's")
	}
	issued, err := p.redeem(ctx, at, m, a, got.Code)
	if err != nil {
		return nil, err
	}
	claims := map[string]string{}
	if profiles[at.Kind].openID {
		if claims, err = p.prove(ctx, at, m, a, string(issued.ID)); err != nil {
			return nil, err
		}
	}
	if err := p.complete(ctx, at, m, string(issued.Access), claims); err != nil {
		return nil, err
	}
	person := &Person{Issuer: Issuer(at.Kind, at.Details), Subject: claims[profiles[at.Kind].subject], Claims: claims}
	if person.Subject == "" || len(person.Subject) > maxSubject {
		return nil, refuse(nil, clean(at.Name)+" Error - it does not say who signed in")
	}
	return person, nil
}

// redeem asks the token endpoint (RFC 6749, section 4.1.3). Like Cognito, it
// authenticates in the body, unless the provider only takes the header.
func (p *Party) redeem(ctx context.Context, at Provider, m openid.Metadata, a Attempt, code string) (*tokens, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.Redirect},
		"client_id": {at.Details[keyClientID]}, "code_verifier": {a.Verifier},
	}
	secret := at.Details[keyClientSecret]
	if at.Kind == wire.ProviderApple {
		var err error
		if secret, err = appleSecret(at.Details, m.Issuer, p.now()); err != nil {
			return nil, refuse(err, clean(at.Name)+" Error - its private_key is damaged")
		}
	}
	byHeader := secret != "" && len(m.TokenAuthMethods) > 0 && !slices.Contains(m.TokenAuthMethods, "client_secret_post") &&
		slices.Contains(m.TokenAuthMethods, "client_secret_basic")
	if secret != "" && !byHeader {
		form.Set("client_secret", secret)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, refuse(err, clean(at.Name)+" Error - its token endpoint is malformed")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if byHeader {
		request.SetBasicAuth(url.QueryEscape(at.Details[keyClientID]), url.QueryEscape(secret))
	}
	body, err := p.remotes.Fetch(request)
	if err != nil {
		return nil, trouble(err, at.Name, "token endpoint", "error getting token")
	}
	issued := &tokens{}
	if json.Unmarshal(body, issued) != nil || issued.Access == "" && issued.ID == "" {
		return nil, refuse(nil, clean(at.Name)+" Error - its token endpoint did not answer with tokens")
	}
	return issued, nil
}

// trouble words a request that came to nothing, as Cognito does.
func trouble(err error, name, endpoint, what string) *Error {
	status, answered := errors.AsType[*openid.StatusError](err)
	switch {
	case answered && status.Status >= 500:
		return unavailable(err, fmt.Sprintf("%s Error - %d %s", clean(name), status.Status, what))
	case answered:
		return refuse(err, fmt.Sprintf("%s Error - %d %s", clean(name), status.Status, what))
	case errors.Is(err, openid.ErrTooLong):
		return refuse(err, clean(name)+" Error - the answer of its "+endpoint+" is too long")
	}
	return unavailable(err, "Timeout occurred in calling IdP "+endpoint)
}

// prove verifies the ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (p *Party) prove(ctx context.Context, at Provider, m openid.Metadata, a Attempt, raw string) (map[string]string, error) {
	clients := []string{at.Details[keyClientID]}
	var verifier *jwt.Verifier
	var err error
	if at.Details[keyJWKS] != "" {
		verifier, err = p.remotes.PinnedVerifier(m.Issuer, m.JWKSURI, clients)
	} else {
		verifier, err = p.remotes.Verifier(ctx, m.Issuer, clients)
	}
	if err != nil {
		return nil, unavailable(err, clean(at.Name)+" Error - its keys cannot be read")
	}
	token, err := verifier.VerifyID(ctx, raw)
	if errors.Is(err, jwt.ErrUnknownKey) {
		// The token comes from the provider's own endpoint, so the key is new.
		if err = p.remotes.RefreshKeys(ctx, m.Issuer, at.Details[keyJWKS]); err == nil {
			token, err = verifier.VerifyID(ctx, raw)
		}
	}
	switch {
	case errors.Is(err, jwt.ErrKeysUnavailable):
		return nil, unavailable(err, clean(at.Name)+" Error - its keys cannot be read")
	case errors.Is(err, jwt.ErrUnknownKey):
		return nil, unavailable(err, clean(at.Name)+" Error - it does not publish the key of its ID token yet")
	}
	if err == nil {
		err = token.CheckNonce(a.Nonce)
	}
	if err != nil {
		return nil, refuse(err, "Bad id_token")
	}
	payload, err := strictbase64.DecodeURL(strings.Split(token.Raw(), ".")[1])
	if err != nil {
		return nil, refuse(err, "Bad id_token")
	}
	claims, err := texts(payload, profiles[at.Kind].subject)
	if err != nil {
		return nil, refuse(err, "Bad id_token")
	}
	return claims, nil
}

// complete asks the userinfo endpoint for what is mapped and not known yet. What the
// ID token says stands; the two must be about one person (OpenID Connect Core 1.0,
// section 5.3.2).
func (p *Party) complete(ctx context.Context, at Provider, m openid.Metadata, access string, claims map[string]string) error {
	wanted := []string{profiles[at.Kind].subject}
	wanted = append(wanted, slices.Sorted(maps.Values(at.Mapping))...)
	known := !slices.ContainsFunc(wanted, func(claim string) bool { return claims[claim] == "" })
	if known || m.UserInfo == "" || access == "" {
		return nil
	}
	more, err := p.userInfo(ctx, at, m.UserInfo, access, slices.Compact(wanted))
	if err != nil {
		return err
	}
	subject := profiles[at.Kind].subject
	if claims[subject] != "" && more[subject] != claims[subject] {
		return refuse(nil, clean(at.Name)+" Error - its userinfo is about somebody else")
	}
	merge(claims, more, at.Mapping)
	return nil
}

func (p *Party) userInfo(ctx context.Context, at Provider, address, access string, wanted []string) (map[string]string, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, refuse(err, clean(at.Name)+" Error - its userinfo endpoint is malformed")
	}
	if profiles[at.Kind].fields {
		query := to.Query()
		query.Set("fields", strings.Join(wanted, ","))
		to.RawQuery = query.Encode()
	}
	method := http.MethodGet
	if at.Details[keyMethod] == "POST" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return nil, refuse(err, clean(at.Name)+" Error - its userinfo endpoint is malformed")
	}
	request.Header.Set("Authorization", "Bearer "+access)
	body, err := p.remotes.Fetch(request)
	if err != nil {
		return nil, trouble(err, at.Name, "userinfo endpoint", "error getting userinfo")
	}
	claims, err := texts(body, profiles[at.Kind].subject)
	if err != nil {
		return nil, refuse(err, clean(at.Name)+" Error - its userinfo is no JSON object")
	}
	return claims, nil
}
