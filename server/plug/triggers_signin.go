package plug

// PreAuthentication comes when a sign-in begins, before the password is verified. Its
// source is PreAuthentication_Authentication. Its response is nil. An error refuses the sign-in.
type PreAuthentication struct {
	EventCommon
	Request PreAuthenticationRequest `json:"request"`
}

// PreAuthenticationRequest is the user who signs in. ValidationData has the ClientMetadata of
// InitiateAuth. UserNotFound is set if the user does not exist and the client hides that
// (PreventUserExistenceErrors).
type PreAuthenticationRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	ValidationData map[string]string `json:"validationData,omitempty"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound   bool              `json:"userNotFound"`
}

// PostAuthentication comes after a sign-in with all its challenges, before the tokens are
// issued. Its source is PostAuthentication_Authentication. Its response is nil. A refresh does
// not cause it.
type PostAuthentication struct {
	EventCommon
	Request PostAuthenticationRequest `json:"request"`
}

// PostAuthenticationRequest is the user who signed in.
type PostAuthenticationRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	NewDeviceUsed  bool              `json:"newDeviceUsed"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// ChallengeResult is an answered challenge of a custom sign-in.
type ChallengeResult struct {
	ChallengeName     string `json:"challengeName"`
	ChallengeResult   bool   `json:"challengeResult"`
	ChallengeMetadata string `json:"challengeMetadata,omitempty"`
}

// DefineAuthChallenge asks for the next step of a custom sign-in (CUSTOM_AUTH): at its begin,
// and after each answer to a challenge. Its source is DefineAuthChallenge_Authentication.
type DefineAuthChallenge struct {
	EventCommon
	Request DefineAuthChallengeRequest `json:"request"`
}

// DefineAuthChallengeRequest is the sign-in so far.
type DefineAuthChallengeRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	Session        ChallengeResults  `json:"session"`
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

// CreateAuthChallenge asks for a custom challenge, after a [DefineAuthChallengeResponse] with the
// name CUSTOM_CHALLENGE. Its source is CreateAuthChallenge_Authentication.
type CreateAuthChallenge struct {
	EventCommon
	Request CreateAuthChallengeRequest `json:"request"`
}

// CreateAuthChallengeRequest is the sign-in so far.
type CreateAuthChallengeRequest struct {
	UserAttributes Attributes        `json:"userAttributes"`
	ChallengeName  string            `json:"challengeName"`
	Session        ChallengeResults  `json:"session"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserNotFound   bool              `json:"userNotFound"`
}

// CreateAuthChallengeResponse answers [CreateAuthChallenge]. The client receives the public
// parameters, the next [VerifyAuthChallenge] the private ones.
type CreateAuthChallengeResponse struct {
	PublicChallengeParameters  ChallengeParameters `json:"publicChallengeParameters"`
	PrivateChallengeParameters ChallengeParameters `json:"privateChallengeParameters"`
	ChallengeMetadata          string              `json:"challengeMetadata,omitempty"`
}

// VerifyAuthChallenge asks whether the answer to a custom challenge is right. Its source is
// VerifyAuthChallengeResponse_Authentication.
type VerifyAuthChallenge struct {
	EventCommon
	Request VerifyAuthChallengeRequest `json:"request"`
}

// VerifyAuthChallengeRequest has the user's answer and the parameters of the last
// [CreateAuthChallengeResponse].
type VerifyAuthChallengeRequest struct {
	UserAttributes             Attributes          `json:"userAttributes"`
	PrivateChallengeParameters ChallengeParameters `json:"privateChallengeParameters"`
	ChallengeAnswer            Secret              `json:"challengeAnswer"`
	ClientMetadata             map[string]string   `json:"clientMetadata,omitempty"`
	UserNotFound               bool                `json:"userNotFound"`
}

// VerifyAuthChallengeResponse answers [VerifyAuthChallenge].
type VerifyAuthChallengeResponse struct {
	AnswerCorrect bool `json:"answerCorrect"`
}

func (*DefineAuthChallengeResponse) response() {}
func (*CreateAuthChallengeResponse) response() {}
func (*VerifyAuthChallengeResponse) response() {}
