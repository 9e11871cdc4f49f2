//go:build cpu

package cubinding

const reason = "this binary was built with -tags cpu; build it with make build for CUDA"
