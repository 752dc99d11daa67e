package plug

// PreAuthentication comes when a sign-in begins, before the password is verified. Its
// source is PreAuthentication_Authentication. Its response is nil.
type PreAuthentication struct {
	EventCommon
	Request PreAuthenticationRequest `json:"request"`
}

// PreAuthenticationRequest is the user who signs in. ClientMetadata of InitiateAuth comes
// as ValidationData.
type PreAuthenticationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData,omitempty"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound   bool              `json:"userNotFound"`
}

// PostAuthentication comes after a sign-in with all its challenges, before the tokens are
// issued. Its source is PostAuthentication_Authentication. Its response is nil.
type PostAuthentication struct {
	EventCommon
	Request PostAuthenticationRequest `json:"request"`
}

// PostAuthenticationRequest is the user who signed in.
type PostAuthenticationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	NewDeviceUsed  bool              `json:"newDeviceUsed"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// ChallengeResult is a challenge of a custom sign-in that was answered.
type ChallengeResult struct {
	ChallengeName     string `json:"challengeName"`
	ChallengeResult   bool   `json:"challengeResult"`
	ChallengeMetadata string `json:"challengeMetadata,omitempty"`
}

// DefineAuthChallenge asks what comes next in a custom sign-in (CUSTOM_AUTH). Its source is
// DefineAuthChallenge_Authentication.
type DefineAuthChallenge struct {
	EventCommon
	Request DefineAuthChallengeRequest `json:"request"`
}

// DefineAuthChallengeRequest is the sign-in so far.
type DefineAuthChallengeRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	Session        []ChallengeResult `json:"session"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound   bool              `json:"userNotFound"`
}

// DefineAuthChallengeResponse answers [DefineAuthChallenge]: another challenge, tokens, or
// the end of the sign-in.
type DefineAuthChallengeResponse struct {
	ChallengeName      string `json:"challengeName,omitempty"` // CUSTOM_CHALLENGE, SRP_A, PASSWORD_VERIFIER, …
	IssueTokens        bool   `json:"issueTokens"`
	FailAuthentication bool   `json:"failAuthentication"`
}

// CreateAuthChallenge asks for a custom challenge. Its source is
// CreateAuthChallenge_Authentication.
type CreateAuthChallenge struct {
	EventCommon
	Request CreateAuthChallengeRequest `json:"request"`
}

// CreateAuthChallengeRequest is the sign-in so far.
type CreateAuthChallengeRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ChallengeName  string            `json:"challengeName"`
	Session        []ChallengeResult `json:"session"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound   bool              `json:"userNotFound"`
}

// CreateAuthChallengeResponse answers [CreateAuthChallenge]. The client gets the public
// parameters; the private ones come back with [VerifyAuthChallenge].
type CreateAuthChallengeResponse struct {
	PublicChallengeParameters  map[string]string `json:"publicChallengeParameters"`
	PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
	ChallengeMetadata          string            `json:"challengeMetadata,omitempty"`
}

// VerifyAuthChallenge asks whether the answer to a custom challenge is right. Its source is
// VerifyAuthChallengeResponse_Authentication.
type VerifyAuthChallenge struct {
	EventCommon
	Request VerifyAuthChallengeRequest `json:"request"`
}

// VerifyAuthChallengeRequest is the answer and what CreateAuthChallenge said.
type VerifyAuthChallengeRequest struct {
	UserAttributes             map[string]string `json:"userAttributes"`
	PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
	ChallengeAnswer            Secret            `json:"challengeAnswer"`
	ClientMetadata             map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound               bool              `json:"userNotFound"`
}

// VerifyAuthChallengeResponse answers [VerifyAuthChallenge].
type VerifyAuthChallengeResponse struct {
	AnswerCorrect bool `json:"answerCorrect"`
}

func (*DefineAuthChallengeResponse) response() {}
func (*CreateAuthChallengeResponse) response() {}
func (*VerifyAuthChallengeResponse) response() {}
