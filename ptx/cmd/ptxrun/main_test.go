package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

const basic = "../../testdata/basic.sm_75.ptx"

func TestRun_PrintsBuffersAndCounts(t *testing.T) {
	var out bytes.Buffer
	err := run([]string{"--kernel", "saxpy", "--grid", "4", "--block", "64,4", "--seed", "7", "--arg", "f32[1000]=iota",
		"--arg", "f32[1000]=ones", "--arg", "u64=0", basic}, &out)
	require.NoError(t, err)
	require.Contains(t, out.String(), "arg0: [0 1 2 3 4 5 6 7 ...] checksum 3b47b52f982867a8, 0 bytes loaded, 0 stored\n")
	require.Contains(t, out.String(), "instructions: ")

	out.Reset()
	require.NoError(t, run([]string{"--kernel", "dot", "--block", "64", "--shared", "256", "--arg", "f32[8]=iota",
		"--arg", "f32[8]=ones", "--arg", "f64[2]=uninit", "--arg", "u32=8", basic}, &out))
	require.Contains(t, out.String(), "arg2: [28 uninit] ")
	require.Contains(t, out.String(), "8 bytes never written")
	require.Contains(t, out.String(), "bytes loaded: global 64, shared ")

	out.Reset()
	require.NoError(t, run([]string{"--kernel", "collatz", "--arg", "u32[32]=ones", "--arg", "u32[32]=rand", basic}, &out))
	require.Contains(t, out.String(), "arg1: [0 0 0 0 0 0 0 0 ...]")
}

func TestRun_Errors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "usage: ptxrun"},
		{[]string{"--colour"}, "flag provided but not defined"},
		{[]string{"--kernel", "k", "missing.ptx"}, "no such file"},
		{[]string{"--kernel", "nothing", basic}, `has no kernel "nothing"`},
		{[]string{"--kernel", "saxpy", "--grid", "0", basic}, `--grid: "0" is not a positive number`},
		{[]string{"--kernel", "saxpy", "--block", "1,1,1,1", basic}, "--block: "},
		{[]string{"--kernel", "saxpy", "--arg", "f32", basic}, "want type[n]=fill"},
		{[]string{"--kernel", "saxpy", "--arg", "f32[9]=nine", basic}, `fill "nine" is none of`},
		{[]string{"--kernel", "saxpy", "--arg", "f32[-9]=ones", basic}, "not a positive length"},
		{[]string{"--kernel", "saxpy", "--arg", "u8=1", basic}, `type "u8" is none of`},
		{[]string{"--kernel", "saxpy", "--device", "new", basic}, "not a compute capability"},
		{[]string{"--kernel", "saxpy", "--device", "7.0", basic}, "NO_BINARY_FOR_GPU"},
		{[]string{"--kernel", "saxpy", "--block", "32", "--arg", "f32[31]=iota", "--arg", "f32[32]=ones", "--arg", "u64=32", basic}, `0 bytes past the end of "arg0" (124 bytes)`},
	} {
		var out bytes.Buffer
		err := run(c.args, &out)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "\n")
	}
}
