#include "harness/io/npy.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::raw;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string header(const std::string& text, int major = 1) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(major);
  out += '\0';
  for (int byte = 0; byte < (major == 1 ? 2 : 4); ++byte)
    out += static_cast<char>(text.size() >> (8 * byte));
  return out + text;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  return header("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n") +
         data;
}

Array read(const TemporaryFolder& folder, const std::string& bytes) {
  write_bytes(folder / "a.npy", bytes);
  return read_npy(folder / "a.npy");
}

TEST(Npy, ReadsWhatNumpyWrote) {
  const TemporaryFolder folder;
  // Bytes of np.save(np.array([[1.5, -2]], '<f2')) with NumPy 2.
  const std::string start = "\x93NUMPY\x01" + std::string("\0v\0", 3);
  const std::string text = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }";
  const std::string file =
      start + text + std::string(117 - text.size(), ' ') + "\n" + std::string("\x00>\x00\xc0", 4);
  const Array a = read(folder, file);
  EXPECT_EQ(a.shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(a.as<float>("a"), (std::vector<float>{1.5F, -2.0F}));
}

TEST(Npy, WritesTheBytesOfNumpy) {
  const TemporaryFolder folder;
  write_npy(folder / "a.npy", Array{{3}, std::vector<uint8_t>{1, 0, 1}});
  const std::string text = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
  EXPECT_EQ(read_bytes(folder / "a.npy"), "\x93NUMPY\x01" + std::string("\0v\0", 3) + text +
                                              std::string(117 - text.size(), ' ') + "\n" +
                                              std::string("\1\0\1", 3));
}

TEST(Npy, EveryTypeIsConverted) {
  const TemporaryFolder folder;
  const auto floats = [&](const std::string& descr, const std::string& data) {
    return read(folder, npy(descr, "(2,)", data)).as<float>("a");
  };
  const std::vector<float> expected = {0.5F, -3.0F};
  EXPECT_EQ(floats("<f4", raw<float>({0.5F, -3.0F})), expected);
  EXPECT_EQ(floats("<f8", raw<double>({0.5, -3.0})), expected);
  EXPECT_EQ(floats("<f2", raw<uint16_t>({0x3800, 0xc200})), expected);
  const std::vector<int32_t> extremes = {INT32_MIN, INT32_MAX};
  EXPECT_EQ(read(folder, npy("<i4", "(2,)", raw<int32_t>({INT32_MIN, INT32_MAX}))).as<int32_t>("a"),
            extremes);
  EXPECT_EQ(read(folder, npy("<i8", "(2,)", raw<int64_t>({INT32_MIN, INT32_MAX}))).as<int32_t>("a"),
            extremes);
  const std::vector<uint8_t> bytes = {0, 1};
  EXPECT_EQ(read(folder, npy("|u1", "(2,)", raw<uint8_t>({0, 1}))).as<uint8_t>("a"), bytes);
  EXPECT_EQ(read(folder, npy("|b1", "(2,)", raw<uint8_t>({0, 1}))).as<uint8_t>("a"), bytes);
}

TEST(Npy, InfinityAndNanSurviveReading) {
  const TemporaryFolder folder;
  const double inf = std::numeric_limits<double>::infinity();
  const Array a = read(folder, npy("<f8", "(3,)", raw<double>({inf, -inf, std::nan("")})));
  const auto& values = a.as<float>("a");
  EXPECT_TRUE(std::isinf(values[0]) && values[1] < 0 && std::isnan(values[2]));
}

TEST(Npy, ManyElementsAreConvertedInPieces) {
  const TemporaryFolder folder;
  constexpr int64_t kCount = 3 * 65536 + 7;
  std::string data(kCount * sizeof(int64_t), '\0');
  for (int64_t i = 0; i < kCount; ++i) std::memcpy(&data[i * sizeof i], &i, sizeof i);
  const Array a = read(folder, npy("<i8", "(" + std::to_string(kCount) + ",)", data));
  const auto& values = a.as<int32_t>("a");
  for (int64_t i = 0; i < kCount; ++i) ASSERT_EQ(values[i], i);
}

TEST(Npy, HeaderFormsThatNumpyAccepts) {
  const TemporaryFolder folder;
  const std::string data = raw<float>({1, 2});
  const std::vector<std::string> headers = {
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}", 2),
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }  \n", 3),
      header("{\"shape\":(1,2,),\"fortran_order\":False,\"descr\":\"<f4\"}\n"),
      header("  { 'shape' : ( 1 , 2 ) , 'descr' : '<f4' , 'fortran_order' : False }\n")};
  for (const std::string& start : headers)
    EXPECT_EQ(read(folder, start + data).shape, (std::vector<int64_t>{1, 2})) << start;
}

TEST(Npy, ScalarsAndEmptyArrays) {
  const TemporaryFolder folder;
  EXPECT_EQ(read(folder, npy("<f4", "()", raw<float>({7}))).as<float>("a").at(0), 7.0F);
  const Array none = read(folder, npy("<f4", "(0, 5)", ""));
  EXPECT_EQ(none.shape, (std::vector<int64_t>{0, 5}));
  EXPECT_TRUE(none.as<float>("a").empty());
}

TEST(Npy, ArraysRoundTrip) {
  const TemporaryFolder folder;
  const Array arrays[] = {{{2, 3}, std::vector<float>{1, 2, 3, 4, 5, -0.0F}},
                          {{1, 1, 2, 1}, std::vector<int32_t>{-7, 1 << 30}},
                          {{5}, std::vector<uint8_t>{0, 1, 127, 128, 255}},
                          {{}, std::vector<float>{3}},
                          {{2, 0}, std::vector<int32_t>{}}};
  for (const Array& array : arrays) {
    write_npy(folder / "a.npy", array);
    const Array back = read_npy(folder / "a.npy");
    EXPECT_EQ(back.shape, array.shape);
    EXPECT_EQ(back.values, array.values);
  }
}

TEST(Npy, TensorsRoundTripAsFloat32) {
  const TemporaryFolder folder;
  Tensor tensor(3, 2, 5);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data<float>()[i] = static_cast<float>(i) / 8;
  for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    write_npy(folder / "t.npy", tensor.to(dtype));
    const Tensor back = read_npy_tensor(folder / "t.npy");
    EXPECT_EQ(back.dtype(), DType::f32);
    ASSERT_EQ(back.size(), tensor.size());
    EXPECT_EQ(std::memcmp(back.data<float>(), tensor.data<float>(), tensor.bytes()), 0);
  }
}

TEST(Npy, TensorsKeepFloat16AndNarrowFloat64) {
  const TemporaryFolder folder;
  write_bytes(folder / "t.npy", npy("<f2", "(1, 1, 2)", raw<uint16_t>({0x3800, 0xc200})));
  const Tensor half = read_npy_tensor(folder / "t.npy");
  EXPECT_EQ(half.dtype(), DType::f16);
  EXPECT_EQ(half.at(0, 0, 1), -3.0F);
  write_bytes(folder / "t.npy", npy("<f8", "(2, 3)", raw<double>({1, 2, 3, 4, 5, 6})));
  const Tensor one_head = read_npy_tensor(folder / "t.npy");
  EXPECT_EQ(one_head.length(), 2);
  EXPECT_EQ(one_head.heads(), 1);
  EXPECT_EQ(one_head.dim(), 3);
  EXPECT_EQ(one_head.at(1, 0, 2), 6.0F);
}

struct Malformed {
  const char* name;
  std::string bytes;
  const char* part;  ///< of the message
};

std::string keys(const std::string& text) { return header(text) + raw<float>({1, 2}); }

std::vector<Malformed> malformed_files() {
  const std::string two = raw<float>({1, 2});
  const std::string good = npy("<f4", "(2,)", two);
  std::string control = "{'descr': '<f4', 'a\nb\x01\xff': 1}";
  return {
      {"empty", "", "is empty"},
      {"one byte", "\x93", "first bytes are not"},
      {"text", "hello, world: not an array", "first bytes are not"},
      {"zip (npz)", "PK\x03\x04 and so on", "first bytes are not"},
      {"magic only", good.substr(0, 6), "ends inside the .npy header"},
      {"no header length", good.substr(0, 9), "ends inside the .npy header"},
      {"version 2 without length", header("", 2).substr(0, 10), "ends inside the .npy header"},
      {"version 0", header("{}", 0) + two, "version 0.0"},
      {"version 4", header("{}", 4) + two, "version 4.0"},
      {"version 1.1", std::string(good).replace(7, 1, "\x01"), "version 1.1"},
      {"header truncated", good.substr(0, 30), "claims an .npy header"},
      {"header of 65535 bytes", std::string(good).replace(8, 2, "\xff\xff"), "65535 bytes"},
      {"header of 4 GB", std::string(header("{}", 2) + two).replace(8, 4, "\xff\xff\xff\xff"),
       "4294967295 bytes"},
      {"header of 2 MB", header(std::string(2 << 20, ' '), 2), "2097152 bytes"},
      {"header empty", header(""), "expected '{'"},
      {"header of zeros", header(std::string(40, '\0')), "expected '{'"},
      {"header cut in key", keys("{'des"), "a text is not closed"},
      {"header cut after key", keys("{'descr'"), "expected ':'"},
      {"header cut in shape", keys("{'shape': (2"), "a tuple of one number needs a comma"},
      {"header cut in longer shape", keys("{'shape': (2, 3"), "expected ')'"},
      {"header not closed", keys("{'descr': '<f4'"), "expected '}'"},
      {"comma missing", keys("{'descr': '<f4' 'shape': (2,)}"), "expected '}'"},
      {"key without quotes", keys("{descr: '<f4'}"), "expected '\"'"},
      {"no keys", keys("{}"), "lacks one of the keys"},
      {"no descr", keys("{'fortran_order': False, 'shape': (2,)}"), "lacks one of the keys"},
      {"no order", keys("{'descr': '<f4', 'shape': (2,)}"), "lacks one of the keys"},
      {"no shape", keys("{'descr': '<f4', 'fortran_order': False}"), "lacks one of the keys"},
      {"descr twice", keys("{'descr': '<f4', 'descr': '<f4'}"), "the key descr twice"},
      {"order twice", keys("{'fortran_order': False, 'fortran_order': False}"), "twice"},
      {"shape twice", keys("{'shape': (2,), 'shape': (2,)}"), "the key shape twice"},
      {"unknown key", keys("{'descr': '<f4', 'extra': 1}"), "unknown key \"extra\""},
      {"control characters in a key", keys(control), "\"a\\nb\\u0001\xef\xbf\xbd\""},
      {"very long key", keys("{'" + std::string(9000, 'k') + "': 1}"), "kkk...\""},
      {"text after the brace", keys("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x"),
       "after the closing"},
      {"order is a number", keys("{'fortran_order': 0}"), "True or False"},
      {"objects", npy("|O", "(2,)", two), "Python objects"},
      {"structured", keys("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"),
       "structured dtype"},
      {"descr is None", keys("{'descr': None}"), "expected '\"'"},
      {"structured, of the name", keys("{'descr': [('bfloat16', '<f4')]}"), "structured dtype"},
      {"structured, of two", keys("{'descr': [('bfloat16', '<u2'), ('a', '<u2')]}"),
       "structured dtype"},
      {"bfloat16 of ml_dtypes", npy("<V2", "(4,)", two), "holds \"<V2\", expected"},
      {"complex", npy("<c8", "(1,)", two), "has dtype \"<c8\""},
      {"int16", npy("<i2", "(4,)", two), "holds \"<i2\", expected"},
      {"no byte order", npy("f4", "(2,)", two), "has dtype \"f4\""},
      {"text dtype", npy("<U2", "(1,)", two), "has dtype \"<U2\""},
      {"empty dtype", npy("", "(2,)", two), "has dtype \"\""},
      {"negative size", npy("<f4", "(-2,)", two), "negative size -2"},
      {"two negative sizes", npy("<f4", "(-1, -2)", two), "negative size -1"},
      {"size beyond 63 bits", npy("<f4", "(9223372036854775808,)", two), "beyond 63 bits"},
      {"product overflows", npy("<f4", "(4294967296, 4294967296)", two), "impossible shape"},
      {"product wraps to two", npy("<f4", "(9223372036854775807, 2, 3)", two), "impossible shape"},
      {"bytes overflow", npy("<f8", "(2305843009213693952,)", two), "impossible shape"},
      {"overflow before a zero", npy("<f4", "(4294967296, 4294967296, 0)", ""), "impossible shape"},
      {"huge but possible", npy("<f4", "(1000000000000,)", two), "8 bytes of data, expected 4000"},
      {"shape is a number", npy("<f4", "2", two), "expected '('"},
      {"shape without comma", npy("<f4", "(2)", two), "needs a comma"},
      {"shape is a list", npy("<f4", "[2]", two), "expected '('"},
      {"size is a fraction", npy("<f4", "(2.0,)", two), "needs a comma"},
      {"size is a name", npy("<f4", "(L,)", two), "whole numbers"},
      {"too many dimensions",
       npy(
           "<f4",
           "(" +
               [] {
                 std::string ones;
                 for (int i = 0; i < 65; ++i) ones += "1,";
                 return ones;
               }() +
               ")",
           raw<float>({1})),
       "more than 64 dimensions"},
      {"data missing", npy("<f4", "(2,)", ""), "0 bytes of data, expected 8"},
      {"data truncated", good.substr(0, good.size() - 1), "7 bytes of data, expected 8"},
      {"one byte too many", good + "x", "9 bytes of data, expected 8"},
      {"empty shape with data", npy("<f4", "(0,)", two), "8 bytes of data, expected 0"},
      {"int64 beyond int32", npy("<i8", "(1, 2)", raw<int64_t>({0, int64_t{1} << 31})),
       "at [0,1] is 2147483648, beyond int32"},
      {"int64 below int32", npy("<i8", "(1,)", raw<int64_t>({-2147483649})), "beyond int32"},
      {"float64 beyond float32", npy("<f8", "(2, 1)", raw<double>({1, -1e300})),
       "at [1,0] is -1e+300, beyond float32"},
      {"bool of two", npy("|b1", "(2,)", raw<uint8_t>({1, 2})), "at [1] is 2, expected a bool"},
  };
}

TEST(Npy, MalformedFilesAreRefusedWithOneLine) {
  const TemporaryFolder folder;
  for (const Malformed& file : malformed_files()) {
    SCOPED_TRACE(file.name);
    expect_input_error([&] { read(folder, file.bytes); }, file.part);
    expect_input_error([&] { read(folder, file.bytes); }, "a.npy");
  }
}

TEST(Npy, TensorsRefuseOtherShapesAndTypes) {
  const TemporaryFolder folder;
  const std::vector<Malformed> files = {
      {"one size", npy("<f4", "(2,)", raw<float>({1, 2})), "expected [tokens,heads,channels]"},
      {"four sizes", npy("<f4", "(1,1,1,2)", raw<float>({1, 2})), "has shape [1,1,1,2]"},
      {"integers", npy("<i4", "(1,2)", raw<int32_t>({1, 2})), "expected floating-point"},
      {"beyond float32", npy("<f8", "(1,1,1)", raw<double>({1e39})), "beyond float32"}};
  for (const Malformed& file : files) {
    SCOPED_TRACE(file.name);
    write_bytes(folder / "t.npy", file.bytes);
    expect_input_error([&] { read_npy_tensor(folder / "t.npy"); }, file.part);
  }
}

TEST(Npy, PathsThatAreNoFiles) {
  const TemporaryFolder folder;
  expect_input_error([&] { read_npy(folder / "none.npy"); }, "No such file");
  expect_input_error([&] { read_npy(folder.path()); }, "it is a folder");
  expect_input_error([&] { read_npy(folder / "two\nlines.npy"); }, "two\\nlines.npy");
  expect_input_error([&] { read_npy(""); }, "No such file");
  expect_input_error([&] { read_npy("/dev/zero"); }, "a special file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_input_error([&] { read_npy(folder / "pipe"); }, "a special file");
  std::filesystem::create_symlink(folder / "none.npy", folder / "dangling");
  expect_input_error([&] { read_npy(folder / "dangling"); }, "No such file");
  write_bytes(folder / "secret.npy", npy("<f4", "()", raw<float>({1})));
  std::filesystem::permissions(folder / "secret.npy", std::filesystem::perms::none);
  if (::geteuid() != 0)  // the superuser may read all files
    expect_input_error([&] { read_npy(folder / "secret.npy"); }, "Permission denied");
}

TEST(Npy, MutatedFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const std::string files[] = {npy("<f4", "(1, 2)", raw<float>({1, 2})),
                               npy("<i8", "(1, 2)", raw<int64_t>({1, 2})),
                               npy("|b1", "(8,)", raw<uint8_t>({0, 1, 0, 1, 0, 1, 0, 1}))};
  for (const std::string& file : files) {
    const auto read_both = [](const std::filesystem::path& path) {
      read_npy(path);
      read_npy_tensor(path);
    };
    const int refused = testing::expect_read_or_refused(file, folder / "a.npy", read_both);
    EXPECT_GE(refused, static_cast<int>(file.size()));  // every truncation at least
  }
}

std::vector<std::string> listing(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    out.push_back(entry.path().filename());
  return out;
}

TEST(NpyWriting, UnwritablePlacesAreRefused) {
  const TemporaryFolder folder;
  const Array one{{1}, std::vector<float>{1}};
  write_bytes(folder / "file", "x");
  expect_input_error([&] { write_npy(folder / "none" / "a.npy", one); }, "No such file");
  expect_input_error([&] { write_npy(folder / "file" / "a.npy", one); }, "Not a directory");
  expect_input_error([&] { write_npy(folder.path(), one); }, "Is a directory");
  expect_input_error([&] { write_npy("", one); }, "cannot write \"\": No such file");
  expect_input_error([&] { write_npy("/dev/full", one); }, "a special file");
  expect_input_error([&] { write_npy(folder / std::string(300, 'n'), one); }, "name too long");
  expect_input_error(
      [&] {
        write_npy(folder / "a", Array{{2}, std::vector<float>{1}});
      },
      "1 values do not fill the shape [2]");
  EXPECT_EQ(listing(folder.path()), std::vector<std::string>{"file"});
}

/// Lets this process write files of at most `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit lower{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(NpyWriting, AFailedWriteKeepsTheOldFileAndLeavesNothing) {
  const TemporaryFolder folder;
  write_npy(folder / "a.npy", Array{{1}, std::vector<float>{42}});
  {
    const FileSizeLimit limit(1024);
    const Array large{{5000}, std::vector<float>(5000)};
    expect_input_error([&] { write_npy(folder / "a.npy", large); }, "cannot write");
  }
  EXPECT_EQ(read_npy(folder / "a.npy").as<float>("a").at(0), 42.0F);
  EXPECT_EQ(listing(folder.path()), std::vector<std::string>{"a.npy"});
}

TEST(NpyWriting, WritesThroughLinks) {
  const TemporaryFolder folder;
  write_bytes(folder / "target.npy", "old");
  std::filesystem::create_symlink(folder / "target.npy", folder / "link.npy");
  write_npy(folder / "link.npy", Array{{1}, std::vector<float>{5}});
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.npy"));
  EXPECT_EQ(read_npy(folder / "target.npy").as<float>("a").at(0), 5.0F);
}

TEST(RequireFinite, NamesTheFirstBadElement) {
  const float inf = std::numeric_limits<float>::infinity();
  for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    Tensor tensor(3, 2, 4);
    EXPECT_NO_THROW(require_finite(tensor.to(dtype), "q"));
    tensor.row(2, 1)[3] = -inf;
    expect_input_error([&] { require_finite(tensor.to(dtype), "q"); }, "q[2,1,3] is -inf");
    tensor.row(1, 0)[2] = std::nanf("");
    expect_input_error([&] { require_finite(tensor.to(dtype), "q"); }, "q[1,0,2] is nan");
  }
  const Array logits{{2, 2}, std::vector<float>{1, 2, inf, 3}};
  expect_input_error([&] { require_finite(logits, "logits"); }, "logits[1,0] is inf");
  EXPECT_NO_THROW(require_finite(Array{{1}, std::vector<int32_t>{1}}, "labels"));
}

}  // namespace
}  // namespace vidattn
