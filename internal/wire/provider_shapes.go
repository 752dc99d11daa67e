package wire

// ProviderUserIdentifierType names a user of an identity provider, or, with the
// ProviderName Cognito, one of the user pool.
type ProviderUserIdentifierType struct {
	ProviderName           string `json:",omitzero" is:"ProviderNameType"`
	ProviderAttributeName  string `json:",omitzero" is:"StringType"`
	ProviderAttributeValue string `json:",omitzero" is:"StringType"`
}

// IdentityProviderType is another provider whose users sign in to a user pool.
// ProviderDetails holds its client secret.
type IdentityProviderType struct {
	UserPoolId       string            `json:",omitzero"`
	ProviderName     string            `json:",omitzero"`
	ProviderType     string            `json:",omitzero"`
	ProviderDetails  Parameters        `json:",omitzero"`
	AttributeMapping map[string]string `json:",omitzero"`
	IdpIdentifiers   []string          `json:",omitzero"`
	LastModifiedDate Time              `json:",omitzero"`
	CreationDate     Time              `json:",omitzero"`
}

// ProviderDescription is an identity provider in a list.
type ProviderDescription struct {
	ProviderName     string `json:",omitzero"`
	ProviderType     string `json:",omitzero"`
	LastModifiedDate Time   `json:",omitzero"`
	CreationDate     Time   `json:",omitzero"`
}

// Types of identity providers (CreateIdentityProvider, ProviderType).
const (
	ProviderSAML     = "SAML"
	ProviderFacebook = "Facebook"
	ProviderGoogle   = "Google"
	ProviderAmazon   = "LoginWithAmazon"
	ProviderApple    = "SignInWithApple"
	ProviderOIDC     = "OIDC"
)

// CreateIdentityProviderRequest makes an identity provider known to a pool.
type CreateIdentityProviderRequest struct {
	UserPoolId       string            `json:",omitzero" required:"" is:"UserPoolIdType"`
	ProviderName     string            `json:",omitzero" required:"" is:"ProviderNameTypeV2"`
	ProviderType     string            `json:",omitzero" required:"" is:"IdentityProviderTypeType"`
	ProviderDetails  Parameters        `json:",omitzero" required:"" each:"StringType"`
	AttributeMapping map[string]string `json:",omitzero" keys:"AttributeMappingKeyType" each:"StringType"`
	IdpIdentifiers   []string          `json:",omitzero" is:"IdpIdentifiersListType" each:"IdpIdentifierType"`
}

// CreateIdentityProviderResponse shows the new provider.
type CreateIdentityProviderResponse struct {
	IdentityProvider *IdentityProviderType `json:",omitzero"`
}

// DescribeIdentityProviderRequest asks for a provider.
type DescribeIdentityProviderRequest struct {
	UserPoolId   string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ProviderName string `json:",omitzero" required:"" is:"ProviderNameType"`
}

// DescribeIdentityProviderResponse shows it.
type DescribeIdentityProviderResponse struct {
	IdentityProvider *IdentityProviderType `json:",omitzero"`
}

// UpdateIdentityProviderRequest replaces the members that are there.
type UpdateIdentityProviderRequest struct {
	UserPoolId       string            `json:",omitzero" required:"" is:"UserPoolIdType"`
	ProviderName     string            `json:",omitzero" required:"" is:"ProviderNameType"`
	ProviderDetails  Parameters        `json:",omitzero" each:"StringType"`
	AttributeMapping map[string]string `json:",omitzero" keys:"AttributeMappingKeyType" each:"StringType"`
	IdpIdentifiers   []string          `json:",omitzero" is:"IdpIdentifiersListType" each:"IdpIdentifierType"`
}

// UpdateIdentityProviderResponse shows the provider after the change.
type UpdateIdentityProviderResponse struct {
	IdentityProvider *IdentityProviderType `json:",omitzero"`
}

// DeleteIdentityProviderRequest removes a provider from a pool.
type DeleteIdentityProviderRequest struct {
	UserPoolId   string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ProviderName string `json:",omitzero" required:"" is:"ProviderNameType"`
}

// DeleteIdentityProviderResponse has no body.
type DeleteIdentityProviderResponse struct{}

// ListIdentityProvidersRequest asks for a page of a pool's providers.
type ListIdentityProvidersRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	MaxResults *int32 `json:",omitzero" is:"ListProvidersLimitType"`
	NextToken  string `json:",omitzero" is:"PaginationKeyType"`
}

// ListIdentityProvidersResponse is a page; NextToken is absent on the last.
type ListIdentityProvidersResponse struct {
	Providers []ProviderDescription
	NextToken string `json:",omitzero"`
}

// GetIdentityProviderByIdentifierRequest asks for the provider that an
// idp_identifier means.
type GetIdentityProviderByIdentifierRequest struct {
	UserPoolId    string `json:",omitzero" required:"" is:"UserPoolIdType"`
	IdpIdentifier string `json:",omitzero" required:"" is:"IdpIdentifierType"`
}

// GetIdentityProviderByIdentifierResponse shows it.
type GetIdentityProviderByIdentifierResponse struct {
	IdentityProvider *IdentityProviderType `json:",omitzero"`
}

// AdminLinkProviderForUserRequest lets SourceUser, of another provider, sign in
// as DestinationUser.
type AdminLinkProviderForUserRequest struct {
	UserPoolId      string                      `json:",omitzero" required:"" is:"StringType"`
	DestinationUser *ProviderUserIdentifierType `json:",omitzero" required:""`
	SourceUser      *ProviderUserIdentifierType `json:",omitzero" required:""`
}

// AdminLinkProviderForUserResponse is empty.
type AdminLinkProviderForUserResponse struct{}

// AdminDisableProviderForUserRequest takes such a sign-in away again.
type AdminDisableProviderForUserRequest struct {
	UserPoolId string                      `json:",omitzero" required:"" is:"StringType"`
	User       *ProviderUserIdentifierType `json:",omitzero" required:""`
}

// AdminDisableProviderForUserResponse is empty.
type AdminDisableProviderForUserResponse struct{}
