#include "attention/nearest.h"

#include <algorithm>

namespace vidattn {

int edit_distance(const std::string& a, const std::string& b) {
  std::vector<int> before, last, now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) now[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(last);
    last = now;
    now[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] =
          std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return now[b.size()];
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  int least = std::max(1, static_cast<int>(word.size()) / 3) + 1;
  for (const std::string& other : known) {
    const int distance = edit_distance(lower_case(word), lower_case(other));
    const auto letters = static_cast<int>(std::max(word.size(), other.size()));
    if (distance >= std::min(least, letters)) continue;  // no letter in common is not near
    least = distance;
    nearest = &other;
  }
  return nearest == nullptr ? "" : "; did you mean " + *nearest + "?";
}

std::string known_are(const std::string& word, const std::vector<std::string>& known) {
  std::string text = "known are ";
  for (const std::string& other : known) text += (&other == known.data() ? "" : ", ") + other;
  return text + did_you_mean(word, known);
}

}  // namespace vidattn
