package wire

// AllClients is the ClientId that stands for all clients of a pool without a look
// of their own, in SetUICustomization and GetUICustomization.
const AllClients = "ALL"

// UICustomizationType is the look of the sign-in pages. All members are absent
// where nothing was set.
type UICustomizationType struct {
	UserPoolId       string `json:",omitzero"`
	ClientId         string `json:",omitzero"`
	ImageUrl         string `json:",omitzero"`
	CSS              string `json:",omitzero"`
	CSSVersion       string `json:",omitzero"`
	LastModifiedDate Time   `json:",omitzero"`
	CreationDate     Time   `json:",omitzero"`
}

// SetUICustomizationRequest replaces the look of a client's pages, stylesheet and
// logo together. Without both there is none any more.
type SetUICustomizationRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId   string `json:",omitzero" is:"ClientIdType"`
	CSS        string `json:",omitzero" is:"CSSType"`
	ImageFile  []byte `json:",omitzero" is:"ImageFileType"` // base64 in JSON
}

// SetUICustomizationResponse shows the look after the change.
type SetUICustomizationResponse struct {
	UICustomization *UICustomizationType `json:",omitzero"`
}

// GetUICustomizationRequest asks for the look of a client's pages.
type GetUICustomizationRequest struct {
	UserPoolId string `json:",omitzero" required:"" is:"UserPoolIdType"`
	ClientId   string `json:",omitzero" is:"ClientIdType"`
}

// GetUICustomizationResponse shows the client's own look, else that of all
// clients, else an empty one.
type GetUICustomizationResponse struct {
	UICustomization *UICustomizationType `json:",omitzero"`
}
