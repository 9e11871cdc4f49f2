// Package checks looks at large arrays that have just been read, at about the speed at
// which a core's caches give them:
//
//	finite.go   whether all numbers are finite
//	crc32c.go   CRC-32C, Castagnoli's
//
// Each has assembly and a twin in plain Go, which give the same.
package checks

//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel highest -out ../../../../internal/checks/highest_amd64.s -stubs ../../../../internal/checks/highest_amd64.go -pkg checks
//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel crc32c -out ../../../../internal/checks/crc32c_amd64.s -stubs ../../../../internal/checks/crc32c_amd64.go -pkg checks
