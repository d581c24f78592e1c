#pragma once

#include <string>

namespace vidattn::testing {

/// An .npy file of version 1.0 in C order.
inline std::string npy_bytes(const std::string& descr, const std::string& shape,
                             const std::string& data, const std::string& fortran = "False") {
  const std::string text =
      "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
  std::string out = "\x93NUMPY\x01";
  out += '\0';
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text + data;
}

}  // namespace vidattn::testing
