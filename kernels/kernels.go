package kernels

// Target is one virtual architecture that the kernels are compiled for.
type Target struct {
	Name         string // "sm_80", as in .target and in the folder's name
	Major, Minor int    // the least compute capability it runs on
	Driver       int    // the least CUDA version of a driver that reads its PTX version
}

// Targets are the committed ones, the most capable first.
var Targets = []Target{
	{"sm_80", 8, 0, 11000}, // PTX 7.0
	{"sm_75", 7, 5, 10010}, // PTX 6.4
}

// Choose returns the best target for a device and the CUDA version of its driver.
func Choose(major, minor, driver int) (Target, bool) {
	for _, t := range Targets {
		if driver >= t.Driver && (major > t.Major || major == t.Major && minor >= t.Minor) {
			return t, true
		}
	}
	return Target{}, false
}

// Kernel is one entry point for each storage it exists in.
type Kernel struct {
	Name     string   // the entry without its storage: "logistic_eval_warp128"
	File     string   // the file without its storage: "logistic_eval_warp"
	Threads  int      // of a block; 0: computed at launch
	Storages []string // "f32", ... ; nil: the file does not depend on the storage
	Since    int      // the least major compute capability; 0: all
}

// Entry is the name of the entry point for a storage.
func (k Kernel) Entry(storage string) string {
	if k.Storages == nil {
		return k.Name
	}
	return k.Name + "_" + storage
}

// Module is the name of the file for a storage, as PTX takes it.
func (k Kernel) Module(storage string) string {
	if k.Storages == nil {
		return k.File
	}
	return k.File + "." + storage
}

var (
	all    = []string{"f32", "f64", "bf16", "f16"}
	reals  = []string{"f32", "f64"} // kernels of sparse X, and those that never read X: of real numbers, not of stored ones
	double = []string{"f64"}
	single = []string{"f32", "bf16", "f16"} // products in float32
)

// Table is every kernel there is.
var Table = []Kernel{
	{"logistic_eval_tile", "logistic_eval_tile", 128, all, 0},
	{"logistic_eval_warp32", "logistic_eval_warp", 256, all, 0},
	{"logistic_eval_warp64", "logistic_eval_warp", 256, all, 0},
	{"logistic_eval_warp128", "logistic_eval_warp", 256, all, 0},
	{"logistic_eval_warp256", "logistic_eval_warp", 256, all, 0},
	{"logistic_eval_warp512", "logistic_eval_warp", 256, all, 0},
	{"logistic_eval_warp1024", "logistic_eval_warp", 256, single, 0},
	{"logistic_eval_block2048", "logistic_eval_block", 512, all, 0},
	{"logistic_eval_block4096", "logistic_eval_block", 512, all, 0},
	{"logistic_eval_block6144", "logistic_eval_block", 512, double, 0},
	{"logistic_eval_block8192", "logistic_eval_block", 512, single, 0},
	{"logistic_eval_block14336", "logistic_eval_block", 512, single, 0},
	{"logistic_eval_k256", "logistic_eval_k", 256, all, 0},
	{"logistic_eval_k512", "logistic_eval_k", 256, double, 0},
	{"logistic_eval_k1024", "logistic_eval_k", 256, single, 0},
	{"logistic_eval_k_mma128", "logistic_eval_k_mma", 256, single, 8},
	{"logistic_eval_k_mma1024", "logistic_eval_k_mma", 256, single, 8},
	{"softmax_eval256", "softmax_eval", 256, all, 0},
	{"softmax_eval512", "softmax_eval", 256, double, 0},
	{"softmax_eval1024", "softmax_eval", 256, single, 0},
	{"softmax_eval_mma128", "logistic_eval_k_mma", 256, single, 8},
	{"softmax_eval_mma1024", "logistic_eval_k_mma", 256, single, 8},
	{"hess_vec_tile", "hess_vec", 128, all, 0},
	{"hess_vec_warp32", "hess_vec", 256, all, 0},
	{"hess_vec_warp64", "hess_vec", 256, all, 0},
	{"hess_vec_warp128", "hess_vec", 256, all, 0},
	{"hess_vec_warp256", "hess_vec", 256, all, 0},
	{"hess_vec_warp512", "hess_vec", 256, all, 0},
	{"hess_vec_warp1024", "hess_vec", 256, single, 0},
	{"hess_vec_block2048", "hess_vec", 512, all, 0},
	{"hess_vec_block4096", "hess_vec", 512, all, 0},
	{"hess_vec_block8192", "hess_vec", 512, single, 0},
	{"hess_vec_k256", "hess_vec_k", 256, all, 0},
	{"hess_vec_k512", "hess_vec_k", 256, double, 0},
	{"hess_vec_k1024", "hess_vec_k", 256, single, 0},
	{"softmax_hess256", "hess_vec_k", 256, all, 0},
	{"softmax_hess512", "hess_vec_k", 256, double, 0},
	{"softmax_hess1024", "hess_vec_k", 256, single, 0},
	{"logits4", "logits", 256, all, 0},
	{"logits16", "logits", 256, all, 0},
	{"residual_logistic", "residual", 256, reals, 0},
	{"residual_softmax", "residual", 256, reals, 0},
	{"hess_logistic", "residual", 256, reals, 0},
	{"hess_softmax", "residual", 256, reals, 0},
	{"weights_logistic", "residual", 256, reals, 0},
	{"weights_softmax", "residual", 256, reals, 0},
	{"xtr", "xtr", 256, all, 0},
	{"line_logistic", "line", 256, reals, 0},
	{"line_softmax", "line", 256, reals, 0},
	{"predict_logistic", "predict", 256, reals, 0},
	{"predict_softmax", "predict", 256, reals, 0},
	{"gram", "gram", 256, all, 0},
	{"gram_mma", "gram_mma", 256, single, 8},
	{"eval_gram", "eval_gram", 0, all, 0},
	{"stats", "stats", 256, all, 0},
	{"combine_stats", "stats", 256, all, 0},
	{"scale_convert_from32", "scale_convert", 256, all, 0},
	{"scale_convert_from64", "scale_convert", 256, all, 0},
	{"gather_rows_b2", "gather_rows", 256, nil, 0},
	{"gather_rows_b4", "gather_rows", 256, nil, 0},
	{"gather_rows_b8", "gather_rows", 256, nil, 0},
	{"combine_partials_f32", "combine_partials", 0, nil, 0},
	{"combine_partials_f64", "combine_partials", 0, nil, 0},
	{"sgd_epochs", "sgd_epochs", 256, all, 0},
	{"csr_eval1", "csr_eval", 256, reals, 0},
	{"csr_eval4", "csr_eval", 256, reals, 0},
	{"csr_eval16", "csr_eval", 256, reals, 0},
	{"csr_softmax4", "csr_eval", 256, reals, 0},
	{"csr_softmax16", "csr_eval", 256, reals, 0},
	{"csr_hess1", "csr_hess_vec", 256, reals, 0},
	{"csr_hess4", "csr_hess_vec", 256, reals, 0},
	{"csr_hess16", "csr_hess_vec", 256, reals, 0},
	{"csr_softmax_hess4", "csr_hess_vec", 256, reals, 0},
	{"csr_softmax_hess16", "csr_hess_vec", 256, reals, 0},
	{"csr_logits1", "csr_logits", 256, reals, 0},
	{"csr_logits4", "csr_logits", 256, reals, 0},
	{"csr_logits16", "csr_logits", 256, reals, 0},
	{"csr_xtr1", "csr_xtr", 256, reals, 0},
	{"csr_xtr4", "csr_xtr", 256, reals, 0},
	{"csr_xtr16", "csr_xtr", 256, reals, 0},
	{"csr_squares", "csr_xtr", 256, reals, 0},
	{"csr_combine", "csr_combine", 256, reals, 0},
	{"csr_interleave", "csr_combine", 256, reals, 0},
	{"csr_stats", "csr_stats", 256, reals, 0},
	{"csr_combine_stats", "csr_stats", 256, reals, 0},
	{"csr_count", "csr_count", 256, nil, 0},
	{"csr_bounds1", "csr_fixed", 256, reals, 0},
	{"csr_bounds4", "csr_fixed", 256, reals, 0},
	{"csr_bounds16", "csr_fixed", 256, reals, 0},
	{"csr_bounds_squares", "csr_fixed", 256, reals, 0},
	{"csr_adds1", "csr_fixed", 256, reals, 0},
	{"csr_adds4", "csr_fixed", 256, reals, 0},
	{"csr_adds16", "csr_fixed", 256, reals, 0},
	{"csr_adds_squares", "csr_fixed", 256, reals, 0},
	{"csr_fixed_sums", "csr_fixed", 256, reals, 0},
	{"csr_stat_bounds", "csr_fixed_stats", 256, reals, 0},
	{"csr_stat_adds", "csr_fixed_stats", 256, reals, 0},
	{"csr_means", "csr_fixed_stats", 256, reals, 0},
	{"csr_deviation_bounds", "csr_fixed_stats", 256, reals, 0},
	{"csr_deviation_adds", "csr_fixed_stats", 256, reals, 0},
	{"csr_moments", "csr_fixed_stats", 256, reals, 0},
	{"csr_gather_b4", "csr_gather", 256, nil, 0},
	{"csr_gather_b8", "csr_gather", 256, nil, 0},
	{"columns_dense", "column_gram", 256, all, 0},
	{"columns_sparse", "csr_columns", 256, reals, 0},
	{"squares", "column_gram", 256, all, 0},
}

var byName = func() map[string]Kernel {
	m := make(map[string]Kernel, len(Table))
	for _, k := range Table {
		m[k.Name] = k
	}
	return m
}()

// Find returns the kernel of that name.
func Find(name string) (Kernel, bool) {
	k, ok := byName[name]
	return k, ok
}
