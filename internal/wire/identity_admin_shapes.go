package wire

// IdentityDescription is an identity with the names of its login providers.
type IdentityDescription struct {
	IdentityId       string   `json:",omitzero"`
	Logins           []string `json:",omitzero"`
	CreationDate     Time     `json:",omitzero"`
	LastModifiedDate Time     `json:",omitzero"`
}

// DescribeIdentityRequest asks for an identity.
type DescribeIdentityRequest struct {
	IdentityId string `json:",omitzero" required:"" is:"IdentityId"`
}

// DescribeIdentityResponse shows the identity.
type DescribeIdentityResponse struct{ IdentityDescription }

// ListIdentitiesRequest asks for a page of a pool's identities.
type ListIdentitiesRequest struct {
	IdentityPoolId string `json:",omitzero" required:"" is:"IdentityPoolId"`
	MaxResults     *int32 `json:",omitzero" required:"" is:"QueryLimit"`
	NextToken      string `json:",omitzero" is:"IdentityPaginationKey"`
	HideDisabled   *bool  `json:",omitzero"`
}

// ListIdentitiesResponse is a page of identities; NextToken is absent on the last.
type ListIdentitiesResponse struct {
	IdentityPoolId string `json:",omitzero"`
	Identities     []IdentityDescription
	NextToken      string `json:",omitzero"`
}

// DeleteIdentitiesRequest removes identities for good.
type DeleteIdentitiesRequest struct {
	IdentityIdsToDelete []string `json:",omitzero" required:"" is:"IdentityIdList" each:"IdentityId"`
}

// DeleteIdentitiesResponse lists those that could not be removed.
type DeleteIdentitiesResponse struct {
	UnprocessedIdentityIds []UnprocessedIdentityId
}

// UnprocessedIdentityId is an identity that DeleteIdentities left in place;
// ErrorCode is AccessDenied or InternalServerError.
type UnprocessedIdentityId struct {
	IdentityId string `json:",omitzero"`
	ErrorCode  string `json:",omitzero"`
}

// UnlinkIdentityRequest takes logins from an identity. Logins proves the right to.
type UnlinkIdentityRequest struct {
	IdentityId     string     `json:",omitzero" required:"" is:"IdentityId"`
	Logins         Parameters `json:",omitzero" required:"" is:"LoginsMap" keys:"IdentityProviderName" each:"IdentityProviderToken"`
	LoginsToRemove []string   `json:",omitzero" required:"" each:"IdentityProviderName"`
}

// UnlinkIdentityResponse has no body.
type UnlinkIdentityResponse struct{}

// GetOpenIdTokenForDeveloperIdentityRequest asks for the token of an identity
// whose user the caller, a server of the application, has verified itself.
// Logins holds the developer provider's name with the user's identifier.
type GetOpenIdTokenForDeveloperIdentityRequest struct {
	IdentityPoolId string            `json:",omitzero" required:"" is:"IdentityPoolId"`
	IdentityId     string            `json:",omitzero" is:"IdentityId"`
	Logins         Parameters        `json:",omitzero" required:"" is:"LoginsMap" keys:"IdentityProviderName" each:"IdentityProviderToken"`
	PrincipalTags  map[string]string `json:",omitzero" is:"PrincipalTags" keys:"PrincipalTagID" each:"PrincipalTagValue"`
	TokenDuration  *int64            `json:",omitzero" is:"TokenDuration"` // seconds
}

// GetOpenIdTokenForDeveloperIdentityResponse carries the token.
type GetOpenIdTokenForDeveloperIdentityResponse struct {
	IdentityId string    `json:",omitzero"`
	Token      Sensitive `json:",omitzero"`
}

// LookupDeveloperIdentityRequest asks for the identity of a developer's user, or
// for the users of an identity.
type LookupDeveloperIdentityRequest struct {
	IdentityPoolId          string `json:",omitzero" required:"" is:"IdentityPoolId"`
	IdentityId              string `json:",omitzero" is:"IdentityId"`
	DeveloperUserIdentifier string `json:",omitzero" is:"DeveloperUserIdentifier"`
	MaxResults              *int32 `json:",omitzero" is:"QueryLimit"`
	NextToken               string `json:",omitzero" is:"IdentityPaginationKey"`
}

// LookupDeveloperIdentityResponse names both.
type LookupDeveloperIdentityResponse struct {
	IdentityId                  string `json:",omitzero"`
	DeveloperUserIdentifierList []string
	NextToken                   string `json:",omitzero"`
}

// MergeDeveloperIdentitiesRequest makes one identity of those of two users of a
// developer; the destination's survives.
type MergeDeveloperIdentitiesRequest struct {
	SourceUserIdentifier      string `json:",omitzero" required:"" is:"DeveloperUserIdentifier"`
	DestinationUserIdentifier string `json:",omitzero" required:"" is:"DeveloperUserIdentifier"`
	DeveloperProviderName     string `json:",omitzero" required:"" is:"DeveloperProviderName"`
	IdentityPoolId            string `json:",omitzero" required:"" is:"IdentityPoolId"`
}

// MergeDeveloperIdentitiesResponse names the identity that survives.
type MergeDeveloperIdentitiesResponse struct {
	IdentityId string `json:",omitzero"`
}

// UnlinkDeveloperIdentityRequest takes a developer's user from an identity.
type UnlinkDeveloperIdentityRequest struct {
	IdentityId              string `json:",omitzero" required:"" is:"IdentityId"`
	IdentityPoolId          string `json:",omitzero" required:"" is:"IdentityPoolId"`
	DeveloperProviderName   string `json:",omitzero" required:"" is:"DeveloperProviderName"`
	DeveloperUserIdentifier string `json:",omitzero" required:"" is:"DeveloperUserIdentifier"`
}

// UnlinkDeveloperIdentityResponse has no body.
type UnlinkDeveloperIdentityResponse struct{}
