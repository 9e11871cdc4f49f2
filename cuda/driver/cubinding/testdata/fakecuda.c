// A libcuda.so.1 for tests: it keeps "device" memory on the host, runs one kernel,
// and writes a line for each call to the file FAKE_CUDA_TRACE. FAKE_CUDA_INIT is
// what cuInit returns, FAKE_CUDA_PTX the highest .version digit that it accepts.
// Types are spelled out, not taken from cuda.h, so that it checks the binding's
// idea of them.

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t devptr;

enum {
	OK = 0,
	INVALID_VALUE = 1,
	OUT_OF_MEMORY = 2,
	NOT_INITIALIZED = 3,
	INVALID_CONTEXT = 201,
	INVALID_PTX = 218,
	UNSUPPORTED_PTX_VERSION = 222,
	NOT_FOUND = 500,
};

static int initialized;
static __thread void *current;
static char contexts[2]; // an address for each

static void trace(const char *format, ...)
{
	const char *path = getenv("FAKE_CUDA_TRACE");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;
	if (f == NULL)
		return;
	va_list args;
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	fputc('\n', f);
	fclose(f);
}

#define NEED_CONTEXT                    \
	do {                            \
		if (current == NULL)    \
			return INVALID_CONTEXT; \
	} while (0)

// The library and its devices.

int cuInit(unsigned flags)
{
	const char *code = getenv("FAKE_CUDA_INIT");
	trace("cuInit %u", flags);
	if (code != NULL && atoi(code) != 0)
		return atoi(code);
	initialized = 1;
	return OK;
}

int cuDriverGetVersion(int *v)
{
	*v = 12040;
	return OK;
}

static const struct {
	int code;
	const char *name, *text;
} errors[] = {
	{INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{202, "CUDA_ERROR_CONTEXT_ALREADY_CURRENT", "context already current"},
	{INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	{UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
		"the provided PTX was compiled with an unsupported toolchain."},
	{NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
		"system has unsupported display driver / cuda driver combination"},
	{999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

int cuGetErrorName(int code, const char **s)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			return *s = errors[i].name, OK;
	return *s = NULL, INVALID_VALUE;
}

int cuGetErrorString(int code, const char **s)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			return *s = errors[i].text, OK;
	return *s = NULL, INVALID_VALUE;
}

int cuDeviceGetCount(int *n)
{
	if (!initialized)
		return NOT_INITIALIZED;
	*n = 2;
	return OK;
}

int cuDeviceGet(int *dev, int ordinal)
{
	*dev = ordinal;
	return ordinal >= 0 && ordinal < 2 ? OK : 101;
}

int cuDeviceGetName(char *name, int len, int dev)
{
	snprintf(name, (size_t)len, "Fake GPU %d", dev);
	return OK;
}

int cuDeviceTotalMem_v2(size_t *bytes, int dev)
{
	(void)dev;
	*bytes = (size_t)80 << 30;
	return OK;
}

int cuDeviceGetPCIBusId(char *id, int len, int dev)
{
	snprintf(id, (size_t)len, "00000000:3%d:00.0", dev);
	return OK;
}

// Every attribute is 1000 + its number, but for the compute capability.
int cuDeviceGetAttribute(int *v, int attribute, int dev)
{
	(void)dev;
	*v = attribute == 75 ? 9 : attribute == 76 ? 0 : 1000 + attribute;
	return OK;
}

// Contexts.

int cuCtxCreate_v2(void **ctx, unsigned flags, int dev)
{
	trace("cuCtxCreate_v2 %u %d", flags, dev);
	*ctx = current = &contexts[dev];
	return OK;
}

int cuCtxDestroy_v2(void *ctx)
{
	trace("cuCtxDestroy_v2 %s", ctx == current ? "current" : "other");
	current = NULL;
	return OK;
}

int cuCtxGetCurrent(void **ctx)
{
	*ctx = current;
	return OK;
}

int cuCtxSynchronize(void)
{
	NEED_CONTEXT;
	trace("cuCtxSynchronize");
	return OK;
}

// Memory. Allocations above 1 GiB fail.

int cuMemGetInfo_v2(size_t *free, size_t *total)
{
	NEED_CONTEXT;
	*free = (size_t)79 << 30;
	*total = (size_t)80 << 30;
	return OK;
}

int cuMemAlloc_v2(devptr *p, size_t n)
{
	NEED_CONTEXT;
	trace("cuMemAlloc_v2 %zu", n);
	if (n > (size_t)1 << 30)
		return OUT_OF_MEMORY;
	*p = (devptr)(uintptr_t)aligned_alloc(256, (n + 255) / 256 * 256);
	return OK;
}

int cuMemFree_v2(devptr p)
{
	trace("cuMemFree_v2");
	free((void *)(uintptr_t)p);
	return OK;
}

int cuMemHostAlloc(void **p, size_t n, unsigned flags)
{
	NEED_CONTEXT;
	trace("cuMemHostAlloc %zu %u", n, flags);
	*p = malloc(n);
	return OK;
}

int cuMemFreeHost(void *p)
{
	trace("cuMemFreeHost");
	free(p);
	return OK;
}

static int copy(const char *call, void *dst, const void *src, size_t n, void *stream)
{
	NEED_CONTEXT;
	trace("%s %zu %s", call, n, stream != NULL ? (const char *)stream : "default");
	memcpy(dst, src, n);
	return OK;
}

int cuMemcpyHtoD_v2(devptr d, const void *h, size_t n) { return copy("cuMemcpyHtoD_v2", (void *)(uintptr_t)d, h, n, NULL); }
int cuMemcpyDtoH_v2(void *h, devptr d, size_t n) { return copy("cuMemcpyDtoH_v2", h, (void *)(uintptr_t)d, n, NULL); }
int cuMemcpyHtoDAsync_v2(devptr d, const void *h, size_t n, void *s) { return copy("cuMemcpyHtoDAsync_v2", (void *)(uintptr_t)d, h, n, s); }
int cuMemcpyDtoHAsync_v2(void *h, devptr d, size_t n, void *s) { return copy("cuMemcpyDtoHAsync_v2", h, (void *)(uintptr_t)d, n, s); }

int cuMemsetD8Async(devptr d, unsigned char v, size_t n, void *s)
{
	NEED_CONTEXT;
	trace("cuMemsetD8Async %u %zu %s", v, n, s != NULL ? (const char *)s : "default");
	memset((void *)(uintptr_t)d, v, n);
	return OK;
}

// Streams and events: a stream is its name.

int cuStreamCreate(void **s, unsigned flags)
{
	NEED_CONTEXT;
	trace("cuStreamCreate %u", flags);
	*s = strdup("stream");
	return OK;
}

int cuStreamSynchronize(void *s) { return trace("cuStreamSynchronize %s", s != NULL ? (char *)s : "default"), OK; }
int cuStreamWaitEvent(void *s, void *e, unsigned flags) { return trace("cuStreamWaitEvent %s %s %u", (char *)s, (char *)e, flags), OK; }
int cuStreamDestroy_v2(void *s) { return trace("cuStreamDestroy_v2 %s", (char *)s), free(s), OK; }

int cuEventCreate(void **e, unsigned flags)
{
	static const char *names[] = {"event 1", "event 2"};
	static int n;
	trace("cuEventCreate %u", flags);
	*e = (void *)names[n++ % 2];
	return OK;
}

int cuEventRecord(void *e, void *s) { return trace("cuEventRecord %s %s", (char *)e, s != NULL ? (char *)s : "default"), OK; }
int cuEventSynchronize(void *e) { return trace("cuEventSynchronize %s", (char *)e), OK; }
int cuEventDestroy_v2(void *e) { return trace("cuEventDestroy_v2 %s", (char *)e), OK; }

int cuEventElapsedTime(float *ms, void *start, void *end)
{
	trace("cuEventElapsedTime %s to %s", (char *)start, (char *)end);
	*ms = 1.5f;
	return OK;
}

// Modules: PTX is text with a .version; its kernel is "echo".

int cuModuleLoadDataEx(void **m, const void *image, unsigned n, const int *options, void **values)
{
	NEED_CONTEXT;
	const char *ptx = image, *version = strstr(ptx, ".version ");
	const char *high = getenv("FAKE_CUDA_PTX");
	char *log = NULL;
	size_t size = 0;
	for (unsigned i = 0; i < n; i++) {
		if (options[i] == 5) // CU_JIT_ERROR_LOG_BUFFER
			log = values[i];
		if (options[i] == 6) // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
			size = (size_t)(uintptr_t)values[i];
	}
	trace("cuModuleLoadDataEx %zu bytes, log of %zu", strlen(ptx), size);
	if (version == NULL) {
		snprintf(log, size, "ptxas application ptx input, line 1; fatal   : Missing .version directive\nptxas fatal   : Ptx assembly aborted due to errors\n");
		return INVALID_PTX;
	}
	if (high != NULL && version[strlen(".version ")] > *high) {
		snprintf(log, size, "ptxas application ptx input, line 1; fatal   : Unsupported .version %.3s; current version is '%s.4'\n", version + strlen(".version "), high);
		return UNSUPPORTED_PTX_VERSION;
	}
	*m = (void *)"module";
	return OK;
}

int cuModuleUnload(void *m) { return trace("cuModuleUnload %s", (char *)m), OK; }

int cuModuleGetFunction(void **f, void *m, const char *name)
{
	trace("cuModuleGetFunction %s %s", (char *)m, name);
	if (strcmp(name, "echo") != 0)
		return NOT_FOUND;
	*f = (void *)"echo";
	return OK;
}

int cuFuncSetAttribute(void *f, int attribute, int value) { return trace("cuFuncSetAttribute %s %d %d", (char *)f, attribute, value), OK; }

int cuFuncGetAttribute(int *v, int attribute, void *f)
{
	(void)f;
	*v = 100 + attribute;
	return OK;
}

// echo(u64 *out, u32, i32, f32, f64, u64) writes its parameters to out, each with
// its own size as a GPU would read it.
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
	unsigned shared, void *stream, void **params, void **extra)
{
	NEED_CONTEXT;
	trace("cuLaunchKernel %s grid %u %u %u block %u %u %u shared %u %s %s", (char *)f, gx, gy, gz, bx, by, bz,
		shared, stream != NULL ? (char *)stream : "default", extra == NULL ? "" : "extra");
	if (bx > 1024)
		return INVALID_VALUE;
	static const size_t size[] = {8, 4, 4, 4, 8, 8};
	uint64_t *out = *(uint64_t **)params[0];
	memset(out, 0, sizeof size);
	for (int i = 0; i < 6; i++)
		memcpy(&out[i], params[i], size[i]);
	return OK;
}
