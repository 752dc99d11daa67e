package wire

// GetIdRequest asks an identity pool for an identity: a new guest without
// Logins, the login's own identity with them.
type GetIdRequest struct {
	AccountId      string     `json:",omitzero" is:"AccountId"` // older SDKs send it
	IdentityPoolId string     `json:",omitzero" required:"" is:"IdentityPoolId"`
	Logins         Parameters `json:",omitzero" is:"LoginsMap" keys:"IdentityProviderName" each:"IdentityProviderToken"`
}

// GetIdResponse names the identity.
type GetIdResponse struct {
	IdentityId string `json:",omitzero"`
}

// GetCredentialsForIdentityRequest asks for AWS credentials (enhanced flow).
type GetCredentialsForIdentityRequest struct {
	IdentityId    string     `json:",omitzero" required:"" is:"IdentityId"`
	Logins        Parameters `json:",omitzero" is:"LoginsMap" keys:"IdentityProviderName" each:"IdentityProviderToken"`
	CustomRoleArn string     `json:",omitzero" is:"ARNString"`
}

// GetCredentialsForIdentityResponse carries credentials. IdentityId may differ
// from the one asked for: a guest that signs in can turn out to be an identity
// that exists already. Callers keep the one in the answer.
type GetCredentialsForIdentityResponse struct {
	IdentityId  string       `json:",omitzero"`
	Credentials *Credentials `json:",omitzero"`
}

// Credentials are temporary AWS credentials. The secret's member is called
// SecretKey here, and SecretAccessKey nearly everywhere else in AWS.
type Credentials struct {
	AccessKeyId  string    `json:",omitzero"`
	SecretKey    Sensitive `json:",omitzero"`
	SessionToken Sensitive `json:",omitzero"`
	Expiration   Time      `json:",omitzero"`
}

// GetOpenIdTokenRequest asks for the identity's own token (basic flow).
type GetOpenIdTokenRequest struct {
	IdentityId string     `json:",omitzero" required:"" is:"IdentityId"`
	Logins     Parameters `json:",omitzero" is:"LoginsMap" keys:"IdentityProviderName" each:"IdentityProviderToken"`
}

// GetOpenIdTokenResponse carries a token that lives ten minutes.
type GetOpenIdTokenResponse struct {
	IdentityId string    `json:",omitzero"`
	Token      Sensitive `json:",omitzero"`
}
