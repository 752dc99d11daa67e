package sigv4auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-auth/latchkey/internal/secret"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/tempkey"
)

// Require lets requests through to next that are signed as they should be, with
// their caller in the context ([FromContext]), and answers the others itself. A
// body that was read to be hashed is there again for next. Answers are marked
// Cache-Control: no-store unless next says otherwise. Preflight requests of
// browsers are not signed: put CORS before it.
func (a *Auth) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Authorization")
		w.Header().Set("Cache-Control", "no-store")
		caller, err := a.Verify(r)
		if err != nil {
			refusal, ok := errors.AsType[*Error](err)
			if !ok { // Verify answers nothing else
				refusal = unavailable(err)
			}
			refusal.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, caller)))
	})
}

// Verify is [Auth.Require] for those who answer by themselves: it answers who
// signed r, or an [*Error]. It may read the body of r and put another reader of
// the same bytes in its place. Verifying the same request twice is a replay.
func (a *Auth) Verify(r *http.Request) (Caller, error) {
	s, err := sigv4.Read(r, a.config.AllowUnsignedContentType)
	if err != nil {
		return Caller{}, refusalOf(err)
	}
	if refusal := a.checkScope(r, s); refusal != nil {
		return Caller{}, refusal
	}
	claims, key, refusal := a.open(s)
	if refusal != nil {
		return Caller{}, refusal
	}
	if refusal := a.checkPayload(r, s, key); refusal != nil {
		return Caller{}, refusal
	}
	if refusal := a.checkReplay(r, s); refusal != nil {
		return Caller{}, refusal
	}
	if refusal := a.checkClaims(claims); refusal != nil {
		return Caller{}, refusal
	}
	return newCaller(s, claims), nil
}

// refusalOf puts an error of sigv4 into the terms of the answer.
func refusalOf(err error) *Error {
	switch {
	case errors.Is(err, sigv4.ErrMissing):
		return missing()
	case errors.Is(err, sigv4.ErrIncomplete):
		return malformed(err.Error())
	}
	return wrongSignature(err.Error())
}

// checkScope checks the date, the duration and the scope of the signature.
func (a *Auth) checkScope(r *http.Request, s *sigv4.Signature) *Error {
	if s.Presigned && s.Life > a.config.MaxPresignedLife {
		if a.config.MaxPresignedLife < 0 {
			return forbidden("Presigned URLs are not accepted here; sign in the Authorization header.")
		}
		return wrongSignature("X-Amz-Expires is longer than is accepted here: " + a.config.MaxPresignedLife.String() + " at most.")
	}
	if err := s.Fresh(a.config.Now(), a.config.Skew); err != nil {
		return refusalOf(err)
	}
	if !slices.Contains(a.config.Regions, s.Region) {
		return wrongSignature("Credential should be scoped to a valid region.")
	}
	if !slices.Contains(a.config.Services, s.Service) {
		return wrongSignature("Credential should be scoped to correct service.")
	}
	if len(a.config.Hosts) > 0 && !slices.Contains(a.config.Hosts, strings.ToLower(r.Host)) {
		return wrongSignature("The request is not for this host.")
	}
	return nil
}

// open opens the session token, before anything is computed with the request.
func (a *Auth) open(s *sigv4.Signature) (tempkey.Claims, secret.String, *Error) {
	claims, key, err := a.codec.Open(s.AccessKeyID, s.SessionToken.Reveal(), a.config.Now())
	switch {
	case errors.Is(err, tempkey.ErrExpired):
		return tempkey.Claims{}, secret.String{}, expired()
	case err != nil: // no token, another service's, or damaged: the answer does not say which
		return tempkey.Claims{}, secret.String{}, notOurs()
	}
	return claims, key, nil
}

// checkReplay comes last of what concerns the request: only true signatures are
// remembered. The date is looked at once more, because a body that is sent slowly
// enough would else bring a request past the time for which it is remembered.
func (a *Auth) checkReplay(r *http.Request, s *sigv4.Signature) *Error {
	if a.config.NoReplayCheck || isSafe(r.Method) {
		return nil
	}
	if err := s.Fresh(a.config.Now(), a.config.Skew); err != nil {
		return refusalOf(err)
	}
	until := s.Until(a.config.Skew).Add(time.Second) // Fresh accepts that very moment
	first, err := a.config.Replays.First(r.Context(), s.Bytes(), until)
	switch {
	case err != nil:
		return unavailable(err)
	case !first:
		return replayed()
	}
	return nil
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// checkClaims authorizes the caller. Its errors are only for callers whose signature is
// valid.
func (a *Auth) checkClaims(c tempkey.Claims) *Error {
	if len(a.config.Pools) > 0 && !slices.Contains(a.config.Pools, c.PoolID) {
		return forbidden("Identities of this identity pool are not accepted here.")
	}
	if !c.Authenticated && !a.config.AllowGuests {
		return forbidden("Sign in: guests are not accepted here.")
	}
	return nil
}
