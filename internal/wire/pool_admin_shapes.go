package wire

// AddCustomAttributesRequest adds custom attributes to a pool's schema. They
// cannot be removed again.
type AddCustomAttributesRequest struct {
	UserPoolId       string                `json:",omitzero" required:"" is:"UserPoolIdType"`
	CustomAttributes []SchemaAttributeType `json:",omitzero" required:"" is:"CustomAttributesListType"`
}

// AddCustomAttributesResponse is empty.
type AddCustomAttributesResponse struct{}

// AdminDeleteUserAttributesRequest deletes attributes of a user.
type AdminDeleteUserAttributesRequest struct {
	UserPoolId         string   `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username           string   `json:",omitzero" required:"" is:"UsernameType"`
	UserAttributeNames []string `json:",omitzero" required:"" each:"AttributeNameType"`
}

// AdminDeleteUserAttributesResponse is empty.
type AdminDeleteUserAttributesResponse struct{}

// GetUserPoolMfaConfigRequest asks for the second factors of a pool.
type GetUserPoolMfaConfigRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// GetUserPoolMfaConfigResponse shows them; a factor that is not set up is absent.
type GetUserPoolMfaConfigResponse struct {
	SmsMfaConfiguration           *SmsMfaConfigType           `json:",omitzero"`
	SoftwareTokenMfaConfiguration *SoftwareTokenMfaConfigType `json:",omitzero"`
	EmailMfaConfiguration         *EmailMfaConfigType         `json:",omitzero"`
	MfaConfiguration              string                      `json:",omitzero"`
	WebAuthnConfiguration         *WebAuthnConfigurationType  `json:",omitzero"`
}

// SmsMfaConfigType is how codes are sent as text messages.
type SmsMfaConfigType struct {
	SmsAuthenticationMessage string                `json:",omitzero" is:"SmsVerificationMessageType"`
	SmsConfiguration         *SmsConfigurationType `json:",omitzero"`
}

// SoftwareTokenMfaConfigType says whether authenticator apps are a second factor.
type SoftwareTokenMfaConfigType struct {
	Enabled bool
}

// EmailMfaConfigType is how codes are sent by mail.
type EmailMfaConfigType struct {
	Message string `json:",omitzero"`
	Subject string `json:",omitzero"`
}

// WebAuthnConfigurationType is how passkeys are asked for.
type WebAuthnConfigurationType struct {
	RelyingPartyId      string `json:",omitzero"`
	UserVerification    string `json:",omitzero"`
	FactorConfiguration string `json:",omitzero"`
}

// TagUserPoolInput is TagResource of user pools: it adds tags to one, named by
// its ARN.
type TagUserPoolInput struct {
	ResourceArn string            `json:",omitzero" required:"" is:"ArnType"`
	Tags        map[string]string `json:",omitzero" required:"" keys:"TagKeysType" each:"TagValueType"`
}

// UntagUserPoolInput is UntagResource of user pools.
type UntagUserPoolInput struct {
	ResourceArn string   `json:",omitzero" required:"" is:"ArnType"`
	TagKeys     []string `json:",omitzero" required:"" each:"TagKeysType"`
}

// ListTagsForUserPoolInput is ListTagsForResource of user pools.
type ListTagsForUserPoolInput struct {
	ResourceArn string `json:",omitzero" required:"" is:"ArnType"`
}
