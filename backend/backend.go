package backend

import "context"

// Backend is one way of computing: a kind of processor with its arithmetic.
// It is safe for use by several goroutines.
type Backend interface {
	// Name is the name the backend is registered under.
	Name() string

	// Load copies src into the backend's own storage and checks it: a NaN or an
	// infinity in X is a *NotFiniteError, a malformed source a *SourceError.
	// src is not kept, save an X that is lent; the caller may change it once Load
	// returns.
	// The Data must be closed.
	Load(ctx context.Context, src *Source, storage Storage) (Data, error)

	// Close releases the backend. Its Data must be closed first.
	Close() error
}

// Data is X with its label, weight, offset and fold columns, ready to be summed
// over. N is Rows(), D is Cols(). It sees the stored columns
//
//	xs_ij = (x_ij - Center_j) / Scale_j            (Affine; mostly the identity)
//
// and every coefficient, gradient and statistic below is in those stored units.
//
// Coefficient vectors ("coef") hold one row of D+1 numbers for each output of
// each model, in the order of the models, the intercept last in its row; Layout
// gives the offsets. Gradients have the same layout.
//
// Methods of one Data may not be called concurrently.
type Data interface {
	Rows() int
	Cols() int

	// Storage is the number format X is held in; never Auto.
	Storage() Storage

	// Affine is the map from the source's columns to the stored ones.
	Affine() Affine

	// Eval computes the loss and the gradient of every model in one read of X:
	//
	//	Loss_k = sum_i m_ik l(z_ik, y_ik),   Grad_k = sum_i m_ik (xs_i, 1) r_ik
	//
	// where z_ik = xs_i.w_k + b_k + offset_i; for one output
	// l = max(z,0) - y z + log1p(exp(-|z|)), r = sigmoid(z) - y; for softmax
	// l = logsumexp(z) - z_y, r = softmax(z) - onehot(y). m_ik is the row's weight
	// in model k, or 0 where row i is in the fold that model k leaves out; those
	// rows make up Held_k instead. out is overwritten; its slices are reused where
	// they have the right length.
	Eval(ctx context.Context, models []Model, coef []float64, out *Evaluation) error

	// Predict writes the probabilities of every model, one row of all outputs for
	// each row of X, to out (length N * total outputs). A model of one output
	// gives the probability of its Class. Weights and folds play no part. It reads
	// X once.
	Predict(ctx context.Context, models []Model, coef []float64, out []float64) error

	// Stats computes the statistics of each stored column, unweighted and, where
	// weight >= 0, with the weights of that column of the source; with None over rows
	// drawn with factors (Sampler), with those. It reads X once.
	Stats(ctx context.Context, weight int) (*Stats, error)

	// Close releases the storage. Further calls are errors.
	Close() error
}

// The abilities below are optional: found on a Data by type assertion. The
// reference backend has them all.

// HessVec is the Hessian's product with vectors.
type HessVec interface {
	// HessVec sets out to the Hessian of each model's Loss at coef, times v:
	// X' diag(m p (1-p)) X v for one output, X' (m P o (V - rowsum(P o V))) with
	// V = X v for softmax, X bordered by the column of ones. v and out have coef's
	// layout. It reads X once.
	//
	// Pearlmutter's product for logistic loss: Lin, Weng, Keerthi (JMLR 2008), eq. 7.
	HessVec(ctx context.Context, models []Model, coef, v, out []float64) error
}

// Gram is the weighted Gram matrix, and with it blocks of the Hessian.
type Gram interface {
	// Gram computes for each asked block the matrix
	//
	//	out[b] = sum_i m_ik d_i (xs_i, 1)(xs_i, 1)'    d_i = p_iR (delta_RC - p_iC)
	//
	// at coef: the Hessian of model k's Loss between its outputs R and C. For a
	// model of one output R = C = 0 and d = p (1-p). Each out[b] holds (D+1)*(D+1)
	// numbers, row-major, both triangles filled, the intercept last. ev may be nil;
	// otherwise it is filled as by Eval, from the same read. It reads X once.
	Gram(ctx context.Context, models []Model, coef []float64, blocks []GramBlock, out [][]float64, ev *Evaluation) error
}

// ColumnGram is Gram for X with too many columns for it: of some columns all products,
// of the others the diagonal.
type ColumnGram interface {
	// ColumnGram computes for each asked block the matrix of Gram over the columns cols
	// (strictly increasing) and the intercept, (len(cols)+1)^2 numbers with both
	// triangles filled, to out[b], and of every column and the intercept the diagonal
	// sum_i m_ik d_i (xs_ij, 1)^2, D+1 numbers, to diagonal[b]. It reads X once.
	ColumnGram(ctx context.Context, models []Model, coef []float64, blocks []GramBlock, cols []int, out, diagonal [][]float64) error
}

// Sampler draws rows.
type Sampler interface {
	// Sample returns a new Data of the given rows of X, in the given order, with
	// their labels, offsets and folds. Every weight column, and the weight 1 of
	// models without one, is multiplied by factor[i] for the i-th row drawn; a nil
	// factor is all ones. The new Data is independent and must be closed. Storage
	// and Affine stay. It reads the rows drawn.
	Sample(ctx context.Context, rows []int, factor []float64) (Data, error)
}

// LineSearcher evaluates along a direction without reading X again.
type LineSearcher interface {
	// Direction computes z = X coef and X dir once and keeps both. The Line must
	// be closed. It reads X once.
	Direction(ctx context.Context, models []Model, coef, dir []float64) (Line, error)
}

// Line is the loss along coef + t dir. It reads N numbers an output, and X never.
type Line interface {
	// At writes, for every model k and each of its steps t[k][j], the loss at
	// coef_k + t[k][j] dir_k to loss[k][j] and its derivative by t to slope[k][j].
	At(ctx context.Context, t, loss, slope [][]float64) error
	Close() error
}
