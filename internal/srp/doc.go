// Package srp is the Secure Remote Password protocol (SRP-6a) as Amazon
// Cognito speaks it, both sides: the client of USER_SRP_AUTH and
// DEVICE_SRP_AUTH, and the service that answers it.
//
// Cognito differs from RFC 5054: SHA-256 instead of SHA-1, the 3072-bit group
// of RFC 3526 with g = 2, numbers hashed as Java's BigInteger.toByteArray
// writes them (never padded to the length of N), a 16-byte key by HKDF, and a
// proof that is an HMAC over pool, user, SECRET_BLOCK and TIMESTAMP.
//
// # How the parts meet
//
// A service keeps a [Verifier] of each password. InitiateAuth parses SRP_A
// with [ParseA], makes a [Server] with [NewServer], answers [Server.Salt] and
// [Server.B], and seals [Server.Secret] with A, user and expiry into the
// SECRET_BLOCK. RespondToAuthChallenge unseals, calls [RestoreServer] and
// [Server.Check]. The service stays without state between the two calls and
// raises nothing to a power twice: B travels inside the sealed secret. Only
// the caller can make a challenge single-use and bound its age.
//
// A client sends [Client.A] and turns the answer into PASSWORD_CLAIM_SIGNATURE
// and TIMESTAMP with [Client.Proof]. A remembered device is the same exchange
// with DeviceGroupKey as pool and DeviceKey as user; see [DeviceVerifier].
//
// # Timing
//
// Which arithmetic a secret meets depends on how long the secret lives.
//
//   - x, the hash of the password, lives as long as the password. g^x runs in
//     constant time: a comb over a precomputed table whose entries are picked
//     by reading all of them, multiplied by filippo.io/bigmod.
//   - a and b live for one handshake. g^a and g^b walk the same table with the
//     same constant-time selection, multiplied by math/big, which is three
//     times faster; no branch or address depends on the digits of the exponent.
//   - The client's last power has the exponent a + u·x. a is 64 bits longer
//     than u·x can be, so the sum is statistically independent of x (distance
//     at most 2^-64), and the power may run on math/big's fast exponentiation.
//     This holds for one use of a, so a [Client] proves once.
//   - The server raises v to the public u and the product to the ephemeral b,
//     both on math/big.
//
// The table is part of the program (96 KiB), as the P-256 table of crypto/ecdh
// is: a command that signs in once and exits builds nothing.
//
// # Why B has a sign
//
// 2 is a quadratic residue modulo N, so g^b always is one too. If B were
// always k·v + g^b, anybody could ask for challenges and drop every candidate
// password p for which B − k·g^x(p) is not a residue: each challenge would
// halve the dictionary without one counted attempt. (RFC 5054 avoids this by
// generators of the whole group.) The server therefore sends k·v ± g^b with a
// random sign. −1 is not a residue, so B then says nothing about v. A client
// needs no change: it arrives at S or N − S, and the server tries both.
package srp
