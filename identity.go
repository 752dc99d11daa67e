package latchkey

// identityFacets fills in what a session says of the identity pool. This is the
// one place where identity pools will enter: until they do, a session shows what
// its record holds already, and says honestly what it cannot get.
func (c *Client) identityFacets(s *snapshot) {
	session := &s.session
	switch {
	case c.cfg.IdentityPoolID == "":
		session.identityErr = fault("FetchSession", ErrNoIdentityPool, "set Config.IdentityPoolID")
		session.credentialsErr = session.identityErr
		return
	case !session.signedIn && !c.cfg.AllowGuests:
		session.identityErr = fault("FetchSession", ErrGuestsDisabled, "sign in, or allow guests in the identity pool and in Config.AllowGuests")
		session.credentialsErr = session.identityErr
		return
	}
	unsupported := fault("FetchSession", ErrNotSupported, hintIdentity)
	session.identityID, session.identityErr = s.record.IdentityID, nil
	if session.identityID == "" {
		session.identityErr = unsupported
	}
	session.credentialsErr = unsupported
}
