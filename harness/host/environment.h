#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/io/json_reader.h"

namespace vidattn {

/// What a measurement depends on besides the program's input. Keys are stable; a value that cannot
/// be read is null, and `unknown` names the reason under "part.key". Sizes are bytes unless the key
/// says otherwise, frequencies MHz.
///
///     machine   the same from boot to boot: cpu, cores, caches, memory
///     software  the same until something is installed or built: system, compiler, flags, revision,
///               SIMD target, BLAS and its core type, library versions
///     state     of this moment: load, frequency, governor, free memory, threads in use
///     unknown   reasons for the nulls
nlohmann::json environment();

/// Whether runs look at the machine before they measure; not with VIDATTN_MEASURE_LIMITS=0.
bool limits_are_wanted();

/// Adds "measured" to an environment, for the record of a run: what the machine reached just now,
/// memory_bandwidth_gbs (triad_bandwidth_gbs() on all threads); null, with a reason in `unknown`,
/// where memory is too short for that, or VIDATTN_MEASURE_LIMITS=0 leaves it out. Takes about 0.3
/// s.
void measure_limits(nlohmann::json& environment);

/// Throws InputError unless a record's environment has the types that environment() writes, as far
/// as anything reads it again; parts and values may be missing, other values stand in it as they
/// like.
void check_environment(const JsonReader& environment);

/// 16 hexadecimal digits that stand for the machine part: the same from boot to boot, and for equal
/// machines, because nothing in it is read from a sensor or a counter.
std::string machine_key(const nlohmann::json& environment);

/// environment()'s result for people: aligned lines "key: value" under the name of each part.
std::string environment_text(const nlohmann::json& environment);

}  // namespace vidattn
