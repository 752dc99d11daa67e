//go:build linux

package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// secondFactor stands before a service that has no second factors and adds them:
// after the right password it asks which factor to use and for its code, and
// only then hands out the tokens that the service has issued.
type secondFactor struct {
	s *service

	mu   sync.Mutex
	held []byte
}

const (
	rightCode   = "123456"
	mfaSession  = "a-session-of-at-least-twenty-characters"
	factorOffer = `{"ChallengeName":"SELECT_MFA_TYPE","Session":"` + mfaSession + `",` +
		`"ChallengeParameters":{"MFAS_CAN_CHOOSE":"[\"SMS_MFA\",\"SOFTWARE_TOKEN_MFA\"]"}}`
	smsQuestion = `{"ChallengeName":"SMS_MFA","Session":"` + mfaSession + `",` +
		`"ChallengeParameters":{"CODE_DELIVERY_DELIVERY_MEDIUM":"SMS","CODE_DELIVERY_DESTINATION":"+*******1234"}}`
	appQuestion = `{"ChallengeName":"SOFTWARE_TOKEN_MFA","Session":"` + mfaSession + `","ChallengeParameters":{}}`
	wrongCode   = `{"__type":"CodeMismatchException","message":"Invalid code or auth state for the user."}`
)

// ServeHTTP answers what concerns the second factor and passes on the rest.
func (f *secondFactor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var request wire.RespondToAuthChallengeRequest
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".RespondToAuthChallenge") {
		if err := wire.Unmarshal(body, &request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	status, answer := f.decide(request)
	if answer == "" {
		status, answer = f.forward(r, body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if request.ChallengeName == wire.ChallengePasswordVerifier && status == http.StatusOK {
		f.held, answer = []byte(answer), factorOffer
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer) // the client notices
}

func (f *secondFactor) decide(request wire.RespondToAuthChallengeRequest) (int, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answers := request.ChallengeResponses
	switch request.ChallengeName {
	case wire.ChallengeSelectMFAType:
		if answers["ANSWER"] == "SMS_MFA" {
			return http.StatusOK, smsQuestion
		}
		return http.StatusOK, appQuestion
	case wire.ChallengeSMSMFA, wire.ChallengeSoftwareTokenMFA:
		if answers["SMS_MFA_CODE"]+answers["SOFTWARE_TOKEN_MFA_CODE"] != rightCode {
			return http.StatusBadRequest, wrongCode
		}
		return http.StatusOK, string(f.held)
	}
	return 0, ""
}

func (f *secondFactor) forward(r *http.Request, body []byte) (int, string) {
	onward, err := http.NewRequestWithContext(r.Context(), r.Method, f.s.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	onward.Header = r.Header.Clone()
	response, err := http.DefaultClient.Do(onward)
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	return response.StatusCode, string(answer)
}

func TestSecondFactors(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.up(t)
	web := httptest.NewServer(&secondFactor{s: s})
	t.Cleanup(web.Close)
	config := s.configWith(t, `"user_pool_endpoint":"`+s.Endpoint, `"user_pool_endpoint":"`+web.URL)
	for _, test := range []struct {
		name, choice, question string
		codes                  []string
		code                   int
	}{
		{"by number", "1", "Code sent to +*******1234: ", []string{rightCode}, exitDone},
		{"by name", "software_token_mfa", "Code of your authenticator app: ", []string{rightCode}, exitDone},
		{"a slip", "2", "Code of your authenticator app: ", []string{"000000", rightCode}, exitDone},
		{"guesses", "1", "Code sent to ", []string{"000000", "000001", "000002"}, exitFailed},
	} {
		c := talk(t, p.command("login", "demo", "--config", config))
		c.expect("Password for demo: ")
		c.say(s.Password + "\n")
		c.expect("1  SMS_MFA")
		c.expect("2  SOFTWARE_TOKEN_MFA")
		c.expect("Which one? ")
		c.say(test.choice + "\n")
		for _, code := range test.codes {
			c.expect(test.question)
			c.say(code + "\n")
		}
		if code := c.end(); code != test.code {
			t.Errorf("%s: login exits with %d, not %d: %s", test.name, code, test.code, c.said)
		}
		if signed := strings.Contains(c.said, "Signed in"); signed != (test.code == exitDone) {
			t.Errorf("%s: signed in is %v: %s", test.name, signed, c.said)
		}
	}
}
