// Package all registers every backend of this build: import it for its effect.
package all

import (
	_ "github.com/logreg-gpu/logreg-gpu/cpu"           // the fast one
	_ "github.com/logreg-gpu/logreg-gpu/cpu/reference" // the one that is meant to be read
	_ "github.com/logreg-gpu/logreg-gpu/cuda"          // GPUs, and their emulation
)
