package plug

// PreSignUp comes before a user is stored. Its sources are PreSignUp_SignUp,
// PreSignUp_AdminCreateUser and PreSignUp_ExternalProvider.
type PreSignUp struct {
	EventCommon
	Request PreSignUpRequest `json:"request"`
}

// PreSignUpRequest is the user that is to be stored.
type PreSignUpRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData,omitempty"` // of the sign-up; not stored
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// PreSignUpResponse answers [PreSignUp]. It has effect on SignUp only. To verify an
// attribute that the user does not have is an error.
type PreSignUpResponse struct {
	AutoConfirmUser bool `json:"autoConfirmUser"`
	AutoVerifyEmail bool `json:"autoVerifyEmail"`
	AutoVerifyPhone bool `json:"autoVerifyPhone"`
}

// PostConfirmation comes after a user was confirmed, or recovered a password. Its sources
// are PostConfirmation_ConfirmSignUp and PostConfirmation_ConfirmForgotPassword. Its
// response is nil.
type PostConfirmation struct {
	EventCommon
	Request PostConfirmationRequest `json:"request"`
}

// PostConfirmationRequest is the user.
type PostConfirmationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// UserMigration comes when a user is unknown who signs in with a plain password, or has
// forgotten it. Its sources are UserMigration_Authentication and
// UserMigration_ForgotPassword. EventCommon.UserName is the name as it was typed.
type UserMigration struct {
	EventCommon
	Request UserMigrationRequest `json:"request"`
}

// UserMigrationRequest is what the user typed.
type UserMigrationRequest struct {
	Password       Secret            `json:"password,omitzero"` // not of UserMigration_ForgotPassword
	ValidationData map[string]string `json:"validationData,omitempty"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// UserMigrationResponse answers [UserMigration] with the user to store. Without
// UserAttributes the user stays unknown.
type UserMigrationResponse struct {
	UserAttributes         map[string]string `json:"userAttributes"`
	FinalUserStatus        string            `json:"finalUserStatus,omitempty"` // CONFIRMED or RESET_REQUIRED
	MessageAction          string            `json:"messageAction,omitempty"`   // RESEND or SUPPRESS
	DesiredDeliveryMediums []string          `json:"desiredDeliveryMediums,omitempty"`
	ForceAliasCreation     bool              `json:"forceAliasCreation,omitempty"`
	EnableSMSMFA           bool              `json:"enableSMSMFA,omitempty"`
}

// InboundFederation comes when a user signs in at an identity provider, before the user is
// found or stored. Its source is InboundFederation_ExternalProvider. There are no user
// attributes yet.
type InboundFederation struct {
	EventCommon
	Request InboundFederationRequest `json:"request"`
}

// InboundFederationRequest is what the provider said.
type InboundFederationRequest struct {
	ProviderName string              `json:"providerName"`
	ProviderType string              `json:"providerType"` // OIDC, SAML, Facebook, Google, SignInWithApple or LoginWithAmazon
	Attributes   FederatedAttributes `json:"attributes"`
}

// FederatedAttributes are the answers of a provider, as far as the protocol has them.
type FederatedAttributes struct {
	TokenResponse map[string]any `json:"tokenResponse,omitempty"`
	IDToken       map[string]any `json:"idToken,omitempty"`
	UserInfo      map[string]any `json:"userInfo,omitempty"`
	SAMLResponse  map[string]any `json:"samlResponse,omitempty"`
}

// InboundFederationResponse answers [InboundFederation]: these attributes are mapped
// instead of the provider's. An empty map keeps the provider's.
type InboundFederationResponse struct {
	UserAttributesToMap map[string]string `json:"userAttributesToMap"`
}

func (*PreSignUpResponse) response()         {}
func (*UserMigrationResponse) response()     {}
func (*InboundFederationResponse) response() {}
