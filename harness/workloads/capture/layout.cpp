#include "harness/workloads/capture/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "attention/error.h"

namespace vidattn {
namespace {

/// Small letters alone, "(hd)" as c.
std::string letters_of(const std::string& text) {
  std::string letters;
  for (char c : text)
    if (std::string_view(" ,_*[]").find(c) == std::string_view::npos)
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* flat : {"(hd)", "(nd)", "(hc)"})
    if (const size_t at = letters.find(flat); at != std::string::npos) letters.replace(at, 4, "c");
  return letters;
}

/// Other names of tokens become l. Where there is no h, n stands for the heads beside s or l.
void rename_axes(std::string& letters) {
  const bool has_heads = letters.find('h') != std::string::npos;
  const bool has_tokens = letters.find_first_of("slt") != std::string::npos;
  for (char& letter : letters) {
    if (letter == 'n' && !has_heads && has_tokens) letter = 'h';
    if (std::string_view("nst").find(letter) != std::string_view::npos) letter = 'l';
  }
}

}  // namespace

std::string Layout::text() const {
  std::string out;
  for (char letter : axes) out += letter == 'c' ? std::string("(hd)") : std::string(1, letter);
  return out;
}

std::optional<Layout> find_layout(const std::string& text) {
  std::string letters = letters_of(text);
  rename_axes(letters);
  std::string sorted = letters;
  std::sort(sorted.begin(), sorted.end());
  for (const char* known : {"dhl", "bdhl", "cl", "bcl", "dl", "bdl"})
    if (sorted == known) {
      // Without heads, "d" names all channels.
      if (sorted.find_first_of("hc") == std::string::npos)
        std::replace(letters.begin(), letters.end(), 'd', 'c');
      return Layout{letters};
    }
  return std::nullopt;
}

Layout parse_layout(const std::string& text, const std::string& what) {
  if (const auto layout = find_layout(text)) return *layout;
  throw InputError(fmt::format(
      "{} {} is not known: expected lhd, hld, blhd, bhld, l(hd), or another order of these axes",
      what, in_quotes(text)));
}

Layout default_layout(const std::vector<int64_t>& shape, int64_t heads) {
  if (shape.size() == 2) return {heads > 0 ? "lc" : "ld"};
  if (shape.size() != 3) return {"blhd"};
  const bool flat = heads > 0 && shape[0] != heads && shape[1] != heads &&
                    (shape[0] == 1 || shape[2] % heads == 0);
  return {flat ? "blc" : "lhd"};
}

Layout fitted(const Layout& layout, const StoredArray& stored) {
  const size_t rank = stored.shape.size();
  Layout out = layout;
  if (rank == out.axes.size() + 1 && !out.has('b')) out.axes.insert(out.axes.begin(), 'b');
  if (rank + 1 == out.axes.size() && out.has('b')) out.axes.erase(out.axis('b'), 1);
  if (rank == out.axes.size()) return out;
  if (rank < 2 || rank > 4)
    throw InputError(fmt::format("{} has shape {}, expected [tokens,heads,channels]", stored.name,
                                 shape_text(stored.shape)));
  throw InputError(fmt::format("{} has shape {}, which is not of layout {}", stored.name,
                               shape_text(stored.shape), layout.text()));
}

StoredArray batch_entry(const StoredArray& stored, Layout& layout, int64_t entry) {
  if (!layout.has('b')) {
    if (entry > 0)
      throw InputError(fmt::format("{} with shape {} is no batch: there is no entry {}",
                                   stored.name, shape_text(stored.shape), entry));
    return stored;
  }
  const size_t axis = layout.axis('b');
  const int64_t size = stored.shape[axis];
  if (entry >= size)
    throw InputError(fmt::format("{} has a batch of {}: there is no entry {}, they count from 0",
                                 stored.name, size, entry));
  layout.axes.erase(axis, 1);
  return stored.at(axis, entry);
}

StoredArray as_lhd(const StoredArray& stored, const Layout& layout, int64_t heads) {
  if (layout.axes == "ld") return stored.split(1, 1);
  if (!layout.has('c'))
    return stored.permuted({layout.axis('l'), layout.axis('h'), layout.axis('d')});
  const size_t axis = layout.axis('c');
  const int64_t width = stored.shape[axis];
  if (heads <= 0)
    throw InputError(
        fmt::format("{} has {} channels for all heads in one axis: --heads says how "
                    "many heads they are",
                    stored.name, width));
  if (width % heads != 0)
    throw InputError(
        fmt::format("{} has {} channels, which {} heads do not divide", stored.name, width, heads));
  const size_t tokens = layout.axis('l') + (layout.axis('l') > axis ? 1 : 0);
  return stored.split(axis, heads).permuted({tokens, axis, axis + 1});
}

}  // namespace vidattn
