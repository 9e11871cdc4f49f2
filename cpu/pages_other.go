//go:build !linux

package cpu

// wantHugePages is a wish that only Linux is asked to grant.
func wantHugePages[E any](x []E) {}
