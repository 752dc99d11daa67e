package wire

// Texts that Cognito's clients and their users know by heart. Punctuation
// matters: some programs compare whole texts.

// Texts about users and passwords.
const (
	MessageIncorrectUsernameOrPassword = "Incorrect username or password."                                                             // NotAuthorizedException
	MessageUserDoesNotExist            = "User does not exist."                                                                        // UserNotFoundException, sign-in and admin operations
	MessageUsernameClientNotFound      = "Username/client id combination not found."                                                   // UserNotFoundException, forgotten passwords and confirmations
	MessageUserDisabled                = "User is disabled."                                                                           // NotAuthorizedException
	MessageUserNotConfirmed            = "User is not confirmed."                                                                      // UserNotConfirmedException, after the right password
	MessagePasswordResetRequired       = "Password reset required for the user"                                                        // PasswordResetRequiredException
	MessagePasswordAttemptsExceeded    = "Password attempts exceeded"                                                                  // NotAuthorizedException, during lock-out
	MessageTemporaryPasswordExpired    = "Temporary password has expired and must be reset by an administrator."                       // NotAuthorizedException
	MessagePasswordUsedBefore          = "Password has previously been used"                                                           // PasswordHistoryPolicyViolationException
	MessagePasswordNotResettable       = "User password cannot be reset in the current state."                                         // NotAuthorizedException, FORCE_CHANGE_PASSWORD
	MessageNoVerifiedContact           = "Cannot reset password for the user as there is no registered/verified email or phone_number" // InvalidParameterException
	MessageUserExists                  = "User already exists"                                                                         // UsernameExistsException, SignUp
	MessageUserAccountExists           = "User account already exists"                                                                 // UsernameExistsException, AdminCreateUser
	MessageAliasExists                 = "An account with the email already exists."                                                   // AliasExistsException
	MessageAlreadyConfirmed            = "User cannot be confirmed. Current status is CONFIRMED"                                       // NotAuthorizedException
	MessageAlreadyConfirmedResend      = "User is already confirmed."                                                                  // InvalidParameterException, ResendConfirmationCode
	MessageSignUpNotPermitted          = "SignUp is not permitted for this user pool"                                                  // NotAuthorizedException
	MessageUsernameShouldBeEmail       = "Username should be an email."                                                                // InvalidParameterException, pools with UsernameAttributes email
	MessageUsernameShouldBeContact     = "Username should be either an email or a phone number."                                       // InvalidParameterException, both
	MessageUnauthorizedAttribute       = "A client attempted to write unauthorized attribute"                                          // NotAuthorizedException
	MessageGroupExists                 = "A group with the name already exists."                                                       // GroupExistsException
	MessageGroupNotFound               = "Group not found."                                                                            // ResourceNotFoundException
	MessageAttemptLimitExceeded        = "Attempt limit exceeded, please try after some time."                                         // LimitExceededException
	MessageDeviceDoesNotExist          = "Device does not exist."                                                                      // ResourceNotFoundException; Amplify drops its device keys on it
)

// Password policy texts, each after the prefix; Cognito names the first rule
// that fails (InvalidPasswordException).
const (
	MessagePasswordPolicy    = "Password did not conform with policy: "
	MessagePasswordTooShort  = MessagePasswordPolicy + "Password not long enough"
	MessagePasswordUppercase = MessagePasswordPolicy + "Password must have uppercase characters"
	MessagePasswordLowercase = MessagePasswordPolicy + "Password must have lowercase characters"
	MessagePasswordNumeric   = MessagePasswordPolicy + "Password must have numeric characters"
	MessagePasswordSymbol    = MessagePasswordPolicy + "Password must have symbol characters"
)

// Texts about tokens and sessions, NotAuthorizedException unless said otherwise.
const (
	MessageInvalidRefreshToken        = "Invalid Refresh Token." // unknown, of another client, or without its device
	MessageRefreshTokenExpired        = "Refresh Token has expired"
	MessageRefreshTokenRevoked        = "Refresh Token has been revoked" // revoked, or the user signed out everywhere
	MessageRefreshTokenReuse          = "Refresh token reuse detected"   // RefreshTokenReuseException
	MessageInvalidAccessToken         = "Invalid Access Token"
	MessageAccessTokenSignature       = "Could not verify signature for Access Token"
	MessageAccessTokenExpired         = "Access Token has expired"
	MessageAccessTokenRevoked         = "Access Token has been revoked"
	MessageAccessTokenScopes          = "Access Token does not have required scopes" // lacks aws.cognito.signin.user.admin
	MessageInvalidSession             = "Invalid session for the user."
	MessageSessionExpired             = "Invalid session for the user, session is expired."
	MessageSessionUsed                = "Invalid session for the user, session can only be used once."
	MessageRefreshFlowNeedsNoRotation = "Refresh token rotation is enabled for this client: use GetTokensFromRefreshToken." // UnsupportedOperationException; Cognito's own text is unknown
)

// Texts about codes.
const (
	MessageCodeMismatch       = "Invalid verification code provided, please try again."   // CodeMismatchException
	MessageCodeNotDelivered   = "Unable to deliver the code."                             // CodeDeliveryFailureException; Cognito's own text is unknown
	MessageNoContact          = "Cannot resend codes. Auto verification not turned on."   // InvalidParameterException, ResendConfirmationCode
	MessageCodeExpired        = "Invalid code provided, please request a code again."     // ExpiredCodeException, also when none is outstanding
	MessageMFACodeMismatch    = "Invalid code or auth state for the user."                // CodeMismatchException, SMS and e-mail
	MessageTOTPMismatch       = "Invalid code received for user"                          // CodeMismatchException
	MessageTOTPUsed           = "Your software token has already been used once."         // ExpiredCodeException
	MessageTOTPNotSetUp       = "Software Token MFA does not exist for the user."         // SoftwareTokenMFANotFoundException
	MessageTOTPNotEnabled     = "Software Token MFA has not been enabled by the userPool" // SoftwareTokenMFANotFoundException
	MessageTOTPEnableMismatch = "Code mismatch and fail enable Software Token MFA"        // EnableSoftwareTokenMFAException
)

// Texts about flows, InvalidParameterException.
const (
	MessageUserPasswordFlowDisabled = "USER_PASSWORD_AUTH flow not enabled for this client"
	MessageSRPFlowDisabled          = "USER_SRP_AUTH is not enabled for the client."
	MessageAuthFlowDisabled         = "Auth flow not enabled for this client" // the others
	MessageTimestampFormat          = "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
)

// Texts that are raised before an operation, or by none in particular.
const (
	MessageInternalError    = "Internal error."                                                                                                                                                                    // InternalErrorException
	MessageTooManyRequests  = "Rate exceeded"                                                                                                                                                                      // TooManyRequestsException
	MessageMissingAuthToken = "Missing Authentication Token"                                                                                                                                                       // MissingAuthenticationTokenException
	MessageUnknownAccessKey = "The security token included in the request is invalid."                                                                                                                             // UnrecognizedClientException
	MessageInvalidSignature = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details." // InvalidSignatureException

	MessageCredentialService = "Credential should be scoped to correct service: '%s'."                                   // InvalidSignatureException
	MessageNotAllowed        = "User: arn:aws:iam::000000000000:user/%s is not authorized to perform: %s on resource: *" // AccessDeniedException
)

// Texts of identity pools, NotAuthorizedException unless said otherwise.
const (
	MessageGuestsNotSupported      = "Unauthenticated access is not supported for this identity pool."
	MessageLoginsDoNotMatch        = "Logins don't match. Please include at least one valid login for this identity or identity pool."
	MessageUnsupportedProvider     = "Token is not from a supported provider of this identity pool."
	MessageLoginIssuerMismatch     = "Invalid login token. Issuer doesn't match providerName"
	MessageLoginSignature          = "Invalid login token. Couldn't verify signed token."
	MessageLoginMissingAudience    = "Invalid login token. Missing a required claim: aud" // an access token was given
	MessageLoginNotCognito         = "Invalid login token. Not a Cognito token."
	MessageLoginNotYetValid        = "Invalid login token. Token is not valid yet."
	MessageLoginNotOpenID          = "Invalid login token. Not a valid OpenId Connect identity token."
	MessageTokenInactive           = "Token is inactive"                                                            // ServerSideTokenCheck: user deleted or signed out everywhere
	MessageIdentityPoolRoles       = "Invalid identity pool configuration. Check assigned IAM roles for this pool." // InvalidIdentityPoolConfigurationException
	MessageBasicFlowDisabled       = "Basic (classic) flow is not enabled, please use enhanced flow."               // InvalidParameterException
	MessageRoleDenied              = "Access to the role is denied by the role mapping of this identity pool."      // ours: a CustomRoleArn that is not the login's, AmbiguousRoleResolution Deny
	MessageNoBroker                = "This service has no broker that makes AWS credentials. Configure one."        // ours, InvalidIdentityPoolConfigurationException
	MessageBrokerUnavailable       = "The service that makes AWS credentials is not available. Try again later."    // ours, ExternalServiceException
	MessageProviderUnavailable     = "The login provider's keys are not available. Try again later."                // ours, ExternalServiceException
	MessageDeveloperUserNotFound   = "No identity of this identity pool has that developer user identifier."        // ours, ResourceNotFoundException
	MessageDeveloperUserRegistered = "The developer user identifier is registered under a different identity."      // ours, DeveloperUserAlreadyRegisteredException
	MessageLoginsLinkedElsewhere   = "Logins are linked to another account"                                         // ResourceConflictException
)
