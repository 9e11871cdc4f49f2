//go:build !cpu && (!linux || !amd64)

package cubinding

const reason = "CUDA needs linux/amd64"
