#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vidattn {

/// Holds `value` against a JSON Schema (draft 2020-12). Understood are type, enum, required,
/// properties, additionalProperties, items, minItems, maxItems, minLength, minimum, maximum,
/// exclusiveMinimum, anyOf and $ref into the same document; description, title, $schema and $defs
/// say nothing about values. Throws InputError with the place and what would be right for a value
/// that does not fit, and std::logic_error for a schema with other keywords: nothing is left
/// unchecked in silence.
void check_schema(const nlohmann::json& value, const nlohmann::json& schema);

}  // namespace vidattn
