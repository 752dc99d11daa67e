package wire

import "sync"

// constraint is what AWS's model demands of a value: the length of a text in
// characters, the number of entries in a list or map, or the size of a number,
// each with both ends included; a pattern that the whole text matches; a closed set.
type constraint struct {
	min, max  int64 // max 0 is no bound
	hasMin    bool
	pattern   string
	enum      []string
	sensitive bool // the value must not stand in the text
}

func length(min, max int64) constraint { return constraint{min: min, max: max, hasMin: true} }

func oneOf(values ...string) constraint { return constraint{enum: values} }

func (c constraint) matching(pattern string) constraint {
	c.pattern = pattern
	return c
}

func (c constraint) secret() constraint {
	c.sensitive = true
	return c
}

// Character classes that several patterns share.
const (
	visible = `\p{L}\p{M}\p{S}\p{N}\p{P}`
	arnPart = `[\w+=/,.@-]+`
)

// constraints are the scalar and list shapes of both API models by AWS's names.
// The tags is, each and keys of the request shapes refer to them.
//
// PasswordType follows what the service answers (at least 6 characters, no
// space at either end) where the published model has become laxer. They are made
// when first asked for: the short commands never do.
var constraints = sync.OnceValue(func() map[string]constraint {
	return map[string]constraint{
		"StringType": length(0, 131072),

		// Users and tokens.
		"AuthFlowType":           oneOf(names(authFlows)...),
		"ChallengeNameType":      oneOf(names(challengeNames)...),
		"ClientIdType":           length(1, 128).matching(`[\w+]+`).secret(),
		"ClientSecretType":       length(24, 64).matching(`[\w+]+`).secret(),
		"SessionType":            length(20, 2048).secret(),
		"TokenModelType":         constraint{}.matching(`[A-Za-z0-9-_=.]+`).secret(),
		"PasswordType":           length(6, 256).matching(`^[\S]+.*[\S]+$`).secret(),
		"UsernameType":           length(1, 128).matching(`[` + visible + `]+`).secret(),
		"SecretHashType":         length(1, 128).matching(`[\w+=/]+`).secret(),
		"ConfirmationCodeType":   length(1, 2048).matching(`[\S]+`),
		"UserPoolIdType":         length(1, 55).matching(`[\w-]+_[0-9a-zA-Z]+`),
		"DeviceKeyType":          length(1, 55).matching(`[\w-]+_[0-9a-f-]+`),
		"AttributeNameType":      length(1, 32).matching(`[` + visible + `\t\n\r ]+`),
		"AttributeValueType":     length(0, 2048).secret(),
		"DeliveryMediumType":     oneOf("SMS", "EMAIL"),
		"MessageActionType":      oneOf(MessageActionResend, MessageActionSuppress),
		"GroupNameType":          length(1, 128).matching(`[` + visible + `]+`),
		"DescriptionType":        length(0, 2048),
		"PrecedenceType":         {hasMin: true},
		"UserFilterType":         length(0, 256),
		"QueryLimitType":         length(0, 60),
		"QueryLimit":             length(1, 60),
		"PoolQueryLimitType":     length(1, 60),
		"PaginationKey":          length(1, 131072).matching(`[\S]+`),
		"PaginationKeyType":      length(1, 0).matching(`[\S]+`),
		"ArnType":                length(20, 2048).matching(`arn:` + arnPart + `:` + arnPart + `:([\w+=/,.@-]*)?:[0-9]+:` + arnPart + `(:` + arnPart + `)?(:` + arnPart + `)?`),
		"LambdaVersionType":      oneOf("V1_0", "V2_0", "V3_0"),
		"VerifiedAttributeType":  oneOf("phone_number", "email"),
		"AliasAttributeType":     oneOf("phone_number", "email", "preferred_username"),
		"UsernameAttributeType":  oneOf("phone_number", "email"),
		"DeletionProtectionType": oneOf(DeletionProtectionActive, DeletionProtectionInactive),

		"SearchPaginationTokenType": length(1, 0).matching(`[\S]+`),

		// User pools.
		"UserPoolNameType":                   length(1, 128).matching(`[\w\s+=,.@-]+`),
		"UserPoolMfaType":                    oneOf(MFAOff, MFAOn, MFAOptional),
		"UserPoolTierType":                   oneOf("LITE", "ESSENTIALS", "PLUS"),
		"PasswordPolicyMinLengthType":        length(6, 99),
		"PasswordHistorySizeType":            length(0, 24),
		"TemporaryPasswordValidityDaysType":  length(0, 365),
		"AuthFactorType":                     oneOf("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"),
		"AllowedFirstAuthFactorsListType":    length(1, 4),
		"SchemaAttributesListType":           length(1, 50),
		"CustomAttributesListType":           length(1, 25),
		"CustomAttributeNameType":            length(1, 20).matching(`[` + visible + `]+`),
		"AttributeDataType":                  oneOf("String", "Number", "DateTime", "Boolean"),
		"RecoveryMechanismsType":             length(1, 2),
		"PriorityType":                       length(1, 2),
		"RecoveryOptionNameType":             oneOf("verified_email", "verified_phone_number", "admin_only"),
		"AdvancedSecurityModeType":           oneOf("OFF", "AUDIT", "ENFORCED"),
		"AdvancedSecurityEnabledModeType":    oneOf("AUDIT", "ENFORCED"),
		"DefaultEmailOptionType":             oneOf("CONFIRM_WITH_LINK", "CONFIRM_WITH_CODE"),
		"EmailSendingAccountType":            oneOf("COGNITO_DEFAULT", "DEVELOPER"),
		"EmailAddressType":                   constraint{}.matching(`[` + visible + `]+@[` + visible + `]+`),
		"SESConfigurationSet":                length(1, 64).matching(`^[a-zA-Z0-9_-]+$`),
		"KeyType":                            oneOf("AWS_OWNED_KEY", "CUSTOMER_MANAGED_KEY"),
		"RegionCodeType":                     length(5, 32),
		"TagKeysType":                        length(1, 128),
		"TagValueType":                       length(0, 256),
		"SmsInviteMessageType":               length(6, 140).matching(`(?s).*`),
		"SmsVerificationMessageType":         length(6, 140).matching(`.*\{####\}.*`),
		"EmailInviteMessageType":             length(6, 20000).matching(`[` + visible + `\s*]*`),
		"EmailVerificationSubjectType":       length(1, 140).matching(`[` + visible + `\s]+`),
		"EmailVerificationMessageType":       length(6, 20000).matching(`[` + visible + `\s*]*\{####\}[` + visible + `\s*]*`),
		"EmailVerificationMessageByLinkType": length(6, 20000).matching(`[` + visible + `\s*]*\{##[` + visible + `\s*]*##\}[` + visible + `\s*]*`),

		"AdminCreateUserUnusedAccountValidityDaysType": length(0, 365),

		// App clients. Token lives are checked against their units by the service.
		"ClientNameType":                 length(1, 128).matching(`[\w\s+=,.@:-]+`), // ":" is ours, for pinned ids
		"ClientPermissionType":           length(1, 2048),
		"ExplicitAuthFlowsType":          oneOf(names(explicitAuthFlows)...),
		"ProviderNameType":               length(1, 32).matching(`[` + visible + `\p{Z}]+`),
		"RedirectUrlType":                length(1, 1024).matching(`[` + visible + `]+`),
		"CallbackURLsListType":           length(0, 100),
		"LogoutURLsListType":             length(0, 100),
		"OAuthFlowsType":                 length(0, 3),
		"OAuthFlowType":                  oneOf("code", "implicit", "client_credentials"),
		"ScopeListType":                  length(0, 50),
		"ScopeType":                      length(1, 256).matching(`[\x21\x23-\x5B\x5D-\x7E]+`),
		"PreventUserExistenceErrorTypes": oneOf(PreventUserExistenceErrorsLegacy, PreventUserExistenceErrorsEnabled),
		"RefreshTokenValidityType":       length(0, 315360000),
		"AccessTokenValidityType":        length(1, 86400),
		"IdTokenValidityType":            length(1, 86400),
		"TimeUnitsType":                  oneOf(TimeUnitSeconds, TimeUnitMinutes, TimeUnitHours, TimeUnitDays),
		"AuthSessionValidityType":        length(3, 15),
		"FeatureType":                    oneOf(FeatureEnabled, FeatureDisabled),
		"RetryGracePeriodSecondsType":    length(0, 60),

		// Domains and resource servers. A domain's pattern is the published one with
		// dots, for whole names, which the service takes as well.
		"DomainType":                         length(1, 253).matching(`^[a-z0-9](?:[a-z0-9\-.]{0,251}[a-z0-9])?$`),
		"ResourceServerIdentifierType":       length(1, 256).matching(`[\x21\x23-\x5B\x5D-\x7E]+`),
		"ResourceServerNameType":             length(1, 256).matching(`[\w\s+=,.@-]+`),
		"ResourceServerScopeListType":        constraint{max: 100},
		"ResourceServerScopeNameType":        length(1, 256).matching(`[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+`),
		"ResourceServerScopeDescriptionType": length(1, 256),
		"ListResourceServersLimitType":       length(1, 50),

		// Looks of sign-in pages; the bounds are those of the API reference.
		"CSSType":       length(0, 131072),
		"ImageFileType": length(0, 131072),

		// Identity providers of user pools.
		"ProviderNameTypeV2":       length(1, 32).matching(`[^_\p{Z}][\p{L}\p{M}\p{S}\p{N}\p{P}][^_\p{Z}]+`),
		"IdentityProviderTypeType": oneOf(ProviderSAML, ProviderFacebook, ProviderGoogle, ProviderAmazon, ProviderApple, ProviderOIDC),
		"AttributeMappingKeyType":  length(1, 32),
		"IdpIdentifiersListType":   length(0, 50),
		"IdpIdentifierType":        length(1, 40).matching(`[\w\s+=.@-]+`),
		"ListProvidersLimitType":   length(0, 60),

		// Identity pools.
		"IdentityPoolId":                  length(1, 55).matching(`[\w-]+:[0-9a-f-]+`),
		"IdentityId":                      length(1, 55).matching(`[\w-]+:[0-9a-f-]+`),
		"AccountId":                       length(1, 15).matching(`\d+`),
		"ARNString":                       length(20, 2048),
		"LoginsMap":                       constraint{max: 10},
		"IdentityProviderName":            length(1, 128),
		"IdentityProviderToken":           length(1, 50000).secret(),
		"IdentityPoolName":                length(1, 128).matching(`[\w\s+=,.@-]+`),
		"IdentityProviders":               constraint{max: 10},
		"IdentityProviderId":              length(1, 128).matching(`[\w.;,_/-]+`), // "," is ours, between client ids
		"DeveloperProviderName":           length(1, 128).matching(`[\w._-]+`),
		"DeveloperUserIdentifier":         length(1, 1024),
		"CognitoIdentityProviderName":     length(1, 128).matching(`[\w._:/-]+`),
		"CognitoIdentityProviderClientId": length(1, 128).matching(`[\w_]+`),
		"IdentityPaginationKey":           length(1, 65535).matching(`[\S]+`),
		"IdentityIdList":                  length(1, 60),
		"RolesMap":                        constraint{max: 2},
		"RoleType":                        length(1, 128).matching(`(un)?authenticated`),
		"RoleMappingMap":                  constraint{max: 10},
		"RoleMappingType":                 oneOf(RoleMappingToken, RoleMappingRules),
		"AmbiguousRoleResolutionType":     oneOf(AmbiguousRoleAuthenticated, AmbiguousRoleDeny),
		"MappingRulesList":                length(1, 400),
		"MappingRuleMatchType":            oneOf(MatchEquals, MatchContains, MatchStartsWith, MatchNotEqual),
		"ClaimName":                       length(1, 64).matching(`[` + visible + `]+`),
		"ClaimValue":                      length(1, 128),
		"PrincipalTags":                   constraint{max: 50},
		"PrincipalTagID":                  length(1, 128),
		"PrincipalTagValue":               length(1, 256),
		"TokenDuration":                   length(1, 86400),
	}
})
