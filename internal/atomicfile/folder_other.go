//go:build !unix

package atomicfile

// CheckFolder returns nil: modes say nothing about folders here. On Windows a
// user's profile folder is private by its access control list.
func CheckFolder(string) error { return nil }
