#pragma once

#include <string>

#include "harness/measure/case.h"

namespace vidattn {

/// Gives a case that stands for layers which its method plans differently (metrics/plan/
/// layer_kinds.h) a case of each kind, to be checked and timed in its place.
void make_kinds(Case& c);

/// Makes of the checked kinds' figures those of the case: means weighted by their shares of the
/// layers, the most of what is a highest (memory). It passes where all of them do.
void take_means(Case& c);

/// What tells a case of a kind from those of the others: "chunk_kind=spatial".
std::string kind_name(const Case& kind);

}  // namespace vidattn
