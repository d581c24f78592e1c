#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace vidattn {

/// Where everything lies in a dataset's folder.
class DatasetPlace {
 public:
  explicit DatasetPlace(std::filesystem::path root) : root_(std::move(root)) {}

  /// Makes the folders. Throws InputError for a folder that holds something else, and for a dataset
  /// with a link in it, through which files that lie elsewhere would be written or removed.
  void make() const;
  /// Throws InputError where make() made no dataset.
  void require_made() const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path file(const std::string& name) const { return root_ / name; }
  std::filesystem::path captions() const { return root_ / "work" / "captions"; }
  std::filesystem::path work(const std::string& video) const { return root_ / "work" / video; }

  // Relative to the root, as manifests have them.
  static std::string sample(const std::string& id) { return "samples/" + id + ".mp4"; }
  static std::string sheet(const std::string& id) { return "sheets/" + id + ".jpg"; }
  static std::string picture(const std::string& video, int64_t clip);
  static std::string sample_id(const std::string& video, int64_t number);
  /// The video in such a name, "pictures/VIDEO-00007.jpg"; empty = it is another file's.
  static std::string video_of(const std::string& file);

 private:
  bool is_made() const;
  void refuse_links() const;

  std::filesystem::path root_;
};

}  // namespace vidattn
