package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/server/internal/openid"
)

// ReturnPath is where browsers come back from providers, below the address of a pool.
// Providers from before each had its own redirect URI share it.
const ReturnPath = "/oauth2/idpresponse"

// RedirectPath is the path of the redirect URI with this last segment; "" is the shared
// one.
func RedirectPath(segment string) string {
	if segment == "" {
		return ReturnPath
	}
	return ReturnPath + "/" + segment
}

const (
	segmentLetters = random.Digits + random.Lower + random.Upper + "-"
	maxSegment     = 200
)

// Segment is the last segment of a provider's own redirect URI: its name if that has
// only ASCII letters, digits and hyphens, or "_" and the name in base64url. Two names
// never have one segment, as the names of providers do not begin with "_".
func Segment(name string) string {
	if strings.Trim(name, segmentLetters) == "" {
		return name
	}
	return "_" + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// IsSegment reports whether a text can be a result of Segment.
func IsSegment(text string) bool {
	return text != "" && len(text) <= maxSegment && strings.Trim(text, segmentLetters+"_") == ""
}

// Binding changes when a provider's settings lead to another issuer, client or
// endpoint. An answer counts only for the settings that the sign-in began with.
func (p Provider) Binding() string {
	d := p.Details
	sum := sha256.Sum256([]byte(strings.Join([]string{
		p.Kind, d[keyIssuer], d[keyClientID], d[keyAuthorizeURL], d[keyTokenURL], d[keyUserInfoURL], d[keyJWKS],
	}, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// announces reports whether a provider names itself in its answers, as its discovery
// says (RFC 9207, section 3).
func (p *Party) announces(ctx context.Context, at Provider) (bool, error) {
	if !profiles[at.Kind].openID || at.Details[keyAuthorizeURL] != "" {
		return false, nil
	}
	m, err := p.remotes.Metadata(ctx, at.Details[keyIssuer])
	return m.SendsIssuer, err
}

// silence is what is known of a provider's answers: whether they may name no issuer.
type silence struct {
	Provider
	silent bool
	err    error // the provider's configuration cannot be read
}

// silences reads the configurations of providers that share one redirect URI.
func (p *Party) silences(ctx context.Context, sharing []Provider) []silence {
	list := make([]silence, len(sharing))
	var all sync.WaitGroup
	for i, at := range sharing {
		all.Go(func() {
			announced, err := p.announces(ctx, at)
			list[i] = silence{at, !announced && err == nil, err}
		})
	}
	all.Wait()
	return list
}

// Ambiguous reports whether providers that share one redirect URI can be mixed up: an
// answer that names no issuer may come from any of several (RFC 9700, section 4.4). Its
// error is an *[Error].
func (p *Party) Ambiguous(ctx context.Context, sharing []Provider) (bool, error) {
	if len(sharing) < 2 {
		return false, nil
	}
	certain, possible := 0, 0
	var unknown *Error
	for _, one := range p.silences(ctx, sharing) {
		switch {
		case one.err != nil:
			possible++
			unknown = unreadable(one)
		case one.silent:
			certain++
			possible++
		}
	}
	if certain < 2 && possible > 1 {
		return false, unknown
	}
	return certain > 1, nil
}

// CheckShared refuses an answer that came to a shared redirect URI and can be another
// provider's: it names the issuer of another provider, or it names none and a provider
// other than at may name none. Kinds without an issuer name none. Its error is an
// *[Error].
func (p *Party) CheckShared(ctx context.Context, at Provider, got Answer, sharing []Provider) error {
	foreign := refuse(nil, clean(at.Name)+" Error - the answer is another provider's")
	issuer := issuerParameter(at)
	for _, other := range sharing {
		if other.Name != at.Name && got.Issuer != "" && got.Issuer != issuer && got.Issuer == issuerParameter(other) {
			return foreign
		}
	}
	if len(sharing) < 2 || issuer != "" && got.Issuer != "" {
		return nil
	}
	for _, one := range p.silences(ctx, sharing) {
		switch {
		case one.Name == at.Name:
			if !one.silent && one.err == nil {
				return foreign
			}
		case one.err != nil:
			return unreadable(one)
		case one.silent:
			return foreign
		}
	}
	return nil
}

func unreadable(one silence) *Error {
	return unavailable(one.err, clean(one.Name)+" Error - its configuration cannot be read")
}

// issuerParameter is the iss parameter that a provider's answers may have; "" for kinds
// without an issuer, whose iss is ignored.
func issuerParameter(at Provider) string {
	if !profiles[at.Kind].openID {
		return ""
	}
	return at.Details[keyIssuer]
}

// configured are the addresses in a provider's details.
func configured(at Provider) openid.Metadata {
	d := at.Details
	return openid.Metadata{
		Issuer: issuerParameter(at), JWKSURI: d[keyJWKS], Authorization: d[keyAuthorizeURL], Token: d[keyTokenURL], UserInfo: d[keyUserInfoURL],
	}
}
