#include "array.hpp"

#include <cstring>
#include <unordered_map>

namespace mylos::python {

void fail(const Place& place, const std::string& message) {
  throw Error(std::string("mylos::") + place.function + ": " + place.argument + ": " + message);
}

namespace {

// mylos/_arrays.py, which knows what cannot be learnt from DLPack.
nb::handle helper(const char* name) {
  static PyObject* module = nb::module_::import_("mylos._arrays").release().ptr();
  static std::unordered_map<const char*, PyObject*> found;
  PyObject*& function = found[name];
  if (function == nullptr) function = nb::object(nb::handle(module).attr(name)).release().ptr();
  return function;
}

DType dtype_of_dlpack(const dlpack::DataType& type, const Place& place) {
  if (type.lanes == 1) {
    if (type.code == dlpack::floating && type.bits == 64) return DType::f64;
    if (type.code == dlpack::floating && type.bits == 32) return DType::f32;
    if (type.code == dlpack::floating && type.bits == 16) return DType::f16;
    if (type.code == dlpack::bfloat && type.bits == 16) return DType::bf16;
    if (type.code == dlpack::unsigned_int && type.bits == 8) return DType::u8;
    if (type.code == dlpack::boolean && type.bits == 8) return DType::u8;
    if (type.code == dlpack::signed_int && type.bits == 32) return DType::i32;
    if (type.code == dlpack::signed_int && type.bits == 64) return DType::i64;
  }
  fail(place,
       "this element type is not supported, expected float64, float32, float16, bfloat16, uint8, bool, int32 or int64");
}

dlpack::DataType dlpack_of(DType dtype, bool boolean) {
  const auto bits = static_cast<std::uint8_t>(8 * size_of(dtype));
  switch (dtype) {
    case DType::f64:
    case DType::f32:
    case DType::f16:
      return {dlpack::floating, bits, 1};
    case DType::bf16:
      return {dlpack::bfloat, bits, 1};
    case DType::u8:
      return {boolean ? dlpack::boolean : dlpack::unsigned_int, bits, 1};
    case DType::i32:
    case DType::i64:
      break;
  }
  return {dlpack::signed_int, bits, 1};
}

void take(ArrayView& view, const dlpack::Tensor& source, const Place& place) {
  if (source.rank > max_rank) fail(place, "at most 8 dimensions are supported");
  view.tensor = Tensor(static_cast<char*>(source.data) + source.byte_offset, dtype_of_dlpack(source.dtype, place),
                       source.rank, source.shape, source.strides, place.argument);
  view.boolean = source.dtype.code == dlpack::boolean;
  view.device = source.device;
}

// The one letter of a buffer's format; \0 where it is more than that or of another byte order.
char letter_of(const Py_buffer& buffer) {
  const char* format = buffer.format != nullptr ? buffer.format : "B";
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  return format[0] != '\0' && format[1] == '\0' ? *format : '\0';
}

DType dtype_of_buffer(const Py_buffer& buffer, const Place& place) {
  const char letter = letter_of(buffer);
  if (letter == 'd') return DType::f64;
  if (letter == 'f') return DType::f32;
  if (letter == 'e') return DType::f16;
  if (letter == 'B' || letter == '?') return DType::u8;
  const bool integer = letter != '\0' && std::strchr("ilqn", letter) != nullptr;
  if (integer && buffer.itemsize == 4) return DType::i32;
  if (integer && buffer.itemsize == 8) return DType::i64;
  fail(place, std::string("elements of format '") + (buffer.format != nullptr ? buffer.format : "B") +
                  "' are not supported, expected float64, float32, float16, uint8, bool, int32 or int64");
}

}  // namespace

ArrayView::ArrayView(ArrayView&& other) noexcept { *this = std::move(other); }

ArrayView& ArrayView::operator=(ArrayView&& other) noexcept {
  tensor = other.tensor;
  device = other.device;
  boolean = other.boolean;
  read_only = other.read_only;
  std::swap(buffer_, other.buffer_);
  std::swap(managed_, other.managed_);
  std::swap(versioned_, other.versioned_);
  return *this;
}

ArrayView::~ArrayView() {
  if (buffer_ != nullptr) {
    PyBuffer_Release(buffer_);
    delete buffer_;
  }
  if (managed_ != nullptr && managed_->deleter != nullptr) managed_->deleter(managed_);
  if (versioned_ != nullptr && versioned_->deleter != nullptr) versioned_->deleter(versioned_);
}

class ArrayReader {
 public:
  static ArrayView exchange(nb::handle array, const dlpack::ExchangeApi& api, const Place& place) {
    ArrayView view;
    dlpack::Tensor tensor;
    if (api.view != nullptr) {
      if (api.view(array.ptr(), &tensor) != 0) nb::raise_python_error();
      take(view, tensor, place);
    } else {
      if (api.export_array(array.ptr(), &view.versioned_) != 0) nb::raise_python_error();
      take(view, view.versioned_->tensor, place);
    }
    return view;
  }

  static ArrayView buffer(nb::handle array, const Place& place) {
    ArrayView view;
    view.buffer_ = new Py_buffer();
    bool bfloat = false;
    if (PyObject_GetBuffer(array.ptr(), view.buffer_, PyBUF_RECORDS_RO) != 0) {
      PyErr_Clear();
      const nb::object bits = helper("bits_of_bfloat16")(array);  // a type that the buffer protocol does not have
      bfloat = !bits.is_none() && PyObject_GetBuffer(bits.ptr(), view.buffer_, PyBUF_RECORDS_RO) == 0;
      if (!bfloat) {
        PyErr_Clear();
        delete view.buffer_;
        view.buffer_ = nullptr;
        return dlpack(array, nullptr, place);
      }
    }
    const Py_buffer& buffer = *view.buffer_;
    if (buffer.ndim > max_rank) fail(place, "at most 8 dimensions are supported");
    std::int64_t extent[max_rank];
    std::int64_t stride[max_rank];
    for (int d = 0; d < buffer.ndim; ++d) {
      if (buffer.strides[d] % buffer.itemsize != 0) fail(place, "its strides are no multiples of its elements' size");
      extent[d] = buffer.shape[d];
      stride[d] = buffer.strides[d] / buffer.itemsize;
    }
    view.tensor = Tensor(buffer.buf, bfloat ? DType::bf16 : dtype_of_buffer(buffer, place), buffer.ndim, extent, stride,
                         place.argument);
    view.boolean = letter_of(buffer) == '?';
    view.read_only = buffer.readonly != 0;
    return view;
  }

  static ArrayView dlpack(nb::handle array, void* stream, const Place& place) {
    if (!nb::hasattr(array, "__dlpack__"))
      fail(place, std::string("a ") + Py_TYPE(array.ptr())->tp_name +
                      " is no array: expected one that speaks DLPack or the buffer protocol");
    const nb::object capsule = helper("export")(array, reinterpret_cast<std::intptr_t>(stream));
    ArrayView view;
    if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned") != 0) {
      view.versioned_ =
          static_cast<dlpack::VersionedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"));
      PyCapsule_SetName(capsule.ptr(), "used_dltensor_versioned");
      if (view.versioned_->version.major != 1) fail(place, "its version of DLPack is not 1");
      take(view, view.versioned_->tensor, place);
      view.read_only = (view.versioned_->flags & dlpack::read_only) != 0;
    } else if (PyCapsule_IsValid(capsule.ptr(), "dltensor") != 0) {
      view.managed_ = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
      PyCapsule_SetName(capsule.ptr(), "used_dltensor");
      take(view, view.managed_->tensor, place);
    } else {
      fail(place, "__dlpack__ returned no DLPack tensor");
    }
    return view;
  }
};

const Source& source_of(nb::handle array) {
  static std::unordered_map<PyTypeObject*, Source> known;
  PyTypeObject* type = Py_TYPE(array.ptr());
  const auto found = known.find(type);
  if (found != known.end()) return found->second;
  Source source;
  const nb::object api =
      nb::getattr(nb::handle(reinterpret_cast<PyObject*>(type)), "__dlpack_c_exchange_api__", nb::none());
  if (PyCapsule_IsValid(api.ptr(), "dlpack_exchange_api") != 0) {
    source.exchange = static_cast<const dlpack::ExchangeApi*>(PyCapsule_GetPointer(api.ptr(), "dlpack_exchange_api"));
    while (source.exchange != nullptr && source.exchange->version.major != 1)
      source.exchange = source.exchange->previous;
  }
  source.buffer = PyObject_CheckBuffer(array.ptr()) != 0;
  source.must_wait = nb::cast<bool>(helper("must_wait")(array));
  Py_INCREF(reinterpret_cast<PyObject*>(type));  // the map refers to it for ever
  return known.emplace(type, source).first->second;
}

dlpack::Device device_of(nb::handle array) {
  if (source_of(array).buffer || !nb::hasattr(array, "__dlpack_device__")) return {dlpack::cpu, 0};
  const nb::object device = array.attr("__dlpack_device__")();
  return {static_cast<std::int32_t>(nb::cast<int>(nb::int_(nb::object(device[0])))), nb::cast<std::int32_t>(device[1])};
}

ArrayView view_of(nb::handle array, void* stream, const Place& place) {
  const Source& source = source_of(array);
  if (source.exchange != nullptr) return ArrayReader::exchange(array, *source.exchange, place);
  if (source.buffer) return ArrayReader::buffer(array, place);
  return ArrayReader::dlpack(array, stream, place);
}

void* current_stream(nb::handle array, const dlpack::Device& device) {
  if (device.type == dlpack::cpu) return nullptr;
  const Source& source = source_of(array);
  void* stream = nullptr;
  if (source.exchange != nullptr) {
    if (source.exchange->current_stream(device.type, device.id, &stream) != 0) nb::raise_python_error();
    return stream;
  }
  return reinterpret_cast<void*>(nb::cast<std::intptr_t>(helper("current_stream")(array)));
}

NewArray new_array(nb::handle like, const dlpack::Device& device, const NewShape& shape, const Place& place) {
  const Source& source = source_of(like);
  NewArray made;
  if (source.exchange != nullptr && shape.order == nullptr) {
    dlpack::Tensor prototype = {};
    prototype.device = device;
    prototype.rank = shape.rank;
    prototype.dtype = dlpack_of(shape.dtype, shape.boolean);
    prototype.shape = const_cast<std::int64_t*>(shape.extent);
    dlpack::VersionedTensor* tensor = nullptr;
    std::string message;
    const auto set_error = [](void* text, const char*, const char* what) { *static_cast<std::string*>(text) = what; };
    if (source.exchange->allocate(&prototype, &tensor, &message, set_error) != 0)
      fail(place, "no memory for the result: " + message);
    take(made.view, tensor->tensor, place);
    void* array = nullptr;
    if (source.exchange->import_array(tensor, &array) != 0) nb::raise_python_error();
    made.array = nb::steal(static_cast<PyObject*>(array));
    return made;
  }
  nb::list extents;
  for (int d = 0; d < shape.rank; ++d) extents.append(shape.extent[d]);
  nb::object order = nb::none();
  if (shape.order != nullptr) {
    nb::list dimensions;
    for (int d = 0; d < shape.rank; ++d) dimensions.append(shape.order[d]);
    order = dimensions;
  }
  const nb::object pair =
      helper("empty")(like, nb::tuple(extents), order, shape.boolean ? "bool" : name_of(shape.dtype));
  made.array = pair[0];
  made.finish = pair[1];
  made.view = view_of(made.array, nullptr, place);
  return made;
}

}  // namespace mylos::python
