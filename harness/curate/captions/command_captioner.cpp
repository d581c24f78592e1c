#include <fmt/format.h>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/curate/captions/captioner.h"
#include "harness/curate/captions/scratch_folder.h"
#include "harness/host/interrupt.h"
#include "harness/host/programs/program.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFrames = "{frames}";
constexpr const char* kOut = "{out}";
constexpr double kMostSeconds = 600;
constexpr int64_t kMostBytes = int64_t{1} << 30;  // of a file; what it caches may be large

bool contains(const std::vector<std::string>& words, const std::string& what) {
  for (const std::string& word : words)
    if (word.find(what) != std::string::npos) return true;
  return false;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

class CommandCaptioner : public Captioner {
 public:
  CommandCaptioner(const std::string& command, fs::path scratch)
      : command_(command), words_(command_words(command)), scratch_(std::move(scratch)) {
    if (!contains(words_, kFrames) || !contains(words_, kOut))
      throw InputError("--captioner " + in_quotes(command) +
                       ": a command with {frames} and {out} is needed");
    if (find_program(words_.front()).empty())
      throw InputError("--captioner: there is no program " + in_quotes(words_.front()) + " to run");
  }

  nlohmann::json ask(const std::vector<JpegBytes>& frames) override {
    const ScratchFolder folder(scratch_);
    const fs::path pictures = folder.path() / "frames", out = folder.path() / "caption.json";
    fs::create_directory(pictures);
    for (size_t i = 0; i < frames.size(); ++i)
      write_text((pictures / fmt::format("{}.jpg", i + 1)).string(),
                 {reinterpret_cast<const char*>(frames[i].data()), frames[i].size()});
    run(pictures.string(), out.string());
    return read_json(out.string());
  }

  std::string identity() const override { return "command: " + command_; }

 private:
  void run(const std::string& pictures, const std::string& out) const {
    std::vector<std::string> words = words_;
    for (std::string& word : words) {
      replace_all(word, kFrames, pictures);
      replace_all(word, kOut, out);
    }
    const std::vector<std::string> arguments(words.begin() + 1, words.end());
    const ProgramResult result = run_program({.program = words.front(),
                                              .arguments = arguments,
                                              .until_interrupted = true,
                                              .seconds = kMostSeconds,
                                              .most_file_bytes = kMostBytes});
    if (interrupted()) throw Cancelled();
    if (!result.fine())
      throw InputError(
          fmt::format("the captioner {} {}", in_quotes(words_.front()), result.trouble()));
  }

  std::string command_;
  std::vector<std::string> words_;
  fs::path scratch_;
};

}  // namespace

std::vector<std::string> command_words(const std::string& command) {
  std::vector<std::string> words;
  bool open = false;  // inside a word
  char quote = 0;
  for (const char c : command) {
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = 0;
    else
      words.back() += c;
  }
  if (quote != 0) throw InputError("the command " + in_quotes(command) + " leaves a quote open");
  if (words.empty()) throw InputError("the command is empty");
  return words;
}

std::unique_ptr<Captioner> command_captioner(const std::string& command, const fs::path& scratch) {
  return std::make_unique<CommandCaptioner>(command, scratch);
}

}  // namespace vidattn
