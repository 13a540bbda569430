//===- bindings.cpp - Python module over the runtime's C ABI ----*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `ssd_mlir._runtime`: programs, contexts, states and calls, as thin as the C
// interface itself. Shapes and types are the runtime's to check; whatever has
// an opinion (defaults, caller's array kinds, messages for people) is Python.
//
// A tensor crosses this border as a NumPy array and the name of its element
// type, because NumPy has no bfloat16: its bits travel as uint16. PyTorch's
// tensors cross as they are, by the attributes that tell where they lie: that
// is cheaper than a DLPack capsule, and works for views that DLPack refuses.
//
//===----------------------------------------------------------------------===//

#include "runtime/include/ssd_runtime.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace py = pybind11;

namespace {

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Raises the Python exception for a failed call of the runtime. The classes
/// are Python's, so that they can have several bases and be documented there.
[[noreturn]] void raiseStatus(int32_t status, const std::string &message) {
  py::object error = py::module_::import("ssd_mlir._errors")
                         .attr("from_status")(status, message);
  PyErr_SetObject(py::type::handle_of(error).ptr(), error.ptr());
  throw py::error_already_set();
}

void check(int32_t status) {
  if (status != SSD_OK)
    raiseStatus(status, ssd_last_error());
}

[[noreturn]] void refuse(const std::string &message) {
  raiseStatus(SSD_ERROR_INVALID_ARGUMENT, message);
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

struct ElementType {
  const char *name;
  uint8_t code, bits;
  const char *storage; // the NumPy type its bits travel as
};

constexpr uint8_t kBool = 6; // kDLBool of DLPack 0.8 and later

constexpr ElementType kElementTypes[] = {
    {"f32", kDLFloat, 32, "float32"}, {"bf16", kDLBfloat, 16, "uint16"},
    {"f16", kDLFloat, 16, "float16"}, {"i32", kDLInt, 32, "int32"},
    {"i64", kDLInt, 64, "int64"},     {"f64", kDLFloat, 64, "float64"},
    {"i8", kDLInt, 8, "int8"},        {"i16", kDLInt, 16, "int16"},
    {"u8", kDLUInt, 8, "uint8"},      {"u16", kDLUInt, 16, "uint16"},
    {"u32", kDLUInt, 32, "uint32"},   {"u64", kDLUInt, 64, "uint64"},
    {"bool", kBool, 8, "bool"},
};

const ElementType &elementType(const std::string &name) {
  for (const ElementType &type : kElementTypes)
    if (name == type.name)
      return type;
  refuse("Unknown element type '" + name + "'.");
}

const ElementType *findElementType(DLDataType dtype) {
  for (const ElementType &type : kElementTypes)
    if (dtype.code == type.code && dtype.bits == type.bits && dtype.lanes == 1)
      return &type;
  return nullptr;
}

std::string elementTypeName(DLDataType dtype) {
  if (const ElementType *type = findElementType(dtype))
    return type->name;
  return "dlpack(" + std::to_string(dtype.code) + ", " +
         std::to_string(dtype.bits) + ", " + std::to_string(dtype.lanes) + ")";
}

//===----------------------------------------------------------------------===//
// DLPack
//===----------------------------------------------------------------------===//

// DLPack 1.0's managed tensor; the headers of distributions are often older.
struct VersionedTensor {
  uint32_t major, minor;
  void *context;
  void (*deleter)(VersionedTensor *);
  uint64_t flags;
  DLTensor tensor;
};
constexpr uint64_t kReadOnlyFlag = 1;

constexpr DLDevice kCpu = {kDLCPU, 0};

/// The names of attributes, made once.
struct AttributeNames {
  PyObject *dataPointer = PyUnicode_InternFromString("data_ptr");
  PyObject *shape = PyUnicode_InternFromString("shape");
  PyObject *stride = PyUnicode_InternFromString("stride");
  PyObject *dtype = PyUnicode_InternFromString("dtype");
  PyObject *getDevice = PyUnicode_InternFromString("get_device");
  PyObject *isOnGpu = PyUnicode_InternFromString("is_cuda");
  PyObject *layout = PyUnicode_InternFromString("layout");
  PyObject *isNegated = PyUnicode_InternFromString("is_neg");
  PyObject *requiresGradient = PyUnicode_InternFromString("requires_grad");
};

const AttributeNames &attributeNames() {
  static const AttributeNames names;
  return names;
}

py::object steal(PyObject *object) {
  if (!object)
    throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

/// The address of a tensor of PyTorch's.
void *dataPointer(py::handle tensor) {
  py::object address = steal(
      PyObject_CallMethodNoArgs(tensor.ptr(), attributeNames().dataPointer));
  return PyLong_AsVoidPtr(address.ptr());
}

/// Appends the integers of a tuple.
void readSizes(const py::object &tuple, std::vector<int64_t> &sizes) {
  if (!PyTuple_Check(tuple.ptr()))
    refuse("An array's shape or strides are no tuple.");
  for (Py_ssize_t d = 0, rank = PyTuple_GET_SIZE(tuple.ptr()); d < rank; ++d)
    sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(tuple.ptr(), d)));
  if (PyErr_Occurred())
    throw py::error_already_set();
}

/// A DLTensor that views an array, with strides in elements.
class TensorView {
public:
  /// A NumPy array, or a tensor of PyTorch's on `device`.
  TensorView(py::object value, const std::string &typeName,
             DLDevice device = kCpu)
      : owner(std::move(value)) {
    const ElementType &type = elementType(typeName);
    tensor.dtype.code = type.code;
    tensor.dtype.bits = type.bits;
    tensor.dtype.lanes = 1;
    tensor.device = kCpu;
    if (py::isinstance<py::array>(owner)) {
      readNumPy(py::reinterpret_borrow<py::array>(owner), typeName);
    } else {
      tensor.device = device;
      readTorch();
    }
    tensor.ndim = static_cast<int32_t>(shape.size());
    tensor.shape = shape.data();
    tensor.strides = strides.data();
    tensor.byte_offset = 0;
  }
  TensorView(const TensorView &) = delete;

  const DLTensor *get() const { return &tensor; }
  bool isWritable() const { return writable; }

private:
  void readNumPy(const py::array &a, const std::string &typeName) {
    if (a.itemsize() * 8 != tensor.dtype.bits)
      refuse("An array of " + std::to_string(a.itemsize()) +
             " bytes an element cannot hold " + typeName + ".");
    for (py::ssize_t d = 0; d < a.ndim(); ++d) {
      if (a.shape(d) > 1 && a.strides(d) % a.itemsize() != 0)
        refuse("A stride is no multiple of the element size; copy the array "
               "first.");
      shape.push_back(a.shape(d));
      strides.push_back(a.strides(d) / a.itemsize());
    }
    tensor.data = const_cast<void *>(a.data());
    writable = a.writeable();
  }
  void readTorch() {
    PyObject *self = owner.ptr();
    tensor.data = dataPointer(owner);
    readSizes(steal(PyObject_GetAttr(self, attributeNames().shape)), shape);
    readSizes(steal(PyObject_CallMethodNoArgs(self, attributeNames().stride)),
              strides);
  }

  py::object owner;
  std::vector<int64_t> shape, strides;
  DLTensor tensor = {};
  bool writable = true;

  friend struct ExportedTensor;
};

/// What a consumer of `__dlpack__` gets: owns a reference to the array.
struct ExportedTensor {
  ExportedTensor(const py::array &array, const std::string &typeName)
      : view(array, typeName) {
    managed.dl_tensor = view.tensor;
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensor *self) {
      py::gil_scoped_acquire gil;
      delete static_cast<ExportedTensor *>(self->manager_ctx);
    };
  }
  TensorView view;
  DLManagedTensor managed = {};
};

void destroyCapsule(PyObject *capsule) {
  // A consumer renames the capsule and takes over the tensor.
  if (!PyCapsule_IsValid(capsule, "dltensor"))
    return;
  auto *managed =
      static_cast<DLManagedTensor *>(PyCapsule_GetPointer(capsule, "dltensor"));
  managed->deleter(managed);
}

/// A result on its way to another array library.
class Exporter {
public:
  Exporter(py::array array, std::string typeName)
      : array(std::move(array)), typeName(std::move(typeName)) {}

  py::object dlpack(const py::args &, const py::kwargs &) const {
    auto exported = std::make_unique<ExportedTensor>(array, typeName);
    PyObject *capsule =
        PyCapsule_New(&exported->managed, "dltensor", destroyCapsule);
    if (!capsule)
      throw py::error_already_set();
    exported.release();
    return py::reinterpret_steal<py::object>(capsule);
  }
  py::tuple device() const {
    return py::make_tuple(static_cast<int>(kDLCPU), 0);
  }

private:
  py::array array;
  std::string typeName;
};

/// The array over a tensor of another library. `owner` keeps it alive.
py::tuple viewTensor(const DLTensor &tensor, py::object owner, bool readOnly) {
  if (tensor.device.device_type != kDLCPU &&
      tensor.device.device_type != kDLCUDAHost)
    refuse("The array is not in CPU memory (DLPack device type " +
           std::to_string(static_cast<int>(tensor.device.device_type)) +
           "); move it to the CPU first.");
  const ElementType *type = findElementType(tensor.dtype);
  if (!type)
    refuse("The array's element type " + elementTypeName(tensor.dtype) +
           " is not supported.");
  py::dtype storage(type->storage);
  std::vector<py::ssize_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  std::vector<py::ssize_t> strides;
  if (tensor.strides)
    for (int32_t d = 0; d < tensor.ndim; ++d)
      strides.push_back(tensor.strides[d] * storage.itemsize());
  char *data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  py::array array(storage, shape, strides, tensor.data ? data : nullptr, owner);
  if (readOnly)
    array.attr("flags").attr("writeable") = false;
  return py::make_tuple(array, type->name);
}

/// Renames the capsule as consumed and wraps its tensor in one that calls the
/// producer's deleter.
template <typename Managed>
Managed *consume(py::object capsule, const char *name, const char *used,
                 py::object &owner) {
  auto *managed =
      static_cast<Managed *>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (!managed)
    throw py::error_already_set();
  owner = py::capsule(managed, [](void *pointer) {
    auto *tensor = static_cast<Managed *>(pointer);
    if (tensor->deleter)
      tensor->deleter(tensor);
  });
  PyCapsule_SetName(capsule.ptr(), used);
  return managed;
}

py::tuple fromDLPack(py::object capsule) {
  py::object owner;
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")) {
    auto *managed = consume<VersionedTensor>(capsule, "dltensor_versioned",
                                             "used_dltensor_versioned", owner);
    if (managed->major > 1)
      refuse("The array speaks a version of DLPack that is newer than 1.");
    return viewTensor(managed->tensor, owner,
                      (managed->flags & kReadOnlyFlag) != 0);
  }
  if (!PyCapsule_IsValid(capsule.ptr(), "dltensor"))
    refuse("__dlpack__ did not return a fresh DLPack capsule.");
  auto *managed =
      consume<DLManagedTensor>(capsule, "dltensor", "used_dltensor", owner);
  return viewTensor(managed->dl_tensor, owner, /*readOnly=*/false);
}

//===----------------------------------------------------------------------===//
// Context, Workspace, State
//===----------------------------------------------------------------------===//

class Context {
public:
  explicit Context(int32_t threads) {
    check(ssd_context_create(threads, &handle));
  }
  ~Context() {
    // The workers don't exist in the child of a fork; joining them would hang.
    if (!isUsable())
      return;
    py::gil_scoped_release nogil;
    ssd_context_destroy(handle);
  }
  Context(const Context &) = delete;

  int32_t threads() const { return ssd_context_threads(handle); }
  bool isUsable() const { return process == getpid(); }
  ssd_context *get() const {
    if (!isUsable())
      raiseStatus(SSD_ERROR_INTERNAL, "The context is another process's.");
    return handle;
  }

private:
  ssd_context *handle = nullptr;
  pid_t process = getpid();
};

/// Scratch memory that only grows, aligned as the ABI asks.
class Workspace {
public:
  ~Workspace() { std::free(memory); }
  Workspace() = default;
  Workspace(const Workspace &) = delete;

  void *reserve(size_t bytes) {
    if (bytes <= size)
      return memory;
    std::free(memory);
    memory = nullptr;
    size = 0;
    // aligned_alloc wants a multiple of the alignment.
    size_t rounded = (bytes + 63) / 64 * 64;
    memory = rounded < bytes ? nullptr : std::aligned_alloc(64, rounded);
    if (!memory)
      raiseStatus(SSD_ERROR_OUT_OF_MEMORY, "The workspace of " +
                                               std::to_string(bytes) +
                                               " bytes cannot be allocated.");
    size = rounded;
    return memory;
  }
  size_t bytes() const { return size; }

private:
  void *memory = nullptr;
  size_t size = 0;
};

class State {
public:
  explicit State(ssd_state *handle) : handle(handle) {}
  ~State() { ssd_state_destroy(handle); }
  State(const State &) = delete;

  /// Marks the state as in use, so that two threads cannot write it at once.
  class Use {
  public:
    explicit Use(State &state) : state(state) {
      if (state.inUse.exchange(true))
        refuse("The state is in use by a call of another thread; give each "
               "thread a copy.");
    }
    ~Use() { state.inUse = false; }

  private:
    State &state;
  };

  int64_t batch() const { return ssd_state_batch(handle); }
  void zero() {
    Use use(*this);
    check(ssd_state_zero(handle));
  }
  std::unique_ptr<State> copy() {
    Use use(*this);
    ssd_state *result = nullptr;
    check(ssd_state_copy(handle, &result));
    return std::make_unique<State>(result);
  }
  void save(const std::string &path) {
    Use use(*this);
    check(ssd_state_save(handle, path.c_str()));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (int32_t i = 0, e = ssd_state_count(handle); i < e; ++i)
      result.push_back(ssd_state_name(handle, i));
    return result;
  }

  ssd_state *handle;

private:
  std::atomic<bool> inUse{false};
};

/// The i-th tensor of a state, as an array that writes through and keeps the
/// state alive.
py::tuple stateTensor(py::object self, int32_t index) {
  State &state = self.cast<State &>();
  if (index < 0 || index >= ssd_state_count(state.handle))
    throw py::index_error("no such state tensor");
  return viewTensor(*ssd_state_tensor(state.handle, index), self, false);
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

const char *roleName(int32_t role) {
  switch (role) {
  case SSD_ROLE_INPUT:
    return "input";
  case SSD_ROLE_OUTPUT:
    return "output";
  case SSD_ROLE_STATE:
    return "state";
  default:
    return "parameter";
  }
}

py::dict describeArgument(const ssd_argument &argument) {
  py::list shape;
  for (int32_t d = 0; d < argument.rank; ++d)
    shape.append(argument.shape[d]);
  py::dict result;
  result["name"] = argument.name ? argument.name : "";
  result["role"] = roleName(argument.role);
  result["dtype"] = elementTypeName(argument.dtype);
  result["shape"] = py::tuple(shape);
  result["strided"] = argument.strided != 0;
  result["device"] = argument.device == kDLCUDA ? "cuda" : "cpu";
  if (argument.min_value <= argument.max_value)
    result["range"] = py::make_tuple(argument.min_value, argument.max_value);
  else
    result["range"] = py::none();
  return result;
}

class Program {
public:
  explicit Program(const std::string &path) {
    py::gil_scoped_release nogil;
    int32_t status = ssd_program_load(path.c_str(), &handle);
    if (status != SSD_OK) {
      std::string message = ssd_last_error();
      py::gil_scoped_acquire gil;
      raiseStatus(status, message);
    }
  }
  ~Program() { ssd_program_destroy(handle); }
  Program(const Program &) = delete;

  std::string describe() const { return ssd_program_describe(handle); }
  bool isBound() const { return ssd_program_is_bound(handle) != 0; }

  void bindWeights(const std::string &path) {
    int32_t status;
    std::string message;
    {
      py::gil_scoped_release nogil;
      status = ssd_program_bind_weights(handle, path.c_str());
      if (status != SSD_OK)
        message = ssd_last_error();
    }
    if (status != SSD_OK)
      raiseStatus(status, message);
  }

  /// The program reads the array's own memory, so it keeps the array.
  void bind(const std::string &name, py::object array, const std::string &type,
            int32_t gpu) {
    auto view =
        std::make_unique<TensorView>(std::move(array), type, deviceOf(gpu));
    check(ssd_program_bind(handle, name.c_str(), view->get()));
    bound.push_back(std::move(view));
  }

  py::list entries() const {
    const ssd_artifact *table = ssd_program_artifact(handle);
    py::list result;
    for (int32_t i = 0; i < table->n_entries; ++i) {
      const ssd_entry &entry = table->entries[i];
      py::list arguments;
      for (int32_t a = 0; a < entry.n_args; ++a)
        arguments.append(describeArgument(entry.args[a]));
      py::dict description;
      description["name"] = entry.name;
      description["arguments"] = arguments;
      description["mixers"] = entry.mixers ? entry.mixers : "[]";
      result.append(description);
    }
    return result;
  }
  py::dict info() const {
    const ssd_artifact *table = ssd_program_artifact(handle);
    py::dict result;
    result["abi_version"] = table->abi_version;
    result["compiler"] = table->compiler ? table->compiler : "";
    result["target"] = table->target ? table->target : "";
    result["metadata"] = table->metadata ? table->metadata : "{}";
    return result;
  }

  std::unique_ptr<State> createState(int64_t batch) const {
    ssd_state *state = nullptr;
    check(ssd_state_create(handle, batch, &state));
    return std::make_unique<State>(state);
  }
  std::unique_ptr<State> loadState(const std::string &path) const {
    ssd_state *state = nullptr;
    check(ssd_state_load(handle, path.c_str(), &state));
    return std::make_unique<State>(state);
  }

  /// `workspace` is a Workspace, or a function from a number of bytes to a
  /// tensor of PyTorch's; PyTorch's tensors are all on GPU `gpu`, or on the CPU
  /// if that is negative.
  void call(const std::string &entry, const py::sequence &arrays,
            const std::vector<bool> &written, State *state, Context &context,
            const py::object &workspace, int32_t gpu, uintptr_t stream) const {
    DLDevice device = deviceOf(gpu);
    std::vector<std::unique_ptr<TensorView>> views;
    std::vector<const DLTensor *> args;
    size_t position = 0;
    for (py::handle item : arrays) {
      auto pair = item.cast<py::tuple>();
      views.push_back(std::make_unique<TensorView>(
          py::object(pair[0]), pair[1].cast<std::string>(), device));
      args.push_back(views.back()->get());
      if (position < written.size() && written[position] &&
          !views.back()->isWritable())
        refuse("Array " + std::to_string(position) +
               " is written by the call, but it is read-only.");
      ++position;
    }
    std::unique_ptr<State::Use> use;
    if (state)
      use = std::make_unique<State::Use>(*state);
    ssd_state *stateHandle = state ? state->handle : nullptr;
    size_t bytes = 0;
    check(workspaceBytes(entry.c_str(), args, stateHandle, bytes));
    run(entry.c_str(), args, stateHandle, context, workspace, bytes, stream);
  }

private:
  int32_t workspaceBytes(const char *entry,
                         const std::vector<const DLTensor *> &args,
                         ssd_state *state, size_t &bytes) const {
    return ssd_workspace_size(handle, entry, args.data(),
                              static_cast<int32_t>(args.size()), state, &bytes);
  }

  void run(const char *entry, const std::vector<const DLTensor *> &args,
           ssd_state *state, Context &context, const py::object &workspace,
           size_t bytes, uintptr_t stream) const {
    py::object scratch; // until all work that uses it is in the stream
    void *memory = nullptr;
    if (py::isinstance<Workspace>(workspace)) {
      memory = workspace.cast<Workspace &>().reserve(bytes);
    } else if (bytes > 0) {
      scratch = workspace(bytes);
      memory = dataPointer(scratch);
    }
    ssd_context *contextHandle = context.get();
    int32_t status;
    std::string message;
    {
      py::gil_scoped_release nogil;
      status = ssd_call(handle, contextHandle, entry, args.data(),
                        static_cast<int32_t>(args.size()), state, memory, bytes,
                        reinterpret_cast<void *>(stream));
      if (status != SSD_OK)
        message = ssd_last_error();
    }
    if (status != SSD_OK)
      raiseStatus(status, message);
  }

  static DLDevice deviceOf(int32_t gpu) {
    return gpu < 0 ? kCpu : DLDevice{kDLCUDA, gpu};
  }

  ssd_program *handle = nullptr;
  std::vector<std::unique_ptr<TensorView>> bound;

  friend class Shortcut;
};

//===----------------------------------------------------------------------===//
// Shortcut
//===----------------------------------------------------------------------===//

/// A call that was made once with tensors of PyTorch's, to be made again with
/// others like them: what Python read and checked then is only compared now. Of
/// everything that differs it makes nothing, and Python does it the long way.
class Shortcut {
public:
  /// Where an argument of the entry comes from: an operand, or -1 - the number
  /// of a result; and which of its dimensions are the argument's, in order,
  /// where -1 is a new one of size 1 and those left out repeat one value.
  using Place = std::pair<int32_t, std::vector<int32_t>>;

  Shortcut(py::object owner, const std::string &entry,
           std::vector<Place> places, py::tuple dtypes, py::tuple allocators,
           py::tuple types, py::object layout, int32_t gpu)
      : owner(std::move(owner)), program(this->owner.cast<Program &>()),
        entry(ssd_program_entry(program.handle, entry.c_str())),
        places(std::move(places)), dtypes(std::move(dtypes)),
        allocators(std::move(allocators)), types(std::move(types)),
        layout(std::move(layout)), gpu(gpu) {
    if (!this->entry || this->places.size() != size_t(this->entry->n_args))
      refuse("A shortcut's arguments are not its entry's.");
  }

  /// The results, or None. `gradients`: whether they are recorded.
  py::object call(const py::tuple &operands, bool gradients, Context &context,
                  const py::object &workspace, uintptr_t stream) const;

private:
  struct Argument {
    DLTensor tensor;
    std::vector<int64_t> shape, strides;
  };
  struct Call {
    std::vector<Argument> arguments;
    std::vector<int64_t> sizes; // dynamic ones by number; 0: not known
    py::list results;
  };

  bool isLike(py::handle operand, size_t number, bool gradients) const;
  bool read(py::handle operand, const std::vector<int32_t> &dims,
            const ssd_argument &declared, Call &call) const;
  bool bindSizes(const ssd_argument &declared,
                 const std::vector<int64_t> &shape, Call &call) const;
  bool allocate(size_t number, const std::vector<int32_t> &dims,
                const ssd_argument &declared, Call &call) const;
  void finish(const ssd_argument &declared, void *data, Argument argument,
              Call &call) const;
  bool run(Call &call, Context &context, const py::object &workspace,
           uintptr_t stream) const;

  py::object owner;
  const Program &program;
  const ssd_entry *entry;
  std::vector<Place> places;
  py::tuple dtypes, allocators, types;
  py::object layout;
  int32_t gpu;
};

/// Whether an operand has the kind, type and device of the recorded one.
bool Shortcut::isLike(py::handle operand, size_t number, bool gradients) const {
  const AttributeNames &names = attributeNames();
  bool known = false;
  for (py::handle type : types)
    known |= reinterpret_cast<PyObject *>(Py_TYPE(operand.ptr())) == type.ptr();
  if (!known)
    return false;
  auto get = [&](PyObject *name) {
    return steal(PyObject_GetAttr(operand.ptr(), name));
  };
  if (get(names.dtype).ptr() != dtypes[number].ptr() ||
      get(names.layout).ptr() != layout.ptr() ||
      (get(names.isOnGpu).ptr() == Py_True) != (gpu >= 0))
    return false;
  auto ask = [&](PyObject *name) {
    return steal(PyObject_CallMethodNoArgs(operand.ptr(), name));
  };
  return PyLong_AsLong(ask(names.getDevice).ptr()) == gpu &&
         ask(names.isNegated).ptr() != Py_True &&
         !(gradients && get(names.requiresGradient).ptr() == Py_True);
}

/// Compares static sizes; takes or compares dynamic ones.
bool Shortcut::bindSizes(const ssd_argument &declared,
                         const std::vector<int64_t> &shape, Call &call) const {
  for (int32_t d = 0; d < declared.rank; ++d) {
    int64_t size = declared.shape[d];
    if (size >= 0 && shape[d] != size)
      return false;
    if (size >= 0)
      continue;
    size_t number = static_cast<size_t>(-1 - size);
    if (call.sizes.size() <= number)
      call.sizes.resize(number + 1);
    int64_t &known = call.sizes[number];
    if (shape[d] == 0 || (known && known != shape[d]))
      return false;
    known = shape[d];
  }
  return true;
}

void Shortcut::finish(const ssd_argument &declared, void *data,
                      Argument argument, Call &call) const {
  call.arguments.push_back(std::move(argument));
  Argument &kept = call.arguments.back();
  kept.tensor = {data,
                 Program::deviceOf(gpu),
                 declared.rank,
                 declared.dtype,
                 kept.shape.data(),
                 kept.strides.data(),
                 0};
}

bool Shortcut::read(py::handle operand, const std::vector<int32_t> &dims,
                    const ssd_argument &declared, Call &call) const {
  std::vector<int64_t> shape, strides;
  const AttributeNames &names = attributeNames();
  readSizes(steal(PyObject_GetAttr(operand.ptr(), names.shape)), shape);
  readSizes(steal(PyObject_CallMethodNoArgs(operand.ptr(), names.stride)),
            strides);
  Argument argument;
  size_t used = 0;
  for (int32_t d : dims) {
    bool isNew = d < 0;
    if (!isNew && size_t(d) >= shape.size())
      return false;
    // Dimensions are in order, so that those between are left out.
    for (; !isNew && used < size_t(d); ++used)
      if (shape[used] != 1 && strides[used] != 0)
        return false;
    used += !isNew;
    argument.shape.push_back(isNew ? 1 : shape[d]);
    argument.strides.push_back(isNew ? 1 : strides[d]);
  }
  for (; used < shape.size(); ++used)
    if (shape[used] != 1 && strides[used] != 0)
      return false;
  if (argument.shape.size() != size_t(declared.rank) ||
      !bindSizes(declared, argument.shape, call))
    return false;
  finish(declared, dataPointer(operand), std::move(argument), call);
  return true;
}

bool Shortcut::allocate(size_t number, const std::vector<int32_t> &dims,
                        const ssd_argument &declared, Call &call) const {
  Argument argument;
  py::list shape;
  for (int32_t d = 0; d < declared.rank; ++d) {
    int64_t size = declared.shape[d];
    if (size < 0 && size_t(-1 - size) >= call.sizes.size())
      return false;
    argument.shape.push_back(size >= 0 ? size : call.sizes[size_t(-1 - size)]);
    if (dims[d] >= 0)
      shape.append(argument.shape.back());
  }
  argument.strides.resize(argument.shape.size());
  int64_t dense = 1;
  for (size_t d = argument.shape.size(); d-- > 0; dense *= argument.shape[d])
    argument.strides[d] = dense;
  py::object result = allocators[number](py::tuple(shape));
  call.results.append(result);
  finish(declared, dataPointer(result), std::move(argument), call);
  return true;
}

py::object Shortcut::call(const py::tuple &operands, bool gradients,
                          Context &context, const py::object &workspace,
                          uintptr_t stream) const {
  Call call;
  call.arguments.reserve(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const auto &[source, dims] = places[i];
    const ssd_argument &declared = entry->args[i];
    bool fits = source < 0 ? allocate(static_cast<size_t>(-1 - source), dims,
                                      declared, call)
                           : isLike(operands[source], source, gradients) &&
                                 read(operands[source], dims, declared, call);
    if (!fits)
      return py::none();
  }
  if (!run(call, context, workspace, stream))
    return py::none();
  return std::move(call.results);
}

bool Shortcut::run(Call &call, Context &context, const py::object &workspace,
                   uintptr_t stream) const {
  std::vector<const DLTensor *> arguments;
  for (const Argument &argument : call.arguments)
    arguments.push_back(&argument.tensor);
  size_t bytes = 0;
  int32_t status =
      program.workspaceBytes(entry->name, arguments, /*state=*/nullptr, bytes);
  if (status == SSD_ERROR_INVALID_ARGUMENT)
    return false; // another layout: Python copies, or says what is wrong
  check(status);
  program.run(entry->name, arguments, /*state=*/nullptr, context, workspace,
              bytes, stream);
  return true;
}

} // namespace

PYBIND11_MODULE(_runtime, m) {
  m.doc() = "Programs, states and calls: the runtime's C interface.";
  m.def("abi_version", &ssd_abi_version);
  m.def("from_dlpack", &fromDLPack, py::arg("capsule"),
        "(array, element type) over the memory of a DLPack capsule.");

  py::class_<Exporter>(m, "Exporter", "An array as a DLPack producer.")
      .def(py::init<py::array, std::string>(), py::arg("array"),
           py::arg("dtype"))
      .def("__dlpack__", &Exporter::dlpack)
      .def("__dlpack_device__", &Exporter::device);

  py::class_<Context>(m, "Context", "A pool of worker threads.")
      .def(py::init<int32_t>(), py::arg("threads"))
      .def_property_readonly("threads", &Context::threads)
      .def_property_readonly("is_usable", &Context::isUsable);

  py::class_<Workspace>(m, "Workspace", "Scratch memory of calls.")
      .def(py::init<>())
      .def_property_readonly("bytes", &Workspace::bytes);

  py::class_<State>(m, "State", "The state tensors of one batch.")
      .def_property_readonly("batch", &State::batch)
      .def_property_readonly("names", &State::names)
      .def("tensor", &stateTensor, py::arg("index"))
      .def("zero", &State::zero)
      .def("copy", &State::copy)
      .def("save", &State::save, py::arg("path"));

  py::class_<Shortcut>(m, "Shortcut", "A call, ready to be made again.")
      .def(py::init<py::object, const std::string &,
                    std::vector<Shortcut::Place>, py::tuple, py::tuple,
                    py::tuple, py::object, int32_t>(),
           py::arg("program"), py::arg("entry"), py::arg("places"),
           py::arg("dtypes"), py::arg("allocators"), py::arg("types"),
           py::arg("layout"), py::arg("gpu"))
      .def("__call__", &Shortcut::call);

  py::class_<Program>(m, "Program", "A loaded artifact with its weights.")
      .def(py::init<const std::string &>(), py::arg("path"))
      .def("describe", &Program::describe)
      .def_property_readonly("is_bound", &Program::isBound)
      .def("bind_weights", &Program::bindWeights, py::arg("path"))
      .def("bind", &Program::bind, py::arg("name"), py::arg("array"),
           py::arg("dtype"), py::arg("gpu") = -1)
      .def("entries", &Program::entries)
      .def("info", &Program::info)
      .def("create_state", &Program::createState, py::arg("batch"))
      .def("load_state", &Program::loadState, py::arg("path"))
      .def("call", &Program::call, py::arg("entry"), py::arg("arrays"),
           py::arg("written"), py::arg("state").none(true), py::arg("context"),
           py::arg("workspace"), py::arg("gpu") = -1, py::arg("stream") = 0);
}
