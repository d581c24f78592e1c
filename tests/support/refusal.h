#pragma once

#include <string>

#include "attention/backend.h"
#include "attention/error.h"

namespace vidattn {

/// What a method with its defaults says of inputs that it refuses; empty = it plans them.
inline std::string refusal(const Backend& backend, const Inputs& in) {
  try {
    backend.plan(in, backend.defaults());
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace vidattn
