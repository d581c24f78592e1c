#include "harness/io/safetensors.h"

#include <algorithm>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::raw;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string file_of(const std::string& header, const std::string& data) {
  return raw<uint64_t>({header.size()}) + header + data;
}

/// A file with one tensor "a" of the given fields and eight bytes of data.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return file_of(
      "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}",
      raw<float>({1, 2}));
}

TEST(Safetensors, ReadsWhatTheOriginalLibraryWrote) {
  const TemporaryFolder folder;
  // Bytes of safetensors.numpy.save({'a': f4 [[1,2]], 'b': u1 [3]}, {'k': 'v'}).
  write_bytes(folder / "t.safetensors",
              file_of("{\"__metadata__\":{\"k\":\"v\"},"
                      "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                      "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[8,9]}}   ",
                      raw<float>({1, 2}) + "\x03"));
  const Safetensors file(folder / "t.safetensors");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(file.metadata().at("k"), "v");
  EXPECT_EQ(file.array("a").as<float>("a"), (std::vector<float>{1, 2}));
  EXPECT_EQ(file.array("b").as<uint8_t>("b"), std::vector<uint8_t>{3});
  EXPECT_EQ(file.tensor("a").length(), 1);
  EXPECT_TRUE(file.has("a"));
  EXPECT_FALSE(file.has("__metadata__"));
}

TEST(Safetensors, RoundTripKeepsStorageTypes) {
  const TemporaryFolder folder;
  Tensor tensor(3, 2, 5);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data<float>()[i] = static_cast<float>(i) / 4;
  const Tensor brain = tensor.to(DType::bf16), half = tensor.to(DType::f16);
  const Array mask{{3}, std::vector<uint8_t>{1, 0, 1}};
  const Array labels{{2, 1}, std::vector<int32_t>{-1, 9}};
  const Array none{{0, 4}, std::vector<float>{}};
  write_safetensors(folder / "t.safetensors",
                    {{"f", &tensor},
                     {"b", &brain},
                     {"h", &half},
                     {"a mask", &mask},
                     {"labels", &labels},
                     {"none", &none}},
                    {{"source", "test"}});
  const Safetensors file(folder / "t.safetensors");
  EXPECT_EQ(file.metadata().at("source"), "test");
  const std::pair<const char*, const Tensor*> tensors[] = {
      {"f", &tensor}, {"b", &brain}, {"h", &half}};
  for (const auto& [name, written] : tensors) {
    const Tensor back = file.tensor(name);
    EXPECT_EQ(back.dtype(), written->dtype()) << name;
    ASSERT_EQ(back.bytes(), written->bytes()) << name;
    EXPECT_EQ(std::memcmp(back.data<char>(), written->data<char>(), back.bytes()), 0) << name;
  }
  EXPECT_EQ(file.array("a mask").values, mask.values);
  EXPECT_EQ(file.array("labels").values, labels.values);
  EXPECT_EQ(file.array("labels").shape, labels.shape);
  EXPECT_EQ(file.array("none").shape, none.shape);
  EXPECT_EQ(file.array("b").as<float>("b")[29], 29.0F / 4);
}

TEST(Safetensors, WriterAlignsTensors) {
  const TemporaryFolder folder;
  const Array mask{{3}, std::vector<uint8_t>{1, 0, 1}};
  const Array numbers{{1}, std::vector<float>{2}};
  write_safetensors(folder / "t.safetensors", {{"a", &mask}, {"b", &numbers}});
  EXPECT_EQ(Safetensors(folder / "t.safetensors").stored("b").offset % 8, 0U);
}

TEST(Safetensors, OpeningReadsNoTensor) {
  const TemporaryFolder folder;
  const std::string header =
      "{\"big\":{\"dtype\":\"U8\",\"shape\":[1000000000000],\"data_offsets\":[4,1000000000004]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
  write_bytes(folder / "t.safetensors", file_of(header, raw<float>({5})));
  std::error_code error;  // a sparse file: a terabyte that takes no room
  std::filesystem::resize_file(folder / "t.safetensors", 8 + header.size() + 1000000000004, error);
  if (error) GTEST_SKIP() << "the file system has no sparse files of a terabyte";
  EXPECT_EQ(Safetensors(folder / "t.safetensors").array("a").as<float>("a").at(0), 5.0F);
}

TEST(Safetensors, EmptyFileOfNoTensors) {
  const TemporaryFolder folder;
  write_safetensors(folder / "t.safetensors", {});
  EXPECT_TRUE(Safetensors(folder / "t.safetensors").names().empty());
}

struct MalformedTensors {
  const char* name;
  std::string bytes;
  const char* part;  ///< of the message
};

std::string nested(int depth) {
  std::string out = "{\"a\":";
  for (int i = 0; i < depth; ++i) out += '[';
  for (int i = 0; i < depth; ++i) out += ']';
  return out + "}";
}

std::vector<MalformedTensors> malformed_headers() {
  const std::string good = one("\"F32\"", "[2]", "[0,8]");
  const std::string a = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
  return {
      {"empty", "", "0 bytes, too few"},
      {"seven bytes", good.substr(0, 7), "7 bytes, too few"},
      {"length only", raw<uint64_t>({2}), "claims a .safetensors header of 2 bytes"},
      {"header truncated", good.substr(0, 40), "claims a .safetensors header"},
      {"length of 2^64-1", raw<uint64_t>({UINT64_MAX}) + "{}", "header of 18446744073709551615"},
      {"length of 2^64-8", raw<uint64_t>({UINT64_MAX - 7}) + "{}", "claims a .safetensors header"},
      {"length of 4 GB", raw<uint64_t>({uint64_t{1} << 32}) + "{}", "header of 4294967296 bytes"},
      {"length zero", raw<uint64_t>({0}) + "{}", "does not start with '{'"},
      {"leading space", file_of(" {}", ""), "does not start with '{'"},
      {"a list", file_of("[]", ""), "does not start with '{'"},
      {"not JSON", file_of("{a:1}", ""), "not valid JSON"},
      {"JSON cut", file_of("{\"a\":", ""), "not valid JSON"},
      {"two JSON values", file_of("{}{}", ""), "not valid JSON"},
      {"trailing comma", file_of("{" + a + ",}", raw<float>({1, 2})), "not valid JSON"},
      {"comment", file_of("{/*x*/" + a + "}", raw<float>({1, 2})), "not valid JSON"},
      {"broken UTF-8", file_of("{\"\xff\xfe\":1}", ""), "not valid JSON"},
      {"line break in a text", file_of("{\"a\nb\":1}", ""), "not valid JSON"},
      {"zero bytes", file_of("{" + std::string(20, '\0'), ""), "not valid JSON"},
      {"nested deeply", file_of(nested(100000), ""), "nested deeper"},
      {"nested in the shape", one("\"F32\"", "[[2]]", "[0,8]"), "must be a list"},
      {"same tensor twice", file_of("{" + a + "," + a + "}", raw<float>({1, 2})),
       "the key \"a\" stands twice"},
      {"same field twice",
       file_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
               raw<float>({1, 2})),
       "the key \"dtype\" stands twice"},
      {"metadata twice", file_of("{\"__metadata__\":{},\"__metadata__\":{}}", ""), "twice"},
      {"metadata of numbers", file_of("{\"__metadata__\":{\"a\":1}}", ""), "texts to texts"},
      {"metadata is a text", file_of("{\"__metadata__\":\"a\"}", ""), "texts to texts"},
      {"metadata is a list", file_of("{\"__metadata__\":[\"a\"]}", ""), "texts to texts"},
      {"entry is a number", file_of("{\"a\":1}", ""), "needs exactly the keys"},
      {"entry is null", file_of("{\"a\":null}", ""), "needs exactly the keys"},
      {"entry is empty", file_of("{\"a\":{}}", ""), "needs exactly the keys"},
      {"no offsets", file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", ""), "exactly the keys"},
      {"another field",
       file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}",
               raw<float>({1, 2})),
       "needs exactly the keys"},
      {"name with a line break", file_of("{\"two\\nlines\":1}", ""), "\"two\\nlines\""},
      {"dtype is a number", one("32", "[2]", "[0,8]"), "dtype must be a text"},
      {"dtype unknown, beyond the file", one("\"F33\"", "[2]", "[0,80]"), "truncated"},
      {"shape is a number", one("\"F32\"", "2", "[0,8]"), "shape must be a list"},
      {"negative size", one("\"F32\"", "[-2]", "[0,8]"), "shape must be a list"},
      {"size is a fraction", one("\"F32\"", "[2.0]", "[0,8]"), "shape must be a list"},
      {"size is a text", one("\"F32\"", "[\"2\"]", "[0,8]"), "shape must be a list"},
      {"size of 2^63", one("\"F32\"", "[9223372036854775808]", "[0,8]"), "shape must be a list"},
      {"size of 2^64", one("\"F32\"", "[18446744073709551616]", "[0,8]"), "shape must be a list"},
      {"product overflows", one("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "impossible shape"},
      {"bytes overflow", one("\"F64\"", "[2305843009213693952]", "[0,8]"), "impossible shape"},
      {"part of a byte", one("\"F4\"", "[3]", "[0,8]"), "impossible shape [3] for F4"},
      {"size too small", one("\"F32\"", "[3]", "[0,8]"), "8 bytes, expected 12"},
      {"size too large", one("\"F32\"", "[1]", "[0,8]"), "8 bytes, expected 4"},
      {"unreadable types have a size too", one("\"I16\"", "[2]", "[0,8]"), "8 bytes, expected 4"},
  };
}

std::vector<MalformedTensors> malformed_offsets() {
  const std::string good = one("\"F32\"", "[2]", "[0,8]");
  const auto two = [](const std::string& first, const std::string& second) {
    const std::string start = ":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":";
    return file_of("{\"a\"" + start + first + "},\"b\"" + start + second + "}}",
                   raw<float>({1, 2}));
  };
  return {
      {"offsets reversed", one("\"F32\"", "[2]", "[8,0]"), "begin <= end"},
      {"one offset", one("\"F32\"", "[2]", "[8]"), "must be [begin,end]"},
      {"three offsets", one("\"F32\"", "[2]", "[0,4,8]"), "must be [begin,end]"},
      {"offsets negative", one("\"F32\"", "[2]", "[-8,0]"), "data_offsets must be a list"},
      {"offsets are fractions", one("\"F32\"", "[2]", "[0,8.0]"), "data_offsets must be a list"},
      {"offsets of 2^64", one("\"F32\"", "[2]", "[0,18446744073709551624]"), "must be a list"},
      {"offsets far outside", one("\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]"),
       "the file is truncated"},
      {"data truncated", good.substr(0, good.size() - 1), "ends at byte 8 of 7"},
      {"trailing bytes", good + "x", "9 bytes of data, its tensors cover 8"},
      {"data without tensors", file_of("{}", "x"), "1 bytes of data, its tensors cover 0"},
      {"overlap", two("[0,4]", "[2,6]"), "it overlaps another"},
      {"same place", two("[0,4]", "[0,4]"), "it overlaps another"},
      {"hole",
       file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
               "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
               "abc"),
       "a hole"},
      {"hole at the start", one("\"F32\"", "[1]", "[4,8]"), "a hole"},
      {"hole at the end", one("\"F32\"", "[1]", "[0,4]"), "its tensors cover 4"},
  };
}

TEST(Safetensors, MalformedFilesAreRefusedWithOneLine) {
  const TemporaryFolder folder;
  for (const auto& files : {malformed_headers(), malformed_offsets()})
    for (const MalformedTensors& file : files) {
      SCOPED_TRACE(file.name);
      write_bytes(folder / "t.safetensors", file.bytes);
      expect_input_error([&] { Safetensors{folder / "t.safetensors"}; }, file.part);
      expect_input_error([&] { Safetensors{folder / "t.safetensors"}; }, "t.safetensors");
    }
}

TEST(Safetensors, OtherTypesAreListedButNotRead) {
  const TemporaryFolder folder;
  for (const char* type : {"I16", "U16", "I8", "U32", "U64", "F4", "C64", "F8_E8M0"}) {
    const int bits = std::string(type) == "F4"           ? 4
                     : std::string(type).ends_with("64") ? 64
                     : std::string(type).ends_with("32") ? 32
                     : std::string(type).ends_with("16") ? 16
                                                         : 8;
    write_bytes(folder / "t.safetensors", one("\"" + std::string(type) + "\"",
                                              "[1," + std::to_string(64 / bits) + "]", "[0,8]"));
    const Safetensors file(folder / "t.safetensors");
    EXPECT_EQ(file.stored("a").dtype, type);
    expect_input_error([&] { file.array("a"); }, type);
    expect_input_error([&] { file.tensor("a"); }, type);
  }
}

TEST(Safetensors, ReadingRefusesWrongTypesShapesAndNames) {
  const TemporaryFolder folder;
  write_bytes(folder / "t.safetensors", one("\"I32\"", "[1,2]", "[0,8]"));
  const Safetensors integers(folder / "t.safetensors");
  expect_input_error([&] { integers.tensor("a"); }, "expected floating-point numbers");
  expect_input_error([&] { integers.array("b"); }, "has no tensor \"b\"");
  write_bytes(folder / "u.safetensors", one("\"F32\"", "[2]", "[0,8]"));
  expect_input_error([&] { Safetensors(folder / "u.safetensors").tensor("a"); }, "has shape [2]");
  expect_input_error([&] { Safetensors{folder / "none.safetensors"}; }, "No such file");
  expect_input_error([&] { Safetensors{folder.path()}; }, "it is a folder");
}

TEST(Safetensors, FileThatShrinksAfterOpening) {
  const TemporaryFolder folder;
  write_bytes(folder / "t.safetensors", one("\"F32\"", "[1,2]", "[0,8]"));
  const Safetensors file(folder / "t.safetensors");
  std::filesystem::resize_file(folder / "t.safetensors", 20);
  expect_input_error([&] { file.tensor("a"); }, "more expected");
}

TEST(Safetensors, WriterRefusesUnfilledShapes) {
  const TemporaryFolder folder;
  const Array bad{{2}, std::vector<float>{1}};
  expect_input_error(
      [&] {
        write_safetensors(folder / "t.safetensors", {{"a", &bad}});
      },
      "do not fill the shape [2]");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, MutatedFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const std::string file = file_of(
      "{\"__metadata__\":{\"k\":\"v\"},"
      "\"a\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[0,4]},"
      "\"b\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[4,5]}}",
      raw<uint16_t>({0x3800, 0xc200}) + "\x01");
  const auto read_all = [](const std::filesystem::path& path) {
    const Safetensors opened(path);
    for (const std::string& name : opened.names()) opened.array(name);
  };
  const int refused = testing::expect_read_or_refused(file, folder / "t.safetensors", read_all);
  EXPECT_GE(refused, static_cast<int>(file.size()));  // every truncation at least
}

}  // namespace
}  // namespace vidattn
