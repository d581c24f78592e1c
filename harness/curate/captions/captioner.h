#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

using JpegBytes = std::vector<uint8_t>;

/// Something that describes a shot from some of its frames.
class Captioner {
 public:
  virtual ~Captioner() = default;
  /// What it answers, unchecked JSON. Throws InputError when it gives none.
  virtual nlohmann::json ask(const std::vector<JpegBytes>& frames) = 0;
  /// What its answers depend on beside the frames.
  virtual std::string identity() const = 0;
};

/// Runs a program for every shot. The template is split at spaces ('…' and "…" keep a word
/// together), and no shell reads it; in every word `{frames}` stands for a folder
/// with 1.jpg, 2.jpg, … and `{out}` for the JSON file that it has to write. Both must be there, and
/// the program, else InputError. A program that takes longer than ten minutes is ended.
std::unique_ptr<Captioner> command_captioner(const std::string& command,
                                             const std::filesystem::path& scratch);

/// Asks an OpenAI-compatible server, URL/chat/completions, with the frames as data URLs. Only on
/// this machine (127.0.0.1, localhost, [::1]), over plain HTTP: what is in private videos goes
/// nowhere else. Throws InputError for another URL, and where the build has no cpp-httplib.
std::unique_ptr<Captioner> endpoint_captioner(const std::string& url, const std::string& model,
                                              const std::string& prompt);

/// The JSON in the text of such a server's answer, which models like to put between other words.
/// Throws InputError.
nlohmann::json read_chat_answer(const std::string& body);

/// The words of a command line, as above. Throws InputError for a quote that is left open.
std::vector<std::string> command_words(const std::string& command);

}  // namespace vidattn
