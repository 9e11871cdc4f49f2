// Package parity is the parity suite as a program: its test binary, built where Go is,
// holds a backend to the float64 reference on a machine with a GPU.
//
//	go test -c -o parity.test ./bench/gpu/parity
//	./parity.test -test.v -backend cuda
package parity
