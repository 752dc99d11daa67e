package identitypool

import (
	"context"
	"strings"
)

// provider is who vouches for a login, as one pool is configured.
type provider struct {
	// name is what logins are kept under. A user pool has AWS's form, whatever
	// key a client used, so that identities outlive a change of the service's URL.
	name string
	// issuer is the iss of another provider's tokens without its scheme, as it is
	// configured: with the slash at the end, if the issuer has one.
	issuer string
	// userPool is the id of a user pool of this service; empty for others.
	userPool string
	// clients are the accepted audiences; true means ServerSideTokenCheck.
	clients map[string]bool
	// arn names an IAM provider; role mappings go by it.
	arn string
	// developer is true for the application itself, which vouches for its users
	// with the administrator's signature.
	developer bool
}

// provider finds the one that a Logins key means.
func (s *Service) provider(set *PoolSettings, key string) (provider, bool) {
	if id, ok := s.userPoolOf(key); ok {
		return s.userPoolProvider(set, id)
	}
	for name, clients := range set.SupportedLoginProviders {
		if bare(name) == bare(key) {
			return provider{name: bare(name), issuer: name, clients: audiences(clients)}, true
		}
	}
	for _, arn := range set.OpenIdConnectProviderARNs {
		if name, ok := openIDName(arn); ok && bare(name) == bare(key) {
			return provider{name: bare(name), issuer: name, clients: s.audiencesOf(name), arn: arn}, true
		}
	}
	return provider{}, false
}

// loginProvider is provider for the key of a login, which clients may have derived from
// a token that was issued before the service's public URL changed.
func (s *Service) loginProvider(ctx context.Context, set *PoolSettings, key string) (provider, bool, error) {
	p, ok := s.provider(set, key)
	id := poolOfIssuer(key)
	if ok || id == "" || strings.Contains(key, "://") {
		return p, ok, nil
	}
	known, err := s.userPools.KnownIssuer(ctx, id, key)
	if err != nil || !known {
		return provider{}, false, err
	}
	p, ok = s.userPoolProvider(set, id)
	return p, ok, nil
}

// poolOfIssuer is the user pool that the last segment of a text names, or "".
func poolOfIssuer(text string) string {
	id := text[strings.LastIndexByte(text, '/')+1:]
	if !strings.Contains(id, "_") {
		return ""
	}
	return id
}

// audiencesOf are the client ids that the service's configuration has for one of
// IAM's providers: at AWS they stand in IAM, which this service has not.
func (s *Service) audiencesOf(name string) map[string]bool {
	clients := map[string]bool{}
	for configured, ids := range s.audiences {
		if bare(configured) != bare(name) {
			continue
		}
		for _, id := range ids {
			clients[id] = false
		}
	}
	return clients
}

func (s *Service) userPoolProvider(set *PoolSettings, id string) (provider, bool) {
	p := provider{name: userPoolName(id), userPool: id, clients: map[string]bool{}}
	for _, entry := range set.CognitoIdentityProviders {
		if other, ok := s.userPoolOf(entry.ProviderName); ok && other == id {
			p.clients[entry.ClientId] = isTrue(entry.ServerSideTokenCheck)
		}
	}
	return p, len(p.clients) > 0
}

// userPoolOf gives the user pool that a provider's name means: in AWS's form, or
// the issuer of the pool's tokens without its scheme, which is what clients
// derive from a token.
func (s *Service) userPoolOf(name string) (id string, ok bool) {
	if id = poolOfIssuer(name); id == "" {
		return "", false
	}
	if name == userPoolName(id) || name == strings.Replace(userPoolName(id), ".amazonaws.com/", ".amazonaws.com.cn/", 1) {
		return id, true
	}
	return id, name == withoutScheme(s.userPools.Issuer(id))
}

// userPoolName is AWS's name of a user pool as a provider.
func userPoolName(id string) string {
	region, _, _ := strings.Cut(id, "_")
	return "cognito-idp." + region + ".amazonaws.com/" + id
}

func withoutScheme(issuer string) string {
	_, rest, ok := strings.Cut(issuer, "://")
	if !ok {
		return issuer
	}
	return rest
}

// hasScheme reports whether an issuer begins with a scheme as providers write it. URLs
// ignore the case of the scheme, but issuers are compared byte for byte.
func hasScheme(issuer string) bool {
	return strings.HasPrefix(issuer, "https://") || strings.HasPrefix(issuer, "http://")
}

// bare is a provider's name without the slash that some issuers end with.
func bare(name string) string { return strings.TrimSuffix(name, "/") }

// audiences reads a list of client ids.
func audiences(list string) map[string]bool {
	clients := map[string]bool{}
	for _, id := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		clients[id] = false
	}
	return clients
}

// openIDName gives the name in the ARN of an OpenID provider of IAM.
func openIDName(arn string) (name string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" {
		return "", false
	}
	name, ok = strings.CutPrefix(parts[5], "oidc-provider/")
	return name, ok && name != ""
}
