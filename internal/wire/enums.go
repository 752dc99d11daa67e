package wire

import "slices"

// AuthFlow is how a sign-in begins: the AuthFlow member of InitiateAuth and
// AdminInitiateAuth.
type AuthFlow string

// The closed set of authentication flows.
const (
	AuthFlowUserSRP           AuthFlow = "USER_SRP_AUTH"            // secure remote password
	AuthFlowRefreshTokenAuth  AuthFlow = "REFRESH_TOKEN_AUTH"       // refresh, refused on clients that rotate
	AuthFlowRefreshToken      AuthFlow = "REFRESH_TOKEN"            // older name of REFRESH_TOKEN_AUTH
	AuthFlowCustom            AuthFlow = "CUSTOM_AUTH"              // challenges that Lambda functions define
	AuthFlowAdminNoSRP        AuthFlow = "ADMIN_NO_SRP_AUTH"        // older name of ADMIN_USER_PASSWORD_AUTH
	AuthFlowUserPassword      AuthFlow = "USER_PASSWORD_AUTH"       // plain password, InitiateAuth only
	AuthFlowAdminUserPassword AuthFlow = "ADMIN_USER_PASSWORD_AUTH" // plain password, AdminInitiateAuth only
	AuthFlowUser              AuthFlow = "USER_AUTH"                // the user chooses a first factor
)

var authFlows = []AuthFlow{
	AuthFlowUserSRP, AuthFlowRefreshTokenAuth, AuthFlowRefreshToken, AuthFlowCustom,
	AuthFlowAdminNoSRP, AuthFlowUserPassword, AuthFlowAdminUserPassword, AuthFlowUser,
}

// Valid reports whether f is one of the closed set.
func (f AuthFlow) Valid() bool { return slices.Contains(authFlows, f) }

// ChallengeName is what the service asks next, and what RespondToAuthChallenge
// answers.
type ChallengeName string

// The closed set of challenges.
const (
	ChallengeSMSMFA                 ChallengeName = "SMS_MFA"
	ChallengeEmailOTP               ChallengeName = "EMAIL_OTP"
	ChallengeSoftwareTokenMFA       ChallengeName = "SOFTWARE_TOKEN_MFA"
	ChallengeSelectMFAType          ChallengeName = "SELECT_MFA_TYPE"
	ChallengeMFASetup               ChallengeName = "MFA_SETUP"
	ChallengePasswordVerifier       ChallengeName = "PASSWORD_VERIFIER"
	ChallengeCustom                 ChallengeName = "CUSTOM_CHALLENGE"
	ChallengeSelect                 ChallengeName = "SELECT_CHALLENGE"
	ChallengeDeviceSRPAuth          ChallengeName = "DEVICE_SRP_AUTH"
	ChallengeDevicePasswordVerifier ChallengeName = "DEVICE_PASSWORD_VERIFIER"
	ChallengeAdminNoSRPAuth         ChallengeName = "ADMIN_NO_SRP_AUTH"
	ChallengeNewPasswordRequired    ChallengeName = "NEW_PASSWORD_REQUIRED"
	ChallengeSMSOTP                 ChallengeName = "SMS_OTP"
	ChallengePassword               ChallengeName = "PASSWORD"
	ChallengeWebAuthn               ChallengeName = "WEB_AUTHN"
	ChallengePasswordSRP            ChallengeName = "PASSWORD_SRP"
)

var challengeNames = []ChallengeName{
	ChallengeSMSMFA, ChallengeEmailOTP, ChallengeSoftwareTokenMFA, ChallengeSelectMFAType,
	ChallengeMFASetup, ChallengePasswordVerifier, ChallengeCustom, ChallengeSelect,
	ChallengeDeviceSRPAuth, ChallengeDevicePasswordVerifier, ChallengeAdminNoSRPAuth,
	ChallengeNewPasswordRequired, ChallengeSMSOTP, ChallengePassword, ChallengeWebAuthn,
	ChallengePasswordSRP,
}

// Valid reports whether c is one of the closed set.
func (c ChallengeName) Valid() bool { return slices.Contains(challengeNames, c) }

// UserStatus is where a user's account stands.
type UserStatus string

// The closed set of user statuses.
const (
	UserStatusUnconfirmed         UserStatus = "UNCONFIRMED"           // signed up, code not yet given
	UserStatusConfirmed           UserStatus = "CONFIRMED"             // may sign in
	UserStatusArchived            UserStatus = "ARCHIVED"              // no longer used by Cognito
	UserStatusCompromised         UserStatus = "COMPROMISED"           // disabled by threat protection
	UserStatusUnknown             UserStatus = "UNKNOWN"               // status cannot be told
	UserStatusResetRequired       UserStatus = "RESET_REQUIRED"        // must reset the password by code
	UserStatusForceChangePassword UserStatus = "FORCE_CHANGE_PASSWORD" // has a temporary password
	UserStatusExternalProvider    UserStatus = "EXTERNAL_PROVIDER"     // signs in elsewhere
)

var userStatuses = []UserStatus{
	UserStatusUnconfirmed, UserStatusConfirmed, UserStatusArchived, UserStatusCompromised,
	UserStatusUnknown, UserStatusResetRequired, UserStatusForceChangePassword, UserStatusExternalProvider,
}

// Valid reports whether s is one of the closed set.
func (s UserStatus) Valid() bool { return slices.Contains(userStatuses, s) }

// ExplicitAuthFlow is one entry of an app client's ExplicitAuthFlows. Cognito
// refuses a list that mixes ALLOW_ values with the older ones.
type ExplicitAuthFlow string

// The closed set of explicit authentication flows.
const (
	LegacyAdminNoSRPAuth       ExplicitAuthFlow = "ADMIN_NO_SRP_AUTH"
	LegacyCustomAuthFlowOnly   ExplicitAuthFlow = "CUSTOM_AUTH_FLOW_ONLY"
	LegacyUserPasswordAuth     ExplicitAuthFlow = "USER_PASSWORD_AUTH"
	AllowAdminUserPasswordAuth ExplicitAuthFlow = "ALLOW_ADMIN_USER_PASSWORD_AUTH"
	AllowCustomAuth            ExplicitAuthFlow = "ALLOW_CUSTOM_AUTH"
	AllowUserPasswordAuth      ExplicitAuthFlow = "ALLOW_USER_PASSWORD_AUTH"
	AllowUserSRPAuth           ExplicitAuthFlow = "ALLOW_USER_SRP_AUTH"
	AllowRefreshTokenAuth      ExplicitAuthFlow = "ALLOW_REFRESH_TOKEN_AUTH"
	AllowUserAuth              ExplicitAuthFlow = "ALLOW_USER_AUTH"
	AllowClientTokenAuth       ExplicitAuthFlow = "ALLOW_CLIENT_TOKEN_AUTH" // must stand alone
)

var explicitAuthFlows = []ExplicitAuthFlow{
	LegacyAdminNoSRPAuth, LegacyCustomAuthFlowOnly, LegacyUserPasswordAuth,
	AllowAdminUserPasswordAuth, AllowCustomAuth, AllowUserPasswordAuth, AllowUserSRPAuth,
	AllowRefreshTokenAuth, AllowUserAuth, AllowClientTokenAuth,
}

// Valid reports whether f is one of the closed set.
func (f ExplicitAuthFlow) Valid() bool { return slices.Contains(explicitAuthFlows, f) }

// Values of members that are plain strings in the shapes.
const (
	FeatureEnabled  = "ENABLED"  // RefreshTokenRotation.Feature
	FeatureDisabled = "DISABLED" // RefreshTokenRotation.Feature

	PreventUserExistenceErrorsEnabled = "ENABLED" // unknown users look like wrong passwords
	PreventUserExistenceErrorsLegacy  = "LEGACY"  // unknown users answer UserNotFoundException

	TimeUnitSeconds = "seconds" // TokenValidityUnits
	TimeUnitMinutes = "minutes"
	TimeUnitHours   = "hours"
	TimeUnitDays    = "days"

	DeletionProtectionActive   = "ACTIVE"
	DeletionProtectionInactive = "INACTIVE"

	MFAOff      = "OFF"
	MFAOn       = "ON"
	MFAOptional = "OPTIONAL"

	MessageActionResend   = "RESEND"
	MessageActionSuppress = "SUPPRESS"

	TokenTypeBearer = "Bearer"

	RoleAuthenticated   = "authenticated" // keys of an identity pool's Roles
	RoleUnauthenticated = "unauthenticated"

	RoleMappingToken = "Token" // RoleMapping.Type
	RoleMappingRules = "Rules"

	AmbiguousRoleAuthenticated = "AuthenticatedRole" // RoleMapping.AmbiguousRoleResolution
	AmbiguousRoleDeny          = "Deny"

	MatchEquals     = "Equals" // MappingRule.MatchType
	MatchContains   = "Contains"
	MatchStartsWith = "StartsWith"
	MatchNotEqual   = "NotEqual"

	UnprocessedAccessDenied  = "AccessDenied" // UnprocessedIdentityId.ErrorCode
	UnprocessedInternalError = "InternalServerError"
)

func names[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}
