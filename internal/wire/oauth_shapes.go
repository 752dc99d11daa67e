package wire

// CustomDomainConfigType names the certificate of a domain of the operator's own.
type CustomDomainConfigType struct {
	CertificateArn string `json:",omitzero" required:"" is:"ArnType"`
}

// DomainDescriptionType is a host name of a user pool's sign-in. All members are
// absent for a name that nobody has.
type DomainDescriptionType struct {
	UserPoolId             string                  `json:",omitzero"`
	AWSAccountId           string                  `json:",omitzero"`
	Domain                 string                  `json:",omitzero"`
	S3Bucket               string                  `json:",omitzero"`
	CloudFrontDistribution string                  `json:",omitzero"`
	Version                string                  `json:",omitzero"`
	Status                 string                  `json:",omitzero"`
	CustomDomainConfig     *CustomDomainConfigType `json:",omitzero"`
	ManagedLoginVersion    *int32                  `json:",omitzero"`
}

// CreateUserPoolDomainRequest gives a pool a host name: a prefix, or a whole
// name where CustomDomainConfig is there.
type CreateUserPoolDomainRequest struct {
	Domain              string                  `json:",omitzero" required:"" is:"DomainType"`
	UserPoolId          string                  `json:",omitzero" required:"" is:"UserPoolIdType"`
	ManagedLoginVersion *int32                  `json:",omitzero"`
	CustomDomainConfig  *CustomDomainConfigType `json:",omitzero"`
}

// CreateUserPoolDomainResponse gives the alias target of a whole name.
type CreateUserPoolDomainResponse struct {
	ManagedLoginVersion *int32 `json:",omitzero"`
	CloudFrontDomain    string `json:",omitzero"`
}

// DescribeUserPoolDomainRequest asks for a domain.
type DescribeUserPoolDomainRequest struct {
	Domain string `json:",omitzero" required:"" is:"DomainType"`
}

// DescribeUserPoolDomainResponse shows the domain, or an empty description.
type DescribeUserPoolDomainResponse struct {
	DomainDescription *DomainDescriptionType `json:",omitzero"`
}

// UpdateUserPoolDomainRequest replaces a domain's settings.
type UpdateUserPoolDomainRequest struct {
	Domain              string                  `json:",omitzero" required:"" is:"DomainType"`
	UserPoolId          string                  `json:",omitzero" required:"" is:"UserPoolIdType"`
	ManagedLoginVersion *int32                  `json:",omitzero"`
	CustomDomainConfig  *CustomDomainConfigType `json:",omitzero"`
}

// UpdateUserPoolDomainResponse is as for CreateUserPoolDomain.
type UpdateUserPoolDomainResponse struct {
	ManagedLoginVersion *int32 `json:",omitzero"`
	CloudFrontDomain    string `json:",omitzero"`
}

// DeleteUserPoolDomainRequest takes a host name from a pool.
type DeleteUserPoolDomainRequest struct {
	Domain     string `json:",omitzero" required:"" is:"DomainType"`
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// DeleteUserPoolDomainResponse is empty.
type DeleteUserPoolDomainResponse struct{}

// ResourceServerScopeType is a scope of a resource server. In tokens and in
// AllowedOAuthScopes it stands behind the server's identifier and a slash.
type ResourceServerScopeType struct {
	ScopeName        string `json:",omitzero" required:"" is:"ResourceServerScopeNameType"`
	ScopeDescription string `json:",omitzero" required:"" is:"ResourceServerScopeDescriptionType"`
}

// ResourceServerType is an API whose scopes a user pool hands out.
type ResourceServerType struct {
	UserPoolId string                    `json:",omitzero"`
	Identifier string                    `json:",omitzero"`
	Name       string                    `json:",omitzero"`
	Scopes     []ResourceServerScopeType `json:",omitzero"`
}

// CreateResourceServerRequest makes a resource server.
type CreateResourceServerRequest struct {
	UserPoolId string                    `json:",omitzero" required:"" is:"UserPoolIdType"`
	Identifier string                    `json:",omitzero" required:"" is:"ResourceServerIdentifierType"`
	Name       string                    `json:",omitzero" required:"" is:"ResourceServerNameType"`
	Scopes     []ResourceServerScopeType `json:",omitzero" is:"ResourceServerScopeListType"`
}

// CreateResourceServerResponse shows the new resource server.
type CreateResourceServerResponse struct {
	ResourceServer *ResourceServerType `json:",omitzero"`
}

// DescribeResourceServerRequest asks for a resource server.
type DescribeResourceServerRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Identifier string `json:",omitzero" required:"" is:"ResourceServerIdentifierType"`
}

// DescribeResourceServerResponse shows it.
type DescribeResourceServerResponse struct {
	ResourceServer *ResourceServerType `json:",omitzero"`
}

// UpdateResourceServerRequest replaces name and scopes.
type UpdateResourceServerRequest struct {
	UserPoolId string                    `json:",omitzero" required:"" is:"UserPoolIdType"`
	Identifier string                    `json:",omitzero" required:"" is:"ResourceServerIdentifierType"`
	Name       string                    `json:",omitzero" required:"" is:"ResourceServerNameType"`
	Scopes     []ResourceServerScopeType `json:",omitzero" is:"ResourceServerScopeListType"`
}

// UpdateResourceServerResponse shows the resource server after the change.
type UpdateResourceServerResponse struct {
	ResourceServer *ResourceServerType `json:",omitzero"`
}

// DeleteResourceServerRequest removes a resource server.
type DeleteResourceServerRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Identifier string `json:",omitzero" required:"" is:"ResourceServerIdentifierType"`
}

// DeleteResourceServerResponse has no body.
type DeleteResourceServerResponse struct{}

// ListResourceServersRequest asks for a page of a pool's resource servers.
type ListResourceServersRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	MaxResults *int32 `json:",omitzero" is:"ListResourceServersLimitType"`
	NextToken  string `json:",omitzero" is:"PaginationKeyType"`
}

// ListResourceServersResponse is a page; NextToken is absent on the last.
type ListResourceServersResponse struct {
	ResourceServers []ResourceServerType
	NextToken       string `json:",omitzero"`
}
