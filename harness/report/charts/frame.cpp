#include "harness/report/charts/frame.h"

#include <cstdint>
#include <vector>

#include "harness/io/text/escape.h"
#include "harness/io/text/shortened.h"
#include "harness/report/charts/label_layout.h"

namespace vidattn {
namespace {

constexpr double kMargin = 14;                                       // pixels
constexpr double kTitleMiddle = 18, kSourceMiddle = 40, kLine = 16;  // from the upper edge
constexpr double kNotePoints = 11;
constexpr uint32_t kBlack = 0, kGrey = 0x59636e;

}  // namespace

void plot_head(Drawing& drawing, const ChartFrame& frame, const std::string& title,
               const std::string& source, const std::string& note) {
  const std::vector<std::string> notes =
      wrapped(printable(note), ChartSize::kWidth - 2 * kMargin, kNotePoints);
  const double more = kLine * static_cast<double>(notes.size());
  const double height = frame.height + more, above = ChartSize::kAbove + more;
  drawing.set_height(static_cast<int>(height));
  drawing.script(
      "set tmargin at screen {:.4f}\nset bmargin at screen {:.4f}\nset x2range [0:1]\n"
      "set y2range [0:1]\n",
      1 - above / height, frame.below / height);
  const double back = kMargin / ChartSize::kWidth - frame.left;
  const auto write = [&](const std::string& line, double middle, double points, uint32_t colour) {
    drawing.plot(
        "$data{} axes x2y2 with labels left offset screen {:.4f},screen {:.4f} font ',{}' "
        "textcolor "
        "rgb {} notitle",
        drawing.data({{0.0, 1.0, line}}), back, (above - middle) / height, points, colour);
  };
  write(shortened(title, 96), kTitleMiddle, 15, kBlack);
  write(shortened(source, 120), kSourceMiddle, 11, kGrey);
  double middle = kSourceMiddle;
  for (const std::string& line : notes) write(line, middle += kLine, kNotePoints, kBlack);
}

}  // namespace vidattn
