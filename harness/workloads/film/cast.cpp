#include "harness/workloads/film/cast.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "harness/host/random.h"

namespace vidattn {
namespace {

using std::numbers::pi;
using Point = cv::Point2d;

Colour hsv(double hue, double saturation, double value) {
  const double h = hue - std::floor(hue);
  const auto channel = [&](double shift) {
    const double k = std::fmod(shift + h * 6, 6);
    return 255 * value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(1), channel(3), channel(5)};
}

/// A character's own coordinates: the feet are the origin, its height is 1, it looks towards +x.
struct Body {
  const Pose& pose;
  Canvas& canvas;
  double lift = 0;  ///< height of the feet above the ground

  Point at(const Point& p) const {
    return {pose.feet.x + pose.facing * pose.size * p.x, pose.feet.y + pose.size * (p.y - lift)};
  }
  void polygon(std::vector<Point> corners, const Colour& colour) const {
    for (auto& corner : corners) corner = at(corner);
    canvas.polygon(corners, colour);
  }
  void box(double left, double top, double right, double bottom, const Colour& colour) const {
    polygon({{left, top}, {right, top}, {right, bottom}, {left, bottom}}, colour);
  }
  void ellipse(const Point& p, double rx, double ry, const Colour& colour, double a = 0) const {
    canvas.ellipse(at(p), rx * pose.size, ry * pose.size, colour, a * pose.facing);
  }
  void disc(const Point& p, double radius, const Colour& colour) const {
    ellipse(p, radius, radius, colour);
  }
  void limb(const Point& a, const Point& b, double ra, double rb, const Colour& colour) const {
    canvas.limb(at(a), at(b), ra * pose.size, rb * pose.size, colour);
  }
};

/// The point `length` away from p; angle 0 points down, positive forwards.
Point swing(const Point& p, double length, double angle) {
  return {p.x + length * std::sin(angle), p.y + length * std::cos(angle)};
}

double jump_height(const Pose& pose) {
  return pose.action == Action::jump ? 0.28 * std::abs(std::sin(pi * 1.1 * pose.seconds)) : 0;
}

double stride(const Pose& pose) {  // the phase of the walk cycle, about 1.6 steps a second
  return pose.action == Action::walk ? 2 * pi * 0.8 * pose.seconds : 0;
}

void leg(const Body& body, const Point& hip, double angle, const Colour& cloth,
         const Colour& shoe) {
  const double bend = std::max(0.0, -angle) * 0.9;
  const Point knee = swing(hip, 0.22, angle), ankle = swing(knee, 0.2, angle - bend);
  body.limb(hip, knee, 0.055, 0.045, cloth);
  body.limb(knee, ankle, 0.045, 0.035, cloth);
  body.limb(ankle, {ankle.x + 0.06, ankle.y + 0.015}, 0.032, 0.028, shoe);
}

void arm(const Body& body, const Point& shoulder, double angle, double bend, const Colour& sleeve,
         const Colour& skin) {
  const Point elbow = swing(shoulder, 0.15, angle), hand = swing(elbow, 0.14, angle + bend);
  body.limb(shoulder, elbow, 0.04, 0.034, sleeve);
  body.limb(elbow, hand, 0.03, 0.026, skin);
  body.disc(hand, 0.035, skin);
}

/// Angle of the near (side 1) or far (side -1) arm.
double arm_angle(const Pose& pose, double side) {
  if (pose.action == Action::wave && side > 0)
    return 2.6 + 0.45 * std::sin(2 * pi * 1.6 * pose.seconds);
  if (pose.action == Action::jump) return side * 0.3 + 2.2 * jump_height(pose) / 0.28;
  return -0.55 * side * std::sin(stride(pose)) + 0.06 * std::sin(2.2 * pose.seconds);
}

void face(const Body& body, const Point& head, const Colour& dark) {
  const bool blink = std::fmod(body.pose.seconds + 0.3, 2.3) < 0.12;
  for (const double x : {0.012, 0.062}) {
    body.ellipse({head.x + x, head.y - 0.01}, 0.02, blink ? 0.004 : 0.022, {250, 250, 250});
    body.ellipse({head.x + x + 0.006, head.y - 0.008}, 0.01, blink ? 0.004 : 0.012, dark);
  }
  const double open = 0.008 + 0.012 * std::abs(std::sin(7 * body.pose.seconds));
  body.ellipse({head.x + 0.04, head.y + 0.05}, 0.025, open, {60, 50, 150});
}

void draw_boy(const Character& who, const Body& body) {
  const double step = std::sin(stride(body.pose));
  const Point head(0.015, -0.885);
  arm(body, {0, -0.74}, arm_angle(body.pose, -1), 0.4, who.second, who.skin);
  leg(body, {0, -0.46}, -0.55 * step, who.dark * 0.8, {40, 40, 40});
  leg(body, {0, -0.46}, 0.55 * step, who.dark, {50, 50, 50});
  const auto half = [](double y) { return 0.095 + 0.035 * (-0.45 - y) / 0.33; };
  constexpr int kStripes = 7;
  for (int i = 0; i < kStripes; ++i) {  // a jersey with stripes
    const double top = -0.78 + 0.33 * i / kStripes, bottom = -0.78 + 0.33 * (i + 1) / kStripes;
    body.polygon(
        {{-half(top), top}, {half(top), top}, {half(bottom), bottom}, {-half(bottom), bottom}},
        i % 2 == 0 ? who.main : who.second);
  }
  arm(body, {0.01, -0.74}, arm_angle(body.pose, 1), 0.4, who.main, who.skin);
  body.limb({0, -0.8}, head, 0.035, 0.035, who.skin);
  body.disc(head, 0.095, who.skin);
  face(body, head, {30, 30, 30});
  body.polygon({{-0.09, -0.91}, {0.1, -0.91}, {0.07, -0.985}, {0, -1.0}, {-0.07, -0.985}},
               who.second);  // a cap
  body.box(0.06, -0.935, 0.17, -0.91, who.main);
}

void draw_girl(const Character& who, const Body& body) {
  const double step = std::sin(stride(body.pose));
  const Point head(0.01, -0.865);
  body.ellipse({-0.03, -0.83}, 0.115, 0.15, who.dark);  // long hair behind
  arm(body, {0, -0.72}, arm_angle(body.pose, -1), 0.4, who.main * 0.8, who.skin);
  leg(body, {0, -0.42}, -0.4 * step, who.skin * 0.85, who.second * 0.8);
  leg(body, {0, -0.42}, 0.4 * step, who.skin, who.second);
  body.polygon({{-0.08, -0.76}, {0.08, -0.76}, {0.19, -0.3}, {-0.19, -0.3}}, who.main);
  for (int row = 0; row < 5; ++row) {  // a dress with dots
    const double y = -0.7 + 0.09 * row, half = 0.08 + 0.11 * (y + 0.76) / 0.46;
    for (int i = 0; i <= row; ++i)
      body.disc({half * 0.8 * (row == 0 ? 0 : 2.0 * i / row - 1), y}, 0.02, who.second);
  }
  arm(body, {0.01, -0.72}, arm_angle(body.pose, 1), 0.4, who.main, who.skin);
  body.disc(head, 0.095, who.skin);
  body.ellipse({-0.02, -0.94}, 0.1, 0.05, who.dark, -0.3);
  body.disc({-0.06, -0.985}, 0.045, who.dark);
  face(body, head, {70, 40, 20});
}

void draw_dog(const Character& who, const Body& body) {
  const double phase = stride(body.pose) * 1.6, wag = std::sin(9 * body.pose.seconds);
  const Point head(0.33, -0.52);
  body.limb({-0.28, -0.38}, {-0.42, -0.58 + 0.06 * wag}, 0.035, 0.018, who.main);
  for (const double side : {-1.0, 1.0})
    for (const double x : {-0.2, 0.2}) {
      const double angle = 0.5 * std::sin(phase + (side * x > 0 ? 0 : pi));
      const Point hip(x + 0.025 * side, -0.28), paw = swing(hip, 0.25, angle);
      body.limb(hip, paw, 0.055, 0.035, side < 0 ? who.main * 0.75 : who.main);
      body.ellipse({paw.x + 0.02, paw.y}, 0.045, 0.025, who.second);
    }
  body.ellipse({0, -0.36}, 0.32, 0.14, who.main);
  for (const auto& [x, y, r] : {std::tuple{-0.15, -0.41, 0.075}, std::tuple{0.06, -0.33, 0.06},
                                std::tuple{-0.03, -0.45, 0.035}, std::tuple{0.18, -0.42, 0.04}})
    body.ellipse({x, y}, r, r * 0.75, who.dark);
  body.limb({0.24, -0.42}, head, 0.085, 0.08, who.main);
  body.disc(head, 0.11, who.main);
  body.ellipse({head.x + 0.12, head.y + 0.03}, 0.08, 0.05, who.second);
  body.disc({head.x + 0.19, head.y + 0.01}, 0.025, {20, 20, 20});
  body.ellipse({head.x - 0.05, head.y + 0.02 + 0.02 * wag}, 0.045, 0.1, who.dark, 0.25);
  body.disc({head.x + 0.04, head.y - 0.03}, 0.022, {250, 250, 250});
  body.disc({head.x + 0.046, head.y - 0.028}, 0.013, {20, 20, 20});
  body.limb({0.23, -0.45}, {0.3, -0.37}, 0.018, 0.018, {40, 40, 220});  // a collar
}

void draw_robot(const Character& who, const Body& body) {
  const Pose& pose = body.pose;
  const double spin = pose.action == Action::walk ? 5 * pose.seconds : 0;
  arm(body, {-0.02, -0.62}, arm_angle(pose, -1), 0.3, who.main * 0.7, who.dark);
  for (const double x : {-0.12, 0.12}) {
    body.disc({x, -0.09}, 0.09, who.dark);
    for (int i = 0; i < 3; ++i) {
      const Point spoke(0.07 * std::cos(spin + i * pi / 3), 0.07 * std::sin(spin + i * pi / 3));
      body.limb(Point(x, -0.09) - spoke, Point(x, -0.09) + spoke, 0.01, 0.01, who.second);
    }
  }
  body.box(-0.19, -0.68, 0.19, -0.16, who.main);
  for (int i = 0; i < 16; ++i) {  // a checkered chest
    const int x = i % 4, y = i / 4;
    body.box(-0.14 + 0.07 * x, -0.6 + 0.07 * y, -0.07 + 0.07 * x, -0.53 + 0.07 * y,
             (x + y) % 2 == 0 ? who.second : who.dark);
  }
  for (int i = 0; i < 3; ++i) {
    const bool lit = std::fmod(pose.seconds * 2 + i, 3) < 1;
    body.disc({-0.1 + 0.1 * i, -0.24}, 0.028, lit ? Colour(80, 240, 255) : who.dark);
  }
  arm(body, {0.03, -0.62}, arm_angle(pose, 1), 0.3, who.main * 0.9, who.dark);
  body.limb({0, -0.7}, {0, -0.74}, 0.04, 0.04, who.dark);
  body.box(-0.14, -0.93, 0.15, -0.72, who.second);
  body.box(-0.1, -0.89, 0.13, -0.77, {45, 35, 25});
  const double look = 0.02 * std::sin(1.7 * pose.seconds);
  for (const double x : {-0.03, 0.07}) body.disc({x + look, -0.83}, 0.025, {255, 230, 90});
  body.limb({0, -0.93}, {0.02 * std::sin(6 * pose.seconds), -0.985}, 0.01, 0.01, who.dark);
  body.disc({0.02 * std::sin(6 * pose.seconds), -0.985}, 0.03, {60, 60, 240});
}

}  // namespace

std::vector<Character> make_cast(uint64_t seed) {
  Random random(seed, 0xca57);
  const double hue = random.uniform();
  const auto colour = [&](double shift, double saturation, double value) {
    return hsv(hue + shift + random.uniform(-0.04, 0.04), saturation, value);
  };
  using Kind = Character::Kind;
  return {
      {Kind::boy, {150, 190, 235}, colour(0, 0.85, 0.9), {240, 240, 240}, {110, 60, 30}},
      {Kind::girl, {110, 150, 205}, colour(0.33, 0.8, 0.85), {230, 245, 250}, {30, 45, 75}},
      {Kind::dog, {}, hsv(0.09, random.uniform(0.35, 0.7), 0.85), {225, 235, 240}, {35, 55, 85}},
      {Kind::robot, {}, colour(0.66, 0.45, 0.8), {215, 210, 200}, {75, 65, 60}}};
}

void draw(const Character& character, const Pose& pose, Canvas& canvas) {
  const double lift = jump_height(pose) + 0.02 * std::abs(std::sin(stride(pose)));
  canvas.shadow({pose.feet.x, pose.feet.y + 0.01}, pose.size * (0.3 - 0.4 * lift), pose.size * 0.06,
                0.45);
  const Body body{pose, canvas, lift};
  switch (character.kind) {
    case Character::Kind::boy:
      return draw_boy(character, body);
    case Character::Kind::girl:
      return draw_girl(character, body);
    case Character::Kind::dog:
      return draw_dog(character, body);
    case Character::Kind::robot:
      return draw_robot(character, body);
  }
}

}  // namespace vidattn
