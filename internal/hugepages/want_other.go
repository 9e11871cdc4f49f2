//go:build !linux

package hugepages

// Want is a wish that only Linux is asked to grant.
func Want[E any](x []E) {}
