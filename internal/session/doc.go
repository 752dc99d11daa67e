// Package session is the engine of the client: it holds the active session, keeps it
// fresh, stores it and ends it.
//
//	Engine.Fetch ─▶ fetchCall ─▶ flights ─▶ renewal ─┬─ tokenJob ──────▶ user pool
//	      ▲                                          └─ credentialsJob ▶ identity pool
//	      │                                              │
//	    Owner ◀── edit ──────────────────────────────────┤
//	      ▲                                              ▼
//	 watch, autoRefresh                     Records ─▶ store.Store
//
// [Owner] alone changes the active session's state, and each change and its events
// happen under one lock. [Records] alone reads and writes the store: its Update is the
// one loop of compare-and-swap. A renewal is the one machine that locks, reads,
// adopts, calls, judges and keeps; its two jobs say what that means for tokens and for
// AWS credentials.
//
// The hot path is [Engine.Current]: one atomic load of an immutable [State].
package session
