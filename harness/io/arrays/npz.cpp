#include "harness/io/arrays/npz.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <mutex>

#include "attention/error.h"
#include "harness/io/npy.h"

namespace vidattn {
namespace {

constexpr std::string_view kSuffix = ".npy";

/// A member of an archive, unpacked from its beginning on: reading forward costs what is read,
/// reading backward begins anew.
class ZipMember : public ByteSource {
 public:
  ZipMember(std::shared_ptr<zip> archive, uint64_t number, std::string name, uint64_t size)
      : archive_(std::move(archive)), number_(number), name_(std::move(name)), size_(size) {}

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }

  void read(uint64_t offset, void* target, uint64_t bytes) const override {
    const std::lock_guard lock(mutex_);
    if (!stream_ || offset < at_) open();
    skip(offset - at_);
    take(target, bytes);
    if (at_ == size_) require_end();
  }

 private:
  void open() const {
    stream_.reset(zip_fopen_index(archive_.get(), number_, 0));
    at_ = 0;
    if (!stream_) fail(zip_strerror(archive_.get()));
  }

  void skip(uint64_t bytes) const {
    std::vector<char> ignored(static_cast<size_t>(std::min<uint64_t>(bytes, 1 << 16)));
    for (uint64_t left = bytes; left > 0; left -= std::min<uint64_t>(left, ignored.size()))
      take(ignored.data(), std::min<uint64_t>(left, ignored.size()));
  }

  void take(void* target, uint64_t bytes) const {
    auto* place = static_cast<std::byte*>(target);
    while (bytes > 0) {
      const zip_int64_t got = zip_fread(stream_.get(), place, bytes);
      if (got < 0) fail(zip_file_strerror(stream_.get()));
      if (got == 0) fail(fmt::format("it ends at byte {} of {}", at_, size_).c_str());
      place += got;
      at_ += static_cast<uint64_t>(got);
      bytes -= static_cast<uint64_t>(got);
    }
  }

  /// The library compares the checksum when it is asked for more than there is.
  void require_end() const {
    char more = 0;
    const zip_int64_t got = zip_fread(stream_.get(), &more, 1);
    if (got < 0) fail(zip_file_strerror(stream_.get()));
    if (got > 0) fail("it unpacks to more bytes than it claims");
    stream_.reset();
  }

  [[noreturn]] void fail(const char* why) const {
    throw InputError(fmt::format("cannot unpack {}: {}", name_, why));
  }

  std::shared_ptr<zip> archive_;
  uint64_t number_;
  std::string name_;
  uint64_t size_;
  mutable std::mutex mutex_;
  struct Close {
    void operator()(zip_file* stream) const { zip_fclose(stream); }
  };
  mutable std::unique_ptr<zip_file, Close> stream_;
  mutable uint64_t at_ = 0;
};

std::shared_ptr<zip> open_archive(const std::filesystem::path& path, const std::string& name) {
  int code = 0;
  zip* archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (archive != nullptr) return {archive, zip_discard};
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string why = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw InputError(fmt::format("{} is not an .npz archive: {}", name, why));
}

}  // namespace

Npz::Npz(const std::filesystem::path& path) {
  const InputFile file(path);  // a regular file, or one line that says why not
  name_ = file.name();
  bytes_ = file.size();
  archive_ = open_archive(path, name_);
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto number = static_cast<uint64_t>(i);
    const char* text = zip_get_name(archive_.get(), number, ZIP_FL_ENC_RAW);
    std::string_view member = text == nullptr ? "" : text;
    if (!member.ends_with(kSuffix)) continue;
    member.remove_suffix(kSuffix.size());
    if (!members_.emplace(member, number).second)
      throw InputError(fmt::format("{} has {} twice", name_, in_quotes(member)));
  }
}

std::vector<std::string> Npz::names() const {
  std::vector<std::string> out;
  for (const auto& [name, number] : members_) out.push_back(name);
  return out;
}

StoredArray Npz::stored(const std::string& name) const {
  constexpr uint64_t kUnpacked = uint64_t{64} << 20, kRatio = 100;
  const auto found = members_.find(name);
  if (found == members_.end())
    throw InputError(fmt::format("{} has no array {}", name_, in_quotes(name)));
  const std::string quoted = fmt::format("{} in {}", in_quotes(name), name_);
  zip_stat_t status;
  if (zip_stat_index(archive_.get(), found->second, 0, &status) != 0)
    throw InputError(fmt::format("cannot unpack {}: {}", quoted, zip_strerror(archive_.get())));
  if (status.comp_size > bytes_)
    throw InputError(fmt::format("{} claims {} packed bytes in an archive of {}", quoted,
                                 status.comp_size, bytes_));
  if (status.size > kUnpacked && status.size / kRatio > status.comp_size)
    throw InputError(fmt::format("{} claims to unpack from {} bytes to {}, as no tensor does",
                                 quoted, status.comp_size, status.size));
  return open_npy(
      std::make_shared<ZipMember>(archive_, found->second, quoted, uint64_t{status.size}));
}

}  // namespace vidattn
