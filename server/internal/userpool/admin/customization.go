package admin

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"slices"

	"github.com/latchkey-auth/latchkey/internal/wire"
	"github.com/latchkey-auth/latchkey/server/internal/settings"
	"github.com/latchkey-auth/latchkey/server/internal/userpool/pool"
	"github.com/latchkey-auth/latchkey/server/storage"
)

// Bounds of a logo (Cognito developer guide, "Customizing hosted UI (classic)
// branding"). That on its sides is ours: a few bytes can make a browser paint
// very many.
const (
	maxLogo     = 100 << 10 // bytes
	maxLogoSide = 8192      // pixels
)

// messageNoDomain is what both operations answer for a pool without a domain.
const messageNoDomain = "There has to be an existing domain associated with this user pool"

// lookSettings are a look's settings as they are stored, beside the logo.
type lookSettings struct {
	CSS      string `json:",omitzero"`
	Version  string // CSSVersion
	LogoType string `json:",omitzero"` // media type
}

// Look is how the sign-in pages of a client look; the zero value is as they come.
type Look struct {
	Stylesheet string
	Logo       []byte
	LogoType   string // media type: image/png, image/jpeg or image/gif
}

// logoType finds what an image is by its content, and refuses what is no logo.
func logoType(data []byte) (media string, err error) {
	if len(data) == 0 {
		return "", nil
	}
	if len(data) > maxLogo {
		return "", pool.Invalid("ImageFile has %d bytes: a logo has at most %d.", len(data), maxLogo)
	}
	set, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || !slices.Contains([]string{"png", "jpeg", "gif"}, kind) { // a program may know more kinds
		return "", pool.Invalid("ImageFile is not a PNG, JPEG or GIF image.")
	}
	if set.Width < 1 || set.Height < 1 || set.Width > maxLogoSide || set.Height > maxLogoSide {
		return "", pool.Invalid("ImageFile is %d by %d pixels: a logo has from 1 to %d on each side.", set.Width, set.Height, maxLogoSide)
	}
	return "image/" + kind, nil
}

// clientOfLook is the client that a look is stored for; "" is all.
func clientOfLook(clientID string) string {
	if clientID == wire.AllClients {
		return ""
	}
	return clientID
}

// loadLookOwner checks that the look has an owner: a pool with a domain, where the pages are,
// and the client.
func (s *Service) loadLookOwner(tx storage.Tx, poolID, clientID string) error {
	if _, _, err := s.pools.LoadPool(tx, poolID); err != nil {
		return err
	}
	if clientID != "" {
		if _, err := s.pools.LoadAppOf(tx, poolID, clientID); err != nil {
			return err
		}
	}
	domains, err := tx.Domains.List(poolID)
	if err == nil && len(domains) == 0 {
		err = pool.Invalid("%s", messageNoDomain)
	}
	return err
}

// SetUICustomization replaces the look of a client's sign-in pages, or, with the
// ClientId ALL or none, that of all clients that have none. As at Cognito,
// stylesheet and logo are set together: what is left out is removed, and without both the
// client gets the common look again.
func (s *Service) SetUICustomization(ctx context.Context, in *wire.SetUICustomizationRequest) (*wire.SetUICustomizationResponse, error) {
	if err := checkStylesheet(in.CSS); err != nil {
		return nil, err
	}
	media, err := logoType(in.ImageFile)
	if err != nil {
		return nil, err
	}
	now := s.now()
	b := storage.Branding{PoolID: in.UserPoolId, ClientID: clientOfLook(in.ClientId), Logo: in.ImageFile, CreatedAt: now, ModifiedAt: now}
	set := lookSettings{CSS: in.CSS, LogoType: media, Version: now.Format("20060102150405")}
	if b.Settings, err = settings.Encode(&set); err != nil {
		return nil, err
	}
	reset := in.CSS == "" && media == ""
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		if err := s.loadLookOwner(tx, b.PoolID, b.ClientID); err != nil {
			return err
		}
		if reset {
			return tx.Brandings.Delete(b.PoolID, b.ClientID)
		}
		old, err := tx.Brandings.Branding(b.PoolID, b.ClientID)
		switch {
		case err == nil:
			b.CreatedAt, b.ModifiedAt = old.CreatedAt, s.pools.After(old.ModifiedAt)
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
		return tx.Brandings.Put(b)
	})
	if err != nil {
		return nil, err
	}
	if reset {
		return &wire.SetUICustomizationResponse{UICustomization: &wire.UICustomizationType{}}, nil
	}
	return &wire.SetUICustomizationResponse{UICustomization: s.lookShape(b, &set)}, nil
}

// GetUICustomization shows a client's own look, else that of all clients, else an
// empty one.
func (s *Service) GetUICustomization(ctx context.Context, in *wire.GetUICustomizationRequest) (*wire.GetUICustomizationResponse, error) {
	shape := &wire.UICustomizationType{}
	err := s.store.View(ctx, func(tx storage.Tx) error {
		clientID := clientOfLook(in.ClientId)
		if err := s.loadLookOwner(tx, in.UserPoolId, clientID); err != nil {
			return err
		}
		b, set, err := findLook(tx, in.UserPoolId, clientID)
		if err == nil && set != nil {
			shape = s.lookShape(b, set)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.GetUICustomizationResponse{UICustomization: shape}, nil
}

// findLook reads the look that a client's pages have. set is nil for none.
func findLook(tx storage.Tx, poolID, clientID string) (b storage.Branding, set *lookSettings, err error) {
	b, err = tx.Brandings.Branding(poolID, clientID)
	if clientID != "" && errors.Is(err, storage.ErrNotFound) {
		b, err = tx.Brandings.Branding(poolID, "")
	}
	if errors.Is(err, storage.ErrNotFound) {
		return b, nil, nil
	}
	if err != nil {
		return b, nil, err
	}
	set = &lookSettings{}
	return b, set, settings.Decode("the look of user pool "+poolID, b.Settings, set)
}

// lookShape is a look as answers show it.
func (s *Service) lookShape(b storage.Branding, set *lookSettings) *wire.UICustomizationType {
	shape := &wire.UICustomizationType{
		UserPoolId: b.PoolID, ClientId: b.ClientID, CSS: set.CSS, CSSVersion: set.Version,
		CreationDate: wire.NewTime(b.CreatedAt), LastModifiedDate: wire.NewTime(b.ModifiedAt),
	}
	if b.ClientID == "" {
		shape.ClientId = wire.AllClients
	}
	if len(b.Logo) > 0 && s.logoURL != nil {
		shape.ImageUrl = s.logoURL(b.PoolID, shape.ClientId, b.Logo)
	}
	return shape
}

// Look gives the look of a client's pages, by its id or [wire.AllClients], as
// GetUICustomization does. What is no client id has none.
func (s *Service) Look(ctx context.Context, poolID, clientID string) (look Look, err error) {
	if !pool.IsPoolID(poolID) || !pool.IsClientID(clientID) {
		return Look{}, nil
	}
	err = s.store.View(ctx, func(tx storage.Tx) error {
		b, set, err := findLook(tx, poolID, clientOfLook(clientID))
		if err == nil && set != nil {
			look = Look{Stylesheet: set.CSS, Logo: b.Logo, LogoType: set.LogoType}
		}
		return err
	})
	return look, err
}
