package oauth

// Discovery is a pool's OpenID configuration (OpenID Connect Discovery 1.0,
// section 3): Cognito's members, and those by which clients know of PKCE and of
// the parameter iss (RFC 8414, RFC 9207).
type Discovery struct {
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	SigningAlgs           []string `json:"id_token_signing_alg_values_supported"`
	Issuer                string   `json:"issuer"`
	JWKSURI               string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	Scopes                []string `json:"scopes_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	TokenEndpoint         string   `json:"token_endpoint"`
	TokenEndpointAuthWays []string `json:"token_endpoint_auth_methods_supported"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	ResponseIssuer        bool     `json:"authorization_response_iss_parameter_supported"`
	Prompts               []string `json:"prompt_values_supported"`
}

// discovery describes pools.
type discovery struct {
	issuerURL func(poolID string) string
	publicURL string
}

// Describe makes a pool's configuration. All addresses come from the Provider's
// own settings, whatever host the request named.
func (d discovery) Describe(poolID string) Discovery {
	issuer, base := d.issuerURL(poolID), d.publicURL+"/"+poolID
	return Discovery{
		Issuer: issuer, JWKSURI: issuer + "/.well-known/jwks.json",
		AuthorizationEndpoint: base + "/oauth2/authorize", TokenEndpoint: base + "/oauth2/token",
		UserinfoEndpoint: base + "/oauth2/userInfo", RevocationEndpoint: base + "/oauth2/revoke", EndSessionEndpoint: base + "/logout",
		SigningAlgs: []string{"RS256"}, ResponseTypes: []string{"code", "token"},
		Scopes: []string{"openid", "email", "phone", "profile"}, SubjectTypes: []string{"public"},
		TokenEndpointAuthWays: []string{"client_secret_basic", "client_secret_post", "none"},
		ChallengeMethods:      []string{"S256"}, ResponseIssuer: true,
		GrantTypes: []string{"authorization_code", "implicit", "refresh_token", "client_credentials"},
		Prompts:    []string{"none", "login", "select_account"},
	}
}
