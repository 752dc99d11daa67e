package identitypool

import "strings"

// provider authenticates users who come with a login, as one pool is configured.
type provider struct {
	// name is the provider in stored logins. A user pool has AWS's form, whatever
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
	// developer is true for the application itself, which authenticates its users and
	// signs the call with the administrator's key.
	developer bool
}

// developer is the application as a provider.
func developer(name string) provider { return provider{name: name, developer: true} }

// client is the accepted one of a token's audiences.
func (p provider) client(audience []string) string {
	for _, client := range audience {
		if _, ok := p.clients[client]; ok {
			return client
		}
	}
	return ""
}

// providers finds the providers of pools.
type providers struct {
	userPools interface{ Issuer(poolID string) string }
	audiences map[string][]string // see plug.Providers
}

// find returns the provider that a Logins key means.
func (ps *providers) find(set *PoolSettings, key string) (provider, bool) {
	if id, ok := ps.userPoolOf(key); ok {
		return ps.userPool(set, id)
	}
	for name, clients := range set.SupportedLoginProviders {
		if bare(name) == bare(key) {
			return provider{name: bare(name), issuer: name, clients: audiences(clients)}, true
		}
	}
	for _, arn := range set.OpenIdConnectProviderARNs {
		if name, ok := openIDName(arn); ok && bare(name) == bare(key) {
			return provider{name: bare(name), issuer: name, clients: ps.audiencesOf(name), arn: arn}, true
		}
	}
	return provider{}, false
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
// IAM's providers: AWS reads them from IAM, which this service does not have.
func (ps *providers) audiencesOf(name string) map[string]bool {
	clients := map[string]bool{}
	for configured, ids := range ps.audiences {
		if bare(configured) != bare(name) {
			continue
		}
		for _, id := range ids {
			clients[id] = false
		}
	}
	return clients
}

func (ps *providers) userPool(set *PoolSettings, id string) (provider, bool) {
	p := provider{name: userPoolName(id), userPool: id, clients: map[string]bool{}}
	for _, entry := range set.CognitoIdentityProviders {
		if other, ok := ps.userPoolOf(entry.ProviderName); ok && other == id {
			p.clients[entry.ClientId] = isTrue(entry.ServerSideTokenCheck)
		}
	}
	return p, len(p.clients) > 0
}

// userPoolOf gives the user pool that a provider's name means: in AWS's form, or
// the issuer of the pool's tokens without its scheme, which is what clients
// derive from a token.
func (ps *providers) userPoolOf(name string) (id string, ok bool) {
	if id = poolOfIssuer(name); id == "" {
		return "", false
	}
	if name == userPoolName(id) || name == strings.Replace(userPoolName(id), ".amazonaws.com/", ".amazonaws.com.cn/", 1) {
		return id, true
	}
	return id, name == withoutScheme(ps.userPools.Issuer(id))
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
