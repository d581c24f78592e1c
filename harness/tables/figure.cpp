#include "harness/tables/figure.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"

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

/// Runs the script file; gnuplot's messages go to the user.
void run_gnuplot(const std::string& script_file, const std::string& output) {
  const int status = std::system(("gnuplot '" + script_file + "' > '" + output + "'").c_str());
  constexpr int kNotFound = 127;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound)
    throw InputError("the figure needs gnuplot: install the package gnuplot-nox");
  if (status != 0) throw InputError("gnuplot failed to draw the figure");
}

/// A folder for temporary files that disappears with the object.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "vidattn-figure-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw InputError("cannot create a folder for temporary files");
    folder_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

void write_file(const std::string& path, const std::string& bytes) {
  OutputFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace

void write_figure(const Table& table, const std::string& path) {
  const Scratch scratch;
  write_file(scratch.file("script"), script(table.details.at("curves"), path.ends_with(".svg")));
  run_gnuplot(scratch.file("script"), scratch.file("figure"));
  const InputFile drawn(scratch.file("figure"));
  std::string bytes(drawn.size(), '\0');
  drawn.read(0, bytes.data(), bytes.size());
  write_file(path, bytes);
}

}  // namespace vidattn
