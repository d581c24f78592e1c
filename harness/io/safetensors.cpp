#include "harness/io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadata = "__metadata__";
constexpr uint64_t kPrefix = 8;  // bytes of the header length

struct TensorType {
  std::string_view name;
  int64_t bits;
  std::optional<Element> element;
};

constexpr TensorType kTypes[] = {{"F32", 32, Element::f32},        {"F16", 16, Element::f16},
                                 {"BF16", 16, Element::bf16},      {"F64", 64, Element::f64},
                                 {"I32", 32, Element::i32},        {"I64", 64, Element::i64},
                                 {"U8", 8, Element::u8},           {"BOOL", 8, Element::boolean},
                                 {"I8", 8, std::nullopt},          {"I16", 16, std::nullopt},
                                 {"U16", 16, std::nullopt},        {"U32", 32, std::nullopt},
                                 {"U64", 64, std::nullopt},        {"C64", 64, std::nullopt},
                                 {"F8_E5M2", 8, Element::f8_e5m2}, {"F8_E4M3", 8, Element::f8_e4m3},
                                 {"F8_E8M0", 8, std::nullopt},     {"F6_E2M3", 6, std::nullopt},
                                 {"F6_E3M2", 6, std::nullopt},     {"F4", 4, std::nullopt}};

std::string read_header(const ByteSource& file) {
  constexpr uint64_t kLongest = 100'000'000;  // the format's own limit
  if (file.size() < kPrefix)
    throw InputError(
        fmt::format("{} has {} bytes, too few for a .safetensors file", file.name(), file.size()));
  uint64_t length = 0;
  file.read(0, &length, sizeof length);
  if (length > kLongest || length > file.size() - kPrefix)
    throw InputError(fmt::format("{} claims a .safetensors header of {} bytes in a file of {}",
                                 file.name(), length, file.size()));
  std::string text(static_cast<size_t>(length), '\0');
  file.read(kPrefix, text.data(), length);
  if (!text.starts_with('{'))
    throw InputError(
        fmt::format("{}: the .safetensors header does not start with '{{'", file.name()));
  return text;
}

json parse_header(const std::string& text, const std::string& file) {
  try {
    return parse_json(text);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: the .safetensors header: {}", file, error.what()));
  }
}

std::map<std::string, std::string> read_metadata(const json& entry, const std::string& file) {
  const bool object = entry.is_object();
  if (!object || !std::all_of(entry.begin(), entry.end(), [](auto& v) { return v.is_string(); }))
    throw InputError(fmt::format("{}: {} must map texts to texts", file, kMetadata));
  return entry.get<std::map<std::string, std::string>>();
}

/// A list of whole numbers below 2^63; anything else is an InputError.
std::vector<int64_t> whole_numbers(const json& list, const std::string& what) {
  const auto whole = [](const json& v) {
    return v.is_number_unsigned() && v.get<uint64_t>() <= uint64_t{INT64_MAX};
  };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), whole))
    throw InputError(fmt::format("{} must be a list of whole numbers from 0 to 2^63-1", what));
  return list.get<std::vector<int64_t>>();
}

/// Null for a type that the format got later: such a tensor can be there, but not be read.
const TensorType* find_type(const std::string& name) {
  for (const TensorType& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

/// The bytes must be those of the shape, where the type's size is known.
void require_size(const StoredArray& tensor, const TensorType& type, uint64_t bytes) {
  const auto expected = stored_bytes(tensor.shape, type.bits);
  if (!expected)
    throw InputError(fmt::format("{} has the impossible shape {} for {}", tensor.name,
                                 shape_text(tensor.shape), tensor.dtype));
  if (bytes != *expected)
    throw InputError(fmt::format("{} has {} bytes, expected {} for shape {} of {}", tensor.name,
                                 bytes, *expected, shape_text(tensor.shape), tensor.dtype));
}

struct Extent {
  uint64_t begin, end;  // in the bytes after the header
  const StoredArray* tensor;
};

/// Fills `out` from one header entry and returns its place.
Extent read_entry(const json& entry, StoredArray& out) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets"))
    throw InputError(
        fmt::format("{} needs exactly the keys dtype, shape and data_offsets", out.name));
  if (!entry["dtype"].is_string())
    throw InputError(fmt::format("{}: dtype must be a text", out.name));
  out.dtype = entry["dtype"].get<std::string>();
  out.shape = whole_numbers(entry["shape"], out.name + ": shape");
  const auto offsets = whole_numbers(entry["data_offsets"], out.name + ": data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    throw InputError(
        fmt::format("{}: data_offsets must be [begin,end] with begin <= end", out.name));
  const auto begin = static_cast<uint64_t>(offsets[0]), end = static_cast<uint64_t>(offsets[1]);
  if (const TensorType* type = find_type(out.dtype)) {
    out.element = type->element;
    require_size(out, *type, end - begin);
  }
  return {begin, end, &out};
}

/// The tensors must tile the bytes after the header.
void require_tiling(std::vector<Extent> extents, uint64_t bytes, const std::string& file) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.end > bytes)
      throw InputError(fmt::format("{} ends at byte {} of {}: the file is truncated",
                                   extent.tensor->name, extent.end, bytes));
    if (extent.begin != covered)
      throw InputError(fmt::format("{} begins at byte {}, expected {}: {}", extent.tensor->name,
                                   extent.begin, covered,
                                   extent.begin < covered ? "it overlaps another" : "a hole"));
    covered = extent.end;
  }
  if (covered != bytes)
    throw InputError(
        fmt::format("{} has {} bytes of data, its tensors cover {}", file, bytes, covered));
}

struct Piece {
  std::string name, dtype;
  std::vector<int64_t> shape;
  const void* data;
  uint64_t bytes, element_bytes;
};

Piece piece_of(const std::string& name, const Tensor& tensor) {
  constexpr std::string_view kNames[] = {"F32", "BF16", "F16"};
  return {name,
          std::string(kNames[static_cast<size_t>(tensor.dtype())]),
          {tensor.length(), tensor.heads(), tensor.dim()},
          tensor.data<std::byte>(),
          static_cast<uint64_t>(tensor.bytes()),
          static_cast<uint64_t>(size_of(tensor.dtype()))};
}

Piece piece_of(const std::string& name, const Array& array) {
  constexpr std::string_view kNames[] = {"F32", "I32", "U8"};
  return std::visit(
      [&](const auto& values) -> Piece {
        if (array.size() != static_cast<int64_t>(values.size()))
          throw InputError(fmt::format("cannot write {}: {} values do not fill the shape {}",
                                       in_quotes(name), values.size(), shape_text(array.shape)));
        return {name,          std::string(kNames[array.values.index()]), array.shape,
                values.data(), values.size() * sizeof(values[0]),         sizeof(values[0])};
      },
      array.values);
}

}  // namespace

Safetensors::Safetensors(const std::filesystem::path& path)
    : Safetensors(std::make_shared<InputFile>(path)) {}

Safetensors::Safetensors(std::shared_ptr<const ByteSource> file) : file_(std::move(file)) {
  const std::string text = read_header(*file_);
  const json header = parse_header(text, file_->name());
  const uint64_t start = kPrefix + text.size();
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      metadata_ = read_metadata(entry, file_->name());
      continue;
    }
    StoredArray& tensor = tensors_[name];
    tensor.file = file_;
    tensor.name = fmt::format("{} in {}", in_quotes(name), file_->name());
    extents.push_back(read_entry(entry, tensor));
    tensor.offset = start + extents.back().begin;
  }
  require_tiling(std::move(extents), file_->size() - start, file_->name());
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : tensors_) out.push_back(name);
  return out;
}

const StoredArray& Safetensors::stored(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw InputError(fmt::format("{} has no tensor {}", file_->name(), in_quotes(name)));
  return found->second;
}

void write_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, std::variant<const Tensor*, const Array*>>& tensors,
    const std::map<std::string, std::string>& metadata) {
  std::vector<Piece> pieces;
  for (const auto& [name, tensor] : tensors)
    pieces.push_back(std::visit([&name = name](auto* t) { return piece_of(name, *t); }, tensor));
  // Wide elements first keeps every tensor aligned for readers that map the file.
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return a.element_bytes > b.element_bytes;
  });
  json header = json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  uint64_t end = 0;
  for (const Piece& piece : pieces) {
    header[piece.name] = {
        {"dtype", piece.dtype}, {"shape", piece.shape}, {"data_offsets", {end, end + piece.bytes}}};
    end += piece.bytes;
  }
  std::string text = header.dump();
  text.append((kPrefix - text.size() % kPrefix) % kPrefix, ' ');
  const uint64_t length = text.size();
  OutputFile file(path);
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const Piece& piece : pieces) file.write(piece.data, piece.bytes);
  file.commit();
}

}  // namespace vidattn
