package cognito

import (
	"strings"
	"sync"

	"github.com/latchkey-auth/latchkey/internal/fault"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// tokenRevoked is in Amplify's list of endings and in no model of Cognito.
const tokenRevoked = "TokenRevokedException"

// endings are the exceptions that end a session when they answer a refresh.
// NotAuthorizedException has meanings of its own: see byRefusal.
var endings = map[string]bool{
	wire.UserNotFoundException:          true,
	wire.PasswordResetRequiredException: true,
	wire.UserNotConfirmedException:      true,
	tokenRevoked:                        true,
	wire.RefreshTokenReuseException:     true,
}

// exceptions are the verdicts of all other names: Cognito's, and those that AWS's
// front door uses for every service. A name that is missing is unknown.
var exceptions = sync.OnceValue(func() map[string]verdict {
	table := make(map[string]verdict, 64)
	for v, names := range map[verdict]string{
		{class: fault.TooManyCalls, retry: true}: "TooManyRequestsException LimitExceededException ThrottlingException Throttling RequestLimitExceeded SlowDown",
		{class: fault.ServerFailed, retry: true}: "InternalErrorException InternalServerException ServiceUnavailableException ServiceUnavailable " +
			"UnexpectedLambdaException ExternalServiceException",
		{class: fault.ServerFailed}:          "InvalidLambdaResponseException CodeDeliveryFailureException",
		{class: fault.Conflict, retry: true}: "ConcurrentModificationException ResourceConflictException",
		{class: fault.BadRequest}: "InvalidParameterException ValidationException SerializationException InvalidPasswordException " +
			"PasswordHistoryPolicyViolationException CodeMismatchException ExpiredCodeException RequestEntityTooLargeException ExpiredTokenException",
		{class: fault.Misconfigured}: "ResourceNotFoundException OperationNotEnabledException InvalidUserPoolConfigurationException UnknownOperationException " +
			"UnauthorizedException UnsupportedOperationException UnsupportedTokenTypeException FeatureUnavailableInTierException " +
			"UserPoolAddOnNotEnabledException InvalidIdentityPoolConfigurationException MissingAuthenticationTokenException " +
			"UnrecognizedClientException InvalidSmsRoleAccessPolicyException InvalidSmsRoleTrustRelationshipException " +
			"InvalidEmailRoleAccessPolicyException MFAMethodNotFoundException SoftwareTokenMFANotFoundException",
		{class: fault.Policy}:   "AccessDeniedException ForbiddenException UserLambdaValidationException",
		{class: fault.ClockOff}: "RequestExpired RequestExpiredException RequestTimeTooSkewed RequestInTheFuture ClockSkew",
		{class: fault.Refused}:  "NotAuthorizedException UserNotFoundException UserNotConfirmedException PasswordResetRequiredException TokenRevokedException RefreshTokenReuseException",
	} {
		for name := range strings.FieldsSeq(names) {
			table[name] = v
		}
	}
	return table
})
