package server

import (
	"net/http"
	"strings"
)

// allowBrowsers lets pages of any origin call the service. No cookie takes part
// in these calls, so any origin is safe (Fetch standard, section 3.3.5).
func allowBrowsers(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date")
}

// preflight answers without access to storage, since a browser sends a preflight request
// before every call. It allows all requested headers: SDKs add headers such as
// amz-sdk-request.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	if asked := headerNames(r.Header.Get("Access-Control-Request-Headers")); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "7200")
	h.Add("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
}

// headerNames gives back a list of header names, or nothing if it is not one.
func headerNames(list string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_., "
	if len(list) > 2048 || strings.Trim(list, letters) != "" {
		return ""
	}
	return list
}
