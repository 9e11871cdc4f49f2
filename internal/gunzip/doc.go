// Package gunzip reads gzip (RFC 1952) at about twice the speed of other readers in Go,
// where it is text of numbers: most of that are literals, of which a table gives up to three
// at a time.
//
//	reader.go    members, headers, checksums
//	inflate.go   the blocks of a member (RFC 1951)
//	huffman.go   tables of codes
//
// What it accepts, what comes out and where it ends early are those of compress/gzip, which
// tests and a fuzz target hold it to. It reads ahead of what it needs.
package gunzip
