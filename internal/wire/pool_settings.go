package wire

// UserPoolPolicyType holds the rules for passwords and first factors.
type UserPoolPolicyType struct {
	PasswordPolicy *PasswordPolicyType `json:",omitzero"`
	SignInPolicy   *SignInPolicyType   `json:",omitzero"`
}

// PasswordPolicyType is what a password must have. A bare CreateUserPool gets
// length 8, all four classes, and temporary passwords that live 7 days.
type PasswordPolicyType struct {
	MinimumLength                 *int32 `json:",omitzero" is:"PasswordPolicyMinLengthType"` // characters
	RequireUppercase              bool
	RequireLowercase              bool
	RequireNumbers                bool
	RequireSymbols                bool
	PasswordHistorySize           *int32 `json:",omitzero" is:"PasswordHistorySizeType"`
	TemporaryPasswordValidityDays *int32 `json:",omitzero" is:"TemporaryPasswordValidityDaysType"`
}

// SignInPolicyType lists the factors that may come first in USER_AUTH.
type SignInPolicyType struct {
	AllowedFirstAuthFactors []string `json:",omitzero" is:"AllowedFirstAuthFactorsListType" each:"AuthFactorType"`
}

// SchemaAttributeType declares an attribute. Custom ones are asked for without
// and shown with the prefix "custom:".
type SchemaAttributeType struct {
	Name                       string                          `json:",omitzero" is:"CustomAttributeNameType"`
	AttributeDataType          string                          `json:",omitzero" is:"AttributeDataType"`
	DeveloperOnlyAttribute     *bool                           `json:",omitzero"`
	Mutable                    *bool                           `json:",omitzero"` // true when absent
	Required                   *bool                           `json:",omitzero"`
	NumberAttributeConstraints *NumberAttributeConstraintsType `json:",omitzero"`
	StringAttributeConstraints *StringAttributeConstraintsType `json:",omitzero"`
}

// NumberAttributeConstraintsType bounds a number. The bounds are texts.
type NumberAttributeConstraintsType struct {
	MinValue string `json:",omitzero" is:"StringType"`
	MaxValue string `json:",omitzero" is:"StringType"`
}

// StringAttributeConstraintsType bounds a text's length. The bounds are texts.
type StringAttributeConstraintsType struct {
	MinLength string `json:",omitzero" is:"StringType"`
	MaxLength string `json:",omitzero" is:"StringType"`
}

// UsernameConfigurationType says whether "Alice" and "alice" are two users. A
// pool made through the API without it is case-sensitive.
type UsernameConfigurationType struct {
	CaseSensitive *bool `json:",omitzero" required:""`
}

// AdminCreateUserConfigType holds the rules for users made by administrators.
type AdminCreateUserConfigType struct {
	AllowAdminCreateUserOnly  *bool                `json:",omitzero"` // true closes SignUp
	UnusedAccountValidityDays *int32               `json:",omitzero" is:"AdminCreateUserUnusedAccountValidityDaysType"`
	InviteMessageTemplate     *MessageTemplateType `json:",omitzero"`
}

// MessageTemplateType is the invitation that a new user gets.
type MessageTemplateType struct {
	SMSMessage   string `json:",omitzero" is:"SmsInviteMessageType"`
	EmailMessage string `json:",omitzero" is:"EmailInviteMessageType"`
	EmailSubject string `json:",omitzero" is:"EmailVerificationSubjectType"`
}

// AccountRecoverySettingType ranks the ways to recover an account.
type AccountRecoverySettingType struct {
	RecoveryMechanisms []RecoveryOptionType `json:",omitzero" is:"RecoveryMechanismsType"`
}

// RecoveryOptionType is one way to recover an account; priority 1 is tried first.
type RecoveryOptionType struct {
	Priority *int32 `json:",omitzero" required:"" is:"PriorityType"`
	Name     string `json:",omitzero" required:"" is:"RecoveryOptionNameType"`
}

// DeviceConfigurationType turns device tracking on, by being present.
type DeviceConfigurationType struct {
	ChallengeRequiredOnNewDevice     bool
	DeviceOnlyRememberedOnUserPrompt bool
}

// UserPoolAddOnsType is the pool's threat protection.
type UserPoolAddOnsType struct {
	AdvancedSecurityMode            string                               `json:",omitzero" required:"" is:"AdvancedSecurityModeType"`
	AdvancedSecurityAdditionalFlows *AdvancedSecurityAdditionalFlowsType `json:",omitzero"`
}

// AdvancedSecurityAdditionalFlowsType extends threat protection to CUSTOM_AUTH.
type AdvancedSecurityAdditionalFlowsType struct {
	CustomAuthMode string `json:",omitzero" is:"AdvancedSecurityEnabledModeType"`
}

// VerificationMessageTemplateType is how codes and links are sent.
type VerificationMessageTemplateType struct {
	SmsMessage         string `json:",omitzero" is:"SmsVerificationMessageType"`
	EmailMessage       string `json:",omitzero" is:"EmailVerificationMessageType"`
	EmailSubject       string `json:",omitzero" is:"EmailVerificationSubjectType"`
	EmailMessageByLink string `json:",omitzero" is:"EmailVerificationMessageByLinkType"`
	EmailSubjectByLink string `json:",omitzero" is:"EmailVerificationSubjectType"`
	DefaultEmailOption string `json:",omitzero" is:"DefaultEmailOptionType"`
}

// UserAttributeUpdateSettingsType lists attributes that change only after a code.
type UserAttributeUpdateSettingsType struct {
	AttributesRequireVerificationBeforeUpdate []string `json:",omitzero" each:"VerifiedAttributeType"`
}

// EmailConfigurationType is how the pool sends e-mail.
type EmailConfigurationType struct {
	SourceArn           string `json:",omitzero" is:"ArnType"`
	ReplyToEmailAddress string `json:",omitzero" is:"EmailAddressType"`
	EmailSendingAccount string `json:",omitzero" is:"EmailSendingAccountType"`
	From                string `json:",omitzero" is:"StringType"`
	ConfigurationSet    string `json:",omitzero" is:"SESConfigurationSet"`
}

// SmsConfigurationType is how the pool sends text messages.
type SmsConfigurationType struct {
	SnsCallerArn string `json:",omitzero" required:"" is:"ArnType"`
	ExternalId   string `json:",omitzero" is:"StringType"`
	SnsRegion    string `json:",omitzero" is:"RegionCodeType"`
}

// LambdaConfigType names the functions that the pool calls.
type LambdaConfigType struct {
	PreSignUp                   string             `json:",omitzero" is:"ArnType"`
	CustomMessage               string             `json:",omitzero" is:"ArnType"`
	PostConfirmation            string             `json:",omitzero" is:"ArnType"`
	PreAuthentication           string             `json:",omitzero" is:"ArnType"`
	PostAuthentication          string             `json:",omitzero" is:"ArnType"`
	DefineAuthChallenge         string             `json:",omitzero" is:"ArnType"`
	CreateAuthChallenge         string             `json:",omitzero" is:"ArnType"`
	VerifyAuthChallengeResponse string             `json:",omitzero" is:"ArnType"`
	PreTokenGeneration          string             `json:",omitzero" is:"ArnType"`
	UserMigration               string             `json:",omitzero" is:"ArnType"`
	PreTokenGenerationConfig    *LambdaVersionType `json:",omitzero"`
	CustomSMSSender             *LambdaVersionType `json:",omitzero"`
	CustomEmailSender           *LambdaVersionType `json:",omitzero"`
	KMSKeyID                    string             `json:",omitzero" is:"ArnType"`
	InboundFederation           *LambdaVersionType `json:",omitzero"`
}

// LambdaVersionType is a function with the version of its event. AWS names the
// same shape once per trigger.
type LambdaVersionType struct {
	LambdaVersion string `json:",omitzero" required:"" is:"LambdaVersionType"`
	LambdaArn     string `json:",omitzero" required:"" is:"ArnType"`
}

// IssuerConfigurationType chooses the form of the issuer in the pool's tokens.
type IssuerConfigurationType struct {
	Type string `json:",omitzero" is:"StringType"`
}

// KeyConfigurationType names the key that AWS encrypts a pool's data with.
type KeyConfigurationType struct {
	KeyType   string `json:",omitzero" is:"KeyType"`
	KmsKeyArn string `json:",omitzero" is:"ArnType"`
}
