#pragma once

#include "attention/inputs.h"

namespace vidattn {

/// Whether the keys are other tokens than the queries (cross-attention), so that no place in the
/// queries' grid is a key's: there are more or fewer of them, or mark_cross() said so.
bool is_cross(const Inputs& in);

/// Says it of as many keys as queries, where their number does not tell. It stands among the
/// extras, as whatever a call says beside its operands.
void mark_cross(Inputs& in);

}  // namespace vidattn
