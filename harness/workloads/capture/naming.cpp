#include "harness/workloads/capture/naming.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include "attention/nearest.h"

namespace vidattn {
namespace {

using Words = std::array<std::string_view, 3>;

/// The longer before those that they end with: to_q is not q with the prefix "to_".
constexpr Words kWords[] = {{"query_states", "key_states", "value_states"},
                            {"query_layer", "key_layer", "value_layer"},
                            {"to_q", "to_k", "to_v"},
                            {"q_proj", "k_proj", "v_proj"},
                            {"queries", "keys", "values"},
                            {"query", "key", "value"},
                            {"wq", "wk", "wv"},
                            {"xq", "xk", "xv"},
                            {"Q", "K", "V"},
                            {"q", "k", "v"}};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// The names that no call has yet.
class FreeNames {
 public:
  explicit FreeNames(const std::vector<std::string>& names) {
    for (const std::string& name : names) free_[name] = true;
  }
  bool has(const std::string& name) const {
    const auto found = free_.find(name);
    return found != free_.end() && found->second;
  }
  void take(const std::array<std::string, 3>& names) {
    for (const std::string& name : names) free_[name] = false;
  }

 private:
  std::map<std::string, bool> free_;
};

/// The prefix of a name that ends with the word.
std::optional<std::string> prefix_before(std::string_view name, std::string_view word) {
  if (!name.ends_with(word)) return std::nullopt;
  name.remove_suffix(word.size());
  if (!name.empty() && is_word_character(name.back())) return std::nullopt;
  return std::string(name);
}

/// The digits at the beginning of a text, after at most one separator.
std::optional<int64_t> leading_number(std::string_view text) {
  if (!text.empty() && std::string_view("._-/=").find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  return number;
}

/// Whether a prefix is another with a word more, as "blocks.3.to_" of "blocks.3.".
bool continues(const std::string& prefix, const std::string& other) {
  return prefix != other && prefix.starts_with(other) &&
         prefix.find_first_of("./", other.size()) == std::string::npos;
}

/// Of the names, those that the words have behind the prefix; the others are empty.
std::array<std::string, 3> present(const std::string& prefix, const Words& words,
                                   const FreeNames& names) {
  std::array<std::string, 3> there;
  for (size_t i = 0; i < words.size(); ++i)
    if (const std::string name = prefix + std::string(words[i]); names.has(name)) there[i] = name;
  return there;
}

std::optional<int64_t> number_after(const std::string& text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if (at > 0 && is_letter(text[at - 1])) continue;
    std::string_view rest = std::string_view(text).substr(at + word.size());
    if (rest.starts_with('s')) rest.remove_prefix(1);
    if (const auto number = leading_number(rest)) return number;
  }
  return std::nullopt;
}

}  // namespace

std::vector<CallNames> find_calls(const std::vector<std::string>& names) {
  FreeNames free(names);
  std::map<std::string, CallNames> calls;
  for (const Words& words : kWords)
    for (const std::string& name : names) {
      const auto prefix = prefix_before(name, words[0]);
      if (!prefix) continue;
      CallNames call{*prefix, {}};
      for (size_t i = 0; i < words.size(); ++i) call.qkv[i] = *prefix + std::string(words[i]);
      const auto is_free = [&](const std::string& one) { return free.has(one); };
      if (!std::all_of(call.qkv.begin(), call.qkv.end(), is_free)) continue;
      free.take(call.qkv);
      calls[*prefix] = std::move(call);
    }
  std::vector<CallNames> sorted;
  for (auto& [prefix, call] : calls) sorted.push_back(std::move(call));
  return sorted;
}

std::vector<CallNames> find_incomplete(const std::vector<std::string>& names) {
  std::map<std::string, CallNames> found;
  std::set<std::string> prefixes;
  for (const CallNames& call : find_calls(names)) prefixes.insert(call.prefix);
  const std::set<std::string> complete = prefixes;
  FreeNames free(names);
  for (const Words& words : kWords)
    for (const std::string& name : names)
      for (const std::string_view word : {words[0], words[1]}) {
        const auto prefix = prefix_before(name, word);
        if (!prefix || !free.has(name) || complete.contains(*prefix)) continue;
        const CallNames call{*prefix, present(*prefix, words, free)};
        free.take(call.qkv);
        found.emplace(*prefix, call);
        prefixes.insert(*prefix);
      }
  std::vector<CallNames> sorted;
  for (const auto& entry : found)
    if (std::none_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& other) { return continues(entry.first, other); }))
      sorted.push_back(entry.second);
  return sorted;
}

bool is_chosen(const CallNames& call, const std::string& chosen) {
  const std::string& prefix = call.prefix;
  return prefix == chosen || call.qkv[0] == chosen + "q" ||
         (!prefix.empty() && prefix.substr(0, prefix.size() - 1) == chosen);
}

std::optional<int64_t> layer_in(std::string_view name) {
  const std::string text = lower_case(std::string(name));
  const auto layer = number_after(text, "layer");
  return layer ? layer : number_after(text, "block");
}

std::optional<int64_t> step_in(std::string_view name) {
  return number_after(lower_case(std::string(name)), "step");
}

}  // namespace vidattn
