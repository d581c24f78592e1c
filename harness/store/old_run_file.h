#pragma once

#include "harness/store/run.h"

namespace vidattn {

/// A case of what `vidattn run --out` wrote with schema 1.0 and 1.1. It gets its blocks from the
/// samples, the dense control of a block from the record's full attention on the same device and in
/// the same storage type (without one, dense_seconds is NaN), and the ratio to it. Which density
/// was asked for is not in such a file. Throws InputError for anything else.
Measurement old_case(const JsonReader& record, const JsonReader& test);

}  // namespace vidattn
