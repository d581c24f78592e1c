#pragma once

#include <string>

#include "harness/tables/generation/basis.h"

namespace vidattn {

// Table 12's notes: what its projections are made of, and what does not fit in the printed values.

std::string accounting_note(const Basis& basis);
std::string inference_note(const Basis& basis);
std::string training_note(const Basis& basis);
std::string memory_note(const Basis& basis);
std::string generation_note(const Basis& basis);

}  // namespace vidattn
