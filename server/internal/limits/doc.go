// Package limits guards the doors of the service: which passwords are good
// enough, how often they may be guessed, and how much work may be asked for.
//
//   - [PasswordRules] is a pool's password policy; [PasswordRules.Check] answers in
//     Cognito's words and [Generate] makes temporary passwords that pass it.
//   - [Lockout] slows down guessing one user's password, wherever the guesses come
//     from. Its counters are in storage, so that all replicas share them and a
//     restart forgets nothing.
//   - [Limiter] slows down one source, whatever user names it tries. It is in
//     memory, per process: an estimate that costs nothing.
//   - [Gate] bounds the expensive work that runs at once, from all sources together.
//
// A sign-in passes them from the cheapest to the dearest:
//
//	if !limiter.Allow(source) { … TooManyRequestsException … }
//	locked, err := lockout.Admit(ctx, store, key, nil)
//	if locked { … NotAuthorizedException, "Password attempts exceeded" … }
//	leave, err := gate.Enter(ctx)
//	if err != nil { … lockout.Withdraw, then TooManyRequestsException … }
//	ok := check(password)
//	leave()
//	if ok { … lockout.Succeed, in the transaction that starts the session … }
package limits
