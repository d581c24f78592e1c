#pragma once

namespace vidattn {

/// What a table says of a case beside its numbers; a chart of points has a frame around it.
struct Flaw {
  const char* name;
  int frame;  ///< gnuplot's number of a point
};

inline constexpr Flaw kMissed{"missed", 6};                   // circle: its density
inline constexpr Flaw kDisturbed{"disturbed", 4};             // square
inline constexpr Flaw kTokensLeftOut{"tokens left out", 12};  // diamond
inline constexpr Flaw kFlaws[] = {kMissed, kDisturbed, kTokensLeftOut};

}  // namespace vidattn
