#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/workloads/film/film.h"

namespace vidattn {

/// The structured caption of a shot: place, camera, and kind, side and action of its two
/// characters, the one behind first. A closed vocabulary, in which 0 is "none". Colours are never
/// named: they can only be known from other shots.
constexpr int64_t kCaptionTokens = 8;
constexpr int32_t kCaptionVocabulary = 18;

/// [kCaptionTokens], each below kCaptionVocabulary.
std::vector<int32_t> shot_caption(const Film& film, int64_t shot);

/// "park wide, boy left walks-right, dog right idles" of kCaptionTokens tokens. Throws InputError
/// for other tokens than parse_caption() makes.
std::string caption_text(std::span<const int32_t> tokens);

/// The tokens of such a text; any word may be none, and characters may be left out at the end.
/// Words are parted by blanks or commas. Throws InputError, with the nearest right word, for a word
/// that does not belong where it stands, a character that is not complete, or more than two.
std::vector<int32_t> parse_caption(const std::string& text);

/// The captions [shots, kCaptionTokens] of a file with a line per shot; empty lines do not count.
/// Throws InputError, with the line's number, as parse_caption() does, and for a file that cannot
/// be read or has none.
std::vector<int32_t> read_captions(const std::string& path);

}  // namespace vidattn
