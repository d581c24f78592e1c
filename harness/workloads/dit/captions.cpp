#include "harness/workloads/dit/captions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"
#include "harness/workloads/film/places.h"

namespace vidattn {
namespace {

constexpr std::array<std::string_view, kCaptionVocabulary> kWords = {
    "none", "park",  "room", "street", "beach", "wide",  "close", "boy",        "girl",
    "dog",  "robot", "left", "right",  "idles", "waves", "jumps", "walks-left", "walks-right"};
constexpr int32_t kNone = 0, kPlace = 1, kCamera = 5, kKind = 7, kSideWords = 11, kAction = 13,
                  kWalkLeft = 16;

/// What stands at one position of a caption: words kWords[first] to kWords[first + count - 1].
struct Slot {
  const char* name;
  int32_t first, count;

  bool holds(int32_t token) const {
    return token == kNone || (token >= first && token < first + count);
  }
  std::vector<std::string> words() const {
    std::vector<std::string> all(kWords.begin() + first, kWords.begin() + first + count);
    all.emplace_back(kWords[kNone]);
    return all;
  }
};

constexpr int64_t kShotSlots = 2, kRoleSlots = 3;
constexpr std::array<Slot, kCaptionTokens> kSlots = {{{"place", kPlace, kPlaces},
                                                      {"camera", kCamera, 2},
                                                      {"character", kKind, kFilmCast},
                                                      {"side", kSideWords, 2},
                                                      {"action", kAction, 5},
                                                      {"character", kKind, kFilmCast},
                                                      {"side", kSideWords, 2},
                                                      {"action", kAction, 5}}};

int32_t action_token(const ShotScript::Role& role) {
  switch (role.action) {
    case Action::idle:
      return kAction;
    case Action::wave:
      return kAction + 1;
    case Action::jump:
      return kAction + 2;
    case Action::walk:
      break;
  }
  return kWalkLeft + (role.faces_right ? 1 : 0);
}

/// Whether a caption may end before this position.
bool role_begins(size_t slot) {
  return slot >= kShotSlots && (slot - kShotSlots) % kRoleSlots == 0;
}

std::vector<std::string> caption_words(const std::string& text) {
  constexpr std::string_view kBetween = " \t\r,";
  std::vector<std::string> words;
  for (size_t at = 0; (at = text.find_first_not_of(kBetween, at)) != std::string::npos;) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

int32_t caption_token(const std::string& word, const Slot& slot) {
  const auto* const found = std::find(kWords.begin(), kWords.end(), word);
  const auto token = static_cast<int32_t>(found - kWords.begin());
  if (found == kWords.end() || !slot.holds(token))
    throw InputError("caption: " + in_quotes(word) + " is no " + slot.name + ", " +
                     known_are(word, slot.words()));
  return token;
}

}  // namespace

std::vector<int32_t> shot_caption(const Film& film, int64_t shot) {
  const ShotScript script = film.script(shot);
  std::vector<int32_t> tokens = {kPlace + script.place, kCamera + (script.close ? 1 : 0)};
  for (const auto& role : script.roles) {
    const auto kind = static_cast<int32_t>(film.cast()[role.character].kind);
    tokens.insert(tokens.end(),
                  {kKind + kind, kSideWords + (role.left ? 0 : 1), action_token(role)});
  }
  tokens.resize(kCaptionTokens, kNone);
  return tokens;
}

std::string caption_text(std::span<const int32_t> tokens) {
  if (tokens.size() != kCaptionTokens)
    throw InputError("a caption of " + std::to_string(tokens.size()) + " tokens, it has " +
                     std::to_string(kCaptionTokens));
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!kSlots[i].holds(tokens[i]))
      throw InputError("caption: token " + std::to_string(tokens[i]) + " is no " + kSlots[i].name);
    if (i > 0) text += role_begins(i) ? ", " : " ";
    text += kWords[tokens[i]];
  }
  return text;
}

std::vector<int32_t> parse_caption(const std::string& text) {
  const std::vector<std::string> words = caption_words(text);
  if (words.size() > kSlots.size())
    throw InputError("caption: " + in_quotes(words[kSlots.size()]) +
                     " is too much, a shot has two characters");
  std::vector<int32_t> tokens;
  for (const std::string& word : words)
    tokens.push_back(caption_token(word, kSlots[tokens.size()]));
  if (tokens.size() < kSlots.size() && !role_begins(tokens.size()))
    throw InputError("caption " + in_quotes(text) + " ends before its " +
                     kSlots[tokens.size()].name);
  tokens.resize(kCaptionTokens, kNone);
  return tokens;
}

std::vector<int32_t> read_captions(const std::string& path) {
  const InputFile file(path);
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  std::vector<int32_t> captions;
  int64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (caption_words(line).empty()) continue;
    try {
      const std::vector<int32_t> caption = parse_caption(line);
      captions.insert(captions.end(), caption.begin(), caption.end());
    } catch (const InputError& error) {
      throw InputError(in_quotes(path) + ", line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (captions.empty()) throw InputError(in_quotes(path) + " has no captions, a line is a shot's");
  return captions;
}

}  // namespace vidattn
