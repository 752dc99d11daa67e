package plug

// PreTokenGeneration comes before tokens are signed. Its sources are
// TokenGeneration_HostedAuth, _Authentication, _NewPasswordChallenge, _AuthenticateDevice
// and _RefreshTokens, and TokenGeneration_ClientCredentials of version "3", which has no
// user attributes.
//
// A response cannot change the claims that identify the token and the session: acr, amr, at_hash, auth_time, azp,
// exp, iat, iss, jti, nbf, nonce, origin_jti, sub, token_use, cognito:username,
// identities, aud of the ID token, and username, client_id, device_key, event_id and
// version of the access token.
type PreTokenGeneration struct {
	EventCommon
	Request PreTokenGenerationRequest `json:"request"`
}

// PreTokenGenerationRequest is the user, with the groups and scopes of the tokens.
type PreTokenGenerationRequest struct {
	UserAttributes     Attributes         `json:"userAttributes"`
	GroupConfiguration GroupConfiguration `json:"groupConfiguration"`
	Scopes             []string           `json:"scopes,omitempty"` // from version "2" on
	ClientMetadata     map[string]string  `json:"clientMetadata,omitempty"`
}

// GroupConfiguration has the groups and roles of a token. In a response it replaces
// cognito:groups, cognito:roles and cognito:preferred_role as a whole; nil changes none.
type GroupConfiguration struct {
	GroupsToOverride   []string `json:"groupsToOverride"`
	IAMRolesToOverride []string `json:"iamRolesToOverride"`
	PreferredRole      string   `json:"preferredRole"`
}

// PreTokenGenerationV1Response answers [PreTokenGeneration] of version "1". It changes the
// ID token only, with claims that are texts.
type PreTokenGenerationV1Response struct {
	ClaimsOverrideDetails struct {
		ClaimsToAddOrOverride map[string]string   `json:"claimsToAddOrOverride,omitempty"`
		ClaimsToSuppress      []string            `json:"claimsToSuppress,omitempty"`
		GroupOverrideDetails  *GroupConfiguration `json:"groupOverrideDetails,omitempty"`
	} `json:"claimsOverrideDetails"`
}

// PreTokenGenerationResponse answers [PreTokenGeneration] of versions "2" and "3".
type PreTokenGenerationResponse struct {
	ClaimsAndScopeOverrideDetails struct {
		IDTokenGeneration     ClaimsOverride         `json:"idTokenGeneration,omitzero"`
		AccessTokenGeneration ClaimsAndScopeOverride `json:"accessTokenGeneration,omitzero"`
		GroupOverrideDetails  *GroupConfiguration    `json:"groupOverrideDetails,omitempty"`
	} `json:"claimsAndScopeOverrideDetails"`
}

// ClaimsOverride changes the claims of a token.
type ClaimsOverride struct {
	ClaimsToAddOrOverride Claims   `json:"claimsToAddOrOverride,omitempty"`
	ClaimsToSuppress      []string `json:"claimsToSuppress,omitempty"`
}

// ClaimsAndScopeOverride changes the claims and scopes of an access token.
type ClaimsAndScopeOverride struct {
	ClaimsOverride
	ScopesToAdd      []string `json:"scopesToAdd,omitempty"`
	ScopesToSuppress []string `json:"scopesToSuppress,omitempty"`
}

func (*PreTokenGenerationV1Response) response() {}
func (*PreTokenGenerationResponse) response()   {}
