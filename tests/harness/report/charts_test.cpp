#include <gtest/gtest.h>

#include <random>
#include <set>

#include "attention/backend.h"
#include "harness/io/text/shortened.h"
#include "harness/report/charts/label_layout.h"
#include "harness/report/charts/marks.h"
#include "harness/report/charts/plane.h"
#include "harness/report/left_out.h"
#include "harness/report/report.h"
#include "tests/harness/report/cases.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::case_of;
using testing::run_of;

const std::vector<double> kRatios = {0.5, 0.51, 0.49, 0.5, 0.52, 0.5, 0.5};

TEST(Marks, NoTwoMethodsLookAlike) {
  std::set<std::tuple<uint32_t, int, bool>> seen;
  for (const Backend* backend : backends()) {
    const Mark mark = mark_of(backend->name());
    EXPECT_TRUE(seen.insert({mark.colour, mark.shape, mark.filled}).second)
        << backend->name() << ": give it a place in harness/report/charts/marks.cpp";
  }
}

TEST(Marks, AreTheMethodsOwnForEver) {
  EXPECT_EQ(mark_of("full"), (Mark{0x7A7F87, 0, true}));
  EXPECT_EQ(mark_of("moga"), (Mark{0x3451FF, 1, true}));
  EXPECT_EQ(mark_of("someone's"), mark_of("someone's"));
  EXPECT_FALSE(mark_of("someone's").filled);
  const json data = report_data({run_of({case_of("stga", 2, 0.1, kRatios)})}, {});
  EXPECT_EQ(data["marks"]["stga"]["colour"], css_colour(mark_of("stga").colour));
}

TEST(Labels, CoverNothing) {
  const Box area{0, 0, 600, 300};
  std::mt19937 random(1);
  std::uniform_real_distribution<double> near(0, 60);
  std::vector<Named> points;
  for (int i = 0; i < 20; ++i) {
    const double x = 200 + near(random), y = 100 + near(random);
    points.push_back({x, y, 70, 14, x - 10, x + 10});
  }
  const auto places = place_labels(points, area);
  size_t placed = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    ++placed;
    EXPECT_TRUE(area.holds(*places[i]));
    for (const Named& p : points)
      EXPECT_FALSE(places[i]->overlaps({p.left, p.y - 1, p.right, p.y + 1}));
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(places[j] && places[j]->overlaps(*places[i]));
  }
  EXPECT_GE(placed, 10U);
  EXPECT_TRUE(places[0].has_value()) << "the first chooses first";
}

TEST(Labels, OfOnePointNeedNoLeader) {
  const Named point{100, 100, 50, 14, 100, 100};
  const auto place = place_labels({point}, {0, 0, 400, 200});
  ASSERT_TRUE(place[0]);
  EXPECT_FALSE(needs_leader(point, *place[0]));
  EXPECT_FALSE(place_labels({point}, {95, 95, 105, 105})[0]) << "no room";
}

TEST(Axes, OfErrorsBeginAtZero) {
  EXPECT_EQ(axis_around({0.3, 0.5}, false).low, 0);
  EXPECT_GT(axis_around({0.3, 0.5}, false).high, 0.5);
  EXPECT_GT(axis_around({0.5, 2, NAN, 0}, true).low, 0);
}

TEST(Axes, ShortenedTextsKeepWholeCharacters) {
  EXPECT_EQ(shortened("métier", 6), "métier");
  EXPECT_EQ(shortened("métier", 2), "mé…");
}

Measurement on_tensors(Measurement c, int64_t frames) {
  c.workload = WorkloadFacts{.name = "film",
                             .length = 6 * frames,
                             .heads = 1,
                             .kv_heads = 1,
                             .dim = 8,
                             .grid = {frames, 2, 3}};
  return c;
}

std::vector<std::string> names_of(const json& comparison) {
  std::vector<std::string> names;
  for (const json& p : comparison["points"]) names.push_back(p["name"]);
  return names;
}

TEST(Comparisons, HaveAPanelForEveryWorkloadAndAMeanOfAll) {
  std::vector<Measurement> cases;
  for (const int64_t frames : {4, 8})
    for (const auto& [method, speedup] :
         {std::pair{"full", 1.0}, {"stga", 2.0 * frames}, {"moga", 3.0}})
      cases.push_back(on_tensors(case_of(method, speedup, 0.1 * (speedup - 1), kRatios), frames));
  cases.pop_back();  // moga has no second workload
  const json data = report_data({run_of(cases)}, {});
  EXPECT_EQ(data["panels"].size(), 2U);
  EXPECT_EQ(data["panels"][0]["label"], "film, 4x2x3");
  ASSERT_EQ(data["comparisons"].size(), 3U);
  EXPECT_EQ(names_of(data["comparisons"][0]), (std::vector<std::string>{"stga", "moga", "full"}));
  EXPECT_EQ(names_of(data["comparisons"][1]), (std::vector<std::string>{"stga", "full"}));
  const json& mean = data["comparisons"][2];
  EXPECT_TRUE(mean["summary"]);
  EXPECT_EQ(names_of(mean), (std::vector<std::string>{"full", "stga"}));
  EXPECT_NEAR(mean["points"][1]["speedup"], std::sqrt(8.0 * 16.0), 1e-9);
  EXPECT_EQ(mean["points"][1]["low"], 8);
  EXPECT_EQ(mean["points"][1]["high"], 16);
}

TEST(Comparisons, AreAtEqualDensity) {
  std::vector<Measurement> cases = {case_of("full", 1, 0, {})};
  for (const double target : {0.25, 0.5})
    for (const char* method : {"stga", "moga"}) {
      cases.push_back(case_of(method, 2, 0.1, kRatios));
      cases.back().identity.density = target;
      cases.back().setting += ":knob=" + std::to_string(target);
      cases.back().values["density"] = cases.back().values["density_target"] = {"1", target};
    }
  cases.back().values["density"].value = 0.6;
  const json data = report_data({run_of(cases)}, {});
  ASSERT_EQ(data["comparisons"].size(), 2U);
  EXPECT_EQ(data["comparisons"][0]["label"], "film, density 0.25");
  EXPECT_EQ(names_of(data["comparisons"][0]), (std::vector<std::string>{"stga", "moga", "full"}));
  EXPECT_EQ(names_of(data["comparisons"][1]), (std::vector<std::string>{"stga", "full"}))
      << "moga missed its density";
  EXPECT_EQ(data["cases"][1]["short"], "stga:knob=0.25") << "two of a panel asked for the same";
}

TEST(Series, AreOfCasesThatDifferInTheirDensityAlone) {
  std::vector<Measurement> cases;
  for (const char* setting :
       {"vmoba:chunk_kind=spatial", "vmoba:chunk_kind=spatial,threshold=0.5",
        "vmoba:chunk_kind=temporal", "vmoba:select_mode=topk,topk=3", "vmoba:select_mode=topk",
        "moga:num_groups=5", "moga", "nobody's:x=1"})
    cases.push_back(case_of(setting, 2, 0.1, kRatios));
  cases.push_back(cases.front());  // set for a density
  cases.back().identity.density = 0.3;
  cases.back().setting = "vmoba:chunk_kind=spatial,threshold=0.3,spatial_chunk=2,2";
  cases.push_back(cases.front());
  cases.back().identity.pass = Pass::backward;
  const json data = report_data({run_of(cases)}, {});
  std::vector<std::string> series;
  for (const json& c : data["cases"]) series.push_back(c["series"]);
  EXPECT_EQ(series,
            (std::vector<std::string>{
                "vmoba:chunk_kind=spatial", "vmoba:chunk_kind=spatial", "vmoba:chunk_kind=temporal",
                "vmoba:select_mode=topk", "vmoba:select_mode=topk", "moga", "moga", "nobody's:x=1",
                "vmoba:chunk_kind=spatial", "vmoba:chunk_kind=spatial, backward"}));
}

/// A run of one block a case, whose speedups the table does not have.
StoredRun run_of_one_block() {
  std::vector<Measurement> cases = {case_of("full", 1, 0, {1}), case_of("stga", 2, 0.1, {0.5})};
  cases[1].values["speedup"] = {"1", NAN, "one block shows no spread"};
  return run_of(cases);
}

TEST(LeftOut, ChartsShowNoSpeedupThatTheTableLeavesOut) {
  const json data = report_data({run_of_one_block()}, {});
  EXPECT_TRUE(data["cases"][1]["ratio"].is_null());
  EXPECT_TRUE(data["comparisons"].empty());
  EXPECT_EQ(left_out_lines(data["left_out"]),
            (std::vector<std::string>{
                "no pareto of film, each at its own density: one block shows no spread",
                "no ratios, density_speedup of film: one block shows no spread",
                "no density_recall of film: no recall was measured",
                "no times of film: no plan ms was measured",
                "no roofline of film: no GFLOP/s was measured"}));
  EXPECT_EQ(report_data({run_of({case_of("full", 1, 0, {1})})}, {})["left_out"], json::array());
}

TEST(LeftOut, ADensityThatNoneReachedIsNamed) {
  Measurement missed = case_of("stga", 2, 0.1, kRatios);
  missed.identity.density = 0.25;
  missed.values["density_target"] = {"1", 0.25};
  const json data = report_data({run_of({missed})}, {});
  EXPECT_EQ(data["left_out"][0], (json{{"chart", "pareto"},
                                       {"label", "film, density 0.25"},
                                       {"whole", true},
                                       {"text", "all missed the density asked for"}}));
}

/// stga, which missed the density that sta reached.
std::vector<Measurement> one_of_two_missed() {
  std::vector<Measurement> cases = {case_of("full", 1, 0, kRatios), case_of("sta", 2, 0.1, kRatios),
                                    case_of("stga", 3, 0.1, kRatios)};
  for (size_t i : {1, 2}) {
    cases[i].identity.density = 0.25;
    cases[i].values["density_target"] = {"1", 0.25};
    cases[i].values["density"] = {"1", i == 1 ? 0.25 : 0.11};
  }
  return cases;
}

TEST(LeftOut, AMeanNamesWhatSomeWorkloadLacks) {
  std::vector<Measurement> first = one_of_two_missed(), second = one_of_two_missed();
  for (Measurement& m : second) m.identity.workload = "another";
  second[2].values["density"] = {"1", 0.25};
  first.insert(first.end(), second.begin(), second.end());
  const json data = report_data({run_of(first)}, {});
  const json mean = data["comparisons"].back();
  ASSERT_TRUE(mean["summary"].get<bool>()) << mean;
  EXPECT_EQ(mean["absent"], json({"stga"}));
  EXPECT_EQ((*left_out_in(data["left_out"], "pareto", mean["label"]))["text"],
            "stga (not on every workload at this density)");
}

TEST(Flaws, AreWhatTheTableSaysBesideTheNumbers) {
  Measurement flawed = case_of("stga", 2, 0.1, kRatios);
  flawed.identity.density = 0.25;
  flawed.values["density_target"] = {"1", 0.25};
  flawed.values["realised_share"] = {"1", 4};
  flawed.values["keyless_tokens"] = {"tokens", 16};
  const json data = report_data({run_of({case_of("moga", 3, 0.1, kRatios), flawed})}, {});
  EXPECT_EQ(data["cases"][0]["flaws"], json::array());
  EXPECT_EQ(data["cases"][1]["flaws"], json({"missed", "disturbed", "tokens left out"}));
}

TEST(Comparisons, PointsHaveTheirIntervals) {
  const json data = report_data({run_of({case_of("stga", 2, 0.1, kRatios)})}, {});
  const json& ratio = data["cases"][0]["ratio"];
  const json& point = data["comparisons"][0]["points"][0];
  EXPECT_DOUBLE_EQ(point["low"], 1 / ratio["high"].get<double>());
  EXPECT_DOUBLE_EQ(point["high"], 1 / ratio["low"].get<double>());
}

}  // namespace
}  // namespace vidattn
