package server

import (
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/hosted"
	"github.com/latchkey-auth/latchkey/server/internal/oauth"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/tokens"
)

// ownProvider is the name of the user pool itself among a client's providers.
const ownProvider = "COGNITO"

// providerLabels are what people call the providers whose names are Cognito's: the
// social ones.
var providerLabels = map[string]string{
	wire.ProviderAmazon: "Amazon", wire.ProviderApple: "Apple", wire.ProviderFacebook: "Facebook", wire.ProviderGoogle: "Google",
}

// shownRequest is an authorization request as the pages show it, with what the
// pool and the client allow.
func shownRequest(q *oauth.Request, pool *wire.UserPoolType, client *tokens.AppClient) *hosted.Request {
	names := hosted.Names{
		Email: slices.Contains(pool.UsernameAttributes, "email"), Phone: slices.Contains(pool.UsernameAttributes, "phone_number"),
		EmailAlias: slices.Contains(pool.AliasAttributes, "email"), PhoneAlias: slices.Contains(pool.AliasAttributes, "phone_number"),
	}
	request := &hosted.Request{
		ClientID: client.ID, ClientName: applicationName(client.Name, q.RedirectURI), RedirectURI: q.RedirectURI, LoginHint: q.LoginHint,
		SignUp: pool.AdminCreateUserConfig == nil || !flagged(pool.AdminCreateUserConfig.AllowAdminCreateUserOnly),
		Names:  names, Ask: askedAttributes(pool, client, names), Rules: passwordRules(pool), Flow: q,
	}
	providers := client.Settings.SupportedIdentityProviders
	request.Passwords = len(providers) == 0 || slices.Contains(providers, ownProvider)
	for _, name := range providers {
		if name != ownProvider {
			request.Providers = append(request.Providers, hosted.Provider{Name: name, Label: providerLabels[name], Social: providerLabels[name] != ""})
		}
	}
	return request
}

func flagged(flag *bool) bool { return flag != nil && *flag }

// applicationName is what the pages call a client: its name or, where that only pins the
// client's id, the host of the registered address that the person goes back to. It is empty
// for the addresses of native applications, which have no host.
func applicationName(client, redirect string) string {
	if !strings.HasPrefix(client, "_custom_id_:") {
		return client
	}
	to, err := url.Parse(redirect)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return ""
	}
	return to.Host
}

// askedAttributes are what a sign-up asks for: what the pool verifies, so that a
// code can be sent, and what it requires, as far as the client may write it.
func askedAttributes(pool *wire.UserPoolType, client *tokens.AppClient, names hosted.Names) []string {
	asked := slices.Clone(pool.AutoVerifiedAttributes)
	for _, a := range pool.SchemaAttributes {
		if flagged(a.Required) && a.Name != "sub" && !slices.Contains(asked, a.Name) {
			asked = append(asked, a.Name)
		}
	}
	writable := client.Settings.WriteAttributes
	return slices.DeleteFunc(asked, func(name string) bool {
		isName := name == "email" && names.Email || name == "phone_number" && names.Phone
		return isName || len(writable) > 0 && !slices.Contains(writable, name)
	})
}

func passwordRules(pool *wire.UserPoolType) hosted.Rules {
	if pool.Policies == nil || pool.Policies.PasswordPolicy == nil {
		return hosted.Rules{}
	}
	p := pool.Policies.PasswordPolicy
	rules := hosted.Rules{
		Upper: p.RequireUppercase, Lower: p.RequireLowercase, Numbers: p.RequireNumbers, Symbols: p.RequireSymbols,
	}
	if p.MinimumLength != nil {
		rules.MinimumLength = int(*p.MinimumLength)
	}
	return rules
}
