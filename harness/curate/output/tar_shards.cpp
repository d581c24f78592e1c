#include "harness/curate/output/tar_shards.h"

#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"

#ifdef VIDATTN_WITH_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "harness/io/file.h"
#include "harness/io/json_file.h"
#endif

namespace vidattn {
namespace {

namespace fs = std::filesystem;

std::string shard_name(int64_t number) { return fmt::format("{:06}.tar", number); }

}  // namespace

void remove_tar_shards(const DatasetPlace& place) {
  std::error_code ignored;
  for (int64_t number = 0;; ++number) {
    const fs::path shard = place.file("shards") / shard_name(number);
    if (!fs::is_regular_file(fs::symlink_status(shard, ignored))) return;
    fs::remove(shard, ignored);
  }
}

#ifdef VIDATTN_WITH_LIBARCHIVE

namespace {

struct FreeArchive {
  void operator()(archive* one) const { archive_write_free(one); }
};
struct FreeEntry {
  void operator()(archive_entry* one) const { archive_entry_free(one); }
};

/// A tar file that has its name once it is whole.
class TarShard {
 public:
  explicit TarShard(const fs::path& path) : file_(path), tar_(archive_write_new()) {
    archive_write_set_format_ustar(tar_.get());
    const auto write = [](archive*, void* self, const void* bytes, size_t count) -> la_ssize_t {
      auto& shard = *static_cast<TarShard*>(self);
      try {
        shard.file_.write(bytes, count);
      } catch (...) {
        shard.error_ = std::current_exception();
        return -1;
      }
      shard.bytes_ += count;
      return static_cast<la_ssize_t>(count);
    };
    require(archive_write_open(tar_.get(), this, nullptr, write, nullptr));
  }

  uint64_t bytes() const { return bytes_; }

  void add_file(const std::string& name, const fs::path& path) {
    const InputFile file(path);
    begin(name, file.size());
    std::string piece;
    for (uint64_t at = 0; at < file.size(); at += piece.size()) {
      constexpr uint64_t kPieceBytes = 1 << 20;
      piece.resize(std::min(kPieceBytes, file.size() - at));
      file.read(at, piece.data(), piece.size());
      put(piece);
    }
  }

  void add_text(const std::string& name, const std::string& text) {
    begin(name, text.size());
    put(text);
  }

  void commit() {
    require(archive_write_close(tar_.get()));
    file_.commit();
  }

 private:
  void begin(const std::string& name, uint64_t bytes) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(bytes));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    require(archive_write_header(tar_.get(), entry.get()));
  }

  void put(const std::string& bytes) {
    require(static_cast<int>(
        std::min<la_ssize_t>(0, archive_write_data(tar_.get(), bytes.data(), bytes.size()))));
  }

  void require(int code) {
    if (error_) std::rethrow_exception(error_);
    if (code < ARCHIVE_OK)
      throw InputError(
          fmt::format("a tar file cannot be written: {}", archive_error_string(tar_.get())));
  }

  OutputFile file_;
  std::exception_ptr error_;
  uint64_t bytes_ = 0;
  std::unique_ptr<archive, FreeArchive> tar_;  // last: closing writes
};

}  // namespace

void require_tar() {}

int64_t write_tar_shards(const DatasetPlace& place, const std::vector<nlohmann::json>& samples,
                         int64_t megabytes) {
  const fs::path folder = place.file("shards");
  make_writable_folder(folder.string());
  remove_tar_shards(place);
  const auto most = static_cast<uint64_t>(megabytes) << 20;
  std::unique_ptr<TarShard> shard;
  int64_t count = 0;
  for (const nlohmann::json& sample : samples) {
    if (!shard) shard = std::make_unique<TarShard>(folder / shard_name(count++));
    const auto id = sample["id"].get<std::string>();
    shard->add_file(id + ".mp4", place.file(DatasetPlace::sample(id)));
    shard->add_text(id + ".json", json_line(sample));
    shard->add_file(id + ".jpg", place.file(DatasetPlace::sheet(id)));
    if (shard->bytes() < most) continue;
    shard->commit();
    shard.reset();
  }
  if (shard) shard->commit();
  return count;
}

#else

void require_tar() {
  throw InputError(
      "--webdataset: this build has no libarchive; install libarchive-dev and build again");
}

int64_t write_tar_shards(const DatasetPlace&, const std::vector<nlohmann::json>&, int64_t) {
  require_tar();
  return 0;
}

#endif

}  // namespace vidattn
