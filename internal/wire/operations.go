package wire

import (
	"strings"
	"sync"
)

// Service is one of Cognito's two APIs, named as X-Amz-Target names it.
type Service string

// The two APIs.
const (
	UserPools     Service = "AWSCognitoIdentityProviderService" // cognito-idp
	IdentityPools Service = "AWSCognitoIdentityService"         // cognito-identity
)

// SigningName is the service's name in the credential scope of AWS Signature
// Version 4, and the first label of its AWS host name.
func (s Service) SigningName() string {
	if s == IdentityPools {
		return "cognito-identity"
	}
	return "cognito-idp"
}

// Auth is what an operation asks of its caller.
type Auth int

// The three kinds of authorization.
const (
	Public      Auth = iota // nothing: the request itself carries what is checked
	AccessToken             // an access token (or a session) in the body
	Signed                  // AWS Signature Version 4
)

// Operation is one operation of one API.
type Operation struct {
	Service   Service
	Name      string
	Auth      Auth
	EmptyBody bool // answers 200 with no body at all, not even {}
}

// Target returns the operation's X-Amz-Target.
func (o Operation) Target() string { return Target(o.Service, o.Name) }

// Target returns the X-Amz-Target header of an operation.
func Target(s Service, op string) string { return string(s) + "." + op }

// LookupTarget finds the operation that an X-Amz-Target header names, exactly.
// It knows all operations of both APIs, also those without a shape here, so
// that a caller can tell one that is not offered from one that does not exist.
func LookupTarget(target string) (Operation, bool) {
	operation, ok := operations()[target]
	return operation, ok
}

// operations is made when it is first asked for, which most commands never do.
var operations = sync.OnceValue(operationTable)

func operationTable() map[string]Operation {
	table := make(map[string]Operation, 192)
	add := func(s Service, auth Auth, emptyBody bool, names string) {
		for name := range strings.FieldsSeq(names) {
			table[Target(s, name)] = Operation{Service: s, Name: name, Auth: auth, EmptyBody: emptyBody}
		}
	}
	add(UserPools, Public, false, userPoolPublic)
	add(UserPools, AccessToken, false, userPoolToken)
	add(UserPools, AccessToken, true, userPoolTokenEmpty)
	add(UserPools, Signed, false, userPoolSigned)
	add(UserPools, Signed, true, userPoolSignedEmpty)
	add(IdentityPools, Public, false, identityPublic)
	add(IdentityPools, Public, true, identityPublicEmpty)
	add(IdentityPools, Signed, false, identitySigned)
	add(IdentityPools, Signed, true, identitySignedEmpty)
	return table
}

// userPoolPublic lists user pool operations that anyone may call.
const userPoolPublic = `
	ConfirmForgotPassword ConfirmSignUp ForgotPassword GetClientToken GetTokensFromRefreshToken
	InitiateAuth ResendConfirmationCode RespondToAuthChallenge RevokeToken SignUp
	UpdateAuthEventFeedback
`

// userPoolToken lists user pool operations that carry an access token.
const userPoolToken = `
	AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration ConfirmDevice
	DeleteUserAttributes DeleteWebAuthnCredential GetDevice GetUser GetUserAttributeVerificationCode
	GetUserAuthFactors GlobalSignOut ListDevices ListUserSessions ListWebAuthnCredentials
	RevokeUserSession SetUserMFAPreference SetUserSettings StartWebAuthnRegistration UpdateDeviceStatus
	UpdateUserAttributes VerifySoftwareToken VerifyUserAttribute
`

// userPoolTokenEmpty lists those that answer without a body.
const userPoolTokenEmpty = `
	DeleteUser ForgetDevice
`

// userPoolSigned lists user pool operations that must be signed.
const userPoolSigned = `
	AddCustomAttributes AddUserPoolClientSecret AdminConfirmSignUp AdminCreateUser
	AdminDeleteSoftwareToken AdminDeleteUserAttributes AdminDisableProviderForUser AdminDisableUser
	AdminEnableUser AdminGetDevice AdminGetUser AdminGetUserAuthFactors AdminInitiateAuth
	AdminLinkProviderForUser AdminListDevices AdminListGroupsForUser AdminListUserAuthEvents
	AdminListUserSessions AdminResetUserPassword AdminRespondToAuthChallenge AdminRevokeUserSession
	AdminSetUserMFAPreference AdminSetUserPassword AdminSetUserSettings AdminUpdateAuthEventFeedback
	AdminUpdateDeviceStatus AdminUpdateUserAttributes AdminUserGlobalSignOut CreateGroup
	CreateIdentityProvider CreateManagedLoginBranding CreateResourceServer CreateTerms
	CreateUserImportJob CreateUserPool CreateUserPoolClient CreateUserPoolDomain CreateUserPoolReplica
	DeleteUserPoolClientSecret DeleteUserPoolDomain DeleteUserPoolReplica DescribeIdentityProvider
	DescribeManagedLoginBranding DescribeManagedLoginBrandingByClient DescribeResourceServer
	DescribeRiskConfiguration DescribeTerms DescribeTermsByClient DescribeUserImportJob
	DescribeUserPool DescribeUserPoolClient DescribeUserPoolDomain GetCSVHeader GetGroup
	GetIdentityProviderByIdentifier GetLogDeliveryConfiguration GetProvisionedLimit
	GetSigningCertificate GetUICustomization GetUserPoolClientSessionConfiguration GetUserPoolMfaConfig
	GetUserPoolSessionConfiguration ListGroups ListIdentityProviders ListResourceServers
	ListTagsForResource ListTerms ListUserImportJobs ListUserPoolClientSecrets ListUserPoolClients
	ListUserPoolReplicas ListUserPools ListUsers ListUsersInGroup SetLogDeliveryConfiguration SetRiskConfiguration
	SetUICustomization SetUserPoolClientSessionConfiguration SetUserPoolMfaConfig
	SetUserPoolSessionConfiguration StartUserImportJob StopUserImportJob TagResource UntagResource
	UpdateGroup UpdateIdentityProvider UpdateManagedLoginBranding UpdateProvisionedLimit
	UpdateResourceServer UpdateTerms UpdateUserPool UpdateUserPoolClient UpdateUserPoolDomain
	UpdateUserPoolReplica
`

// userPoolSignedEmpty lists those that answer without a body.
const userPoolSignedEmpty = `
	AdminAddUserToGroup AdminDeleteUser AdminForgetDevice AdminRemoveUserFromGroup DeleteGroup
	DeleteIdentityProvider DeleteManagedLoginBranding DeleteResourceServer DeleteTerms DeleteUserPool
	DeleteUserPoolClient
`

// identityPublic lists identity pool operations that anyone may call.
const identityPublic = `
	GetCredentialsForIdentity GetId GetOpenIdToken
`

// identityPublicEmpty lists those that answer without a body.
const identityPublicEmpty = `
	UnlinkIdentity
`

// identitySigned lists identity pool operations that must be signed.
const identitySigned = `
	CreateIdentityPool DeleteIdentities DescribeIdentity DescribeIdentityPool GetIdentityPoolRoles
	GetOpenIdTokenForDeveloperIdentity GetPrincipalTagAttributeMap ListIdentities ListIdentityPools
	ListTagsForResource LookupDeveloperIdentity MergeDeveloperIdentities SetPrincipalTagAttributeMap
	TagResource UntagResource UpdateIdentityPool
`

// identitySignedEmpty lists those that answer without a body.
const identitySignedEmpty = `
	DeleteIdentityPool SetIdentityPoolRoles UnlinkDeveloperIdentity
`
