// Package checkpoint keeps what a fit has learnt of its data in a file, so that a
// program that was killed can go on to the very same bits.
//
// It does not store the state of solvers. Everything above a backend.Data is a
// function of the options and of the answers that the Data gave, and takes next to no
// time; so the answers are stored, each with a hash of what was asked. A fit that is
// resumed begins at its beginning and is given the answers without X being read, until
// there are no more:
//
//	solver --> objective --> data (this package) --> backend.Data
//	                           |
//	                         Journal: question known? the answer from the file
//	                                  else: ask the backend, append the answer
//
// Every answer that a fit gets is the one that the backend gave to the same question
// about the same data. So it ends as if it had never been interrupted, whatever its
// solver, and a file that is damaged, or of a run with another limit of iterations,
// costs time at worst.
//
//	journal.go  the questions of a fit, answered from the file or by the backend
//	data.go     the Data that asks; samples are drawn again only when they are needed
//	request.go  the hash of a question
//	answer.go   the numbers of an answer
//	file.go     the file: header, records, checksums
//	fact.go     what a fit is of; a checkpoint of another fit is refused
//	source.go   that of the data
//
// The file is a header, written whole or not at all, and records that are appended. A
// kill at any moment leaves a last record that may be torn, which its checksum tells.
package checkpoint
