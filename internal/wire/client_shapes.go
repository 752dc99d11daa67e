package wire

// UserPoolClientSettings are the members that CreateUserPoolClient,
// UpdateUserPoolClient and [UserPoolClientType] have in common. Members that
// UpdateUserPoolClient leaves out go back to their defaults.
type UserPoolClientSettings struct {
	RefreshTokenValidity                     *int32                    `json:",omitzero" is:"RefreshTokenValidityType"` // in TokenValidityUnits.RefreshToken, days when absent
	AccessTokenValidity                      *int32                    `json:",omitzero" is:"AccessTokenValidityType"`  // in TokenValidityUnits.AccessToken, hours when absent
	IdTokenValidity                          *int32                    `json:",omitzero" is:"IdTokenValidityType"`      // in TokenValidityUnits.IdToken, hours when absent
	TokenValidityUnits                       *TokenValidityUnitsType   `json:",omitzero"`
	ReadAttributes                           []string                  `json:",omitzero" each:"ClientPermissionType"`
	WriteAttributes                          []string                  `json:",omitzero" each:"ClientPermissionType"`
	ExplicitAuthFlows                        []ExplicitAuthFlow        `json:",omitzero" each:"ExplicitAuthFlowsType"`
	SupportedIdentityProviders               []string                  `json:",omitzero" each:"ProviderNameType"`
	CallbackURLs                             []string                  `json:",omitzero" is:"CallbackURLsListType" each:"RedirectUrlType"`
	LogoutURLs                               []string                  `json:",omitzero" is:"LogoutURLsListType" each:"RedirectUrlType"`
	DefaultRedirectURI                       string                    `json:",omitzero" is:"RedirectUrlType"`
	AllowedOAuthFlows                        []string                  `json:",omitzero" is:"OAuthFlowsType" each:"OAuthFlowType"`
	AllowedOAuthScopes                       []string                  `json:",omitzero" is:"ScopeListType" each:"ScopeType"`
	AllowedOAuthFlowsUserPoolClient          *bool                     `json:",omitzero"`
	AnalyticsConfiguration                   Document                  `json:",omitzero"`
	PreventUserExistenceErrors               string                    `json:",omitzero" is:"PreventUserExistenceErrorTypes"`
	EnableTokenRevocation                    *bool                     `json:",omitzero"`
	EnablePropagateAdditionalUserContextData *bool                     `json:",omitzero"`
	AuthSessionValidity                      *int32                    `json:",omitzero" is:"AuthSessionValidityType"` // minutes
	RefreshTokenRotation                     *RefreshTokenRotationType `json:",omitzero"`
}

// TokenValidityUnitsType gives the unit of each token's validity: seconds,
// minutes, hours or days.
type TokenValidityUnitsType struct {
	AccessToken  string `json:",omitzero" is:"TimeUnitsType"`
	IdToken      string `json:",omitzero" is:"TimeUnitsType"`
	RefreshToken string `json:",omitzero" is:"TimeUnitsType"`
}

// RefreshTokenRotationType turns rotation on. RetryGracePeriodSeconds is how
// long the predecessor still works; absent and 0 mean not at all.
type RefreshTokenRotationType struct {
	Feature                 string `json:",omitzero" required:"" is:"FeatureType"`
	RetryGracePeriodSeconds *int32 `json:",omitzero" is:"RetryGracePeriodSecondsType"`
}

// UserPoolClientType is an app client.
type UserPoolClientType struct {
	UserPoolId       string    `json:",omitzero"`
	ClientName       string    `json:",omitzero"`
	ClientId         string    `json:",omitzero"`
	ClientSecret     Sensitive `json:",omitzero"`
	LastModifiedDate Time      `json:",omitzero"`
	CreationDate     Time      `json:",omitzero"`
	UserPoolClientSettings
}

// UserPoolClientDescription is an app client as lists show it.
type UserPoolClientDescription struct {
	ClientId   string `json:",omitzero"`
	UserPoolId string `json:",omitzero"`
	ClientName string `json:",omitzero"`
}

// CreateUserPoolClientRequest makes an app client. GenerateSecret and
// ClientSecret exclude each other.
type CreateUserPoolClientRequest struct {
	UserPoolId     string    `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientName     string    `json:",omitzero" required:"" is:"ClientNameType"`
	GenerateSecret bool      `json:",omitzero"`
	ClientSecret   Sensitive `json:",omitzero" is:"ClientSecretType"`
	UserPoolClientSettings
}

// CreateUserPoolClientResponse shows the new client with its secret.
type CreateUserPoolClientResponse struct {
	UserPoolClient *UserPoolClientType `json:",omitzero"`
}

// DescribeUserPoolClientRequest asks for an app client.
type DescribeUserPoolClientRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId   string `json:",omitzero" required:"" is:"ClientIdType"`
}

// DescribeUserPoolClientResponse shows the client with its secret.
type DescribeUserPoolClientResponse struct {
	UserPoolClient *UserPoolClientType `json:",omitzero"`
}

// ListUserPoolClientsRequest asks for a page of a pool's clients.
type ListUserPoolClientsRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	MaxResults *int32 `json:",omitzero" is:"QueryLimit"`
	NextToken  string `json:",omitzero" is:"PaginationKey"`
}

// ListUserPoolClientsResponse is a page of clients; NextToken is absent on the last.
type ListUserPoolClientsResponse struct {
	UserPoolClients []UserPoolClientDescription
	NextToken       string `json:",omitzero"`
}

// UpdateUserPoolClientRequest replaces a client's settings.
type UpdateUserPoolClientRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId   string `json:",omitzero" required:"" is:"ClientIdType"`
	ClientName string `json:",omitzero" is:"ClientNameType"`
	UserPoolClientSettings
}

// UpdateUserPoolClientResponse shows the client after the change.
type UpdateUserPoolClientResponse struct {
	UserPoolClient *UserPoolClientType `json:",omitzero"`
}

// DeleteUserPoolClientRequest removes a client and ends its sessions.
type DeleteUserPoolClientRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId   string `json:",omitzero" required:"" is:"ClientIdType"`
}

// DeleteUserPoolClientResponse has no body.
type DeleteUserPoolClientResponse struct{}
