//go:build linux && amd64 && cgo && !cpu

#include "load.h"

#include <dlfcn.h>
#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))

// The CUresults that an unfilled slot may return.
enum { NOT_INITIALIZED = 3, NO_DEVICE = 100, NOT_FOUND = 500 };

typedef void (*entry)(void);

extern entry libcuda_slots[] HIDDEN;

static const char *const names[] = {
#define X(name) #name,
#include "symbols.h"
#undef X
};

static int unfilled = NOT_INITIALIZED;

// libcuda_unfilled is where every slot points at first, and where those stay that
// the installed driver is too old to have.
HIDDEN int libcuda_unfilled(void) { return unfilled; }

// cuInit is what cu's init function calls.
HIDDEN int cuInit(unsigned flags)
{
	(void)flags;
	return 0;
}

static int (*init)(unsigned);
static int (*error_name)(int, const char **);
static int (*error_text)(int, const char **);

const char *libcuda_open(void)
{
	void *lib = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
	if (lib == NULL) {
		unfilled = NO_DEVICE;
		return dlerror();
	}
	unfilled = NOT_FOUND;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		entry e = (entry)dlsym(lib, names[i]);
		if (e != NULL)
			libcuda_slots[i] = e;
	}
	init = (int (*)(unsigned))dlsym(lib, "cuInit");
	error_name = (int (*)(int, const char **))dlsym(lib, "cuGetErrorName");
	error_text = (int (*)(int, const char **))dlsym(lib, "cuGetErrorString");
	return NULL;
}

int libcuda_init(void) { return init != NULL ? init(0) : NOT_FOUND; }

void libcuda_error(int code, const char **name, const char **text)
{
	if (error_name == NULL || error_name(code, name) != 0)
		*name = NULL;
	if (error_text == NULL || error_text(code, text) != 0)
		*text = NULL;
}
