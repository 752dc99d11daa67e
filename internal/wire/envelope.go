package wire

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ContentType is the media type of every request and answer.
const ContentType = "application/x-amz-json-1.1"

// Headers of AWS JSON 1.1.
const (
	HeaderTarget       = "X-Amz-Target"
	HeaderErrorType    = "X-Amzn-ErrorType"
	HeaderErrorMessage = "X-Amzn-ErrorMessage"
	HeaderRequestID    = "X-Amzn-RequestId"
)

const (
	maxHeaderMessage = 1024 // bytes of x-amzn-ErrorMessage; proxies refuse long headers
	maxErrorBody     = 64 << 10
	maxMessage       = 4096 // bytes of a message that the client keeps
	maxTypeName      = 128
)

// WriteResponse answers an operation with the shape v; nil is an empty object.
// Operations that have no output shape answer with no body at all. A shape that
// cannot be written becomes an InternalErrorException.
//
// Answers carry tokens, so they are marked not to be stored.
func WriteResponse(w http.ResponseWriter, o Operation, v any, requestID string) {
	body, err := responseBody(o, v)
	if err != nil {
		WriteException(w, NewException(InternalErrorException, MessageInternalError), requestID)
		return
	}
	write(w, http.StatusOK, body, requestID)
}

func responseBody(o Operation, v any) ([]byte, error) {
	if o.EmptyBody {
		return nil, nil
	}
	body, err := Marshal(v)
	if string(body) == "null" { // nil, or a nil pointer to a shape
		body = []byte("{}")
	}
	return body, err
}

// WriteException answers with an exception: the envelope in the body, the name
// with its trailing colon and the text in the headers, as Cognito does.
// Clients differ in where they look (Amplify in the header, older SDKs in the body).
func WriteException(w http.ResponseWriter, e *Exception, requestID string) {
	status := e.Status
	if status < 400 || status > 599 {
		status = statusOf(e.Type)
	}
	header := w.Header()
	header.Set(HeaderErrorType, headerText(e.Type)+":")
	if text := headerText(e.Message); text != "" {
		header.Set(HeaderErrorMessage, text)
	}
	write(w, status, e.envelope(), requestID)
}

func write(w http.ResponseWriter, status int, body []byte, requestID string) {
	header := w.Header()
	header.Set("Content-Type", ContentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	if requestID != "" {
		header.Set(HeaderRequestID, headerText(requestID))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

// envelope is the body of an exception, byte for byte as Cognito orders it.
func (e *Exception) envelope() []byte {
	body := appendText([]byte(`{"__type":`), e.Type)
	if e.Message != "" {
		body = appendText(append(body, `,"message":`...), e.Message)
	}
	if e.Reason != "" {
		body = appendText(append(body, `,"reasonCode":`...), e.Reason)
	}
	return append(body, '}')
}

// appendText quotes text; bytes that are not UTF-8 become U+FFFD.
func appendText(dst []byte, text string) []byte {
	quoted, _ := jsontext.AppendQuote(nil, strings.ToValidUTF8(text, "\uFFFD"))
	return append(dst, quoted...)
}

// headerText is text with everything but printable ASCII left out, so that no
// text can end a header, and cut to what proxies let pass.
func headerText(text string) string {
	safe := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(safe[:min(len(safe), maxHeaderMessage)])
}

// ReadException makes an exception of an answer whose status is not 200.
//
// The name is looked for where Cognito and its relatives put it: the header
// x-amzn-errortype, then the members code and __type; what follows a comma or
// colon and what precedes a # is cut off. The text is message or Message.
//
// A body that is not a JSON object did not come from Cognito but from a proxy
// or a captive portal. It gives an exception without a type, whatever the
// headers say: a name decides whether a session ends, and is never guessed.
func ReadException(status int, header http.Header, body []byte) *Exception {
	e := &Exception{Status: status, RequestID: cut(oneLine(header.Get(HeaderRequestID)), maxTypeName)}
	var members struct {
		Code   jsontext.Value `json:"code"`
		Type   jsontext.Value `json:"__type"`
		Lower  jsontext.Value `json:"message"`
		Upper  jsontext.Value `json:"Message"`
		Reason jsontext.Value `json:"reasonCode"`
	}
	if len(body) > maxErrorBody || !isObject(body) || tooDeep(body) || json.Unmarshal(body, &members) != nil {
		return e
	}
	for _, candidate := range []string{header.Get(HeaderErrorType), text(members.Code), text(members.Type)} {
		if e.Type = typeName(candidate); e.Type != "" {
			break
		}
	}
	e.Message = text(members.Lower)
	if e.Message == "" {
		e.Message = text(members.Upper)
	}
	e.Message = cut(e.Message, maxMessage)
	e.Reason = cut(text(members.Reason), maxTypeName)
	return e
}

// text is a JSON string's value; other kinds have none.
func text(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(unquoted)
}

// typeName reduces "prefix#Name:http://…" to Name. What is left must look like
// a name, or there is none.
func typeName(candidate string) string {
	if i := strings.IndexAny(candidate, ",:"); i >= 0 {
		candidate = candidate[:i]
	}
	name := strings.TrimSpace(candidate[strings.LastIndexByte(candidate, '#')+1:])
	if len(name) > maxTypeName || strings.ContainsFunc(name, notInName) {
		return ""
	}
	return name
}

func notInName(r rune) bool {
	letter := r|0x20 >= 'a' && r|0x20 <= 'z'
	return !letter && (r < '0' || r > '9') && r != '_' && r != '.'
}

// cut shortens text to at most n bytes of valid UTF-8.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
