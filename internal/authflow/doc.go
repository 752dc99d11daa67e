// Package authflow is the sign-in by redirect, without network and store: the flow that
// a program keeps while the person is at the sign-in pages (code grant with PKCE, RFC
// 7636, state and nonce), the address that begins it, and the answer that ends it.
package authflow
