package wire

// UserPoolSettings are the members that CreateUserPool, UpdateUserPool and
// [UserPoolType] have in common. Members that UpdateUserPool leaves out go back
// to their defaults, except UserPoolTags.
type UserPoolSettings struct {
	Policies                    *UserPoolPolicyType              `json:",omitzero"`
	DeletionProtection          string                           `json:",omitzero" is:"DeletionProtectionType"`
	LambdaConfig                *LambdaConfigType                `json:",omitzero"`
	AutoVerifiedAttributes      []string                         `json:",omitzero" each:"VerifiedAttributeType"`
	SmsVerificationMessage      string                           `json:",omitzero" is:"SmsVerificationMessageType"`
	EmailVerificationMessage    string                           `json:",omitzero" is:"EmailVerificationMessageType"`
	EmailVerificationSubject    string                           `json:",omitzero" is:"EmailVerificationSubjectType"`
	VerificationMessageTemplate *VerificationMessageTemplateType `json:",omitzero"`
	SmsAuthenticationMessage    string                           `json:",omitzero" is:"SmsVerificationMessageType"`
	UserAttributeUpdateSettings *UserAttributeUpdateSettingsType `json:",omitzero"`
	MfaConfiguration            string                           `json:",omitzero" is:"UserPoolMfaType"`
	DeviceConfiguration         *DeviceConfigurationType         `json:",omitzero"`
	EmailConfiguration          *EmailConfigurationType          `json:",omitzero"`
	SmsConfiguration            *SmsConfigurationType            `json:",omitzero"`
	UserPoolTags                map[string]string                `json:",omitzero" keys:"TagKeysType" each:"TagValueType"`
	AdminCreateUserConfig       *AdminCreateUserConfigType       `json:",omitzero"`
	UserPoolAddOns              *UserPoolAddOnsType              `json:",omitzero"`
	AccountRecoverySetting      *AccountRecoverySettingType      `json:",omitzero"`
	UserPoolTier                string                           `json:",omitzero" is:"UserPoolTierType"`
	KeyConfiguration            *KeyConfigurationType            `json:",omitzero"`
	IssuerConfiguration         *IssuerConfigurationType         `json:",omitzero"`
}

// UserPoolType is a user pool. Its name is called Name, in requests PoolName;
// its schema SchemaAttributes, in requests Schema.
type UserPoolType struct {
	Id                     string                     `json:",omitzero"`
	Name                   string                     `json:",omitzero"`
	Arn                    string                     `json:",omitzero"`
	LastModifiedDate       Time                       `json:",omitzero"`
	CreationDate           Time                       `json:",omitzero"`
	SchemaAttributes       []SchemaAttributeType      `json:",omitzero"`
	AliasAttributes        []string                   `json:",omitzero"`
	UsernameAttributes     []string                   `json:",omitzero"`
	UsernameConfiguration  *UsernameConfigurationType `json:",omitzero"`
	EstimatedNumberOfUsers int32
	Domain                 string `json:",omitzero"`
	CustomDomain           string `json:",omitzero"`
	UserPoolSettings
}

// UserPoolDescriptionType is a user pool as lists show it.
type UserPoolDescriptionType struct {
	Id               string            `json:",omitzero"`
	Name             string            `json:",omitzero"`
	LambdaConfig     *LambdaConfigType `json:",omitzero"`
	LastModifiedDate Time              `json:",omitzero"`
	CreationDate     Time              `json:",omitzero"`
}

// CreateUserPoolRequest makes a user pool. Aliases, username attributes, case
// sensitivity and the schema cannot be changed later.
type CreateUserPoolRequest struct {
	PoolName              string                     `json:",omitzero" required:"" is:"UserPoolNameType"`
	AliasAttributes       []string                   `json:",omitzero" each:"AliasAttributeType"`
	UsernameAttributes    []string                   `json:",omitzero" each:"UsernameAttributeType"`
	Schema                []SchemaAttributeType      `json:",omitzero" is:"SchemaAttributesListType"`
	UsernameConfiguration *UsernameConfigurationType `json:",omitzero"`
	UserPoolSettings
}

// CreateUserPoolResponse shows the new pool.
type CreateUserPoolResponse struct {
	UserPool *UserPoolType `json:",omitzero"`
}

// DescribeUserPoolRequest asks for a pool.
type DescribeUserPoolRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// DescribeUserPoolResponse shows the pool.
type DescribeUserPoolResponse struct {
	UserPool *UserPoolType `json:",omitzero"`
}

// ListUserPoolsRequest asks for a page of pools.
type ListUserPoolsRequest struct {
	NextToken  string `json:",omitzero" is:"PaginationKeyType"`
	MaxResults *int32 `json:",omitzero" required:"" is:"PoolQueryLimitType"`
}

// ListUserPoolsResponse is a page of pools; NextToken is absent on the last.
type ListUserPoolsResponse struct {
	UserPools []UserPoolDescriptionType
	NextToken string `json:",omitzero"`
}

// UpdateUserPoolRequest replaces a pool's settings.
type UpdateUserPoolRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	PoolName   string `json:",omitzero" is:"UserPoolNameType"`
	UserPoolSettings
}

// UpdateUserPoolResponse is empty.
type UpdateUserPoolResponse struct{}

// DeleteUserPoolRequest removes a pool with everything in it. Cognito refuses
// it while DeletionProtection is ACTIVE.
type DeleteUserPoolRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// DeleteUserPoolResponse has no body.
type DeleteUserPoolResponse struct{}
