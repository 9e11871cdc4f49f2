//go:build !cpu && linux && amd64 && !cgo

package cubinding

const reason = "this binary was built without cgo; build it with make build for CUDA"
