// Against the packages' own Python, on frames of real clips. Skipped unless VIDATTN_PACKAGES_PYTHON
// names a Python that has them (packages.py), the networks are there (harness/get_models.sh) and
// the clips are, in VIDATTN_CLIPS or ../shared/clips.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "harness/curate/text/text_detector.h"
#include "harness/io/npy.h"
#include "harness/io/places/models.h"
#include "harness/workloads/media/video_reader.h"
#include "harness/workloads/video/person_masks.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

struct PackageFrame {
  std::string name;
  cv::Mat frame;
  Array result;  ///< the package's
};

std::string variable_or(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

/// The frame after so many others.
cv::Mat frame_of(const fs::path& clip, int number) {
  VideoReader reader(clip.string());
  for (int i = 0; i < number; ++i) reader.skip();
  return reader.next();
}

void write_frame(const fs::path& path, const cv::Mat& frame) {
  std::vector<uint8_t> bytes(frame.datastart, frame.dataend);
  write_npy(path, {{frame.rows, frame.cols, 3}, std::move(bytes)});
}

class Packages : public ::testing::Test {
 protected:
  /// Frames of every clip and what the package makes of them; none where a part is missing, which
  /// skips the test.
  std::vector<PackageFrame> frames(const std::string& network) {
    const std::string python = variable_or("VIDATTN_PACKAGES_PYTHON", "");
    const fs::path clips = variable_or("VIDATTN_CLIPS", VIDATTN_SOURCE_DIR "/../shared/clips");
    const auto found = found_model(network + ".onnx");
    std::vector<PackageFrame> all;
    if (python.empty() || !found || !fs::is_directory(clips)) return all;
    model_ = *found;
    for (const auto& [clip, numbers] :
         {std::pair{"bbb_480p_30s.mp4", std::vector{310, 500, 640, 700}},
          {"bikes.mp4", {10, 100, 200}},
          {"oa4_launch.webm", {20, 120}}})
      for (const int number : numbers)
        all.push_back({std::string(clip) + ":" + std::to_string(number),
                       frame_of(clips / clip, number).clone(),
                       {}});
    for (size_t i = 0; i < all.size(); ++i)
      write_frame(folder_ / (std::to_string(i) + ".npy"), all[i].frame);
    const ToolResult run =
        run_shell(python + " -B " VIDATTN_SOURCE_DIR "/tests/harness/networks/packages.py " +
                  network + " " + folder_.path().string());
    EXPECT_EQ(run.exit_code, 0) << run.err;
    if (run.exit_code != 0) return {};
    for (size_t i = 0; i < all.size(); ++i)
      all[i].result = read_npy(folder_ / (std::to_string(i) + ".result.npy"));
    return all;
  }

  const std::string& model() const { return model_; }

 private:
  TemporaryFolder folder_;
  std::string model_;
};

constexpr const char* kMissing = "the network, the packages' Python or the clips are missing";

/// The largest difference of a corner of `quad` from those of the nearest of the package's boxes.
int nearest(const TextQuad& quad, const std::vector<int32_t>& boxes) {
  int best = 1 << 20;
  for (size_t box = 0; box < boxes.size(); box += 8) {
    int most = 0;
    for (size_t i = 0; i < 4; ++i)
      most = std::max({most, std::abs(quad.corners[i].x - boxes[box + 2 * i]),
                       std::abs(quad.corners[i].y - boxes[box + 2 * i + 1])});
    best = std::min(best, most);
  }
  return best;
}

TEST_F(Packages, TextBoxesAreRapidOcrs) {
  const auto all = frames("ppocrv4");
  if (all.empty()) GTEST_SKIP() << kMissing;
  TextDetector detector(model(), "test");
  int64_t boxes = 0;
  int most = 0;
  for (const PackageFrame& one : all) {
    const auto quads = detector.detect(one.frame);
    const auto& theirs = one.result.as<int32_t>("boxes");
    EXPECT_EQ(quads.size() * 8, theirs.size()) << one.name;
    for (const TextQuad& quad : quads) {
      const int difference = nearest(quad, theirs);
      EXPECT_LE(difference, 1) << one.name << quad.corners[0];
      most = std::max(most, difference);
    }
    boxes += std::ssize(quads);
  }
  EXPECT_GT(boxes, 0) << "there is text in Big Buck Bunny's titles";
  std::cout << boxes << " boxes in " << all.size() << " frames, corners differ by at most " << most
            << " pixels\n";
}

TEST_F(Packages, PersonMasksAreMediapipes) {
  const auto all = frames("persons");
  if (all.empty()) GTEST_SKIP() << kMissing;
  PersonMasks persons(model(), "test");
  double most = 0, share = 0;
  for (const PackageFrame& one : all) {
    const auto& theirs = one.result.as<float>("mask");
    const cv::Mat mask(one.frame.size(), CV_32F, const_cast<float*>(theirs.data()));
    const double difference =
        cv::norm(persons.probability(one.frame, one.frame.size()), mask, cv::NORM_INF);
    EXPECT_LE(difference, 1e-3) << one.name;
    most = std::max(most, difference);
    share += static_cast<double>(cv::countNonZero(mask > 0.5)) / static_cast<double>(mask.total());
  }
  EXPECT_GT(share, 0.05) << "someone rides the bikes";
  std::cout << "masks of " << all.size() << " frames differ by at most " << most
            << ", people cover " << share / static_cast<double>(all.size()) << "\n";
}

}  // namespace
}  // namespace vidattn
