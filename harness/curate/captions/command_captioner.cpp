#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/curate/captions/captioner.h"
#include "harness/host/interrupt.h"
#include "harness/host/programs/program.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFrames = "{frames}";
constexpr const char* kOut = "{out}";
constexpr const char* kMostSeconds = "600";

/// A folder that goes away with the object.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& above) {
    std::string name = (above / "caption-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw InputError("cannot make a folder in " + in_quotes(above.string()) + ": " +
                       system_reason(errno));
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

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
    // coreutils' own, so that a program that hangs does not hold everything up.
    if (!find_program("timeout").empty()) words.insert(words.begin(), {"timeout", kMostSeconds});
    const std::vector<std::string> arguments(words.begin() + 1, words.end());
    const ProgramResult result =
        run_program({.program = words.front(), .arguments = arguments, .until_interrupted = true});
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
