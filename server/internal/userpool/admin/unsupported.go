package admin

import (
	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
)

// refuseUnsupported refuses settings that protect users and that this service does not
// enforce: the pool would admit users that the setting should block. Other settings without
// effect are stored and returned; docs/cognito-divergences.md lists them.
func refuseUnsupported(w wire.UserPoolSettings) error {
	if w.MfaConfiguration == wire.MFAOn {
		return pool.Invalid("MfaConfiguration ON is not supported: no second factor would be asked for. Use OFF or OPTIONAL.")
	}
	if name := firstTrigger(w.LambdaConfig); name != "" {
		return pool.Invalid("LambdaConfig.%s is not supported: the trigger would not be called. Leave it out.", name)
	}
	if a := w.UserPoolAddOns; a != nil {
		if a.AdvancedSecurityMode == securityEnforced {
			return pool.Invalid("UserPoolAddOns.AdvancedSecurityMode ENFORCED is not supported: no sign-in would be blocked. Use OFF or AUDIT.")
		}
		if f := a.AdvancedSecurityAdditionalFlows; f != nil && f.CustomAuthMode == securityEnforced {
			return pool.Invalid("UserPoolAddOns.AdvancedSecurityAdditionalFlows.CustomAuthMode ENFORCED is not supported: no sign-in would be blocked. Use AUDIT.")
		}
	}
	if v := w.VerificationMessageTemplate; v != nil && v.DefaultEmailOption == confirmWithLink {
		return pool.Invalid("VerificationMessageTemplate.DefaultEmailOption CONFIRM_WITH_LINK is not supported: a link that a mail scanner opens would confirm the address. Use CONFIRM_WITH_CODE.")
	}
	if k := w.KeyConfiguration; k != nil && (k.KeyType == customerManagedKey || k.KmsKeyArn != "") {
		return pool.Invalid("KeyConfiguration with a customer managed key is not supported: the service seals with its own master key. Use AWS_OWNED_KEY.")
	}
	return nil
}

// Values of settings that are refused.
const (
	securityEnforced   = "ENFORCED"
	confirmWithLink    = "CONFIRM_WITH_LINK"
	customerManagedKey = "CUSTOMER_MANAGED_KEY"
)

// firstTrigger is the name of a trigger that is set, or "". KMSKeyID is none: it is the key
// of the two senders.
func firstTrigger(c *wire.LambdaConfigType) string {
	if c == nil {
		return ""
	}
	for _, trigger := range []struct {
		name, arn string
		versioned *wire.LambdaVersionType
	}{
		{name: "PreSignUp", arn: c.PreSignUp},
		{name: "CustomMessage", arn: c.CustomMessage},
		{name: "PostConfirmation", arn: c.PostConfirmation},
		{name: "PreAuthentication", arn: c.PreAuthentication},
		{name: "PostAuthentication", arn: c.PostAuthentication},
		{name: "DefineAuthChallenge", arn: c.DefineAuthChallenge},
		{name: "CreateAuthChallenge", arn: c.CreateAuthChallenge},
		{name: "VerifyAuthChallengeResponse", arn: c.VerifyAuthChallengeResponse},
		{name: "PreTokenGeneration", arn: c.PreTokenGeneration},
		{name: "UserMigration", arn: c.UserMigration},
		{name: "PreTokenGenerationConfig", versioned: c.PreTokenGenerationConfig},
		{name: "CustomSMSSender", versioned: c.CustomSMSSender},
		{name: "CustomEmailSender", versioned: c.CustomEmailSender},
		{name: "InboundFederation", versioned: c.InboundFederation},
	} {
		if trigger.arn != "" || trigger.versioned != nil {
			return trigger.name
		}
	}
	return ""
}
