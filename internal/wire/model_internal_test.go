package wire

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// model is what AWS publishes about the operations that have shapes here:
// names, requirements and limits, taken from botocore 1.43.
type model struct {
	Operations map[string]struct{ Service, Request, Response, Auth string } `json:"operations"`
	Structures map[string]struct {
		Required []string          `json:"required"`
		Members  map[string]string `json:"members"`
	} `json:"structures"`
	Scalars map[string]modelScalar `json:"scalars"`
}

type modelScalar struct {
	Type      string   `json:"type"`
	Min       *int64   `json:"min"`
	Max       int64    `json:"max"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Sensitive bool     `json:"sensitive"`
	Each      string   `json:"each"`
	Keys      string   `json:"keys"`
}

func readModel(t *testing.T) model {
	t.Helper()
	data, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(data, &m, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return m
}

// structures under test by AWS's name. Nested ones are found from here.
var modelRoots = map[string]reflect.Type{
	"InitiateAuthRequest":                        reflect.TypeFor[InitiateAuthRequest](),
	"InitiateAuthResponse":                       reflect.TypeFor[InitiateAuthResponse](),
	"RespondToAuthChallengeRequest":              reflect.TypeFor[RespondToAuthChallengeRequest](),
	"RespondToAuthChallengeResponse":             reflect.TypeFor[RespondToAuthChallengeResponse](),
	"GetTokensFromRefreshTokenRequest":           reflect.TypeFor[GetTokensFromRefreshTokenRequest](),
	"GetTokensFromRefreshTokenResponse":          reflect.TypeFor[GetTokensFromRefreshTokenResponse](),
	"RevokeTokenRequest":                         reflect.TypeFor[RevokeTokenRequest](),
	"GlobalSignOutRequest":                       reflect.TypeFor[GlobalSignOutRequest](),
	"GetUserRequest":                             reflect.TypeFor[GetUserRequest](),
	"GetUserResponse":                            reflect.TypeFor[GetUserResponse](),
	"SignUpRequest":                              reflect.TypeFor[SignUpRequest](),
	"SignUpResponse":                             reflect.TypeFor[SignUpResponse](),
	"ConfirmSignUpRequest":                       reflect.TypeFor[ConfirmSignUpRequest](),
	"ConfirmSignUpResponse":                      reflect.TypeFor[ConfirmSignUpResponse](),
	"ResendConfirmationCodeRequest":              reflect.TypeFor[ResendConfirmationCodeRequest](),
	"ResendConfirmationCodeResponse":             reflect.TypeFor[ResendConfirmationCodeResponse](),
	"ForgotPasswordRequest":                      reflect.TypeFor[ForgotPasswordRequest](),
	"ForgotPasswordResponse":                     reflect.TypeFor[ForgotPasswordResponse](),
	"ConfirmForgotPasswordRequest":               reflect.TypeFor[ConfirmForgotPasswordRequest](),
	"UpdateUserAttributesRequest":                reflect.TypeFor[UpdateUserAttributesRequest](),
	"UpdateUserAttributesResponse":               reflect.TypeFor[UpdateUserAttributesResponse](),
	"DeleteUserAttributesRequest":                reflect.TypeFor[DeleteUserAttributesRequest](),
	"GetUserAttributeVerificationCodeRequest":    reflect.TypeFor[GetUserAttributeVerificationCodeRequest](),
	"GetUserAttributeVerificationCodeResponse":   reflect.TypeFor[GetUserAttributeVerificationCodeResponse](),
	"VerifyUserAttributeRequest":                 reflect.TypeFor[VerifyUserAttributeRequest](),
	"DeleteUserRequest":                          reflect.TypeFor[DeleteUserRequest](),
	"ChangePasswordRequest":                      reflect.TypeFor[ChangePasswordRequest](),
	"CreateUserPoolRequest":                      reflect.TypeFor[CreateUserPoolRequest](),
	"CreateUserPoolResponse":                     reflect.TypeFor[CreateUserPoolResponse](),
	"DescribeUserPoolRequest":                    reflect.TypeFor[DescribeUserPoolRequest](),
	"ListUserPoolsRequest":                       reflect.TypeFor[ListUserPoolsRequest](),
	"ListUserPoolsResponse":                      reflect.TypeFor[ListUserPoolsResponse](),
	"UpdateUserPoolRequest":                      reflect.TypeFor[UpdateUserPoolRequest](),
	"DeleteUserPoolRequest":                      reflect.TypeFor[DeleteUserPoolRequest](),
	"CreateUserPoolClientRequest":                reflect.TypeFor[CreateUserPoolClientRequest](),
	"CreateUserPoolClientResponse":               reflect.TypeFor[CreateUserPoolClientResponse](),
	"DescribeUserPoolClientRequest":              reflect.TypeFor[DescribeUserPoolClientRequest](),
	"ListUserPoolClientsRequest":                 reflect.TypeFor[ListUserPoolClientsRequest](),
	"ListUserPoolClientsResponse":                reflect.TypeFor[ListUserPoolClientsResponse](),
	"UpdateUserPoolClientRequest":                reflect.TypeFor[UpdateUserPoolClientRequest](),
	"DeleteUserPoolClientRequest":                reflect.TypeFor[DeleteUserPoolClientRequest](),
	"AdminCreateUserRequest":                     reflect.TypeFor[AdminCreateUserRequest](),
	"AdminCreateUserResponse":                    reflect.TypeFor[AdminCreateUserResponse](),
	"AdminSetUserPasswordRequest":                reflect.TypeFor[AdminSetUserPasswordRequest](),
	"AdminGetUserRequest":                        reflect.TypeFor[AdminGetUserRequest](),
	"AdminGetUserResponse":                       reflect.TypeFor[AdminGetUserResponse](),
	"AdminDeleteUserRequest":                     reflect.TypeFor[AdminDeleteUserRequest](),
	"AdminEnableUserRequest":                     reflect.TypeFor[AdminEnableUserRequest](),
	"AdminDisableUserRequest":                    reflect.TypeFor[AdminDisableUserRequest](),
	"AdminConfirmSignUpRequest":                  reflect.TypeFor[AdminConfirmSignUpRequest](),
	"AdminResetUserPasswordRequest":              reflect.TypeFor[AdminResetUserPasswordRequest](),
	"AdminUpdateUserAttributesRequest":           reflect.TypeFor[AdminUpdateUserAttributesRequest](),
	"AdminUserGlobalSignOutRequest":              reflect.TypeFor[AdminUserGlobalSignOutRequest](),
	"AdminInitiateAuthRequest":                   reflect.TypeFor[AdminInitiateAuthRequest](),
	"AdminInitiateAuthResponse":                  reflect.TypeFor[AdminInitiateAuthResponse](),
	"AdminRespondToAuthChallengeRequest":         reflect.TypeFor[AdminRespondToAuthChallengeRequest](),
	"AdminRespondToAuthChallengeResponse":        reflect.TypeFor[AdminRespondToAuthChallengeResponse](),
	"ListUsersRequest":                           reflect.TypeFor[ListUsersRequest](),
	"ListUsersResponse":                          reflect.TypeFor[ListUsersResponse](),
	"CreateGroupRequest":                         reflect.TypeFor[CreateGroupRequest](),
	"CreateGroupResponse":                        reflect.TypeFor[CreateGroupResponse](),
	"DeleteGroupRequest":                         reflect.TypeFor[DeleteGroupRequest](),
	"ListGroupsRequest":                          reflect.TypeFor[ListGroupsRequest](),
	"ListGroupsResponse":                         reflect.TypeFor[ListGroupsResponse](),
	"GetGroupRequest":                            reflect.TypeFor[GetGroupRequest](),
	"UpdateGroupRequest":                         reflect.TypeFor[UpdateGroupRequest](),
	"ListUsersInGroupRequest":                    reflect.TypeFor[ListUsersInGroupRequest](),
	"AdminAddUserToGroupRequest":                 reflect.TypeFor[AdminAddUserToGroupRequest](),
	"AdminRemoveUserFromGroupRequest":            reflect.TypeFor[AdminRemoveUserFromGroupRequest](),
	"AdminListGroupsForUserRequest":              reflect.TypeFor[AdminListGroupsForUserRequest](),
	"AdminListGroupsForUserResponse":             reflect.TypeFor[AdminListGroupsForUserResponse](),
	"CreateUserPoolDomainRequest":                reflect.TypeFor[CreateUserPoolDomainRequest](),
	"DescribeUserPoolDomainRequest":              reflect.TypeFor[DescribeUserPoolDomainRequest](),
	"UpdateUserPoolDomainRequest":                reflect.TypeFor[UpdateUserPoolDomainRequest](),
	"DeleteUserPoolDomainRequest":                reflect.TypeFor[DeleteUserPoolDomainRequest](),
	"CreateResourceServerRequest":                reflect.TypeFor[CreateResourceServerRequest](),
	"DescribeResourceServerRequest":              reflect.TypeFor[DescribeResourceServerRequest](),
	"UpdateResourceServerRequest":                reflect.TypeFor[UpdateResourceServerRequest](),
	"DeleteResourceServerRequest":                reflect.TypeFor[DeleteResourceServerRequest](),
	"ListResourceServersRequest":                 reflect.TypeFor[ListResourceServersRequest](),
	"CreateUserPoolDomainResponse":               reflect.TypeFor[CreateUserPoolDomainResponse](),
	"DescribeUserPoolDomainResponse":             reflect.TypeFor[DescribeUserPoolDomainResponse](),
	"UpdateUserPoolDomainResponse":               reflect.TypeFor[UpdateUserPoolDomainResponse](),
	"CreateResourceServerResponse":               reflect.TypeFor[CreateResourceServerResponse](),
	"DescribeResourceServerResponse":             reflect.TypeFor[DescribeResourceServerResponse](),
	"UpdateResourceServerResponse":               reflect.TypeFor[UpdateResourceServerResponse](),
	"ListResourceServersResponse":                reflect.TypeFor[ListResourceServersResponse](),
	"SetUICustomizationRequest":                  reflect.TypeFor[SetUICustomizationRequest](),
	"SetUICustomizationResponse":                 reflect.TypeFor[SetUICustomizationResponse](),
	"GetUICustomizationRequest":                  reflect.TypeFor[GetUICustomizationRequest](),
	"GetUICustomizationResponse":                 reflect.TypeFor[GetUICustomizationResponse](),
	"CreateIdentityProviderRequest":              reflect.TypeFor[CreateIdentityProviderRequest](),
	"CreateIdentityProviderResponse":             reflect.TypeFor[CreateIdentityProviderResponse](),
	"DescribeIdentityProviderRequest":            reflect.TypeFor[DescribeIdentityProviderRequest](),
	"DescribeIdentityProviderResponse":           reflect.TypeFor[DescribeIdentityProviderResponse](),
	"UpdateIdentityProviderRequest":              reflect.TypeFor[UpdateIdentityProviderRequest](),
	"UpdateIdentityProviderResponse":             reflect.TypeFor[UpdateIdentityProviderResponse](),
	"DeleteIdentityProviderRequest":              reflect.TypeFor[DeleteIdentityProviderRequest](),
	"ListIdentityProvidersRequest":               reflect.TypeFor[ListIdentityProvidersRequest](),
	"ListIdentityProvidersResponse":              reflect.TypeFor[ListIdentityProvidersResponse](),
	"GetIdentityProviderByIdentifierRequest":     reflect.TypeFor[GetIdentityProviderByIdentifierRequest](),
	"GetIdentityProviderByIdentifierResponse":    reflect.TypeFor[GetIdentityProviderByIdentifierResponse](),
	"AdminLinkProviderForUserRequest":            reflect.TypeFor[AdminLinkProviderForUserRequest](),
	"AdminLinkProviderForUserResponse":           reflect.TypeFor[AdminLinkProviderForUserResponse](),
	"AdminDisableProviderForUserRequest":         reflect.TypeFor[AdminDisableProviderForUserRequest](),
	"AdminDisableProviderForUserResponse":        reflect.TypeFor[AdminDisableProviderForUserResponse](),
	"AddCustomAttributesRequest":                 reflect.TypeFor[AddCustomAttributesRequest](),
	"AdminDeleteUserAttributesRequest":           reflect.TypeFor[AdminDeleteUserAttributesRequest](),
	"GetUserPoolMfaConfigRequest":                reflect.TypeFor[GetUserPoolMfaConfigRequest](),
	"GetUserPoolMfaConfigResponse":               reflect.TypeFor[GetUserPoolMfaConfigResponse](),
	"TagResourceRequest":                         reflect.TypeFor[TagUserPoolInput](),
	"UntagResourceRequest":                       reflect.TypeFor[UntagUserPoolInput](),
	"ListTagsForResourceRequest":                 reflect.TypeFor[ListTagsForUserPoolInput](),
	"GetIdInput":                                 reflect.TypeFor[GetIdRequest](),
	"GetIdResponse":                              reflect.TypeFor[GetIdResponse](),
	"GetCredentialsForIdentityInput":             reflect.TypeFor[GetCredentialsForIdentityRequest](),
	"GetCredentialsForIdentityResponse":          reflect.TypeFor[GetCredentialsForIdentityResponse](),
	"GetOpenIdTokenInput":                        reflect.TypeFor[GetOpenIdTokenRequest](),
	"GetOpenIdTokenResponse":                     reflect.TypeFor[GetOpenIdTokenResponse](),
	"CreateIdentityPoolInput":                    reflect.TypeFor[CreateIdentityPoolRequest](),
	"DeleteIdentitiesInput":                      reflect.TypeFor[DeleteIdentitiesRequest](),
	"DeleteIdentitiesResponse":                   reflect.TypeFor[DeleteIdentitiesResponse](),
	"DeleteIdentityPoolInput":                    reflect.TypeFor[DeleteIdentityPoolRequest](),
	"DescribeIdentityInput":                      reflect.TypeFor[DescribeIdentityRequest](),
	"DescribeIdentityPoolInput":                  reflect.TypeFor[DescribeIdentityPoolRequest](),
	"GetIdentityPoolRolesInput":                  reflect.TypeFor[GetIdentityPoolRolesRequest](),
	"GetIdentityPoolRolesResponse":               reflect.TypeFor[GetIdentityPoolRolesResponse](),
	"GetOpenIdTokenForDeveloperIdentityInput":    reflect.TypeFor[GetOpenIdTokenForDeveloperIdentityRequest](),
	"GetOpenIdTokenForDeveloperIdentityResponse": reflect.TypeFor[GetOpenIdTokenForDeveloperIdentityResponse](),
	"GetPrincipalTagAttributeMapInput":           reflect.TypeFor[GetPrincipalTagAttributeMapRequest](),
	"GetPrincipalTagAttributeMapResponse":        reflect.TypeFor[GetPrincipalTagAttributeMapResponse](),
	"ListIdentitiesInput":                        reflect.TypeFor[ListIdentitiesRequest](),
	"ListIdentitiesResponse":                     reflect.TypeFor[ListIdentitiesResponse](),
	"ListIdentityPoolsInput":                     reflect.TypeFor[ListIdentityPoolsRequest](),
	"ListIdentityPoolsResponse":                  reflect.TypeFor[ListIdentityPoolsResponse](),
	"ListTagsForResourceInput":                   reflect.TypeFor[ListTagsForResourceRequest](),
	"ListTagsForResourceResponse":                reflect.TypeFor[ListTagsForResourceResponse](),
	"LookupDeveloperIdentityInput":               reflect.TypeFor[LookupDeveloperIdentityRequest](),
	"LookupDeveloperIdentityResponse":            reflect.TypeFor[LookupDeveloperIdentityResponse](),
	"MergeDeveloperIdentitiesInput":              reflect.TypeFor[MergeDeveloperIdentitiesRequest](),
	"MergeDeveloperIdentitiesResponse":           reflect.TypeFor[MergeDeveloperIdentitiesResponse](),
	"SetIdentityPoolRolesInput":                  reflect.TypeFor[SetIdentityPoolRolesRequest](),
	"SetPrincipalTagAttributeMapInput":           reflect.TypeFor[SetPrincipalTagAttributeMapRequest](),
	"SetPrincipalTagAttributeMapResponse":        reflect.TypeFor[SetPrincipalTagAttributeMapResponse](),
	"TagResourceInput":                           reflect.TypeFor[TagResourceRequest](),
	"UnlinkDeveloperIdentityInput":               reflect.TypeFor[UnlinkDeveloperIdentityRequest](),
	"UnlinkIdentityInput":                        reflect.TypeFor[UnlinkIdentityRequest](),
	"UntagResourceInput":                         reflect.TypeFor[UntagResourceRequest](),
	"IdentityPool":                               reflect.TypeFor[UpdateIdentityPoolRequest](),
}

// Members that differ from botocore 1.43 on purpose.
var (
	newerMembers = []string{ // in AWS's later models
		"AvailableChallenges", "KeyConfiguration", "IssuerConfiguration",
	}
	unusedMembers = []string{ // deprecated by AWS, or failures of services that are not here
		"Status", "SmsConfigurationFailure", "EmailConfigurationFailure",
	}
)

// TestShapesAgreeWithModel compares members, requirements and constraints with
// what AWS publishes.
func TestShapesAgreeWithModel(t *testing.T) {
	t.Parallel()
	w := modelWalk{T: t, model: readModel(t), seen: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(modelRoots)) {
		w.structure(name, modelRoots[name], strings.HasSuffix(name, "Response"))
	}
	if len(w.seen) < 105 || w.constraints < 210 {
		t.Errorf("compared only %d structures and %d constraints", len(w.seen), w.constraints)
	}
}

type modelWalk struct {
	*testing.T
	model       model
	seen        map[string]bool
	constraints int
}

func (w *modelWalk) structure(name string, shape reflect.Type, answer bool) {
	if w.seen[name] {
		return
	}
	w.seen[name] = true
	published, ok := w.model.Structures[name]
	if !ok {
		w.Errorf("%s is not in the model", name)
		return
	}
	members := membersOf(shape)
	for member := range published.Members {
		if _, ok := members[member]; !ok && !slices.Contains(unusedMembers, member) {
			w.Errorf("%s lacks the member %s", name, member)
		}
	}
	for member, field := range members {
		published, known := published.Members[member], slices.Contains(published.Required, member)
		switch _, required := field.Tag.Lookup("required"); {
		case published == "" && !slices.Contains(newerMembers, member):
			w.Errorf("%s has %s, which the model has not", name, member)
		case published == "" || field.Type == reflect.TypeFor[Document]():
		case required != known && !answer:
			w.Errorf("%s.%s: required is %v, in the model %v", name, member, required, known)
		default:
			w.member(name+"."+member, published, field, answer)
		}
	}
}

// member follows nested structures and compares the tags of requests.
func (w *modelWalk) member(path, published string, field reflect.StructField, answer bool) {
	shape := field.Type
	for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice || isShapes(shape) {
		shape = shape.Elem()
	}
	scalar := w.model.Scalars[published]
	if shape.Kind() == reflect.Struct && shape != reflect.TypeFor[Time]() {
		if scalar.Type == "list" || scalar.Type == "map" {
			published = scalar.Each
		}
		w.structure(published, shape, answer)
		return
	}
	if answer || field.Type.Kind() == reflect.Bool || scalar.Type == "boolean" {
		return
	}
	w.compare(path, "is", field, scalar)
	w.compare(path, "each", field, w.model.Scalars[scalar.Each])
	w.compare(path, "keys", field, w.model.Scalars[scalar.Keys])
}

// isShapes reports whether a type is a map of shapes.
func isShapes(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct
}

func (w *modelWalk) compare(path, tag string, field reflect.StructField, scalar modelScalar) {
	name, tagged := field.Tag.Lookup(tag)
	bounded := scalar.Min != nil || scalar.Max != 0 || scalar.Pattern != "" || scalar.Enum != nil
	if !tagged {
		// Keys of AuthParameters and their like have the bound of any text.
		if bounded && tag != "keys" {
			w.Errorf("%s: no tag %s, but the model has %+v", path, tag, scalar)
		}
		return
	}
	w.constraints++
	got := constraints()[name]
	switch name {
	case "DomainType", "PasswordType", "LambdaVersionType", "ExplicitAuthFlowsType", "ClientNameType", "IdentityProviderId":
		return // differ on purpose, see the constraint table
	}
	same := got.max == scalar.Max && got.pattern == scalar.Pattern && (got.sensitive == scalar.Sensitive || isSecret(field.Type)) &&
		slices.Equal(slices.Sorted(slices.Values(got.enum)), slices.Sorted(slices.Values(scalar.Enum)))
	if scalar.Min != nil {
		same = same && got.min == *scalar.Min && (got.hasMin || got.min == 0)
	} else {
		same = same && got.min == 0
	}
	if !same {
		w.Errorf("%s: %s is %+v, the model has %+v", path, name, got, scalar)
	}
}

// membersOf lists a struct's fields by JSON name, embedded ones included.
func membersOf(shape reflect.Type) map[string]reflect.StructField {
	members := map[string]reflect.StructField{}
	for _, field := range reflect.VisibleFields(shape) {
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		members[name] = field
	}
	return members
}

// TestEveryConstraintIsUsed keeps the table free of leftovers and compiles
// every pattern in it.
func TestEveryConstraintIsUsed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	var visit func(reflect.Type)
	visit = func(shape reflect.Type) {
		for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice || isShapes(shape) {
			shape = shape.Elem()
		}
		if shape.Kind() != reflect.Struct || shape == reflect.TypeFor[Time]() {
			return
		}
		for _, field := range membersOf(shape) {
			for _, tag := range []string{"is", "each", "keys"} {
				used[field.Tag.Get(tag)] = true
			}
			visit(field.Type)
		}
	}
	for _, shape := range modelRoots {
		visit(shape)
		planFor(shape)
	}
	for name, c := range constraints() {
		if !used[name] {
			t.Errorf("%s is used by no shape", name)
		}
		if c.pattern != "" {
			matcherFor(c.pattern)
		}
	}
}

// TestOperationsAgreeWithModel compares services, authorization and empty bodies.
func TestOperationsAgreeWithModel(t *testing.T) {
	t.Parallel()
	for name, published := range readModel(t).Operations {
		o, ok := LookupTarget(published.Service + "." + name)
		if !ok {
			t.Errorf("%s.%s is not in the table", published.Service, name)
			continue
		}
		if (o.Auth == Signed) != (published.Auth == "v4") || o.EmptyBody != (published.Response == "") {
			t.Errorf("%s: %+v, the model has %+v", name, o, published)
		}
	}
}
