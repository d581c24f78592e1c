#include "harness/io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxRank = 64;  // NumPy's own limit

struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

/// Parses the header's Python dictionary; only the forms that NumPy writes.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_spaces();
    if (at_ != text_.size()) fail("has text after the closing brace");
    if (!header_.descr || !header_.fortran_order || !header_.shape)
      fail("lacks one of the keys descr, fortran_order and shape");
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: the .npy header {} (character {})", file_, what, at_));
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool accept(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("is malformed: expected '{}'", wanted));
  }
  bool accept_word(std::string_view word) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void entry() {
    const std::string key = text();
    expect(':');
    if (key == "descr") {
      set(header_.descr, key, [&] { return descr(); });
    } else if (key == "fortran_order") {
      set(header_.fortran_order, key, [&] { return boolean(); });
    } else if (key == "shape") {
      set(header_.shape, key, [&] { return shape(); });
    } else {
      fail(fmt::format("has the unknown key {}", in_quotes(key)));
    }
  }
  template <class T, class Read>
  void set(std::optional<T>& field, const std::string& key, Read&& read) {
    if (field) fail(fmt::format("has the key {} twice", key));
    field = read();
  }

  std::string text() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = text_.find(quote, at_);
    if (end == text_.npos) fail("is malformed: a text is not closed");
    const auto content = text_.substr(at_, end - at_);
    at_ = end + 1;
    return std::string(content);
  }
  std::string descr() {
    if (accept('[')) return bfloat16_field();
    return text();
  }
  /// The one structured type that stands for a plain one: [('bfloat16', '<u2')].
  std::string bfloat16_field() {
    const bool named = accept('(') && text() == "bfloat16" && accept(',');
    std::string type = named ? text() : "";
    if ((!type.ends_with("u2") && !type.ends_with("V2")) || !accept(')')) fail(kStructured);
    accept(',');
    if (!accept(']')) fail(kStructured);
    return type;
  }
  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail("is malformed: fortran_order must be True or False");
  }
  int64_t extent() {
    skip_spaces();
    int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("has a shape beyond 63 bits");
    if (error != std::errc()) fail("is malformed: shape must be a tuple of whole numbers");
    if (value < 0) fail(fmt::format("has the negative size {} in its shape", value));
    at_ += static_cast<size_t>(end - first);
    accept('L');  // Python 2's long integers
    return value;
  }
  std::vector<int64_t> shape() {
    std::vector<int64_t> out;
    expect('(');
    while (!accept(')')) {
      if (out.size() == kMaxRank) fail(fmt::format("has more than {} dimensions", kMaxRank));
      out.push_back(extent());
      if (accept(',')) continue;
      if (out.size() == 1) fail("is malformed: a tuple of one number needs a comma");
      expect(')');
      break;
    }
    return out;
  }

  static constexpr const char* kStructured =
      "has a structured dtype: save its fields as separate plain arrays";
  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  Header header_;
};

struct ArrayType {
  std::string_view kind;  ///< NumPy's letter and the bytes of an element
  std::optional<Element> element;
  int64_t bits;
};

/// `descr` is the kind after its byte order: '<', '>', or '|' for none.
ArrayType find_type(const std::string& descr, const std::string& file) {
  static constexpr ArrayType kTypes[] = {
      {"f2", Element::f16, 16},    {"f4", Element::f32, 32},       {"f8", Element::f64, 64},
      {"i4", Element::i32, 32},    {"i8", Element::i64, 64},       {"u1", Element::u8, 8},
      {"b1", Element::boolean, 8}, {"V2", std::nullopt, 16},       {"u2", std::nullopt, 16},
      {"i2", std::nullopt, 16},    {"bfloat16", Element::bf16, 16}};
  const bool has_order =
      !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string::npos;
  const std::string_view kind = std::string_view(descr).substr(has_order ? 1 : 0);
  for (const ArrayType& type : kTypes)
    if (type.kind == kind && (has_order || kind == "bfloat16")) return type;
  throw InputError(fmt::format(
      "{} has dtype {}, {}", file, in_quotes(descr),
      descr.ends_with('O') ? "Python objects, which are not read: save a plain numeric array"
                           : "expected float16, float32, float64, int32, int64, uint8 or bool"));
}

/// The first index moves fastest.
std::vector<int64_t> fortran_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides;
  int64_t step = 1;
  for (int64_t extent : shape) {
    strides.push_back(step);
    step *= extent;
  }
  return strides;
}

/// Reads magic, version and header text; leaves `offset` at the data.
std::string read_header_text(const ByteSource& file, uint64_t& offset) {
  if (file.size() == 0) throw InputError(fmt::format("{} is empty, expected .npy", file.name()));
  unsigned char start[12] = {};
  file.read(0, start, std::min<uint64_t>(file.size(), sizeof start));
  if (std::memcmp(start, kMagic.data(), kMagic.size()) != 0)
    throw InputError(
        fmt::format("{} is not an .npy file: its first bytes are not \\x93NUMPY", file.name()));
  const int major = start[6], minor = start[7];
  offset = major == 1 ? 10 : 12;
  if (file.size() < offset)
    throw InputError(fmt::format("{} ends inside the .npy header", file.name()));
  if (major < 1 || major > 3 || minor != 0)
    throw InputError(fmt::format("{} has .npy version {}.{}, expected 1.0, 2.0 or 3.0", file.name(),
                                 major, minor));
  uint64_t length = start[8] | uint64_t{start[9]} << 8;
  if (major > 1) length |= uint64_t{start[10]} << 16 | uint64_t{start[11]} << 24;
  constexpr uint64_t kLongest = uint64_t{1} << 20;
  if (length > kLongest || length > file.size() - offset)
    throw InputError(fmt::format("{} claims an .npy header of {} bytes in a file of {} bytes",
                                 file.name(), length, file.size()));
  std::string text(static_cast<size_t>(length), '\0');
  file.read(offset, text.data(), length);
  offset += length;
  return text;
}

std::string header_text(std::string_view descr, const std::vector<int64_t>& shape) {
  std::string sizes;
  for (int64_t extent : shape) sizes += std::to_string(extent) + ", ";
  // (2, 3), but (2,): only a tuple of one keeps its comma.
  if (!shape.empty()) sizes.resize(sizes.size() - (shape.size() == 1 ? 1 : 2));
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, sizes);
  constexpr size_t kAlignment = 64, kPrefix = 10;  // of the data; bytes before the text
  text.append(kAlignment - 1 - (kPrefix + text.size()) % kAlignment, ' ');
  text += '\n';
  std::string out(kMagic);
  for (size_t byte : {size_t{1}, size_t{0}, text.size() & 0xff, text.size() >> 8})
    out += static_cast<char>(byte);
  return out + text;
}

void write_file(const std::filesystem::path& path, std::string_view descr,
                const std::vector<int64_t>& shape, const void* data, uint64_t bytes) {
  const std::string header = header_text(descr, shape);
  OutputFile file(path);
  file.write(header.data(), header.size());
  file.write(data, bytes);
  file.commit();
}

}  // namespace

StoredArray open_npy(const std::filesystem::path& path) {
  return open_npy(std::make_shared<InputFile>(path));
}

StoredArray open_npy(std::shared_ptr<const ByteSource> file) {
  StoredArray out;
  out.file = std::move(file);
  out.name = out.file->name();
  const std::string text = read_header_text(*out.file, out.offset);
  const Header header = HeaderParser(text, out.name).parse();
  const ArrayType type = find_type(*header.descr, out.name);
  out.dtype = *header.descr;
  out.element = type.element;
  out.shape = *header.shape;
  out.big_endian = out.dtype.starts_with('>');
  const auto expected = stored_bytes(out.shape, type.bits);
  if (!expected)
    throw InputError(
        fmt::format("{} has the impossible shape {}", out.name, shape_text(out.shape)));
  const uint64_t found = out.file->size() - out.offset;
  if (found != *expected)
    throw InputError(fmt::format("{} has {} bytes of data, expected {} for shape {} of {}",
                                 out.name, found, *expected, shape_text(out.shape), out.dtype));
  if (*header.fortran_order) out.strides = fortran_strides(out.shape);
  return out;
}

Array read_npy(const std::filesystem::path& path) { return open_npy(path).array(); }

Tensor read_npy_tensor(const std::filesystem::path& path) { return open_npy(path).tensor(); }

void write_npy(const std::filesystem::path& path, const Array& array) {
  constexpr std::string_view kDescr[] = {"<f4", "<i4", "|u1"};
  std::visit(
      [&](const auto& values) {
        if (array.size() != static_cast<int64_t>(values.size()))
          throw InputError(fmt::format("cannot write {}: {} values do not fill the shape {}",
                                       in_quotes(path.native()), values.size(),
                                       shape_text(array.shape)));
        write_file(path, kDescr[array.values.index()], array.shape, values.data(),
                   values.size() * sizeof(values[0]));
      },
      array.values);
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  if (tensor.dtype() != DType::f32) return write_npy(path, tensor.to(DType::f32));
  write_file(path, "<f4", {tensor.length(), tensor.heads(), tensor.dim()}, tensor.data<float>(),
             static_cast<uint64_t>(tensor.bytes()));
}

NpyRows::NpyRows(const std::filesystem::path& path, const std::vector<int64_t>& shape)
    : file_(path) {
  const std::string header = header_text("<f4", shape);
  file_.write(header.data(), header.size());
}

void NpyRows::append(const Tensor& rows) {
  if (rows.dtype() != DType::f32) return append(rows.to(DType::f32));
  file_.write(rows.data<float>(), static_cast<uint64_t>(rows.bytes()));
}

}  // namespace vidattn
