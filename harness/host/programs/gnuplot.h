#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace vidattn {

/// One colour per curve, told apart with colour-blind eyes, too (Okabe and Ito).
inline constexpr uint32_t kLineColours[] = {0x000000, 0xD55E00, 0x0072B2, 0x009E73,
                                            0xCC79A7, 0xE69F00, 0x56B4E9};

/// A figure that gnuplot draws. Its script is made of texts that stand in this program and of
/// numbers, and the types admit nothing else. What comes from elsewhere, names and labels included,
/// is data, in which every character that could mean something to gnuplot is encoded.
class Drawing {
 public:
  using Cell = std::variant<double, std::string>;
  using Rows = std::vector<std::vector<Cell>>;

  /// Of so many pixels, which are points on paper, as is the size of the letters. A PNG has half as
  /// many pixels again each way.
  explicit Drawing(int width = 720, int height = 440, int font = 12)
      : width_(width), height_(height), font_(font) {}

  /// Adds a block of data and returns its number i: "$data{i}" in the script. Texts are one column,
  /// whatever they hold: `title columnheader(1)` takes one from the first row, `with labels` and
  /// `ytic(2)` from a column. gnuplot's markup is off.
  size_t data(const Rows& rows);

  /// Adds to the script: a text with {} for each number. A size of points times `mark_scale` and
  /// a legend with spacing `key_spacing` look the same in every kind of file.
  template <class... Number>
  requires(std::is_arithmetic_v<Number>&&...) void script(fmt::format_string<const Number&...> text,
                                                          const Number&... numbers) {
    script_ += fmt::format(text, numbers...);
  }

  /// Adds something to plot: what follows `plot`, and the commas between several.
  template <class... Number>
  requires(std::is_arithmetic_v<Number>&&...) void plot(fmt::format_string<const Number&...> text,
                                                        const Number&... numbers) {
    plots_ += (plots_.empty() ? "plot " : ", ") + fmt::format(text, numbers...);
  }
  bool has_plots() const { return !plots_.empty(); }

  /// In pixels, where it depends on what is drawn.
  void set_height(int height) { height_ = height; }

  /// The bytes of the file at `path`, whose suffix chooses between SVG, which calls itself `title`,
  /// PNG and PDF. Throws InputError for another suffix, and when gnuplot is missing or fails.
  std::string draw(const std::string& title, const std::string& path) const;

 private:
  std::string terminal(const std::string& path) const;

  int width_, height_, font_;
  std::string blocks_, script_, plots_;
  size_t count_ = 0;
};

/// Throws InputError when gnuplot is missing: asked before work that ends in figures.
void require_gnuplot();

}  // namespace vidattn
