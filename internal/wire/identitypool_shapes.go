package wire

// IdentityPoolSettings are what CreateIdentityPool and UpdateIdentityPool set.
type IdentityPoolSettings struct {
	IdentityPoolName               string                    `json:",omitzero" required:"" is:"IdentityPoolName"`
	AllowUnauthenticatedIdentities *bool                     `json:",omitzero" required:""` // guests
	AllowClassicFlow               *bool                     `json:",omitzero"`             // GetOpenIdToken
	SupportedLoginProviders        map[string]string         `json:",omitzero" is:"IdentityProviders" keys:"IdentityProviderName" each:"IdentityProviderId"`
	DeveloperProviderName          string                    `json:",omitzero" is:"DeveloperProviderName"`
	OpenIdConnectProviderARNs      []string                  `json:",omitzero" each:"ARNString"`
	CognitoIdentityProviders       []CognitoIdentityProvider `json:",omitzero"`
	SamlProviderARNs               []string                  `json:",omitzero" each:"ARNString"`
	IdentityPoolTags               map[string]string         `json:",omitzero" keys:"TagKeysType" each:"TagValueType"`
}

// CognitoIdentityProvider is a user pool's app client whose users an identity
// pool accepts. ProviderName is cognito-idp.<region>.amazonaws.com/<user pool id>.
type CognitoIdentityProvider struct {
	ProviderName         string `json:",omitzero" is:"CognitoIdentityProviderName"`
	ClientId             string `json:",omitzero" is:"CognitoIdentityProviderClientId"`
	ServerSideTokenCheck *bool  `json:",omitzero"` // refuse the tokens of who has signed out
}

// IdentityPool is an identity pool with its settings.
type IdentityPool struct {
	IdentityPoolId string `json:",omitzero" required:"" is:"IdentityPoolId"`
	IdentityPoolSettings
}

// CreateIdentityPoolRequest makes an identity pool.
type CreateIdentityPoolRequest struct{ IdentityPoolSettings }

// CreateIdentityPoolResponse shows the new pool.
type CreateIdentityPoolResponse struct{ IdentityPool }

// UpdateIdentityPoolRequest replaces a pool's settings: what it leaves out is gone.
type UpdateIdentityPoolRequest struct{ IdentityPool }

// UpdateIdentityPoolResponse shows the pool after the change.
type UpdateIdentityPoolResponse struct{ IdentityPool }

// DescribeIdentityPoolRequest asks for a pool.
type DescribeIdentityPoolRequest struct {
	IdentityPoolId string `json:",omitzero" required:"" is:"IdentityPoolId"`
}

// DescribeIdentityPoolResponse shows the pool.
type DescribeIdentityPoolResponse struct{ IdentityPool }

// DeleteIdentityPoolRequest removes a pool with its identities.
type DeleteIdentityPoolRequest struct {
	IdentityPoolId string `json:",omitzero" required:"" is:"IdentityPoolId"`
}

// DeleteIdentityPoolResponse has no body.
type DeleteIdentityPoolResponse struct{}

// ListIdentityPoolsRequest asks for a page of the identity pools.
type ListIdentityPoolsRequest struct {
	MaxResults *int32 `json:",omitzero" required:"" is:"QueryLimit"`
	NextToken  string `json:",omitzero" is:"IdentityPaginationKey"`
}

// ListIdentityPoolsResponse is a page of pools; NextToken is absent on the last.
type ListIdentityPoolsResponse struct {
	IdentityPools []IdentityPoolShortDescription
	NextToken     string `json:",omitzero"`
}

// IdentityPoolShortDescription is an entry of that list.
type IdentityPoolShortDescription struct {
	IdentityPoolId   string `json:",omitzero"`
	IdentityPoolName string `json:",omitzero"`
}

// IdentityPoolRoles are the roles of a pool: the keys of Roles are RoleAuthenticated
// and RoleUnauthenticated, those of RoleMappings name login providers.
type IdentityPoolRoles struct {
	IdentityPoolId string                 `json:",omitzero" required:"" is:"IdentityPoolId"`
	Roles          map[string]string      `json:",omitzero" required:"" is:"RolesMap" keys:"RoleType" each:"ARNString"`
	RoleMappings   map[string]RoleMapping `json:",omitzero" is:"RoleMappingMap" keys:"IdentityProviderName"`
}

// RoleMapping chooses a role for the users of one provider.
type RoleMapping struct {
	Type                    string                  `json:",omitzero" required:"" is:"RoleMappingType"`
	AmbiguousRoleResolution string                  `json:",omitzero" is:"AmbiguousRoleResolutionType"`
	RulesConfiguration      *RulesConfigurationType `json:",omitzero"`
}

// RulesConfigurationType holds the rules of a RoleMapping of type Rules, in the
// order in which they are tried.
type RulesConfigurationType struct {
	Rules []MappingRule `json:",omitzero" required:"" is:"MappingRulesList"`
}

// MappingRule gives a role to those whose token has a claim of a certain value.
type MappingRule struct {
	Claim     string `json:",omitzero" required:"" is:"ClaimName"`
	MatchType string `json:",omitzero" required:"" is:"MappingRuleMatchType"`
	Value     string `json:",omitzero" required:"" is:"ClaimValue"`
	RoleARN   string `json:",omitzero" required:"" is:"ARNString"`
}

// SetIdentityPoolRolesRequest replaces a pool's roles.
type SetIdentityPoolRolesRequest struct{ IdentityPoolRoles }

// SetIdentityPoolRolesResponse has no body.
type SetIdentityPoolRolesResponse struct{}

// GetIdentityPoolRolesRequest asks for a pool's roles.
type GetIdentityPoolRolesRequest struct {
	IdentityPoolId string `json:",omitzero" required:"" is:"IdentityPoolId"`
}

// GetIdentityPoolRolesResponse shows the roles.
type GetIdentityPoolRolesResponse struct{ IdentityPoolRoles }

// PrincipalTagAttributeMap says which claims of a provider's tokens become
// which tags of the credentials. With UseDefaults they are sub as username and
// aud as client.
type PrincipalTagAttributeMap struct {
	IdentityPoolId       string            `json:",omitzero" required:"" is:"IdentityPoolId"`
	IdentityProviderName string            `json:",omitzero" required:"" is:"IdentityProviderName"`
	UseDefaults          *bool             `json:",omitzero"`
	PrincipalTags        map[string]string `json:",omitzero" is:"PrincipalTags" keys:"PrincipalTagID" each:"PrincipalTagValue"`
}

// SetPrincipalTagAttributeMapRequest replaces the tags of one provider.
type SetPrincipalTagAttributeMapRequest struct{ PrincipalTagAttributeMap }

// SetPrincipalTagAttributeMapResponse shows the tags.
type SetPrincipalTagAttributeMapResponse struct{ PrincipalTagAttributeMap }

// GetPrincipalTagAttributeMapRequest asks for the tags of one provider.
type GetPrincipalTagAttributeMapRequest struct {
	IdentityPoolId       string `json:",omitzero" required:"" is:"IdentityPoolId"`
	IdentityProviderName string `json:",omitzero" required:"" is:"IdentityProviderName"`
}

// GetPrincipalTagAttributeMapResponse shows the tags.
type GetPrincipalTagAttributeMapResponse struct{ PrincipalTagAttributeMap }

// TagResourceRequest adds tags to an identity pool, named by its ARN.
type TagResourceRequest struct {
	ResourceArn string            `json:",omitzero" required:"" is:"ARNString"`
	Tags        map[string]string `json:",omitzero" required:"" keys:"TagKeysType" each:"TagValueType"`
}

// TagResourceResponse is empty.
type TagResourceResponse struct{}

// UntagResourceRequest removes tags.
type UntagResourceRequest struct {
	ResourceArn string   `json:",omitzero" required:"" is:"ARNString"`
	TagKeys     []string `json:",omitzero" required:"" each:"TagKeysType"`
}

// UntagResourceResponse is empty.
type UntagResourceResponse struct{}

// ListTagsForResourceRequest asks for the tags of an identity pool.
type ListTagsForResourceRequest struct {
	ResourceArn string `json:",omitzero" required:"" is:"ARNString"`
}

// ListTagsForResourceResponse shows the tags.
type ListTagsForResourceResponse struct {
	Tags map[string]string
}
