// What load.c offers to Go.

// libcuda_open fills the trampolines from libcuda.so.1. It returns NULL, or why
// that failed.
const char *libcuda_open(void);

// libcuda_init is the true cuInit.
int libcuda_init(void);

// libcuda_error gives the driver's name of a CUresult and its sentence; they stay
// NULL where the driver does not know the code.
void libcuda_error(int code, const char **name, const char **text);
