/*===- ssd_runtime.h - C ABI of compiled SSD programs ----------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===//
 *
 * The whole public C interface. The first half is the artifact: the one table
 * that a compiled program (a shared object made by ssd-compile) exports. The
 * second half is the library that loads and runs it.
 *
 * Every function that can fail returns SSD_OK (0) or a negative ssd_status and
 * leaves a sentence in ssd_last_error(), which is per thread. The caller owns
 * all tensor memory. An ssd_context serves one call at a time; calls on
 * different contexts, also of one program, may run concurrently.
 *===----------------------------------------------------------------------===*/
#ifndef SSD_RUNTIME_H
#define SSD_RUNTIME_H

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when the layout or meaning of anything in the artifact half changes.
 * Version 2: an entry may be there once for the CPU and once for GPUs; artifacts
 * of version 1 are read as before. */
#define SSD_ABI_VERSION 2u

#define SSD_API __attribute__((visibility("default")))

typedef enum ssd_status {
  SSD_OK = 0,
  SSD_ERROR_INVALID_ARGUMENT = -1, /* shape, dtype, stride, range, null */
  SSD_ERROR_NOT_FOUND = -2,        /* no such entry, parameter, file */
  SSD_ERROR_OUT_OF_MEMORY = -3,
  SSD_ERROR_IO = -4,
  SSD_ERROR_CORRUPT = -5,     /* a file whose contents contradict themselves */
  SSD_ERROR_ABI_VERSION = -6, /* artifact newer than this runtime */
  SSD_ERROR_CPU_LEVEL = -7,   /* artifact needs instructions this CPU lacks */
  SSD_ERROR_NO_DEVICE = -8,   /* no driver, or no kernel for this device */
  SSD_ERROR_DRIVER = -9,      /* the CUDA driver reported an error */
  SSD_ERROR_INTERNAL = -10
} ssd_status;

/*===----------------------------------------------------------------------===//
 * The artifact
 *===----------------------------------------------------------------------===*/

typedef struct ssd_context ssd_context;

/* One task of a parallel loop; `worker` < the context's thread count. */
typedef void (*ssd_task_fn)(void *closure, int64_t index, int32_t worker);

/* What compiled code may ask of the runtime. Fields are only ever appended. */
typedef struct ssd_context_api {
  uint32_t version; /* SSD_ABI_VERSION of the runtime */
  /* Runs task(closure, i, worker) for 0 <= i < count and returns when all are
   * done. Tasks are independent; which worker runs which is unspecified. */
  void (*parallel_for)(ssd_context *, int64_t count, ssd_task_fn task,
                       void *closure);
  /* Launches kernel `kernel` of the artifact in `blocks` blocks; does nothing
   * for none. `params` points to one pointer per kernel parameter. This and the
   * next ones work on the context's stream and do nothing after a failure. */
  void (*launch)(ssd_context *, int32_t kernel, int64_t blocks,
                 uint32_t shared_bytes, void **params);
  /* Clears, or copies, device memory. */
  void (*clear)(ssd_context *, void *to, int64_t bytes);
  void (*copy)(ssd_context *, void *to, const void *from, int64_t bytes);
  /* Writes a tensor map (128 bytes, aligned to 64) of a tensor with
   * `rank` <= 5 dimensions, outermost first: sizes and strides in elements, the
   * innermost stride 1; the box that one copy moves; SWIZZLE_128B; zeros
   * outside. */
  void (*encode_tensor_map)(ssd_context *, void *map, DLDataType type,
                            int32_t rank, const void *base,
                            const int64_t *sizes, const int64_t *strides,
                            const int32_t *box);
  /* Whether this call's device runs the kernel (0 or 1). */
  int32_t (*has_kernel)(ssd_context *, int32_t kernel);
  /* Of this call's device. */
  int32_t (*multiprocessors)(ssd_context *);
  /* SSD_OK, or why the first of the functions above failed in this call; an
   * entry that uses them returns it. */
  int32_t (*status)(ssd_context *);
  /* Leaves a sentence for ssd_last_error(). An entry calls it before it
   * returns a negative ssd_status for a reason of its own. */
  void (*set_error)(ssd_context *, const char *message);
} ssd_context_api;

/* The head of a context is part of the ABI, its tail is the runtime's own. */
struct ssd_context {
  const ssd_context_api *api;
  void *stream; /* of this call, a CUstream; set by the entry */
};

typedef enum ssd_role {
  SSD_ROLE_INPUT = 0,
  SSD_ROLE_OUTPUT = 1,
  SSD_ROLE_STATE = 2,    /* read and written in place, bound in an ssd_state */
  SSD_ROLE_PARAMETER = 3 /* read only, bound once per program */
} ssd_role;

typedef struct ssd_argument {
  const char *name; /* a parameter's name is the one in its checkpoint */
  int32_t role;     /* ssd_role */
  DLDataType dtype;
  int32_t rank;
  /* rank entries. d >= 0 is a static size; d < 0 is dynamic size number -1-d
   * of this entry: equal numbers must have equal sizes in one call. */
  const int64_t *shape;
  /* Arguments whose innermost dimension must be contiguous but whose other
   * strides are free have this set; all others must be C-contiguous. */
  int32_t strided;
  int32_t device; /* DLDeviceType: kDLCPU or kDLCUDA */
  /* Values of integer inputs must lie in [min_value, max_value]; unchecked
   * where min_value > max_value. */
  int64_t min_value, max_value;
} ssd_argument;

/* An entry takes one tensor per element of its argument list, in that order.
 * `workspace` has at least the bytes that its workspace function returns for
 * these arguments and is aligned to 64. Shapes have been checked by ssd_call,
 * which also folds byte_offset into data, writes strides out (they are never
 * null) and demands addresses that are multiples of the element's size; an
 * entry called directly trusts all this. `stream` is a CUstream or null. */
typedef int32_t (*ssd_entry_fn)(ssd_context *, const DLTensor *const *args,
                                int32_t n_args, void *workspace, void *stream);
typedef int64_t (*ssd_workspace_fn)(const DLTensor *const *args,
                                    int32_t n_args);

/* An entry with an argument in a GPU's memory is for GPUs, another for the CPU.
 * A name occurs at most once for each of the two, with the same arguments but
 * for their device: code that calls choose from by where their tensors are. */
typedef struct ssd_entry {
  const char *name;
  int32_t n_args;
  const ssd_argument *args;
  ssd_entry_fn run;
  ssd_workspace_fn workspace; /* null: needs none */
  /* JSON array, one object per mixer: source location, the chosen form, the
   * candidates with their costs. */
  const char *mixers;
} ssd_entry;

typedef struct ssd_kernel_image {
  const char *target; /* "sm_90a": a cubin for it; "ptx": portable code, a
                       * null-terminated text */
  const void *data;
  size_t size;
} ssd_kernel_image;

typedef struct ssd_kernel {
  const char *name;
  uint32_t block[3], cluster[3];
  uint32_t max_shared_bytes;
  int32_t n_images;
  const ssd_kernel_image *images;
} ssd_kernel;

typedef struct ssd_artifact {
  uint32_t abi_version;
  const char *compiler; /* "ssd-mlir 0.1.0" */
  const char *target;   /* CPU level of all host code, that of entries for GPUs
                         * included: "x86-64-v3", "x86-64-v4" */
  const char *metadata; /* JSON object: what the importer kept of the model */
  int32_t n_entries;
  const ssd_entry *entries;
  int32_t n_kernels;
  const ssd_kernel *kernels;
} ssd_artifact;

/* The one symbol an artifact exports. Null if it can't speak a version that is
 * at most max_version. The same two facts, abi_version and target, are in an
 * ELF note (name "ssd-mlir", type 1: u32 version, target string), which is
 * read before the file is given to dlopen. */
typedef const ssd_artifact *(*ssd_artifact_query_fn)(uint32_t max_version);
#define SSD_ARTIFACT_QUERY "ssd_artifact_query"
#define SSD_NOTE_NAME "ssd-mlir"
#define SSD_NOTE_TYPE 1u

/*===----------------------------------------------------------------------===//
 * The library
 *===----------------------------------------------------------------------===*/

typedef struct ssd_program ssd_program; /* a loaded artifact with its weights */
typedef struct ssd_state ssd_state;     /* the state tensors of one batch */

/* The message of the calling thread's last failure; never null. */
SSD_API const char *ssd_last_error(void);
SSD_API uint32_t ssd_abi_version(void);

/* `threads` >= 1 workers, the caller's thread among them; 0: one per core. */
SSD_API int32_t ssd_context_create(int32_t threads, ssd_context **out);
SSD_API int32_t ssd_context_threads(const ssd_context *);
SSD_API void ssd_context_destroy(ssd_context *);

/* An artifact that needs a GPU loads its kernels here, on every GPU that the
 * process uses already, so that calls load and allocate nothing and can be
 * captured in CUDA graphs; the first call on another GPU loads them there. One
 * without entries for the CPU loads them on the first GPU where none is in use.
 * The driver is libcuda.so.1, or the library that the environment variable
 * SSD_CUDA_DRIVER names. Without driver or GPU the artifact still loads, can be
 * described and runs its entries for the CPU; calls of those for GPUs return
 * SSD_ERROR_NO_DEVICE. */
SSD_API int32_t ssd_program_load(const char *artifact_path, ssd_program **out);
SSD_API void ssd_program_destroy(ssd_program *);
SSD_API const ssd_artifact *ssd_program_artifact(const ssd_program *);
/* Where an entry is there for the CPU and for GPUs: the one that comes first in
 * the table, or the one for `device` (kDLCPU or kDLCUDA). */
SSD_API const ssd_entry *ssd_program_entry(const ssd_program *,
                                           const char *name);
SSD_API const ssd_entry *ssd_program_entry_on(const ssd_program *,
                                              const char *name, int32_t device);
/* The table as JSON; owned by the program. */
SSD_API const char *ssd_program_describe(const ssd_program *);
/* A .safetensors file, or a directory with model.safetensors or with an index
 * and its shards. Files are memory-mapped and must outlive nothing: the
 * mapping is the program's. Float parameters stored in another float type
 * than the program's are converted once, here. Parameters of entries for GPUs
 * are copied to the calling thread's current device; where there is none and
 * the program has entries for the CPU, only theirs are bound. */
SSD_API int32_t ssd_program_bind_weights(ssd_program *, const char *path);
/* Binds one parameter to caller's memory, which must outlive the program: that
 * of the entries for GPUs if the tensor is in a GPU's memory. */
SSD_API int32_t ssd_program_bind(ssd_program *, const char *name,
                                 const DLTensor *);
/* True once every parameter of every entry that can run here is bound. */
SSD_API int32_t ssd_program_is_bound(const ssd_program *);

/* Zeroed state for `batch` sequences (dynamic sizes of states are the batch).
 * State tensors of one program have the same names and types in all entries.
 * The state is for entries on `device` (kDLCPU or kDLCUDA), or on that of the
 * table's first entry. States on the GPU are made on the calling thread's
 * current device; to copy, clear, save or load one waits for all work there. */
SSD_API int32_t ssd_state_create(const ssd_program *, int64_t batch,
                                 ssd_state **out);
SSD_API int32_t ssd_state_create_on(const ssd_program *, int32_t device,
                                    int64_t batch, ssd_state **out);
SSD_API void ssd_state_destroy(ssd_state *);
SSD_API int64_t ssd_state_batch(const ssd_state *);
SSD_API int32_t ssd_state_count(const ssd_state *);
SSD_API const char *ssd_state_name(const ssd_state *, int32_t index);
SSD_API const DLTensor *ssd_state_tensor(const ssd_state *, int32_t index);
SSD_API int32_t ssd_state_copy(const ssd_state *, ssd_state **out);
SSD_API int32_t ssd_state_zero(ssd_state *);
/* A safetensors file holding the state tensors by name. Saving replaces the
 * file atomically. Loading checks names, types and shapes. */
SSD_API int32_t ssd_state_save(const ssd_state *, const char *path);
SSD_API int32_t ssd_state_load(const ssd_program *, const char *path,
                               ssd_state **out);
SSD_API int32_t ssd_state_load_on(const ssd_program *, int32_t device,
                                  const char *path, ssd_state **out);

/* Calls take the entry's inputs and outputs, in the order of its argument
 * list with states and parameters left out. Where `state` is null, they take
 * the state tensors too, in their places in that list: the caller's own memory,
 * written in place. Shapes, dtypes, devices, strides and, on the CPU, integer
 * ranges are checked against the table before anything runs. Of an entry that is
 * there for the CPU and for GPUs, calls with a tensor or a state in a GPU's
 * memory take the latter; others, also with nothing but pinned or managed
 * memory, take the former. A call with tensors on a GPU runs there, on `stream`
 * of its primary context, and returns before it is done; the workspace is then
 * memory of that GPU, and sizes can be asked for on any machine. What is
 * written, outputs and states, must share no element with another argument,
 * which is not checked: strided views of one buffer may well lie between each
 * other. */
SSD_API int32_t ssd_workspace_size(const ssd_program *, const char *entry,
                                   const DLTensor *const *args, int32_t n_args,
                                   const ssd_state *state, size_t *bytes);
SSD_API int32_t ssd_call(const ssd_program *, ssd_context *, const char *entry,
                         const DLTensor *const *args, int32_t n_args,
                         ssd_state *state, void *workspace,
                         size_t workspace_bytes, void *stream);

#ifdef __cplusplus
}
#endif
#endif /* SSD_RUNTIME_H */
