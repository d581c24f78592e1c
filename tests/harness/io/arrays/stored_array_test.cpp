#include "harness/io/stored_array.h"

#include <cmath>

#include "harness/io/npy.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::raw;
using testing::TemporaryFolder;
using testing::write_bytes;

/// [2,3,4] of 0 … 23 in a file.
class Views : public ::testing::Test {
 protected:
  Views() {
    Array array{{2, 3, 4}, std::vector<float>(24)};
    for (int i = 0; i < 24; ++i) std::get<0>(array.values)[i] = static_cast<float>(i);
    write_npy(folder_ / "a.npy", array);
    stored_ = open_npy(folder_ / "a.npy");
  }
  static std::vector<float> values(const StoredArray& view, const Rearrangement* moved = nullptr) {
    return view.array(moved).as<float>("a");
  }

  TemporaryFolder folder_;
  StoredArray stored_;
};

TEST_F(Views, AnEntryOfAnAxis) {
  EXPECT_EQ(values(stored_.at(0, 1).at(0, 2)), (std::vector<float>{20, 21, 22, 23}));
  EXPECT_EQ(values(stored_.at(2, 3)), (std::vector<float>{3, 7, 11, 15, 19, 23}));
}

TEST_F(Views, APartOfAnAxis) {
  EXPECT_EQ(values(stored_.narrowed(1, 1, 2).narrowed(2, 2, 1)),
            (std::vector<float>{6, 10, 18, 22}));
}

TEST_F(Views, AxesInAnotherOrder) {
  const StoredArray view = stored_.at(0, 0).permuted({1, 0});
  EXPECT_EQ(view.shape, (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(values(view), (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
}

TEST_F(Views, AnAxisAsTwo) {
  const StoredArray view = stored_.at(0, 0).at(0, 0).split(0, 2);
  EXPECT_EQ(view.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(values(view.permuted({1, 0})), (std::vector<float>{0, 2, 1, 3}));
}

TEST_F(Views, ElementsGoToTheirPlaces) {
  const Rearrangement moved{1, {1, -1, 0}, 2};
  const StoredArray view = stored_.narrowed(2, 0, 2);
  EXPECT_EQ(view.array(&moved).shape, (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(values(view, &moved), (std::vector<float>{8, 9, 0, 1, 20, 21, 12, 13}));
  const Rearrangement fastest{2, {-1, 1, 0, -1}, 2};
  EXPECT_EQ(values(stored_.at(0, 0), nullptr).size(), 12U);
  EXPECT_EQ(values(stored_.narrowed(1, 0, 1), &fastest), (std::vector<float>{2, 1, 14, 13}));
}

TEST_F(Views, APermutedTensorKeepsItsType) {
  const Tensor tensor = stored_.permuted({1, 0, 2}).tensor();
  EXPECT_EQ(tensor.length(), 3);
  EXPECT_EQ(tensor.at(2, 1, 3), 23.0F);
}

TEST(StoredArrays, EightBitFloats) {
  const TemporaryFolder folder;
  write_bytes(folder / "a", raw<uint8_t>({0x38, 0xb9, 0x7e, 0x01, 0x00, 0x7f, 0x7c, 0xfc}));
  StoredArray stored;
  stored.file = std::make_shared<InputFile>(folder / "a");
  stored.shape = {8};
  stored.element = Element::f8_e4m3;
  stored.scale = 2;
  const auto e4m3 = stored.array().as<float>("a");
  EXPECT_EQ((std::vector<float>(e4m3.begin(), e4m3.begin() + 5)),
            (std::vector<float>{2, -2.25F, 896, std::ldexp(1.0F, -8), 0}));
  EXPECT_TRUE(std::isnan(e4m3[5]));
  stored.element = Element::f8_e5m2;
  stored.scale = 1;
  const auto e5m2 = stored.array().as<float>("a");
  EXPECT_EQ(e5m2[0], 0.5F);
  EXPECT_EQ(e5m2[1], -0.625F);
  EXPECT_EQ(e5m2[3], std::ldexp(1.0F, -16));
  EXPECT_TRUE(std::isnan(e5m2[2]) && std::isnan(e5m2[5]));
  EXPECT_TRUE(std::isinf(e5m2[6]) && e5m2[6] > 0 && std::isinf(e5m2[7]) && e5m2[7] < 0);
}

TEST(StoredArrays, LongRunsAreReadInPieces) {
  const TemporaryFolder folder;
  constexpr int64_t kRows = 5, kColumns = 40000;
  Array array{{kRows, kColumns}, std::vector<float>(kRows * kColumns)};
  for (int64_t i = 0; i < array.size(); ++i) std::get<0>(array.values)[i] = static_cast<float>(i);
  write_npy(folder / "a.npy", array);
  const Array turned = open_npy(folder / "a.npy").permuted({1, 0}).array();
  for (int64_t i = 0; i < array.size(); ++i)
    ASSERT_EQ(turned.as<float>("a")[i % kColumns * kRows + i / kColumns], static_cast<float>(i));
}

}  // namespace
}  // namespace vidattn
