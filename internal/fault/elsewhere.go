package fault

// Elsewhere is the cause of a SignedOut fault if the user is signed in at another service
// of the same pool and app client.
type Elsewhere struct {
	Service string // its origin, or the issuer of its tokens
}

func (e *Elsewhere) Error() string {
	return "the stored session was begun at " + e.Service + ", which is another service"
}
