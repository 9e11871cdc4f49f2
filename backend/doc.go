// Package backend is the contract between the solvers and the machines that
// read X: what a backend can be asked, in which units, and what it promises.
//
//	       objective            one penalised objective, the solvers' only view
//	           |
//	 backend.Data (this package)      sums over the rows of X, K models wide
//	    /      |       \
//	cpu   cpu-reference  cuda         each registers itself under its name
//
// X is loaded once into a Data; every operation after that is one call that
// reads X at most once, whatever the number of models.
//
// Rules every backend keeps, and backendtest.RunAll checks:
//
//   - Deterministic: the same source, options and models give bit-equal results,
//     whatever the number of threads or blocks. Rows are cut into logical blocks,
//     a function of N and D alone, and partial sums are combined in block order.
//   - Products are float32 for float32 and narrower storage, float64 for float64;
//     partial sums of blocks are combined in float64.
//   - Inputs are never modified, and may be changed by the caller after the call.
//   - Every method stops between row blocks when its context ends and returns the
//     context's cause.
//   - A row of weight zero adds nothing, whatever it holds.
//
// The package knows nothing of penalties, intercept rules or users' units of X:
// those are the objective's. It holds no arithmetic of its own beyond the choice
// of the storage map (Affine).
package backend
