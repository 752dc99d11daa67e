package wire

// GroupType is a group of users. A smaller Precedence wins; absent comes last.
type GroupType struct {
	GroupName        string `json:",omitzero"`
	UserPoolId       string `json:",omitzero"`
	Description      string `json:",omitzero"`
	RoleArn          string `json:",omitzero"`
	Precedence       *int32 `json:",omitzero"`
	LastModifiedDate Time   `json:",omitzero"`
	CreationDate     Time   `json:",omitzero"`
}

// CreateGroupRequest makes a group.
type CreateGroupRequest struct {
	GroupName   string `json:",omitzero" required:"" is:"GroupNameType"`
	UserPoolId  string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Description string `json:",omitzero" is:"DescriptionType"`
	RoleArn     string `json:",omitzero" is:"ArnType"`
	Precedence  *int32 `json:",omitzero" is:"PrecedenceType"`
}

// CreateGroupResponse shows the new group.
type CreateGroupResponse struct {
	Group *GroupType `json:",omitzero"`
}

// GetGroupRequest asks for a group.
type GetGroupRequest struct {
	GroupName  string `json:",omitzero" required:"" is:"GroupNameType"`
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// GetGroupResponse shows the group.
type GetGroupResponse struct {
	Group *GroupType `json:",omitzero"`
}

// UpdateGroupRequest changes the members that are present.
type UpdateGroupRequest struct {
	GroupName   string `json:",omitzero" required:"" is:"GroupNameType"`
	UserPoolId  string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Description string `json:",omitzero" is:"DescriptionType"`
	RoleArn     string `json:",omitzero" is:"ArnType"`
	Precedence  *int32 `json:",omitzero" is:"PrecedenceType"`
}

// UpdateGroupResponse shows the group after the change.
type UpdateGroupResponse struct {
	Group *GroupType `json:",omitzero"`
}

// DeleteGroupRequest removes a group; its users stay.
type DeleteGroupRequest struct {
	GroupName  string `json:",omitzero" required:"" is:"GroupNameType"`
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
}

// DeleteGroupResponse has no body.
type DeleteGroupResponse struct{}

// ListGroupsRequest asks for a page of a pool's groups.
type ListGroupsRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Limit      *int32 `json:",omitzero" is:"QueryLimitType"`
	NextToken  string `json:",omitzero" is:"PaginationKey"`
}

// ListGroupsResponse is a page of groups; NextToken is absent on the last.
type ListGroupsResponse struct {
	Groups    []GroupType
	NextToken string `json:",omitzero"`
}

// ListUsersInGroupRequest asks for a page of a group's users.
type ListUsersInGroupRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	GroupName  string `json:",omitzero" required:"" is:"GroupNameType"`
	Limit      *int32 `json:",omitzero" is:"QueryLimitType"`
	NextToken  string `json:",omitzero" is:"PaginationKey"`
}

// ListUsersInGroupResponse is a page of users; NextToken is absent on the last.
type ListUsersInGroupResponse struct {
	Users     []UserType
	NextToken string `json:",omitzero"`
}

// AdminAddUserToGroupRequest adds a user; adding one twice changes nothing.
type AdminAddUserToGroupRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
	GroupName  string `json:",omitzero" required:"" is:"GroupNameType"`
}

// AdminAddUserToGroupResponse has no body.
type AdminAddUserToGroupResponse struct{}

// AdminRemoveUserFromGroupRequest takes a user out of a group.
type AdminRemoveUserFromGroupRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
	GroupName  string `json:",omitzero" required:"" is:"GroupNameType"`
}

// AdminRemoveUserFromGroupResponse has no body.
type AdminRemoveUserFromGroupResponse struct{}

// AdminListGroupsForUserRequest asks for a page of a user's groups.
type AdminListGroupsForUserRequest struct {
	Username   string `json:",omitzero" required:"" is:"UsernameType"`
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	Limit      *int32 `json:",omitzero" is:"QueryLimitType"`
	NextToken  string `json:",omitzero" is:"PaginationKey"`
}

// AdminListGroupsForUserResponse is a page of groups; NextToken is absent on the last.
type AdminListGroupsForUserResponse struct {
	Groups    []GroupType
	NextToken string `json:",omitzero"`
}
