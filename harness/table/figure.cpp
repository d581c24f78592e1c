#include "harness/table/figure.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "attention/error.h"
#include "harness/file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

// One colour per curve, told apart with colour-blind eyes, too (Okabe and Ito).
constexpr const char* kColours[] = {"#000000", "#D55E00", "#0072B2", "#009E73",
                                    "#CC79A7", "#E69F00", "#56B4E9"};

std::string data_block(size_t i, const nlohmann::json& points) {
  std::string text = fmt::format("$curve{} << END\n", i);
  for (const auto& point : points)
    text += fmt::format("{} {}\n", point[0].get<double>(), point[1].get<double>());
  return text + "END\n";
}

std::string script(const nlohmann::json& curves, bool svg) {
  std::string text =
      svg ? "set terminal svg size 900,600 font 'Helvetica,15' background '#ffffff'\n"
          : "set terminal pngcairo size 1350,900 font 'Helvetica,20'\n";
  text +=
      "set encoding utf8\n"
      "set xlabel 'duration of the video (s)'\nset ylabel 'PFLOPs of a forward pass'\n"
      "set xrange [4:31]\nset yrange [0:*]\nset key top left Left reverse samplen 3\n"
      "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\nset xtics 5\n";
  std::string plot;
  size_t i = 0;
  for (const auto& curve : curves) {
    const std::string name = curve["name"];
    const char* colour = kColours[i / 2 % std::size(kColours)];
    text += data_block(i, curve["model"]);
    plot += fmt::format("{}$curve{} with lines lw 2 lc rgb '{}' title '{}'",
                        plot.empty() ? "plot " : ", ", i, colour, name);
    ++i;
    if (!curve["paper"].empty()) {
      text += data_block(i, curve["paper"]);
      plot += fmt::format(", $curve{} with points pt 6 ps 1.4 lw 2 lc rgb '{}' title '{} printed'",
                          i, colour, name);
    }
    ++i;
  }
  return text + plot + "\n";
}

/// What the program prints for the script; its messages go to the user.
void run_gnuplot(const std::string& script, const fs::path& output) {
  FILE* pipe = popen(("gnuplot - > '" + output.string() + "'").c_str(), "w");
  if (pipe == nullptr) throw InputError("cannot start gnuplot");
  fputs(script.c_str(), pipe);
  const int status = pclose(pipe);
  constexpr int kNotFound = 127;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound)
    throw InputError("the figure needs gnuplot: install the package gnuplot-nox");
  if (status != 0) throw InputError("gnuplot failed to draw the figure");
}

}  // namespace

void write_figure(const Table& table, const std::string& path) {
  std::string pattern = (fs::temp_directory_path() / "vidattn-figure-XXXXXX").string();
  const int descriptor = mkstemp(pattern.data());
  if (descriptor < 0) throw InputError("cannot create a file in the folder for temporary files");
  close(descriptor);
  std::string bytes;
  try {
    run_gnuplot(script(table.details.at("curves"), path.ends_with(".svg")), pattern);
    const InputFile drawn(pattern);
    bytes.resize(drawn.size());
    drawn.read(0, bytes.data(), bytes.size());
  } catch (...) {
    fs::remove(pattern);
    throw;
  }
  fs::remove(pattern);
  OutputFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace vidattn
