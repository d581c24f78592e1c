#include "harness/study/random_name.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>

#include "attention/error.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {

uint64_t unforeseeable_bits() {
  uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits)
    throw InputError("no random numbers from the system: " + system_reason(errno));
  return bits;
}

std::string random_name(size_t digits) {
  std::string name;
  while (name.size() < digits) name += fmt::format("{:016x}", unforeseeable_bits());
  name.resize(digits);
  return name;
}

}  // namespace vidattn
