package wire

import (
	"fmt"
	"net/http"
	"strings"
)

// Exception is an error of either API: what the service answers and what the
// client reads. Use errors.As or errors.AsType to reach it.
type Exception struct {
	Type      string // AWS's name, such as "NotAuthorizedException"; empty when the answer named none
	Message   string // the text as it was sent; it may hold line breaks
	Reason    string // reasonCode of InvalidParameterException
	Status    int    // HTTP status
	RequestID string // x-amzn-RequestId, when the answer had one
}

// NewException makes an exception with the status that Cognito gives its type:
// 500 for the service's own failures, 400 for everything else. (The 401, 403,
// 404 and 429 in AWS's model never show in AWS JSON 1.1.)
func NewException(typ, message string) *Exception {
	return &Exception{Type: typ, Message: message, Status: statusOf(typ)}
}

// Exceptionf is NewException with a formatted message.
func Exceptionf(typ, format string, args ...any) *Exception {
	return NewException(typ, fmt.Sprintf(format, args...))
}

// Error returns "Type: Message" on one line, or the HTTP status when the answer
// named no type.
func (e *Exception) Error() string {
	name := e.Type
	if name == "" {
		name = fmt.Sprintf("HTTP status %d without an exception name", e.Status)
	}
	if e.Message == "" {
		return name
	}
	return name + ": " + oneLine(e.Message)
}

// Is reports whether target is an exception of the same type, so that
// errors.Is(err, &Exception{Type: NotAuthorizedException}) works. An exception
// without a type equals none.
func (e *Exception) Is(target error) bool {
	other, ok := target.(*Exception)
	return ok && e.Type != "" && e.Type == other.Type && (other.Message == "" || e.Message == other.Message)
}

func statusOf(typ string) int {
	switch typ {
	case InternalErrorException, InternalServerException:
		return http.StatusInternalServerError
	case RequestEntityTooLargeException:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// oneLine replaces control characters, so that a text from outside cannot forge
// a log line or steer a terminal.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text))
}

// Exceptions of both APIs.
const (
	AliasExistsException                      = "AliasExistsException"
	CodeDeliveryFailureException              = "CodeDeliveryFailureException"
	CodeMismatchException                     = "CodeMismatchException"
	ConcurrentModificationException           = "ConcurrentModificationException"
	DeveloperUserAlreadyRegisteredException   = "DeveloperUserAlreadyRegisteredException"
	DeviceKeyExistsException                  = "DeviceKeyExistsException"
	DuplicateProviderException                = "DuplicateProviderException"
	EnableSoftwareTokenMFAException           = "EnableSoftwareTokenMFAException"
	ExpiredCodeException                      = "ExpiredCodeException"
	ExternalServiceException                  = "ExternalServiceException"
	FeatureUnavailableInTierException         = "FeatureUnavailableInTierException"
	ForbiddenException                        = "ForbiddenException"
	GroupExistsException                      = "GroupExistsException"
	InternalErrorException                    = "InternalErrorException"
	InternalServerException                   = "InternalServerException"
	InvalidEmailRoleAccessPolicyException     = "InvalidEmailRoleAccessPolicyException"
	InvalidIdentityPoolConfigurationException = "InvalidIdentityPoolConfigurationException"
	InvalidLambdaResponseException            = "InvalidLambdaResponseException"
	InvalidOAuthFlowException                 = "InvalidOAuthFlowException"
	InvalidParameterException                 = "InvalidParameterException"
	InvalidPasswordException                  = "InvalidPasswordException"
	InvalidSmsRoleAccessPolicyException       = "InvalidSmsRoleAccessPolicyException"
	InvalidSmsRoleTrustRelationshipException  = "InvalidSmsRoleTrustRelationshipException"
	InvalidUserPoolConfigurationException     = "InvalidUserPoolConfigurationException"
	LimitExceededException                    = "LimitExceededException"
	MFAMethodNotFoundException                = "MFAMethodNotFoundException"
	ManagedLoginBrandingExistsException       = "ManagedLoginBrandingExistsException"
	NotAuthorizedException                    = "NotAuthorizedException"
	OperationNotEnabledException              = "OperationNotEnabledException"
	PasswordHistoryPolicyViolationException   = "PasswordHistoryPolicyViolationException"
	PasswordResetRequiredException            = "PasswordResetRequiredException"
	PreconditionNotMetException               = "PreconditionNotMetException"
	RefreshTokenReuseException                = "RefreshTokenReuseException"
	ResourceConflictException                 = "ResourceConflictException"
	ResourceNotFoundException                 = "ResourceNotFoundException"
	ScopeDoesNotExistException                = "ScopeDoesNotExistException"
	SoftwareTokenMFANotFoundException         = "SoftwareTokenMFANotFoundException"
	TermsExistsException                      = "TermsExistsException"
	TierChangeNotAllowedException             = "TierChangeNotAllowedException"
	TokenRevokedException                     = "TokenRevokedException"
	TooManyFailedAttemptsException            = "TooManyFailedAttemptsException"
	TooManyRequestsException                  = "TooManyRequestsException"
	UnauthorizedException                     = "UnauthorizedException"
	UnexpectedLambdaException                 = "UnexpectedLambdaException"
	UnsupportedIdentityProviderException      = "UnsupportedIdentityProviderException"
	UnsupportedOperationException             = "UnsupportedOperationException"
	UnsupportedTokenTypeException             = "UnsupportedTokenTypeException"
	UnsupportedUserStateException             = "UnsupportedUserStateException"
	UserImportInProgressException             = "UserImportInProgressException"
	UserLambdaValidationException             = "UserLambdaValidationException"
	UserNotConfirmedException                 = "UserNotConfirmedException"
	UserNotFoundException                     = "UserNotFoundException"
	UserPoolAddOnNotEnabledException          = "UserPoolAddOnNotEnabledException"
	UserPoolTaggingException                  = "UserPoolTaggingException"
	UsernameExistsException                   = "UsernameExistsException"
	WebAuthnChallengeNotFoundException        = "WebAuthnChallengeNotFoundException"
	WebAuthnClientMismatchException           = "WebAuthnClientMismatchException"
	WebAuthnConfigurationMissingException     = "WebAuthnConfigurationMissingException"
	WebAuthnCredentialNotSupportedException   = "WebAuthnCredentialNotSupportedException"
	WebAuthnNotEnabledException               = "WebAuthnNotEnabledException"
	WebAuthnOriginNotAllowedException         = "WebAuthnOriginNotAllowedException"
	WebAuthnRelyingPartyMismatchException     = "WebAuthnRelyingPartyMismatchException"
)

// Exceptions that are raised before an operation is reached.
const (
	AccessDeniedException               = "AccessDeniedException"
	IncompleteSignatureException        = "IncompleteSignatureException"
	InvalidSignatureException           = "InvalidSignatureException"
	MissingAuthenticationTokenException = "MissingAuthenticationTokenException"
	RequestEntityTooLargeException      = "RequestEntityTooLargeException"
	SerializationException              = "SerializationException"
	UnknownOperationException           = "UnknownOperationException"
	UnrecognizedClientException         = "UnrecognizedClientException"
)
