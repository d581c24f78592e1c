#include "harness/workload_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "attention/grid.h"
#include "harness/shots.h"

namespace vidattn {

void WorkloadOptions::add_grid(CLI::App& app) {
  app.add_option("--grid", grid_, "latent frames, height and width in tokens: T,H,W")
      ->delimiter(',')
      ->expected(3);
  // Parsed here: CLI11 takes an empty list for no option at all.
  app.add_option_function<std::string>(
      "--shots", [this](const std::string& text) { shots_ = parse_shots(text); },
      "first latent frame of every shot: 0,10,20");
}

void WorkloadOptions::add_all(CLI::App& app) {
  app.add_option("--workload", request_.spec, "film | video:PATH | tensors:PATH")
      ->capture_default_str();
  add_grid(app);
  app.add_option("--heads", request_.heads, "heads of the synthesized tensors")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--dim", request_.dim, "channels per head, a multiple of 8")
      ->capture_default_str()
      ->check(CLI::Range(8, 1024));
  app.add_option("--seed", request_.seed, "seed of the film and the projections")
      ->check(CLI::Range(0.0, 1e18))
      ->capture_default_str();
  app.add_option("--peak", request_.peak,
                 "share of the attention mass on the strongest 5% of the keys, to calibrate to; "
                 "0 = 0.8")
      ->capture_default_str();
}

WorkloadRequest WorkloadOptions::request() const {
  WorkloadRequest request = request_;
  if (grid_.size() == 3) {
    request.frames = grid_[0];
    request.height = grid_[1];
    request.width = grid_[2];
    VideoGrid{request.frames, request.height, request.width}.validate();
  }
  request.shots = shots_;
  return request;
}

std::vector<std::string> workload_arguments(const WorkloadRequest& r) {
  std::vector<std::string> words{"--workload", r.spec};
  const auto add = [&](const char* option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  if (r.frames > 0) add("--grid", fmt::format("{},{},{}", r.frames, r.height, r.width));
  if (!r.shots.empty()) add("--shots", fmt::format("{}", fmt::join(r.shots, ",")));
  if (r.spec.rfind("tensors:", 0) == 0) return words;
  add("--heads", std::to_string(r.heads));
  add("--dim", std::to_string(r.dim));
  add("--seed", std::to_string(r.seed));
  if (r.peak != 0) add("--peak", fmt::format("{}", r.peak));
  return words;
}

std::string shell_line(const std::vector<std::string>& words) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::string command_line(std::vector<std::string> arguments) {
  if (!arguments.empty()) arguments[0] = "vidattn";
  return shell_line(arguments);
}

}  // namespace vidattn
