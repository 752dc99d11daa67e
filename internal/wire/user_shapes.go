package wire

// AttributeType is one attribute of a user. An empty Value in
// AdminUpdateUserAttributes deletes the attribute.
type AttributeType struct {
	Name  string `required:"" is:"AttributeNameType"`
	Value string `is:"AttributeValueType"`
}

// MFAOptionType is the older form of a user's SMS setting.
type MFAOptionType struct {
	DeliveryMedium string `json:",omitzero" is:"DeliveryMediumType"`
	AttributeName  string `json:",omitzero" is:"AttributeNameType"`
}

// CodeDeliveryDetailsType says where a code went; Destination is masked.
type CodeDeliveryDetailsType struct {
	Destination    string `json:",omitzero"`
	DeliveryMedium string `json:",omitzero"`
	AttributeName  string `json:",omitzero"`
}

// UserType is a user as lists and AdminCreateUser show it.
type UserType struct {
	Username             string
	Attributes           []AttributeType
	UserCreateDate       Time `json:",omitzero"`
	UserLastModifiedDate Time `json:",omitzero"`
	Enabled              bool
	UserStatus           UserStatus
	MFAOptions           []MFAOptionType `json:",omitzero"`
}

// AdminCreateUserRequest makes a user, or with MessageAction RESEND sends an
// invitation again.
type AdminCreateUserRequest struct {
	UserPoolId             string          `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username               string          `json:",omitzero" required:"" is:"UsernameType"`
	UserAttributes         []AttributeType `json:",omitzero"`
	ValidationData         []AttributeType `json:",omitzero"`
	TemporaryPassword      Sensitive       `json:",omitzero" is:"PasswordType"` // made up when absent
	ForceAliasCreation     bool            `json:",omitzero"`                   // take an alias from another user
	MessageAction          string          `json:",omitzero" is:"MessageActionType"`
	DesiredDeliveryMediums []string        `json:",omitzero" each:"DeliveryMediumType"`
	ClientMetadata         Parameters      `json:",omitzero" each:"StringType"`
}

// AdminCreateUserResponse shows the user that was made.
type AdminCreateUserResponse struct {
	User *UserType `json:",omitzero"`
}

// AdminSetUserPasswordRequest sets a password: for good when Permanent
// (the user becomes CONFIRMED), else temporary (FORCE_CHANGE_PASSWORD).
type AdminSetUserPasswordRequest struct {
	UserPoolId string    `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string    `json:",omitzero" required:"" is:"UsernameType"`
	Password   Sensitive `json:",omitzero" required:"" is:"PasswordType"`
	Permanent  bool      `json:",omitzero"`
}

// AdminSetUserPasswordResponse is empty.
type AdminSetUserPasswordResponse struct{}

// AdminGetUserRequest asks for a user.
type AdminGetUserRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
}

// AdminGetUserResponse describes a user. Its attributes stand under
// UserAttributes, where [UserType] has Attributes.
type AdminGetUserResponse struct {
	Username             string
	UserAttributes       []AttributeType
	UserCreateDate       Time `json:",omitzero"`
	UserLastModifiedDate Time `json:",omitzero"`
	Enabled              bool
	UserStatus           UserStatus
	MFAOptions           []MFAOptionType `json:",omitzero"`
	PreferredMfaSetting  string          `json:",omitzero"`
	UserMFASettingList   []string        `json:",omitzero"`
}

// AdminDeleteUserRequest removes a user for good.
type AdminDeleteUserRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
}

// AdminDeleteUserResponse has no body.
type AdminDeleteUserResponse struct{}

// AdminEnableUserRequest lets a disabled user sign in again. Tokens that
// disabling revoked stay revoked.
type AdminEnableUserRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
}

// AdminEnableUserResponse is empty.
type AdminEnableUserResponse struct{}

// AdminDisableUserRequest refuses a user's sign-ins and revokes all tokens.
type AdminDisableUserRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
}

// AdminDisableUserResponse is empty.
type AdminDisableUserResponse struct{}

// AdminConfirmSignUpRequest confirms a user without a code.
type AdminConfirmSignUpRequest struct {
	UserPoolId     string     `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username       string     `json:",omitzero" required:"" is:"UsernameType"`
	ClientMetadata Parameters `json:",omitzero" each:"StringType"`
}

// AdminConfirmSignUpResponse is empty.
type AdminConfirmSignUpResponse struct{}

// AdminResetUserPasswordRequest makes a user set a new password by code
// (status RESET_REQUIRED).
type AdminResetUserPasswordRequest struct {
	UserPoolId     string     `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username       string     `json:",omitzero" required:"" is:"UsernameType"`
	ClientMetadata Parameters `json:",omitzero" each:"StringType"`
}

// AdminResetUserPasswordResponse is empty.
type AdminResetUserPasswordResponse struct{}

// AdminUpdateUserAttributesRequest sets attributes; others stay as they are.
type AdminUpdateUserAttributesRequest struct {
	UserPoolId     string          `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username       string          `json:",omitzero" required:"" is:"UsernameType"`
	UserAttributes []AttributeType `json:",omitzero" required:""`
	ClientMetadata Parameters      `json:",omitzero" each:"StringType"`
}

// AdminUpdateUserAttributesResponse is empty.
type AdminUpdateUserAttributesResponse struct{}

// AdminUserGlobalSignOutRequest ends every session of a user.
type AdminUserGlobalSignOutRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
}

// AdminUserGlobalSignOutResponse is empty.
type AdminUserGlobalSignOutResponse struct{}

// ListUsersRequest asks for a page of users that match Filter.
type ListUsersRequest struct {
	UserPoolId      string   `json:",omitzero" required:"" is:"UserPoolIdType"`
	AttributesToGet []string `json:",omitzero" each:"AttributeNameType"` // all when absent
	Limit           *int32   `json:",omitzero" is:"QueryLimitType"`      // 60 when absent
	PaginationToken string   `json:",omitzero" is:"SearchPaginationTokenType"`
	Filter          string   `json:",omitzero" is:"UserFilterType"` // name = "value" or name ^= "prefix"
}

// ListUsersResponse is a page of users; PaginationToken is absent on the last.
type ListUsersResponse struct {
	Users           []UserType
	PaginationToken string `json:",omitzero"`
}
