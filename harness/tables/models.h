#pragma once

#include <string>
#include <vector>

#include "harness/io/json_reader.h"
#include "metrics/model/dit_model.h"

namespace vidattn {

/// Names of the models that come with the program (harness/models/*.json).
std::vector<std::string> model_names();

/// A model by its name, or from the user's JSON file when the text has a '/' or ends in ".json".
/// Throws InputError naming the known models, or what is wrong in the file.
DitModel find_model(const std::string& name_or_path);

/// Keys: name, dim, heads, ffn_dim, text_tokens, blocks [{kind, count}]; optional: title, source,
/// text_dim, latent_channels, patch, frequency_dim (defaults in metrics/model/dit_model.h). Throws
/// InputError for an unknown or missing key and a wrong type or value.
DitModel model_from_json(const JsonReader& json);

}  // namespace vidattn
