package driver

import "fmt"

// Code is a CUresult.
type Code int

// The codes our own code acts on; the binding passes on every other one as it is.
const (
	InvalidValue          Code = 1
	OutOfMemory           Code = 2
	NotInitialized        Code = 3
	NoDevice              Code = 100
	InvalidDevice         Code = 101
	InvalidPTX            Code = 218
	UnsupportedPTXVersion Code = 222
	NotFound              Code = 500
	IllegalAddress        Code = 700
	LaunchOutOfResources  Code = 701
	LaunchFailed          Code = 719
	StubLibrary           Code = 34
)

// Error is a failed driver call.
type Error struct {
	Call string // "cuModuleLoadDataEx"
	Code Code
	Name string // "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
	Text string // the driver's own sentence
	Log  string // the JIT's, for module loads
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s (%d)", e.Call, e.Name, e.Code)
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Log != "" {
		s += ": " + e.Log
	}
	return s
}

// Is makes errors.Is match any *Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
