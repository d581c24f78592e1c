#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// Letters to change, insert, delete or swap with their neighbour to make `a` of `b` (optimal
/// string alignment). Bytes count as letters.
int edit_distance(const std::string& a, const std::string& b);

/// The text with small letters for capital ones (ASCII).
std::string lower_case(std::string text);

/// "; did you mean moga?" for the word of `known` that is nearest to `word`, to be appended to a
/// message; empty where none is near: more than a third of its letters are wrong. Capital
/// letters are as good as small ones.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

/// "known are moga, stga; did you mean moga?", the same after a list of all words that are known.
std::string known_are(const std::string& word, const std::vector<std::string>& known);

}  // namespace vidattn
