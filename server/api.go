package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/latchkey-auth/latchkey/internal/random"
	"github.com/latchkey-auth/latchkey/internal/sigv4"
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
)

// operationTimeout bounds the work on one request, waiting for a turn included.
const operationTimeout = 20 * time.Second

// exchange is one call of an operation on its way through the service.
type exchange struct {
	operation     wire.Operation
	administrator string // who signed it, if it had to be signed
	requestID     string
	start         time.Time
}

func newExchange() *exchange { return &exchange{requestID: random.UUID(), start: time.Now()} }

// serveOperation answers AWS JSON 1.1 calls.
func (s *Server) serveOperation(w http.ResponseWriter, r *http.Request) {
	x := newExchange()
	response, err := s.perform(r, w, x)
	exception := s.exceptionFor(r.Context(), x, err)
	if exception != nil {
		wire.WriteException(w, exception, x.requestID)
	} else {
		wire.WriteResponse(w, x.operation, response, x.requestID)
	}
	s.note(r.Context(), r.RemoteAddr, x, exception)
}

// perform takes a request through its checks, cheapest first, to its handler.
func (s *Server) perform(r *http.Request, w http.ResponseWriter, x *exchange) (response any, err error) {
	defer catchPanic(&err)
	if !s.admits(s.sources, r) {
		return nil, wire.NewException(wire.TooManyRequestsException, wire.MessageTooManyRequests)
	}
	if err := s.find(r, x); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if x.operation.Auth == wire.Signed {
		if err := s.checkAdministrator(r, body, x); err != nil {
			return nil, err
		}
	}
	ctx := r.Context()
	if x.operation.Auth != wire.Signed { // administrators have no bounds of messages
		ctx = pool.WithSource(ctx, s.source(r))
	}
	return s.operations.handle(ctx, body, x.operation)
}

// catchPanic makes an error of a panic of the function that defers it.
func catchPanic(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// find notes the operation that X-Amz-Target names.
func (s *Server) find(r *http.Request, x *exchange) error {
	target := r.Header.Get(wire.HeaderTarget)
	operation, known := lookup(target)
	if !known {
		return wire.UnknownOperation()
	}
	x.operation = operation
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != wire.ContentType && media != "application/x-amz-json-1.0" && media != "application/json" {
		return wire.NewException(wire.SerializationException, "Content-Type must be "+wire.ContentType+".")
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > wire.MaxRequestBody {
		w.Header().Set("Connection", "close")
		return nil, wire.BodyTooLarge()
	}
	var body bytes.Buffer
	// An announced length saves copies; it is not believed beyond what is usual.
	body.Grow(int(min(max(r.ContentLength, 0), 16<<10)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, wire.MaxRequestBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, wire.BodyTooLarge()
	}
	if err != nil {
		return nil, wire.NewException(wire.SerializationException, "Request body could not be read.")
	}
	return body.Bytes(), nil
}

// checkAdministrator demands the signature of an administrator who may call the operation.
func (s *Server) checkAdministrator(r *http.Request, body []byte, x *exchange) error {
	service := x.operation.Service.SigningName()
	identity, err := s.signatures[service].Verify(r, body)
	if err != nil {
		return signatureException(err, service)
	}
	administrator := s.administrators[identity.AccessKeyID]
	x.administrator = administrator.name
	return administrator.authorize(x.operation)
}

// signatureException is what the caller sees of an error of [sigv4.Verifier.Verify].
func signatureException(err error, service string) *wire.Exception {
	switch {
	case errors.Is(err, sigv4.ErrMissing):
		return wire.NewException(wire.MissingAuthenticationTokenException, wire.MessageMissingAuthToken)
	case errors.Is(err, sigv4.ErrUnknownKey):
		return wire.NewException(wire.UnrecognizedClientException, wire.MessageUnknownAccessKey)
	case errors.Is(err, sigv4.ErrIncomplete):
		return wire.NewException(wire.IncompleteSignatureException, err.Error())
	case errors.Is(err, sigv4.ErrService):
		return wire.Exceptionf(wire.InvalidSignatureException, wire.MessageCredentialService, service)
	case errors.Is(err, sigv4.ErrExpired):
		return wire.NewException(wire.InvalidSignatureException, err.Error())
	}
	return wire.NewException(wire.InvalidSignatureException, wire.MessageInvalidSignature)
}

// exceptionFor is what the caller sees of an error. Whatever is not meant for
// callers is logged, and they see an InternalErrorException.
func (s *Server) exceptionFor(ctx context.Context, x *exchange, err error) *wire.Exception {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*wire.Exception](err); ok {
		return e
	}
	if ctx.Err() != nil {
		s.log.InfoContext(ctx, "request abandoned", "operation", x.operation.Name, "request_id", x.requestID, "error", err)
	} else {
		s.log.ErrorContext(ctx, "operation failed", "operation", x.operation.Name, "request_id", x.requestID, "error", err)
	}
	return wire.NewException(wire.InternalErrorException, wire.MessageInternalError)
}

// observe calls the observer. It logs a panic of the observer, since the answer is complete.
func (s *Server) observe(ctx context.Context, operation, exception string, took time.Duration) {
	if s.observer == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "observer panicked", "operation", operation, "panic", p)
		}
	}()
	s.observer.Observe(operation, exception, took)
}

// note logs the operation and its outcome, and reports both to the observer. The log line has
// no input and no output of the operation.
func (s *Server) note(ctx context.Context, source string, x *exchange, e *wire.Exception) {
	took := time.Since(x.start)
	outcome := ""
	if e != nil {
		outcome = e.Type
	}
	s.observe(ctx, x.operation.Name, outcome, took)
	s.log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("operation", x.operation.Name), slog.String("exception", outcome), slog.Duration("took", took),
		slog.String("request_id", x.requestID), slog.String("source", source), slog.String("administrator", x.administrator))
}
