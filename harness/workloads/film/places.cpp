#include "harness/workloads/film/places.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "harness/host/random.h"
#include "harness/workloads/film/canvas.h"

namespace vidattn {
namespace {

/// Value noise in [0, 1]: random grids of falling cell size, interpolated and summed.
cv::Mat noise(Random& random, cv::Size size, double cell_x, double cell_y, int octaves) {
  cv::Mat sum = cv::Mat::zeros(size, CV_32F);
  double weight = 1, total = 0;
  for (int octave = 0; octave < octaves; ++octave, weight /= 2, cell_x /= 2, cell_y /= 2) {
    cv::Mat grid(static_cast<int>(size.height / std::max(1.0, cell_y)) + 2,
                 static_cast<int>(size.width / std::max(1.0, cell_x)) + 2, CV_32F);
    for (int y = 0; y < grid.rows; ++y)
      for (int x = 0; x < grid.cols; ++x)
        grid.at<float>(y, x) = static_cast<float>(random.uniform());
    cv::Mat fine;
    cv::resize(grid, fine, size, 0, 0, cv::INTER_LINEAR);
    sum += fine * weight;
    total += weight;
  }
  return sum / total;
}

/// A place being drawn.
struct Painter {
  cv::Mat image;
  double width, scale;
  Random random;
  Canvas canvas;

  Painter(uint64_t seed, int place, double width_units, double pixels)
      : image(cvCeil(kPlaceHeight * pixels), cvCeil(width_units * pixels), CV_8UC3),
        width(width_units),
        scale(pixels),
        random(seed, 0x91ace + static_cast<uint64_t>(place)),
        canvas(image,
               Camera{{image.cols / pixels / 2, image.rows / pixels / 2}, pixels, image.size()}) {}

  cv::Mat band(double top, double bottom) {
    const int first = std::clamp(cvRound(top * scale), 0, image.rows - 1);
    return image.rowRange(first, std::clamp(cvRound(bottom * scale), first + 1, image.rows));
  }
  void gradient(double top, double bottom, const Colour& from, const Colour& to) {
    cv::Mat rows = band(top, bottom);
    for (int y = 0; y < rows.rows; ++y) rows.row(y) = blend(from, to, (y + 0.5) / rows.rows);
  }
  /// Multiplies a band by 1 +- strength of noise with cells of the given world size.
  void grain(double top, double bottom, double cell_x, double cell_y, double strength) {
    cv::Mat rows = band(top, bottom), gains;
    const cv::Mat values = noise(random, rows.size(), cell_x * scale, cell_y * scale, 4);
    cv::merge(std::vector<cv::Mat>(3, values * (2 * strength) + (1 - strength)), gains);
    cv::multiply(rows, gains, rows, 1, CV_8U);
  }
  /// Lets clouds of a colour drift over a band.
  void clouds(double top, double bottom, const Colour& colour, double cover) {
    cv::Mat rows = band(top, bottom);
    const cv::Mat values = noise(random, rows.size(), 0.5 * scale, 0.16 * scale, 5);
    for (int y = 0; y < rows.rows; ++y)
      for (int x = 0; x < rows.cols; ++x) {
        const double share = std::clamp((values.at<float>(y, x) - 1 + cover) * 5, 0.0, 0.9);
        auto& pixel = rows.at<cv::Vec3b>(y, x);
        for (int c = 0; c < 3; ++c)
          pixel[c] = cv::saturate_cast<uint8_t>(pixel[c] * (1 - share) + colour[c] * share);
      }
  }
  /// A ridge of hills from its base up, as columns.
  void hills(double base, double height, double length, const Colour& colour) {
    const double phase = random.uniform(0, 6);
    constexpr int kColumns = 160;
    const auto top = [&](double x) {
      return base - height * (0.55 + 0.3 * std::sin(x / length + phase) +
                              0.15 * std::sin(2.7 * x / length + 2 * phase));
    };
    for (int i = 0; i < kColumns; ++i) {
      const double a = width * i / kColumns, b = width * (i + 1) / kColumns;
      canvas.polygon({{a, top(a)}, {b, top(b)}, {b, base}, {a, base}}, colour);
    }
  }
  /// Floor boards or lanes that run towards a vanishing point.
  void boards(double top, const Colour& a, const Colour& b, double pitch) {
    const double middle = width / 2;
    const int count = static_cast<int>(width / pitch) * 2;
    for (int i = -count; i < count; ++i) {
      const double near = i * pitch * 2.2, far = i * pitch;
      const Colour colour = blend(a, b, random.uniform());
      canvas.polygon({{middle + far, top},
                      {middle + far + pitch, top},
                      {middle + near + 2.2 * pitch, kPlaceHeight},
                      {middle + near, kPlaceHeight}},
                     colour);
    }
  }
};

void draw_tree(Painter& p, double x, double ground, double size) {
  p.canvas.limb({x, ground}, {x + 0.02, ground - 0.5 * size}, 0.035 * size, 0.022 * size,
                {38, 62, 92});
  for (int i = 0; i < 14; ++i) {
    const double angle = p.random.uniform(0, 6.28), far = 0.16 * size * p.random.uniform();
    const Colour leaf = blend({30, 90, 40}, {70, 170, 110}, p.random.uniform());
    p.canvas.disc({x + 1.3 * far * std::cos(angle), ground - 0.62 * size + far * std::sin(angle)},
                  size * p.random.uniform(0.06, 0.13), leaf);
  }
}

void draw_park(Painter& p) {
  p.gradient(0, kHorizon, {225, 140, 60}, {245, 225, 190});
  p.clouds(0, 0.6, {255, 255, 255}, 0.5);
  p.hills(kHorizon, 0.22, 0.35, {120, 150, 110});
  p.hills(kHorizon, 0.12, 0.2, {90, 150, 95});
  p.gradient(kHorizon, kPlaceHeight, {80, 175, 110}, {45, 120, 60});
  p.grain(kHorizon, kPlaceHeight, 0.02, 0.06, 0.3);
  const double path = p.width * p.random.uniform(0.35, 0.65);
  for (int i = 0; i < 40; ++i) {
    const double a = i / 40.0, b = (i + 1) / 40.0;
    const auto x = [&](double s) { return path + 0.15 * std::sin(4 * s) * s; };
    const auto y = [&](double s) { return kHorizon + s * s * (kPlaceHeight - kHorizon); };
    p.canvas.polygon({{x(a) - 0.02 - 0.2 * a, y(a)},
                      {x(a) + 0.02 + 0.2 * a, y(a)},
                      {x(b) + 0.02 + 0.2 * b, y(b)},
                      {x(b) - 0.02 - 0.2 * b, y(b)}},
                     blend({140, 190, 210}, {120, 170, 195}, p.random.uniform()));
  }
  for (double x = 0.1; x < p.width; x += p.random.uniform(0.3, 0.6))
    draw_tree(p, x, p.random.uniform(kHorizon + 0.02, kHorizon + 0.08), p.random.uniform(0.7, 1.2));
  for (int i = 0; i < 150; ++i) {
    const Colour petals[] = {{60, 60, 230}, {60, 220, 250}, {240, 240, 250}, {220, 120, 200}};
    p.canvas.disc({p.random.uniform(0, p.width), p.random.uniform(0.9, kPlaceHeight)},
                  p.random.uniform(0.004, 0.01), petals[p.random.below(4)]);
  }
}

void draw_sofa(Painter& p, double x, const Colour& colour) {
  p.canvas.box(x, 0.56, x + 0.8, 0.86, colour * 0.8);
  for (int i = 0; i < 3; ++i)
    p.canvas.box(x + 0.06 + 0.23 * i, 0.6, x + 0.27 + 0.23 * i, 0.76, colour);
  p.canvas.box(x + 0.04, 0.74, x + 0.76, 0.84, colour * 1.1);
  for (const double arm : {x, x + 0.8})
    p.canvas.limb({arm, 0.68}, {arm, 0.86}, 0.05, 0.05, colour * 0.9);
}

void draw_window(Painter& p, double x) {
  p.canvas.box(x - 0.03, 0.12, x + 0.53, 0.56, {215, 230, 235});
  for (int i = 0; i < 20; ++i)
    p.canvas.box(x, 0.15 + 0.019 * i, x + 0.5, 0.15 + 0.019 * (i + 1),
                 blend({235, 190, 140}, {250, 240, 225}, i / 20.0));
  p.canvas.disc({x + 0.38, 0.26}, 0.05, {150, 235, 255});
  p.canvas.box(x + 0.24, 0.15, x + 0.26, 0.53, {215, 230, 235});
  p.canvas.box(x, 0.33, x + 0.5, 0.35, {215, 230, 235});
  for (int i = 0; i < 6; ++i) {  // curtains
    const Colour cloth = i % 2 == 0 ? Colour(60, 70, 190) : Colour(75, 90, 215);
    p.canvas.box(x - 0.12 + 0.03 * i, 0.08, x - 0.09 + 0.03 * i, 0.66, cloth);
    p.canvas.box(x + 0.44 + 0.03 * i, 0.08, x + 0.47 + 0.03 * i, 0.66, cloth);
  }
}

void draw_room(Painter& p) {
  p.gradient(0, kHorizon, {120, 185, 225}, {100, 165, 210});
  for (double x = 0; x < p.width; x += 0.1) {  // wallpaper
    p.canvas.box(x, 0, x + 0.045, kHorizon, {135, 200, 236});
    for (double y = 0.05; y < kHorizon; y += 0.1)
      p.canvas.polygon(
          {{x + 0.072, y - 0.02}, {x + 0.084, y}, {x + 0.072, y + 0.02}, {x + 0.06, y}},
          {80, 120, 190});
  }
  p.boards(kHorizon, {45, 80, 130}, {70, 115, 175}, 0.09);
  p.grain(kHorizon, kPlaceHeight, 0.3, 0.012, 0.15);
  p.canvas.box(0, kHorizon - 0.03, p.width, kHorizon + 0.005, {225, 235, 240});
  for (double x = 0.25; x < p.width; x += 1.35) {
    draw_window(p, x);
    draw_sofa(p, x + 0.62, {140, 110, 50});
    p.canvas.box(x + 0.78, 0.2, x + 1.0, 0.42, {40, 60, 90});  // a picture
    for (int i = 0; i < 4; ++i)
      p.canvas.box(
          x + 0.8 + 0.045 * i, 0.22, x + 0.845 + 0.045 * i, 0.4,
          {p.random.uniform(60, 250), p.random.uniform(60, 250), p.random.uniform(60, 250)});
    p.canvas.limb({x + 0.56, 0.5}, {x + 0.56, 0.86}, 0.01, 0.01, {50, 50, 60});
    p.canvas.polygon({{x + 0.51, 0.38}, {x + 0.61, 0.38}, {x + 0.66, 0.52}, {x + 0.46, 0.52}},
                     {150, 235, 255});
  }
  for (int i = 6; i > 0; --i)  // a rug
    p.canvas.ellipse({p.width / 2, 1.04}, 0.13 * i, 0.025 * i,
                     i % 2 == 0 ? Colour(60, 60, 170) : Colour(190, 215, 235));
}

void draw_house(Painter& p, double x, double width, double top) {
  const double tint = p.random.uniform();
  const Colour wall = blend({70, 45, 50}, {95, 70, 55}, tint);
  p.canvas.box(x, top, x + width, kHorizon, wall);
  p.canvas.box(x, top - 0.015, x + width, top, wall * 1.4);
  for (double y = top + 0.04; y + 0.06 < kHorizon - 0.12; y += 0.09)
    for (double wx = x + 0.03; wx + 0.04 < x + width; wx += 0.07) {
      const bool lit = p.random.uniform() < 0.45;
      p.canvas.box(wx, y, wx + 0.04, y + 0.055,
                   lit ? blend({90, 200, 250}, {140, 235, 255}, p.random.uniform()) : wall * 0.6);
    }
  const Colour signs[] = {{200, 60, 220}, {230, 200, 60}, {80, 220, 120}, {60, 90, 240}};
  p.canvas.box(x + 0.03, kHorizon - 0.1, x + width - 0.03, kHorizon - 0.07,
               signs[p.random.below(4)]);
  p.canvas.box(x + 0.05, kHorizon - 0.07, x + width - 0.05, kHorizon, {120, 170, 190});
}

void draw_street(Painter& p) {
  p.gradient(0, kHorizon, {60, 20, 15}, {120, 55, 75});
  for (int i = 0; i < 120; ++i)
    p.canvas.disc({p.random.uniform(0, p.width), p.random.uniform(0, 0.5)},
                  p.random.uniform(0.001, 0.004), {230, 230, 230});
  p.canvas.disc({0.75 * p.width, 0.16}, 0.07, {215, 240, 250});
  p.canvas.disc({0.75 * p.width + 0.03, 0.145}, 0.058, {72, 28, 28});
  for (double x = 0; x < p.width;) {
    const double width = p.random.uniform(0.25, 0.45);
    draw_house(p, x, width, p.random.uniform(0.15, 0.5));
    x += width + 0.01;
  }
  p.gradient(kHorizon, 0.92, {95, 85, 85}, {110, 100, 100});
  for (double x = 0; x < p.width; x += 0.12)
    p.canvas.box(x, kHorizon, x + 0.006, 0.92, {70, 62, 62});
  p.gradient(0.92, kPlaceHeight, {58, 50, 48}, {40, 34, 34});
  p.grain(kHorizon, kPlaceHeight, 0.015, 0.008, 0.25);
  p.canvas.box(0, 0.915, p.width, 0.93, {140, 135, 135});
  for (double x = 0; x < p.width; x += 0.35)
    p.canvas.polygon({{x, 1.1}, {x + 0.18, 1.1}, {x + 0.17, 1.12}, {x - 0.01, 1.12}},
                     {200, 215, 220});
  for (double x = 0.3; x < p.width; x += 0.8) {
    p.canvas.limb({x, 0.9}, {x, 0.35}, 0.012, 0.008, {50, 45, 45});
    p.canvas.limb({x, 0.35}, {x + 0.09, 0.33}, 0.008, 0.008, {50, 45, 45});
    p.canvas.ellipse({x + 0.1, 0.345}, 0.035, 0.015, {190, 245, 255});
  }
}

void draw_palm(Painter& p, double x, double ground) {
  cv::Point2d at(x, ground);
  for (int i = 0; i < 10; ++i) {
    const cv::Point2d next(at.x + 0.002 * i, at.y - 0.055);
    p.canvas.limb(at, next, 0.02, 0.017, i % 2 == 0 ? Colour(50, 85, 125) : Colour(40, 70, 105));
    at = next;
  }
  for (int leaf = 0; leaf < 9; ++leaf) {
    const double angle = 3.14159 * (1 + leaf / 8.0);
    const cv::Point2d mid(at.x + 0.13 * std::cos(angle), at.y + 0.1 * std::sin(angle));
    const cv::Point2d tip(mid.x + 0.1 * std::cos(angle), mid.y + 0.07);
    const Colour green = blend({35, 85, 30}, {70, 140, 60}, leaf % 2);
    p.canvas.limb(at, mid, 0.01, 0.02, green);
    p.canvas.limb(mid, tip, 0.02, 0.004, green);
  }
}

void draw_beach(Painter& p) {
  p.gradient(0, 0.62, {150, 70, 120}, {110, 190, 255});
  p.clouds(0, 0.45, {170, 150, 250}, 0.48);
  p.canvas.disc({0.3 * p.width, 0.58}, 0.12, {130, 225, 255});
  p.gradient(0.62, kHorizon, {130, 90, 40}, {185, 160, 70});
  for (int i = 0; i < 260; ++i) {  // glints on the waves
    const double y = p.random.uniform(0.625, kHorizon), x = p.random.uniform(0, p.width);
    p.canvas.ellipse({x, y}, 0.02 + 0.25 * (y - 0.62), 0.003,
                     blend({205, 185, 110}, {170, 215, 250}, p.random.uniform()));
  }
  p.gradient(kHorizon, kPlaceHeight, {135, 185, 215}, {115, 175, 225});
  p.grain(kHorizon, kPlaceHeight, 0.02, 0.01, 0.18);
  for (double x = 0; x < p.width; x += 0.04)
    p.canvas.ellipse({x, kHorizon + 0.008 * std::sin(9 * x)}, 0.04, 0.01, {240, 240, 235});
  for (double x = 0.55; x < p.width; x += 1.3) {
    draw_palm(p, x, 0.93);
    for (int i = 0; i < 8; ++i) {  // a parasol
      const double a = x + 0.4 + 0.06 * i, b = a + 0.06, top = x + 0.64;
      p.canvas.polygon({{a, 0.62}, {b, 0.62}, {top, 0.48}},
                       i % 2 == 0 ? Colour(60, 60, 225) : Colour(240, 240, 240));
    }
    p.canvas.limb({x + 0.64, 0.62}, {x + 0.64, 0.92}, 0.008, 0.008, {90, 110, 130});
    p.canvas.polygon({{x + 0.5, 0.95}, {x + 0.85, 0.95}, {x + 0.9, 1.0}, {x + 0.46, 1.0}},
                     {190, 130, 60});
  }
}

}  // namespace

cv::Mat draw_place(int place, uint64_t seed, double width, double scale) {
  Painter painter(seed, place, width, scale);
  switch (place) {
    case 0:
      draw_park(painter);
      break;
    case 1:
      draw_room(painter);
      break;
    case 2:
      draw_street(painter);
      break;
    default:
      draw_beach(painter);
  }
  return painter.image;
}

}  // namespace vidattn
