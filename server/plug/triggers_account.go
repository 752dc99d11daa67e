package plug

// PreSignUp comes before a user is stored. Its sources are PreSignUp_SignUp,
// PreSignUp_AdminCreateUser and PreSignUp_ExternalProvider. An error stores no user.
type PreSignUp struct {
	EventCommon
	Request PreSignUpRequest `json:"request"`
}

// PreSignUpRequest is the new user.
type PreSignUpRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData,omitempty"` // of the sign-up; not stored
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// PreSignUpResponse answers [PreSignUp]. It has effect on SignUp only. The sign-up fails if
// AutoVerifyEmail or AutoVerifyPhone is set and the user lacks the attribute.
type PreSignUpResponse struct {
	AutoConfirmUser bool `json:"autoConfirmUser"`
	AutoVerifyEmail bool `json:"autoVerifyEmail"`
	AutoVerifyPhone bool `json:"autoVerifyPhone"`
}

// PostConfirmation comes after a user was confirmed, or recovered a password. Its sources
// are PostConfirmation_ConfirmSignUp, also of AdminConfirmSignUp and of a user who is confirmed
// by [PreSignUpResponse], and PostConfirmation_ConfirmForgotPassword. Its response is nil. An
// error reaches the caller although the user is confirmed.
type PostConfirmation struct {
	EventCommon
	Request PostConfirmationRequest `json:"request"`
}

// PostConfirmationRequest is the user.
type PostConfirmationRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// UserMigration comes when an unknown user signs in with USER_PASSWORD_AUTH or
// ADMIN_USER_PASSWORD_AUTH, or calls ForgotPassword. It does not come in an SRP sign-in, since
// the service does not receive the password there. Its sources are
// UserMigration_Authentication and UserMigration_ForgotPassword. EventCommon.UserName is the
// name as it was typed. An error refuses the call as that of an unknown user or a wrong
// password.
type UserMigration struct {
	EventCommon
	Request UserMigrationRequest `json:"request"`
}

// UserMigrationRequest is what the caller sent.
type UserMigrationRequest struct {
	Password       Secret            `json:"password,omitzero"` // not of UserMigration_ForgotPassword
	ValidationData map[string]string `json:"validationData,omitempty"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// UserMigrationResponse answers [UserMigration] with the user to store. Without
// UserAttributes the user stays unknown.
type UserMigrationResponse struct {
	UserAttributes         Attributes `json:"userAttributes"`
	FinalUserStatus        string     `json:"finalUserStatus,omitempty"` // CONFIRMED or RESET_REQUIRED
	MessageAction          string     `json:"messageAction,omitempty"`   // RESEND or SUPPRESS
	DesiredDeliveryMediums []string   `json:"desiredDeliveryMediums,omitempty"`
	ForceAliasCreation     bool       `json:"forceAliasCreation,omitempty"`
	EnableSMSMFA           bool       `json:"enableSMSMFA,omitempty"`
}

// InboundFederation comes when a user signs in at an identity provider, before the service
// looks up or stores the user. Its source is InboundFederation_ExternalProvider. It has no user
// attributes.
type InboundFederation struct {
	EventCommon
	Request InboundFederationRequest `json:"request"`
}

// InboundFederationRequest has the provider and its answers.
type InboundFederationRequest struct {
	ProviderName string              `json:"providerName"`
	ProviderType string              `json:"providerType"` // OIDC, SAML, Facebook, Google, SignInWithApple or LoginWithAmazon
	Attributes   FederatedAttributes `json:"attributes"`
}

// FederatedAttributes are the answers of a provider, as far as the protocol has them.
type FederatedAttributes struct {
	TokenResponse Claims `json:"tokenResponse,omitempty"`
	IDToken       Claims `json:"idToken,omitempty"`
	UserInfo      Claims `json:"userInfo,omitempty"`
	SAMLResponse  Claims `json:"samlResponse,omitempty"`
}

// InboundFederationResponse answers [InboundFederation]: these attributes are mapped
// instead of the provider's. An empty map keeps the provider's.
type InboundFederationResponse struct {
	UserAttributesToMap map[string]string `json:"userAttributesToMap"`
}

func (*PreSignUpResponse) response()         {}
func (*UserMigrationResponse) response()     {}
func (*InboundFederationResponse) response() {}
