package wire_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latchkey-auth/latchkey/internal/wire"
)

// shapes of one operation.
type shapes struct {
	operation         wire.Operation
	request, response reflect.Type
}

func shapesOf[Request, Response any](t *testing.T, s wire.Service) shapes {
	t.Helper()
	name := strings.TrimSuffix(reflect.TypeFor[Request]().Name(), "Request")
	operation, ok := wire.LookupTarget(wire.Target(s, name))
	if !ok || reflect.TypeFor[Response]().Name() != name+"Response" {
		t.Fatalf("%s: not in the operation table, or its response has another name", name)
	}
	return shapes{operation, reflect.TypeFor[Request](), reflect.TypeFor[Response]()}
}

// typedOperations lists every operation that has shapes; TestEveryShapeIsWalked
// makes sure that none is forgotten here.
func typedOperations(t *testing.T) []shapes {
	t.Helper()
	const users, identities = wire.UserPools, wire.IdentityPools
	return []shapes{
		shapesOf[wire.InitiateAuthRequest, wire.InitiateAuthResponse](t, users),
		shapesOf[wire.RespondToAuthChallengeRequest, wire.RespondToAuthChallengeResponse](t, users),
		shapesOf[wire.GetTokensFromRefreshTokenRequest, wire.GetTokensFromRefreshTokenResponse](t, users),
		shapesOf[wire.RevokeTokenRequest, wire.RevokeTokenResponse](t, users),
		shapesOf[wire.GlobalSignOutRequest, wire.GlobalSignOutResponse](t, users),
		shapesOf[wire.GetUserRequest, wire.GetUserResponse](t, users),
		shapesOf[wire.ChangePasswordRequest, wire.ChangePasswordResponse](t, users),
		shapesOf[wire.SignUpRequest, wire.SignUpResponse](t, users),
		shapesOf[wire.ConfirmSignUpRequest, wire.ConfirmSignUpResponse](t, users),
		shapesOf[wire.ResendConfirmationCodeRequest, wire.ResendConfirmationCodeResponse](t, users),
		shapesOf[wire.ForgotPasswordRequest, wire.ForgotPasswordResponse](t, users),
		shapesOf[wire.ConfirmForgotPasswordRequest, wire.ConfirmForgotPasswordResponse](t, users),
		shapesOf[wire.UpdateUserAttributesRequest, wire.UpdateUserAttributesResponse](t, users),
		shapesOf[wire.DeleteUserAttributesRequest, wire.DeleteUserAttributesResponse](t, users),
		shapesOf[wire.GetUserAttributeVerificationCodeRequest, wire.GetUserAttributeVerificationCodeResponse](t, users),
		shapesOf[wire.VerifyUserAttributeRequest, wire.VerifyUserAttributeResponse](t, users),
		shapesOf[wire.DeleteUserRequest, wire.DeleteUserResponse](t, users),
		shapesOf[wire.CreateUserPoolRequest, wire.CreateUserPoolResponse](t, users),
		shapesOf[wire.DescribeUserPoolRequest, wire.DescribeUserPoolResponse](t, users),
		shapesOf[wire.ListUserPoolsRequest, wire.ListUserPoolsResponse](t, users),
		shapesOf[wire.UpdateUserPoolRequest, wire.UpdateUserPoolResponse](t, users),
		shapesOf[wire.DeleteUserPoolRequest, wire.DeleteUserPoolResponse](t, users),
		shapesOf[wire.CreateUserPoolClientRequest, wire.CreateUserPoolClientResponse](t, users),
		shapesOf[wire.DescribeUserPoolClientRequest, wire.DescribeUserPoolClientResponse](t, users),
		shapesOf[wire.ListUserPoolClientsRequest, wire.ListUserPoolClientsResponse](t, users),
		shapesOf[wire.UpdateUserPoolClientRequest, wire.UpdateUserPoolClientResponse](t, users),
		shapesOf[wire.DeleteUserPoolClientRequest, wire.DeleteUserPoolClientResponse](t, users),
		shapesOf[wire.AdminCreateUserRequest, wire.AdminCreateUserResponse](t, users),
		shapesOf[wire.AdminSetUserPasswordRequest, wire.AdminSetUserPasswordResponse](t, users),
		shapesOf[wire.AdminGetUserRequest, wire.AdminGetUserResponse](t, users),
		shapesOf[wire.AdminDeleteUserRequest, wire.AdminDeleteUserResponse](t, users),
		shapesOf[wire.AdminEnableUserRequest, wire.AdminEnableUserResponse](t, users),
		shapesOf[wire.AdminDisableUserRequest, wire.AdminDisableUserResponse](t, users),
		shapesOf[wire.AdminConfirmSignUpRequest, wire.AdminConfirmSignUpResponse](t, users),
		shapesOf[wire.AdminResetUserPasswordRequest, wire.AdminResetUserPasswordResponse](t, users),
		shapesOf[wire.AdminUpdateUserAttributesRequest, wire.AdminUpdateUserAttributesResponse](t, users),
		shapesOf[wire.AdminUserGlobalSignOutRequest, wire.AdminUserGlobalSignOutResponse](t, users),
		shapesOf[wire.AdminInitiateAuthRequest, wire.AdminInitiateAuthResponse](t, users),
		shapesOf[wire.AdminRespondToAuthChallengeRequest, wire.AdminRespondToAuthChallengeResponse](t, users),
		shapesOf[wire.ListUsersRequest, wire.ListUsersResponse](t, users),
		shapesOf[wire.CreateGroupRequest, wire.CreateGroupResponse](t, users),
		shapesOf[wire.DeleteGroupRequest, wire.DeleteGroupResponse](t, users),
		shapesOf[wire.ListGroupsRequest, wire.ListGroupsResponse](t, users),
		shapesOf[wire.GetGroupRequest, wire.GetGroupResponse](t, users),
		shapesOf[wire.UpdateGroupRequest, wire.UpdateGroupResponse](t, users),
		shapesOf[wire.ListUsersInGroupRequest, wire.ListUsersInGroupResponse](t, users),
		shapesOf[wire.AdminAddUserToGroupRequest, wire.AdminAddUserToGroupResponse](t, users),
		shapesOf[wire.AdminRemoveUserFromGroupRequest, wire.AdminRemoveUserFromGroupResponse](t, users),
		shapesOf[wire.AdminListGroupsForUserRequest, wire.AdminListGroupsForUserResponse](t, users),
		shapesOf[wire.SetUICustomizationRequest, wire.SetUICustomizationResponse](t, users),
		shapesOf[wire.GetUICustomizationRequest, wire.GetUICustomizationResponse](t, users),
		shapesOf[wire.CreateUserPoolDomainRequest, wire.CreateUserPoolDomainResponse](t, users),
		shapesOf[wire.DescribeUserPoolDomainRequest, wire.DescribeUserPoolDomainResponse](t, users),
		shapesOf[wire.UpdateUserPoolDomainRequest, wire.UpdateUserPoolDomainResponse](t, users),
		shapesOf[wire.DeleteUserPoolDomainRequest, wire.DeleteUserPoolDomainResponse](t, users),
		shapesOf[wire.CreateResourceServerRequest, wire.CreateResourceServerResponse](t, users),
		shapesOf[wire.DescribeResourceServerRequest, wire.DescribeResourceServerResponse](t, users),
		shapesOf[wire.UpdateResourceServerRequest, wire.UpdateResourceServerResponse](t, users),
		shapesOf[wire.DeleteResourceServerRequest, wire.DeleteResourceServerResponse](t, users),
		shapesOf[wire.ListResourceServersRequest, wire.ListResourceServersResponse](t, users),
		shapesOf[wire.CreateIdentityProviderRequest, wire.CreateIdentityProviderResponse](t, users),
		shapesOf[wire.DescribeIdentityProviderRequest, wire.DescribeIdentityProviderResponse](t, users),
		shapesOf[wire.UpdateIdentityProviderRequest, wire.UpdateIdentityProviderResponse](t, users),
		shapesOf[wire.DeleteIdentityProviderRequest, wire.DeleteIdentityProviderResponse](t, users),
		shapesOf[wire.ListIdentityProvidersRequest, wire.ListIdentityProvidersResponse](t, users),
		shapesOf[wire.GetIdentityProviderByIdentifierRequest, wire.GetIdentityProviderByIdentifierResponse](t, users),
		shapesOf[wire.AdminLinkProviderForUserRequest, wire.AdminLinkProviderForUserResponse](t, users),
		shapesOf[wire.AdminDisableProviderForUserRequest, wire.AdminDisableProviderForUserResponse](t, users),
		shapesOf[wire.AddCustomAttributesRequest, wire.AddCustomAttributesResponse](t, users),
		shapesOf[wire.AdminDeleteUserAttributesRequest, wire.AdminDeleteUserAttributesResponse](t, users),
		shapesOf[wire.GetUserPoolMfaConfigRequest, wire.GetUserPoolMfaConfigResponse](t, users),
		shapesOf[wire.GetIdRequest, wire.GetIdResponse](t, identities),
		shapesOf[wire.GetCredentialsForIdentityRequest, wire.GetCredentialsForIdentityResponse](t, identities),
		shapesOf[wire.GetOpenIdTokenRequest, wire.GetOpenIdTokenResponse](t, identities),
		shapesOf[wire.CreateIdentityPoolRequest, wire.CreateIdentityPoolResponse](t, identities),
		shapesOf[wire.DeleteIdentitiesRequest, wire.DeleteIdentitiesResponse](t, identities),
		shapesOf[wire.DeleteIdentityPoolRequest, wire.DeleteIdentityPoolResponse](t, identities),
		shapesOf[wire.DescribeIdentityRequest, wire.DescribeIdentityResponse](t, identities),
		shapesOf[wire.DescribeIdentityPoolRequest, wire.DescribeIdentityPoolResponse](t, identities),
		shapesOf[wire.GetIdentityPoolRolesRequest, wire.GetIdentityPoolRolesResponse](t, identities),
		shapesOf[wire.GetOpenIdTokenForDeveloperIdentityRequest, wire.GetOpenIdTokenForDeveloperIdentityResponse](t, identities),
		shapesOf[wire.GetPrincipalTagAttributeMapRequest, wire.GetPrincipalTagAttributeMapResponse](t, identities),
		shapesOf[wire.ListIdentitiesRequest, wire.ListIdentitiesResponse](t, identities),
		shapesOf[wire.ListIdentityPoolsRequest, wire.ListIdentityPoolsResponse](t, identities),
		shapesOf[wire.ListTagsForResourceRequest, wire.ListTagsForResourceResponse](t, identities),
		shapesOf[wire.LookupDeveloperIdentityRequest, wire.LookupDeveloperIdentityResponse](t, identities),
		shapesOf[wire.MergeDeveloperIdentitiesRequest, wire.MergeDeveloperIdentitiesResponse](t, identities),
		shapesOf[wire.SetIdentityPoolRolesRequest, wire.SetIdentityPoolRolesResponse](t, identities),
		shapesOf[wire.SetPrincipalTagAttributeMapRequest, wire.SetPrincipalTagAttributeMapResponse](t, identities),
		shapesOf[wire.TagResourceRequest, wire.TagResourceResponse](t, identities),
		shapesOf[wire.UnlinkDeveloperIdentityRequest, wire.UnlinkDeveloperIdentityResponse](t, identities),
		shapesOf[wire.UnlinkIdentityRequest, wire.UnlinkIdentityResponse](t, identities),
		shapesOf[wire.UntagResourceRequest, wire.UntagResourceResponse](t, identities),
		shapesOf[wire.UpdateIdentityPoolRequest, wire.UpdateIdentityPoolResponse](t, identities),
	}
}

func TestEveryShapeIsWalked(t *testing.T) {
	t.Parallel()
	var walked []string
	for _, s := range typedOperations(t) {
		walked = append(walked, s.request.Name(), s.response.Name())
	}
	slices.Sort(walked)
	if diff := cmp.Diff(declaredShapes(t), walked); diff != "" {
		t.Errorf("request and response types in the source (-) and in typedOperations (+):\n%s", diff)
	}
}

// declaredShapes reads the package's source for types named …Request and …Response.
func declaredShapes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_shapes.go")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	var declared []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if name := spec.Name.Name; strings.HasSuffix(name, "Request") || strings.HasSuffix(name, "Response") {
					declared = append(declared, name)
				}
			}
			return true
		})
	}
	slices.Sort(declared)
	return declared
}

// TestShapesRoundTrip fills every member of every shape and expects to read
// back what was written.
func TestShapesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range typedOperations(t) {
		for _, shape := range []reflect.Type{s.request, s.response} {
			filled := reflect.New(shape)
			fill(filled.Elem())
			body, err := wire.Marshal(filled.Interface())
			if err != nil {
				t.Fatalf("%s: %v", shape.Name(), err)
			}
			read := reflect.New(shape)
			if err := wire.Unmarshal(body, read.Interface()); err != nil {
				t.Fatalf("%s: %v in %s", shape.Name(), err, body)
			}
			if !reflect.DeepEqual(filled.Interface(), read.Interface()) {
				t.Errorf("%s: read back something else from %s", shape.Name(), body)
			}
		}
	}
}

// TestEmptyShapesAreSmall shows that absent members are not written, but for
// those that Cognito always writes.
func TestEmptyShapesAreSmall(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"InitiateAuthResponse":                `{"ChallengeParameters":{}}`,
		"RespondToAuthChallengeResponse":      `{"ChallengeParameters":{}}`,
		"AdminInitiateAuthResponse":           `{"ChallengeParameters":{}}`,
		"AdminRespondToAuthChallengeResponse": `{"ChallengeParameters":{}}`,
		"GetUserResponse":                     `{"Username":"","UserAttributes":[]}`,
		"SignUpResponse":                      `{"UserConfirmed":false,"UserSub":""}`,
		"AdminGetUserResponse":                `{"Username":"","UserAttributes":[],"Enabled":false,"UserStatus":""}`,
		"ListUsersResponse":                   `{"Users":[]}`,
		"ListUsersInGroupResponse":            `{"Users":[]}`,
		"ListGroupsResponse":                  `{"Groups":[]}`,
		"AdminListGroupsForUserResponse":      `{"Groups":[]}`,
		"ListUserPoolsResponse":               `{"UserPools":[]}`,
		"ListUserPoolClientsResponse":         `{"UserPoolClients":[]}`,
		"ListResourceServersResponse":         `{"ResourceServers":[]}`,
		"ListIdentityProvidersResponse":       `{"Providers":[]}`,
		"ListIdentityPoolsResponse":           `{"IdentityPools":[]}`,
		"ListIdentitiesResponse":              `{"Identities":[]}`,
		"DeleteIdentitiesResponse":            `{"UnprocessedIdentityIds":[]}`,
		"LookupDeveloperIdentityResponse":     `{"DeveloperUserIdentifierList":[]}`,
		"ListTagsForResourceResponse":         `{"Tags":{}}`,
	}
	for _, s := range typedOperations(t) {
		for _, shape := range []reflect.Type{s.request, s.response} {
			body, err := wire.Marshal(reflect.New(shape).Interface())
			expected, listed := want[shape.Name()]
			if !listed {
				expected = "{}"
			}
			if err != nil || string(body) != expected {
				t.Errorf("%s: %s, %v; want %s", shape.Name(), body, err, expected)
			}
		}
	}
}

// fill gives every member a value other than zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[wire.Time]() {
			v.Set(reflect.ValueOf(someTime))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		if fill(value); value.Kind() == reflect.String {
			value.SetString("välue \"with\" \\ and \u2028")
		}
		v.SetMapIndex(reflect.ValueOf("KEY"), value)
	case reflect.String:
		v.SetString("text")
		if v.Type() == reflect.TypeFor[wire.Document]() {
			v.SetString(`{"Type":"X","Inner":{"A":[1,2]}}`)
		}
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8: // of a blob
		v.SetUint(0xfb)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("fill: " + v.Type().String())
	}
}
