package server_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-auth/latchkey/internal/wire"
)

// A setting of a pool, client, provider or identity pool is enforced, which a test proves;
// refused by name for values that would need what is not built; or harmless, which
// docs/cognito-divergences.md says.
type setting struct {
	test     string // of what is enforced
	refused  any    // a request that is refused, and names the setting
	harmless bool
}

func enforced(test string) setting { return setting{test: test} }

func refused(request any) setting { return setting{refused: request} }

var harmless = setting{harmless: true}

// poolWith is a request for a pool with settings.
func poolWith(change func(*wire.UserPoolSettings)) setting {
	in := &wire.CreateUserPoolRequest{PoolName: "refused"}
	change(&in.UserPoolSettings)
	return refused(in)
}

// trigger is a request for a pool with a trigger.
func trigger(change func(c *wire.LambdaConfigType, arn string, version *wire.LambdaVersionType)) setting {
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:trigger"
	return poolWith(func(w *wire.UserPoolSettings) {
		w.LambdaConfig = &wire.LambdaConfigType{}
		change(w.LambdaConfig, arn, &wire.LambdaVersionType{LambdaVersion: "V1_0", LambdaArn: arn})
	})
}

// settings are all members of the requests that make or change something, by the path of
// the member below the request.
var settings = map[string]map[string]setting{
	"CreateUserPool": {
		"PoolName":        enforced("TestListUserPools"),
		"AliasAttributes": enforced("TestAliasFollowsAttributes"), "UsernameAttributes": enforced("TestContactAsUsername"),
		"Schema.Name": enforced("TestSchemaFrom"), "Schema.AttributeDataType": enforced("TestCheckAttributes"),
		"Schema.DeveloperOnlyAttribute": enforced("TestDeveloperAttributesAreWrittenByAdministratorsOnly"),
		"Schema.Mutable":                enforced("TestAdminUpdateUserAttributes"), "Schema.Required": enforced("TestSignUpRefuses"),
		"Schema.NumberAttributeConstraints.MinValue": enforced("TestCheckAttributes"), "Schema.NumberAttributeConstraints.MaxValue": enforced("TestCheckAttributes"),
		"Schema.StringAttributeConstraints.MinLength": enforced("TestCheckAttributes"), "Schema.StringAttributeConstraints.MaxLength": enforced("TestCheckAttributes"),
		"UsernameConfiguration.CaseSensitive": enforced("TestAdminCreateUserRefusals"),

		"Policies.PasswordPolicy.MinimumLength": enforced("TestRules"), "Policies.PasswordPolicy.RequireUppercase": enforced("TestRules"),
		"Policies.PasswordPolicy.RequireLowercase": enforced("TestRules"), "Policies.PasswordPolicy.RequireNumbers": enforced("TestRules"),
		"Policies.PasswordPolicy.RequireSymbols":                enforced("TestRules"),
		"Policies.PasswordPolicy.PasswordHistorySize":           enforced("TestPasswordHistory"),
		"Policies.PasswordPolicy.TemporaryPasswordValidityDays": enforced("TestAdminCreateUser"),
		"Policies.SignInPolicy.AllowedFirstAuthFactors":         harmless,

		"DeletionProtection":     enforced("TestDeleteUserPool"),
		"AutoVerifiedAttributes": enforced("TestSignUp"),
		"UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate": enforced("TestContactWaitsForVerification"),

		"LambdaConfig.PreSignUp":          trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.PreSignUp = arn }),
		"LambdaConfig.CustomMessage":      trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.CustomMessage = arn }),
		"LambdaConfig.PostConfirmation":   trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.PostConfirmation = arn }),
		"LambdaConfig.PreAuthentication":  trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.PreAuthentication = arn }),
		"LambdaConfig.PostAuthentication": trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.PostAuthentication = arn }),
		"LambdaConfig.DefineAuthChallenge": trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) {
			c.DefineAuthChallenge = arn
		}),
		"LambdaConfig.CreateAuthChallenge": trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) {
			c.CreateAuthChallenge = arn
		}),
		"LambdaConfig.VerifyAuthChallengeResponse": trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) {
			c.VerifyAuthChallengeResponse = arn
		}),
		"LambdaConfig.PreTokenGeneration": trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.PreTokenGeneration = arn }),
		"LambdaConfig.UserMigration":      trigger(func(c *wire.LambdaConfigType, arn string, _ *wire.LambdaVersionType) { c.UserMigration = arn }),
		"LambdaConfig.PreTokenGenerationConfig": trigger(func(c *wire.LambdaConfigType, _ string, v *wire.LambdaVersionType) {
			c.PreTokenGenerationConfig = v
		}),
		"LambdaConfig.CustomSMSSender":   trigger(func(c *wire.LambdaConfigType, _ string, v *wire.LambdaVersionType) { c.CustomSMSSender = v }),
		"LambdaConfig.CustomEmailSender": trigger(func(c *wire.LambdaConfigType, _ string, v *wire.LambdaVersionType) { c.CustomEmailSender = v }),
		"LambdaConfig.InboundFederation": trigger(func(c *wire.LambdaConfigType, _ string, v *wire.LambdaVersionType) { c.InboundFederation = v }),
		"LambdaConfig.KMSKeyID":          harmless,

		"SmsVerificationMessage": enforced("TestMessageTemplates"), "EmailVerificationMessage": enforced("TestMessageTemplates"),
		"EmailVerificationSubject":                       enforced("TestMessageTemplates"),
		"VerificationMessageTemplate.SmsMessage":         enforced("TestMessageTemplates"),
		"VerificationMessageTemplate.EmailMessage":       enforced("TestMessageTemplates"),
		"VerificationMessageTemplate.EmailSubject":       enforced("TestMessageTemplates"),
		"VerificationMessageTemplate.EmailMessageByLink": harmless, "VerificationMessageTemplate.EmailSubjectByLink": harmless,
		"VerificationMessageTemplate.DefaultEmailOption": poolWith(func(w *wire.UserPoolSettings) {
			w.VerificationMessageTemplate = &wire.VerificationMessageTemplateType{DefaultEmailOption: "CONFIRM_WITH_LINK"}
		}),
		"SmsAuthenticationMessage": harmless,

		"MfaConfiguration": poolWith(func(w *wire.UserPoolSettings) { w.MfaConfiguration = "ON" }),
		"DeviceConfiguration.ChallengeRequiredOnNewDevice": harmless, "DeviceConfiguration.DeviceOnlyRememberedOnUserPrompt": harmless,
		"EmailConfiguration.SourceArn": harmless, "EmailConfiguration.ReplyToEmailAddress": harmless, "EmailConfiguration.EmailSendingAccount": harmless,
		"EmailConfiguration.From": harmless, "EmailConfiguration.ConfigurationSet": harmless,
		"SmsConfiguration.SnsCallerArn": harmless, "SmsConfiguration.ExternalId": harmless, "SmsConfiguration.SnsRegion": harmless,
		"UserPoolTags": enforced("TestUserPoolTags"),
		"AdminCreateUserConfig.AllowAdminCreateUserOnly":           enforced("TestSignUpRefuses"),
		"AdminCreateUserConfig.UnusedAccountValidityDays":          enforced("TestUpdateUserPoolResetsWhatIsLeftOut"),
		"AdminCreateUserConfig.InviteMessageTemplate.SMSMessage":   enforced("TestInvitations"),
		"AdminCreateUserConfig.InviteMessageTemplate.EmailMessage": enforced("TestInvitations"),
		"AdminCreateUserConfig.InviteMessageTemplate.EmailSubject": enforced("TestInvitations"),
		"UserPoolAddOns.AdvancedSecurityMode": poolWith(func(w *wire.UserPoolSettings) {
			w.UserPoolAddOns = &wire.UserPoolAddOnsType{AdvancedSecurityMode: "ENFORCED"}
		}),
		"UserPoolAddOns.AdvancedSecurityAdditionalFlows.CustomAuthMode": poolWith(func(w *wire.UserPoolSettings) {
			w.UserPoolAddOns = &wire.UserPoolAddOnsType{
				AdvancedSecurityMode: "AUDIT", AdvancedSecurityAdditionalFlows: &wire.AdvancedSecurityAdditionalFlowsType{CustomAuthMode: "ENFORCED"},
			}
		}),
		"AccountRecoverySetting.RecoveryMechanisms.Priority": enforced("TestAccountRecoverySetting"),
		"AccountRecoverySetting.RecoveryMechanisms.Name":     enforced("TestAccountRecoverySetting"),
		"UserPoolTier": harmless,
		"KeyConfiguration.KeyType": poolWith(func(w *wire.UserPoolSettings) {
			w.KeyConfiguration = &wire.KeyConfigurationType{KeyType: "CUSTOMER_MANAGED_KEY"}
		}),
		"KeyConfiguration.KmsKeyArn": poolWith(func(w *wire.UserPoolSettings) {
			w.KeyConfiguration = &wire.KeyConfigurationType{KmsKeyArn: "arn:aws:kms:us-east-1:000000000000:key/x"}
		}),
		"IssuerConfiguration.Type": harmless,
	},
	"CreateUserPoolClient": {
		"UserPoolId": enforced("TestCrossPoolAccess"), "ClientName": enforced("TestPinnedClientID"),
		"GenerateSecret": enforced("TestClientSecret"), "ClientSecret": enforced("TestClientSecret"),
		"RefreshTokenValidity": enforced("TestSuccessorInheritsTheRest"), "AccessTokenValidity": enforced("TestTokens"), "IdTokenValidity": enforced("TestTokens"),
		"TokenValidityUnits.AccessToken": enforced("TestTokens"), "TokenValidityUnits.IdToken": enforced("TestTokens"),
		"TokenValidityUnits.RefreshToken": enforced("TestClientDefaultsInOtherUnits"),
		"ReadAttributes":                  enforced("TestNewPasswordShowsReadableAttributes"), "WriteAttributes": enforced("TestCustomAttributesAreWritable"),
		"ExplicitAuthFlows":          enforced("TestFlowsAreAllowedByTheClient"),
		"SupportedIdentityProviders": enforced("TestBrowserSessionServesItsProviderOnly"),
		"CallbackURLs":               enforced("TestClientRedirects"), "LogoutURLs": enforced("TestLogout"), "DefaultRedirectURI": harmless,
		"AllowedOAuthFlows": enforced("TestImplicit"), "AllowedOAuthScopes": enforced("TestScopes"),
		"AllowedOAuthFlowsUserPoolClient":          enforced("TestOAuthFlowsAreOffByDefault"),
		"AnalyticsConfiguration":                   harmless,
		"PreventUserExistenceErrors":               enforced("TestUnknownUsersAreIndistinguishable"),
		"EnableTokenRevocation":                    enforced("TestRevocationWithoutOrigin"),
		"EnablePropagateAdditionalUserContextData": harmless,
		"AuthSessionValidity":                      enforced("TestAuthSessionValidity"),
		"RefreshTokenRotation.Feature":             enforced("TestRotation"), "RefreshTokenRotation.RetryGracePeriodSeconds": enforced("TestRotation"),
	},
	"CreateIdentityProvider": {
		"UserPoolId": enforced("TestIdentityProviderLife"), "ProviderName": enforced("TestIdentityProviderLife"),
		"ProviderType":    refused(&wire.CreateIdentityProviderRequest{ProviderName: "Staff", ProviderType: "SAML", ProviderDetails: wire.Parameters{"MetadataURL": "https://idp.example.com"}}),
		"ProviderDetails": refused(&wire.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderType: "OIDC", ProviderDetails: wire.Parameters{"IDPSignout": "true"}}),
		// What a provider's details mean is proven by TestComplete of the package federation.
		"AttributeMapping": enforced("TestAttributeMapping"), "IdpIdentifiers": enforced("TestCreateIdentityProvider"),
	},
	"CreateIdentityPool": {
		"IdentityPoolName": enforced("TestIdentityPoolLife"), "AllowUnauthenticatedIdentities": enforced("TestGuestsOff"),
		"AllowClassicFlow": enforced("TestOpenIDToken"), "SupportedLoginProviders": enforced("TestOpenIDLogin"),
		"DeveloperProviderName": enforced("TestDeveloperIdentity"), "OpenIdConnectProviderARNs": enforced("TestOpenIDLogin"),
		"CognitoIdentityProviders.ProviderName": enforced("TestBadLogins"), "CognitoIdentityProviders.ClientId": enforced("TestBadLogins"),
		"CognitoIdentityProviders.ServerSideTokenCheck": enforced("TestServerSideTokenCheck"),
		"SamlProviderARNs": harmless, "IdentityPoolTags": enforced("TestIdentityPoolLife"),
	},
	"SetIdentityPoolRoles": {
		"IdentityPoolId": enforced("TestRoleRefusals"), "Roles": enforced("TestRoleRefusals"),
		"RoleMappings.Type": enforced("TestRoleByToken"), "RoleMappings.AmbiguousRoleResolution": enforced("TestRoleByToken"),
		"RoleMappings.RulesConfiguration.Rules.Claim": enforced("TestRoleByRules"), "RoleMappings.RulesConfiguration.Rules.MatchType": enforced("TestRoleByRules"),
		"RoleMappings.RulesConfiguration.Rules.Value": enforced("TestRoleByRules"), "RoleMappings.RulesConfiguration.Rules.RoleARN": enforced("TestRoleByRules"),
	},
	"SetPrincipalTagAttributeMap": {
		"IdentityPoolId": enforced("TestPrincipalTags"), "IdentityProviderName": enforced("TestPrincipalTags"),
		"UseDefaults": enforced("TestPrincipalTags"), "PrincipalTags": enforced("TestPrincipalTags"),
	},
	"CreateUserPoolDomain": {
		"Domain": enforced("TestDomains"), "UserPoolId": enforced("TestDomains"),
		"ManagedLoginVersion": harmless, "CustomDomainConfig.CertificateArn": harmless,
	},
	"CreateResourceServer": {
		"UserPoolId": enforced("TestResourceServers"), "Identifier": enforced("TestResourceServers"), "Name": enforced("TestResourceServers"),
		"Scopes.ScopeName": enforced("TestScopes"), "Scopes.ScopeDescription": enforced("TestResourceServers"),
	},
	"CreateGroup": {
		"UserPoolId": enforced("TestGroups"), "GroupName": enforced("TestGroups"), "Description": enforced("TestGroups"),
		"RoleArn": enforced("TestRoleByToken"), "Precedence": enforced("TestTokens"),
	},
}

// shapes are the requests that the table lists, and those that change what they make.
var shapes = map[string][]reflect.Type{
	"CreateUserPool":              {reflect.TypeFor[wire.CreateUserPoolRequest](), reflect.TypeFor[wire.UpdateUserPoolRequest]()},
	"CreateUserPoolClient":        {reflect.TypeFor[wire.CreateUserPoolClientRequest](), reflect.TypeFor[wire.UpdateUserPoolClientRequest]()},
	"CreateIdentityProvider":      {reflect.TypeFor[wire.CreateIdentityProviderRequest](), reflect.TypeFor[wire.UpdateIdentityProviderRequest]()},
	"CreateIdentityPool":          {reflect.TypeFor[wire.CreateIdentityPoolRequest](), reflect.TypeFor[wire.UpdateIdentityPoolRequest]()},
	"SetIdentityPoolRoles":        {reflect.TypeFor[wire.SetIdentityPoolRolesRequest]()},
	"SetPrincipalTagAttributeMap": {reflect.TypeFor[wire.SetPrincipalTagAttributeMapRequest]()},
	"CreateUserPoolDomain":        {reflect.TypeFor[wire.CreateUserPoolDomainRequest](), reflect.TypeFor[wire.UpdateUserPoolDomainRequest]()},
	"CreateResourceServer":        {reflect.TypeFor[wire.CreateResourceServerRequest](), reflect.TypeFor[wire.UpdateResourceServerRequest]()},
	"CreateGroup":                 {reflect.TypeFor[wire.CreateGroupRequest](), reflect.TypeFor[wire.UpdateGroupRequest]()},
}

// ids name what an update changes; they are no settings.
var ids = map[string]string{
	"CreateUserPool": "UserPoolId", "CreateUserPoolClient": "ClientId", "CreateIdentityPool": "IdentityPoolId",
}

// paths lists the members of a shape, and those of the shapes in it.
func paths(shape reflect.Type, prefix string) []string {
	for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice || shape.Kind() == reflect.Map && shape.Elem().Kind() == reflect.Struct {
		shape = shape.Elem()
	}
	if shape.Kind() != reflect.Struct {
		return []string{strings.TrimPrefix(prefix, ".")}
	}
	var list []string
	for _, field := range reflect.VisibleFields(shape) {
		switch {
		case field.Anonymous:
		case strings.HasPrefix(prefix, ".LambdaConfig."): // one with its version
			return []string{strings.TrimPrefix(prefix, ".")}
		default:
			list = append(list, paths(field.Type, prefix+"."+field.Name)...)
		}
	}
	return list
}

// TestSettingsAreObeyedRefusedOrListed fails when a member is added to a request and no
// one says what becomes of it.
func TestSettingsAreObeyedRefusedOrListed(t *testing.T) {
	t.Parallel()
	for request, list := range shapes {
		listed := map[string]bool{}
		for _, shape := range list {
			for _, path := range paths(shape, "") {
				listed[path] = true
				if _, ok := settings[request][path]; !ok && path != ids[request] {
					t.Errorf("%s: %s is not in the table", shape.Name(), path)
				}
			}
		}
		for path := range settings[request] {
			if !listed[path] {
				t.Errorf("%s has no member %s", request, path)
			}
		}
	}
}

func TestRefusedSettingsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for request, members := range settings {
		for path, s := range members {
			if s.refused == nil {
				continue
			}
			if p, ok := s.refused.(*wire.CreateIdentityProviderRequest); ok {
				p.UserPoolId = w.pool
			}
			_, err := call[struct{}](w, request, s.refused)
			e, ok := err.(*wire.Exception)
			last := path[strings.LastIndexByte(path, '.')+1:]
			named := ok && (strings.Contains(e.Message, last) || strings.HasPrefix(path, "KeyConfiguration") && strings.Contains(e.Message, "KeyConfiguration") ||
				path == "ProviderType" && strings.Contains(e.Message, "type SAML"))
			if !ok || e.Type != wire.InvalidParameterException || !named {
				t.Errorf("%s with %s: %v, want InvalidParameterException with the name", request, path, err)
			}
			if in, ok := s.refused.(*wire.CreateUserPoolRequest); ok {
				_, err := call[struct{}](w, "UpdateUserPool", &wire.UpdateUserPoolRequest{UserPoolId: w.pool, UserPoolSettings: in.UserPoolSettings})
				if !wire.IsException(err, wire.InvalidParameterException) {
					t.Errorf("UpdateUserPool with %s: %v", path, err)
				}
			}
		}
	}
}

// TestHarmlessValuesPass covers the values beside those that are refused, which existing
// templates and programs send.
func TestHarmlessValuesPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *wire.CreateUserPoolRequest, _ *wire.CreateUserPoolClientRequest) {
		p.MfaConfiguration = "OPTIONAL"
		p.LambdaConfig = &wire.LambdaConfigType{KMSKeyID: "arn:aws:kms:us-east-1:000000000000:key/x"}
		p.UserPoolAddOns = &wire.UserPoolAddOnsType{
			AdvancedSecurityMode: "AUDIT", AdvancedSecurityAdditionalFlows: &wire.AdvancedSecurityAdditionalFlowsType{CustomAuthMode: "AUDIT"},
		}
		p.VerificationMessageTemplate = &wire.VerificationMessageTemplateType{
			DefaultEmailOption: "CONFIRM_WITH_CODE", EmailMessageByLink: "Open {##this##}", EmailSubjectByLink: "Confirm",
		}
		p.KeyConfiguration = &wire.KeyConfigurationType{KeyType: "AWS_OWNED_KEY"}
		p.DeviceConfiguration = &wire.DeviceConfigurationType{ChallengeRequiredOnNewDevice: true}
		p.Policies = &wire.UserPoolPolicyType{SignInPolicy: &wire.SignInPolicyType{AllowedFirstAuthFactors: []string{"PASSWORD", "EMAIL_OTP", "WEB_AUTHN"}}}
	})
	w.addUser("ann")
	w.signIn("ann")
}

func TestEnforcedSettingsHaveATest(t *testing.T) {
	t.Parallel()
	tests := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	known := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range tests.FindAllSubmatch(text, -1) {
			known[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for request, members := range settings {
		for path, s := range members {
			if s.test != "" && !known[s.test] {
				t.Errorf("%s: %s is proven by %s, which does not exist", request, path, s.test)
			}
		}
	}
}

func TestHarmlessSettingsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/cognito-divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "## Kept, without effect")
	if !ok {
		t.Fatal("the page has no section on settings without effect")
	}
	for _, request := range slices.Sorted(maps.Keys(settings)) {
		for path, s := range settings[request] {
			whole, _, _ := strings.Cut(path, ".")
			if s.harmless && !strings.Contains(section, "`"+path+"`") && !strings.Contains(section, "`"+whole+"`") {
				t.Errorf("%s: %s is not listed", request, path)
			}
		}
	}
}
