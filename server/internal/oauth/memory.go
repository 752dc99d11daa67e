package oauth

import (
	"errors"
	"net/http"
	"time"
)

// Bounds of the note that a page leaves in the browser for the next one.
const (
	memoryLife = 10 * time.Minute
	maxMemory  = 3800 // bytes of the cookie's value; browsers keep 4,096 with its name
	memoryKind = "-step"
)

// memory is what the cookie of the pages' notes holds.
type memory struct {
	Text  []byte
	Until time.Time
}

// pageMemory stores notes of the sign-in pages in the browser, sealed.
type pageMemory struct {
	sealer
	cookies cookies
	now     func() time.Time
}

// Keep stores a text in the browser for ten minutes.
func (m *pageMemory) Keep(w http.ResponseWriter, r *http.Request, poolID string, text []byte) error {
	value, err := m.seal(purposeMemory, poolID, memory{Text: text, Until: m.now().Add(memoryLife)})
	if err != nil {
		return err
	}
	if len(value) > maxMemory {
		return errors.New("oauth: a page's note is too long for a cookie")
	}
	m.cookies.set(w, r, poolID, memoryKind, value, memoryLife)
	return nil
}

// Kept returns the text that Keep stored in the browser; nil if there is none.
func (m *pageMemory) Kept(r *http.Request, poolID string) []byte {
	value, ok := m.cookies.sent(r, poolID, memoryKind)
	var note memory
	if !ok || !m.open(purposeMemory, poolID, value, &note) || !m.now().Before(note.Until) {
		return nil
	}
	return note.Text
}
