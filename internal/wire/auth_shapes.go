package wire

// AnalyticsMetadataType names an Amazon Pinpoint endpoint. It is read and not used.
type AnalyticsMetadataType struct {
	AnalyticsEndpointId string `json:",omitzero" is:"StringType"`
}

// UserContextDataType is what a client says about its device for threat protection.
type UserContextDataType struct {
	IpAddress   string `json:",omitzero" is:"StringType"`
	EncodedData string `json:",omitzero" is:"StringType"`
}

// ContextDataType is what a server says about its caller's device.
type ContextDataType struct {
	IpAddress   string       `json:",omitzero" required:"" is:"StringType"`
	ServerName  string       `json:",omitzero" required:"" is:"StringType"`
	ServerPath  string       `json:",omitzero" required:"" is:"StringType"`
	HttpHeaders []HttpHeader `json:",omitzero" required:""`
	EncodedData string       `json:",omitzero" is:"StringType"`
}

// HttpHeader is one header of ContextDataType. These two members begin with a
// small letter in AWS's model.
type HttpHeader struct {
	HeaderName  string `json:"headerName,omitzero" is:"StringType"`
	HeaderValue string `json:"headerValue,omitzero" is:"StringType"`
}

// InitiateAuthRequest begins a sign-in, or refreshes tokens.
type InitiateAuthRequest struct {
	AuthFlow          AuthFlow               `json:",omitzero" required:"" is:"AuthFlowType"`
	AuthParameters    Parameters             `json:",omitzero" each:"StringType"` // USERNAME, SRP_A, PASSWORD, REFRESH_TOKEN, …
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	UserContextData   *UserContextDataType   `json:",omitzero"`
	Session           Sensitive              `json:",omitzero" is:"SessionType"` // of ConfirmSignUp, for USER_AUTH
}

// InitiateAuthResponse carries either a challenge or tokens.
//
// ChallengeParameters is written even when it is empty: Cognito answers {}
// beside tokens.
type InitiateAuthResponse struct {
	ChallengeName        ChallengeName             `json:",omitzero"`
	Session              Sensitive                 `json:",omitzero"`
	ChallengeParameters  Parameters                // SALT, SRP_B, SECRET_BLOCK, USER_ID_FOR_SRP, …
	AuthenticationResult *AuthenticationResultType `json:",omitzero"`
	AvailableChallenges  []ChallengeName           `json:",omitzero"`
}

// RespondToAuthChallengeRequest answers a challenge.
type RespondToAuthChallengeRequest struct {
	ClientId           string                 `json:",omitzero" required:"" is:"ClientIdType"`
	ChallengeName      ChallengeName          `json:",omitzero" required:"" is:"ChallengeNameType"`
	Session            Sensitive              `json:",omitzero" is:"SessionType"`  // of the answer before; once only
	ChallengeResponses Parameters             `json:",omitzero" each:"StringType"` // USERNAME and what the challenge asks
	AnalyticsMetadata  *AnalyticsMetadataType `json:",omitzero"`
	UserContextData    *UserContextDataType   `json:",omitzero"`
	ClientMetadata     Parameters             `json:",omitzero" each:"StringType"`
}

// RespondToAuthChallengeResponse carries the next challenge or tokens.
type RespondToAuthChallengeResponse struct {
	ChallengeName        ChallengeName `json:",omitzero"`
	Session              Sensitive     `json:",omitzero"`
	ChallengeParameters  Parameters
	AuthenticationResult *AuthenticationResultType `json:",omitzero"`
	AvailableChallenges  []ChallengeName           `json:",omitzero"`
}

// AuthenticationResultType holds the tokens of a sign-in or a refresh.
//
// A refresh without rotation leaves RefreshToken out; clients that test for the
// member's presence would store an empty one.
type AuthenticationResultType struct {
	AccessToken       Sensitive              `json:",omitzero"`
	ExpiresIn         int32                  // seconds that the access token lives
	TokenType         string                 `json:",omitzero"` // TokenTypeBearer
	RefreshToken      Sensitive              `json:",omitzero"`
	IdToken           Sensitive              `json:",omitzero"`
	NewDeviceMetadata *NewDeviceMetadataType `json:",omitzero"`
}

// NewDeviceMetadataType names a device that the pool has not seen before.
type NewDeviceMetadataType struct {
	DeviceKey      string `json:",omitzero"`
	DeviceGroupKey string `json:",omitzero"`
}

// GetTokensFromRefreshTokenRequest refreshes tokens, with or without rotation.
type GetTokensFromRefreshTokenRequest struct {
	RefreshToken   Sensitive  `json:",omitzero" required:"" is:"TokenModelType"`
	ClientId       string     `json:",omitzero" required:"" is:"ClientIdType"`
	ClientSecret   Sensitive  `json:",omitzero" is:"ClientSecretType"` // the secret itself, not a hash
	DeviceKey      string     `json:",omitzero" is:"DeviceKeyType"`
	ClientMetadata Parameters `json:",omitzero" each:"StringType"`
}

// GetTokensFromRefreshTokenResponse carries the new tokens; RefreshToken among
// them only when the client rotates.
type GetTokensFromRefreshTokenResponse struct {
	AuthenticationResult *AuthenticationResultType `json:",omitzero"`
}

// RevokeTokenRequest ends the session that a refresh token belongs to.
type RevokeTokenRequest struct {
	Token        Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
	ClientId     string    `json:",omitzero" required:"" is:"ClientIdType"`
	ClientSecret Sensitive `json:",omitzero" is:"ClientSecretType"`
}

// RevokeTokenResponse is empty.
type RevokeTokenResponse struct{}

// GlobalSignOutRequest ends every session of the token's user.
type GlobalSignOutRequest struct {
	AccessToken Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
}

// GlobalSignOutResponse is empty.
type GlobalSignOutResponse struct{}

// GetUserRequest asks for the token's own user.
type GetUserRequest struct {
	AccessToken Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
}

// GetUserResponse describes the token's user.
type GetUserResponse struct {
	Username            string
	UserAttributes      []AttributeType
	MFAOptions          []MFAOptionType `json:",omitzero"`
	PreferredMfaSetting string          `json:",omitzero"`
	UserMFASettingList  []string        `json:",omitzero"`
}

// ChangePasswordRequest replaces the password of the token's user.
// PreviousPassword may be absent only for a user who has none.
type ChangePasswordRequest struct {
	PreviousPassword Sensitive `json:",omitzero" is:"PasswordType"`
	ProposedPassword Sensitive `json:",omitzero" required:"" is:"PasswordType"`
	AccessToken      Sensitive `json:",omitzero" required:"" is:"TokenModelType"`
}

// ChangePasswordResponse is empty.
type ChangePasswordResponse struct{}

// AdminInitiateAuthRequest begins a sign-in on a user's behalf.
type AdminInitiateAuthRequest struct {
	UserPoolId        string                 `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId          string                 `json:",omitzero" required:"" is:"ClientIdType"`
	AuthFlow          AuthFlow               `json:",omitzero" required:"" is:"AuthFlowType"`
	AuthParameters    Parameters             `json:",omitzero" each:"StringType"`
	ClientMetadata    Parameters             `json:",omitzero" each:"StringType"`
	AnalyticsMetadata *AnalyticsMetadataType `json:",omitzero"`
	ContextData       *ContextDataType       `json:",omitzero"`
	Session           Sensitive              `json:",omitzero" is:"SessionType"`
}

// AdminInitiateAuthResponse carries either a challenge or tokens, as
// [InitiateAuthResponse] does.
type AdminInitiateAuthResponse struct {
	ChallengeName        ChallengeName `json:",omitzero"`
	Session              Sensitive     `json:",omitzero"`
	ChallengeParameters  Parameters
	AuthenticationResult *AuthenticationResultType `json:",omitzero"`
	AvailableChallenges  []ChallengeName           `json:",omitzero"`
}

// AdminRespondToAuthChallengeRequest answers a challenge of AdminInitiateAuth.
type AdminRespondToAuthChallengeRequest struct {
	UserPoolId         string                 `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId           string                 `json:",omitzero" required:"" is:"ClientIdType"`
	ChallengeName      ChallengeName          `json:",omitzero" required:"" is:"ChallengeNameType"`
	ChallengeResponses Parameters             `json:",omitzero" each:"StringType"`
	Session            Sensitive              `json:",omitzero" is:"SessionType"`
	AnalyticsMetadata  *AnalyticsMetadataType `json:",omitzero"`
	ContextData        *ContextDataType       `json:",omitzero"`
	ClientMetadata     Parameters             `json:",omitzero" each:"StringType"`
}

// AdminRespondToAuthChallengeResponse carries the next challenge or tokens.
type AdminRespondToAuthChallengeResponse struct {
	ChallengeName        ChallengeName `json:",omitzero"`
	Session              Sensitive     `json:",omitzero"`
	ChallengeParameters  Parameters
	AuthenticationResult *AuthenticationResultType `json:",omitzero"`
	AvailableChallenges  []ChallengeName           `json:",omitzero"`
}
