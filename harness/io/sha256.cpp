#include "harness/io/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "harness/io/file.h"

namespace vidattn {
namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* bytes, size_t count) {
    check(EVP_DigestUpdate(context_.get(), bytes, count) == 1);
  }
  std::string text() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned count = 0;
    check(EVP_DigestFinal_ex(context_.get(), value.data(), &count) == 1);
    std::string out;
    for (unsigned i = 0; i < count; ++i) out += fmt::format("{:02x}", value[i]);
    return out;
  }

 private:
  static void check(bool done) {
    if (!done) throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes.data(), bytes.size());
  return digest.text();
}

std::string sha256_file(const std::filesystem::path& path) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  const InputFile file(path);
  Digest digest;
  std::vector<char> piece(static_cast<size_t>(std::min(kPiece, file.size())));
  for (uint64_t at = 0; at < file.size(); at += kPiece) {
    const uint64_t count = std::min(kPiece, file.size() - at);
    file.read(at, piece.data(), count);
    digest.add(piece.data(), static_cast<size_t>(count));
  }
  return digest.text();
}

}  // namespace vidattn
