package wire

// SignUpRequest makes an account for whoever asks.
type SignUpRequest struct {
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	SecretHash        string                 `json:",omitzero" is:"SecretHashType"`
	Username          string                 `json:",omitzero" required:"" is:"UsernameType"`
	Password          Sensitive              `json:",omitzero" is:"PasswordType"` // may be absent only where the pool has other first factors
	UserAttributes    []AttributeType        `json:",omitzero"`
	ValidationData    []AttributeType        `json:",omitzero"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	UserContextData   *UserContextDataType   `json:",omitzero"`
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
}

// SignUpResponse says where the code went, if one was sent.
type SignUpResponse struct {
	UserConfirmed       bool
	CodeDeliveryDetails *CodeDeliveryDetailsType `json:",omitzero"`
	UserSub             string
	Session             Sensitive `json:",omitzero"`
}

// ConfirmSignUpRequest answers the code of a SignUp.
type ConfirmSignUpRequest struct {
	ClientId           string                 `json:",omitzero" required:"" is:"ClientIdType"`
	SecretHash         string                 `json:",omitzero" is:"SecretHashType"`
	Username           string                 `json:",omitzero" required:"" is:"UsernameType"`
	ConfirmationCode   Sensitive              `json:",omitzero" required:"" is:"ConfirmationCodeType"`
	ForceAliasCreation bool                   `json:",omitzero"` // take the verified alias from another user
	AnalyticsMetadata  *AnalyticsMetadataType `json:",omitzero"`
	UserContextData    *UserContextDataType   `json:",omitzero"`
	ClientMetadata     Parameters             `json:",omitzero" each:"StringType"`
	Session            Sensitive              `json:",omitzero" is:"SessionType"`
}

// ConfirmSignUpResponse carries nothing that this service gives.
type ConfirmSignUpResponse struct {
	Session Sensitive `json:",omitzero"`
}

// ResendConfirmationCodeRequest asks for the code of a SignUp again.
type ResendConfirmationCodeRequest struct {
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	SecretHash        string                 `json:",omitzero" is:"SecretHashType"`
	UserContextData   *UserContextDataType   `json:",omitzero"`
	Username          string                 `json:",omitzero" required:"" is:"UsernameType"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
}

// ResendConfirmationCodeResponse says where the code went.
type ResendConfirmationCodeResponse struct {
	CodeDeliveryDetails *CodeDeliveryDetailsType `json:",omitzero"`
}

// ForgotPasswordRequest asks for a code that sets a new password.
type ForgotPasswordRequest struct {
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	SecretHash        string                 `json:",omitzero" is:"SecretHashType"`
	UserContextData   *UserContextDataType   `json:",omitzero"`
	Username          string                 `json:",omitzero" required:"" is:"UsernameType"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
}

// ForgotPasswordResponse says where the code went.
type ForgotPasswordResponse struct {
	CodeDeliveryDetails *CodeDeliveryDetailsType `json:",omitzero"`
}

// ConfirmForgotPasswordRequest sets a new password with the code.
type ConfirmForgotPasswordRequest struct {
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	SecretHash        string                 `json:",omitzero" is:"SecretHashType"`
	Username          string                 `json:",omitzero" required:"" is:"UsernameType"`
	ConfirmationCode  Sensitive              `json:",omitzero" required:"" is:"ConfirmationCodeType"`
	Password          Sensitive              `json:",omitzero" required:"" is:"PasswordType"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	UserContextData   *UserContextDataType   `json:",omitzero"`
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
}

// ConfirmForgotPasswordResponse is empty.
type ConfirmForgotPasswordResponse struct{}

// UpdateUserAttributesRequest sets attributes of the token's user.
type UpdateUserAttributesRequest struct {
	UserAttributes []AttributeType `json:",omitzero" required:""`
	AccessToken    Sensitive       `json:",omitzero" required:"" is:"TokenModelType"`
	ClientMetadata Parameters      `json:",omitzero" each:"StringType"`
}

// UpdateUserAttributesResponse says which contacts have to be verified anew.
type UpdateUserAttributesResponse struct {
	CodeDeliveryDetailsList []CodeDeliveryDetailsType `json:",omitzero"`
}

// DeleteUserAttributesRequest deletes attributes of the token's user.
type DeleteUserAttributesRequest struct {
	UserAttributeNames []string  `json:",omitzero" required:"" each:"AttributeNameType"`
	AccessToken        Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
}

// DeleteUserAttributesResponse is empty.
type DeleteUserAttributesResponse struct{}

// GetUserAttributeVerificationCodeRequest asks for a code to the user's e-mail
// address or phone number.
type GetUserAttributeVerificationCodeRequest struct {
	AccessToken    Sensitive  `json:",omitzero" required:"" is:"TokenModelType"`
	AttributeName  string     `json:",omitzero" required:"" is:"AttributeNameType"`
	ClientMetadata Parameters `json:",omitzero" each:"StringType"`
}

// GetUserAttributeVerificationCodeResponse says where the code went.
type GetUserAttributeVerificationCodeResponse struct {
	CodeDeliveryDetails *CodeDeliveryDetailsType `json:",omitzero"`
}

// VerifyUserAttributeRequest answers that code.
type VerifyUserAttributeRequest struct {
	AccessToken   Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
	AttributeName string    `json:",omitzero" required:"" is:"AttributeNameType"`
	Code          Sensitive `json:",omitzero" required:"" is:"ConfirmationCodeType"`
}

// VerifyUserAttributeResponse is empty.
type VerifyUserAttributeResponse struct{}

// DeleteUserRequest removes the token's user for good.
type DeleteUserRequest struct {
	AccessToken Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
}

// DeleteUserResponse has no body.
type DeleteUserResponse struct{}
