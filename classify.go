package latchkey

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-auth/latchkey/internal/wire"

	"github.com/go-json-experiment/json"
)

// class is what an answer of the service, or the lack of one, means.
type class uint8

const (
	classUnknown      class = iota // not understood: a proxy, or a name we do not know
	classEnded                     // the session is over
	classRefused                   // NotAuthorizedException and its like, outside a refresh
	classDevice                    // the refresh token was not accepted from this device
	classConfig                    // client or pool are set up wrongly
	classThrottled                 // too many requests
	classServer                    // the service failed
	classRequest                   // our request was wrong
	classPolicy                    // a firewall or a trigger refused
	classClock                     // our clock is off
	classNetwork                   // the service was not reached
	classMalformed                 // 200, but not the answer we asked for
	classWrongIssuer               // tokens of another pool
	classWrongUser                 // tokens of another user or app client
	classCancelled                 // the caller gave up
	classDropIdentity              // the cached identity id is no longer ours
	classNoGuests                  // the identity pool has no guests
	classStaleLogin                // the identity pool wants a newer login token
	classConflict                  // somebody else changed it at the same moment
)

// verdict is what follows from an answer.
type verdict struct {
	class class
	ends  bool          // it ends a session, once the store was read again
	retry bool          // the same call may succeed if repeated shortly
	wait  time.Duration // what Retry-After asked for, bounded
}

// Operations whose answers are judged by rules of their own. Only a refresh can
// end a session: everywhere else a refusal may concern the request, its access
// token or another service.
const (
	opRefresh = "GetTokensFromRefreshToken"
	// opToken is POST /oauth2/token (RFC 6749 section 3.2).
	opToken = "oauth2/token"
	// The identity pool's errors end nothing.
	opIdentity    = "GetId"
	opCredentials = "GetCredentialsForIdentity"

	// maxRetryAfter bounds Retry-After. A proxy that asks for years must not keep
	// a session from being refreshed for as long.
	maxRetryAfter = 5 * time.Minute
)

// judge says what an answer that is not a success means. What ends a session is
// a closed list: HTTP 400 with a JSON body whose exception name matches exactly,
// on a refresh. Everything else leaves the session as it is, so that neither an
// outage nor a proxy can sign anybody out.
func judge(op string, status int, header http.Header, body []byte) (verdict, *wire.Exception) {
	e := wire.ReadException(status, header, body)
	if kind := header.Get("Content-Type"); kind != "" && !strings.Contains(kind, "json") {
		e.Type, e.Message = "", "" // a proxy's page, whatever it looks like
	}
	// Cognito's client faults come with status 400, whatever AWS's model says.
	// 401 and 403 are OAuth's and the firewall's.
	v := judgeStatus(status)
	if status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden {
		switch {
		case op == opToken:
			v = judgeOAuth(status, e, body)
		case status == http.StatusBadRequest:
			v = judgeException(op, e)
		case e.Type == wire.ForbiddenException: // AWS WAF answers 403
			v = verdict{class: classPolicy}
		}
	}
	v.wait = retryAfter(header, time.Now())
	return v, e
}

// judgeStatus judges by the HTTP status alone.
func judgeStatus(status int) verdict {
	switch {
	case status >= 300 && status < 400: // a captive portal; POST is not redirected
		return verdict{class: classNetwork, retry: true}
	case status == http.StatusProxyAuthRequired:
		return verdict{class: classNetwork}
	case status == http.StatusRequestTimeout, status == http.StatusNetworkAuthenticationRequired:
		return verdict{class: classNetwork, retry: true}
	case status == http.StatusTooManyRequests:
		return verdict{class: classThrottled, retry: true}
	case status >= 500:
		return verdict{class: classServer, retry: true}
	}
	return verdict{class: classUnknown}
}

// endings are the exceptions that end a session when a refresh is answered so.
// NotAuthorizedException has exceptions of its own, see judgeRefusal.
var endings = map[string]bool{
	wire.UserNotFoundException:          true,
	wire.PasswordResetRequiredException: true,
	wire.UserNotConfirmedException:      true,
	codeTokenRevoked:                    true,
	wire.RefreshTokenReuseException:     true,
}

// codeTokenRevoked is in Amplify's list of endings and in no model of Cognito.
const codeTokenRevoked = "TokenRevokedException"

// classes are the other exceptions. A name that is missing here is unknown.
var classes = sync.OnceValue(classTable)

// classTable spells the classes out, by what they have in common. Beside
// Cognito's own names it has those that AWS's front door uses for every service.
func classTable() map[string]verdict {
	table := make(map[string]verdict, 64)
	for v, names := range map[verdict]string{
		{class: classThrottled, retry: true}: "TooManyRequestsException LimitExceededException ThrottlingException Throttling RequestLimitExceeded SlowDown",
		{class: classServer, retry: true}: "InternalErrorException InternalServerException ServiceUnavailableException ServiceUnavailable " +
			"UnexpectedLambdaException ExternalServiceException",
		{class: classServer}:                "InvalidLambdaResponseException CodeDeliveryFailureException",
		{class: classConflict, retry: true}: "ConcurrentModificationException ResourceConflictException",
		{class: classRequest}: "InvalidParameterException ValidationException SerializationException InvalidPasswordException " +
			"PasswordHistoryPolicyViolationException CodeMismatchException ExpiredCodeException RequestEntityTooLargeException",
		{class: classConfig}: "ResourceNotFoundException OperationNotEnabledException InvalidUserPoolConfigurationException UnknownOperationException " +
			"UnauthorizedException UnsupportedOperationException UnsupportedTokenTypeException FeatureUnavailableInTierException " +
			"UserPoolAddOnNotEnabledException InvalidIdentityPoolConfigurationException MissingAuthenticationTokenException " +
			"UnrecognizedClientException InvalidSmsRoleAccessPolicyException InvalidSmsRoleTrustRelationshipException " +
			"InvalidEmailRoleAccessPolicyException MFAMethodNotFoundException SoftwareTokenMFANotFoundException",
		{class: classPolicy}:  "AccessDeniedException ForbiddenException UserLambdaValidationException",
		{class: classClock}:   "RequestExpired RequestExpiredException RequestTimeTooSkewed RequestInTheFuture ClockSkew",
		{class: classRefused}: "NotAuthorizedException UserNotFoundException UserNotConfirmedException PasswordResetRequiredException TokenRevokedException RefreshTokenReuseException",
	} {
		for name := range strings.FieldsSeq(names) {
			table[name] = v
		}
	}
	return table
}

// judgeException judges Cognito's own words, which come with status 400.
func judgeException(op string, e *wire.Exception) verdict {
	switch {
	case op == opIdentity || op == opCredentials:
		return judgeIdentity(e)
	case e.Type == wire.NotAuthorizedException:
		return judgeRefusal(op, e.Message)
	case op == opRefresh && endings[e.Type]:
		return verdict{class: classEnded, ends: true}
	}
	return classes()[e.Type]
}

// judgeRefusal tells apart what Cognito calls NotAuthorizedException. A text
// that is not known counts as a refusal: Cognito has refused, whatever it says.
func judgeRefusal(op, message string) verdict {
	// Cognito writes it SECRET_HASH, SecretHash and "secret hash", and refuses a
	// client without its secret with NotAuthorizedException too. All of these are
	// the configuration's fault: the user is who he was.
	plain := strings.NewReplacer(" ", "", "_", "").Replace(strings.ToLower(message))
	switch {
	case strings.Contains(plain, "secrethash"), strings.Contains(plain, "clientsecret"), strings.Contains(plain, "configuredwithsecret"):
		return verdict{class: classConfig}
	case message == wire.MessagePasswordAttemptsExceeded:
		return verdict{class: classThrottled} // a lockout never ends a live session
	case op != opRefresh:
		return verdict{class: classRefused}
	case message == wire.MessageInvalidRefreshToken, strings.Contains(plain, "device"):
		return verdict{class: classDevice}
	}
	return verdict{class: classEnded, ends: true}
}

// judgeIdentity judges the identity pool, whose errors never end a user pool session.
func judgeIdentity(e *wire.Exception) verdict {
	switch {
	case e.Type == wire.ResourceNotFoundException && strings.HasPrefix(e.Message, "Identity '"),
		e.Type == wire.NotAuthorizedException && strings.HasPrefix(e.Message, "Access to Identity"):
		return verdict{class: classDropIdentity, retry: true}
	case e.Type == wire.NotAuthorizedException && strings.HasPrefix(e.Message, "Unauthenticated access"):
		return verdict{class: classNoGuests}
	case e.Type == wire.NotAuthorizedException && staleLogin(e.Message):
		return verdict{class: classStaleLogin}
	case e.Type == wire.NotAuthorizedException:
		return verdict{class: classConfig}
	}
	return classes()[e.Type]
}

// staleLogin reports whether a refusal means that the login token was good once:
// it has expired, or, with ServerSideTokenCheck, its session was ended.
func staleLogin(message string) bool {
	return strings.HasPrefix(message, "Invalid login token. Token expired") || strings.HasPrefix(message, "Token is inactive")
}

// judgeOAuth judges the token endpoint, which answers by RFC 6749 section 5.2.
func judgeOAuth(status int, e *wire.Exception, body []byte) verdict {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return verdict{class: classUnknown}
	}
	e.Type, e.Message = presentable(answer.Error), answer.Description
	switch answer.Error {
	case "invalid_grant":
		if status == http.StatusBadRequest {
			return verdict{class: classEnded, ends: true}
		}
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return verdict{class: classConfig}
	case "invalid_request":
		return verdict{class: classRequest}
	case "slow_down":
		return verdict{class: classThrottled, retry: true}
	case "server_error", "temporarily_unavailable":
		return verdict{class: classServer, retry: true}
	}
	return verdict{class: classUnknown}
}

// judgeTransport judges a call that brought no answer.
func judgeTransport(err error) verdict {
	if errors.Is(err, context.Canceled) {
		return verdict{class: classCancelled}
	}
	// Everything else may pass: a name server, a cut connection, a timeout. The
	// service may have done what was asked, see renewal.again.
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return verdict{class: classNetwork} // the same certificate comes again
	}
	return verdict{class: classNetwork, retry: true}
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// kind is the public kind of an answer.
func (v verdict) kind(code string) error {
	if kind := kindOfCode(code); kind != nil && (v.class == classRefused || v.class == classEnded || v.class == classRequest) {
		return kind
	}
	switch v.class {
	case classRefused, classEnded, classDevice, classDropIdentity, classStaleLogin:
		return ErrNotAuthorized
	case classNoGuests:
		return ErrGuestsDisabled
	case classConfig:
		return ErrConfig
	case classThrottled:
		return ErrThrottled
	case classRequest:
		return ErrInvalidParameter
	case classPolicy:
		return ErrForbidden
	case classNetwork:
		return ErrNetwork
	case classWrongIssuer, classWrongUser:
		return ErrWrongAccount
	}
	return ErrService
}

// kindOfCode is the kind of an exception's name; nil when it has none of its own.
func kindOfCode(code string) error {
	switch code {
	case wire.NotAuthorizedException, codeTokenRevoked, wire.RefreshTokenReuseException:
		return ErrNotAuthorized
	case wire.UserNotFoundException:
		return ErrUserNotFound
	case wire.UserNotConfirmedException:
		return ErrUserNotConfirmed
	case wire.PasswordResetRequiredException:
		return ErrPasswordResetRequired
	case wire.CodeMismatchException:
		return ErrCodeMismatch
	case wire.ExpiredCodeException:
		return ErrCodeExpired
	case wire.InvalidPasswordException, wire.PasswordHistoryPolicyViolationException:
		return ErrInvalidPassword
	}
	return nil
}

// hint is what a user or a developer can do about an answer.
func (v verdict) hint() string {
	switch v.class {
	case classDevice:
		return "the refresh token is not accepted from this device; sign in again"
	case classConfig:
		return "check the pool id, the client id and the client secret"
	case classThrottled:
		return "wait before trying again"
	case classClock:
		return "check this machine's clock"
	case classPolicy:
		return "a firewall or a trigger of the user pool refused; ask its administrator"
	case classMalformed, classUnknown:
		return "something other than the service may have answered; check the endpoint and any proxy"
	case classWrongIssuer:
		return "check the endpoint and Config.Issuer"
	case classNoGuests:
		return "sign in, or allow unauthenticated identities in the identity pool"
	case classDropIdentity:
		return "the identity is gone, or belongs to another login"
	}
	return ""
}
