#include "harness/io/text/system_reason.h"

#include <system_error>

namespace vidattn {

std::string system_reason(int error) { return std::generic_category().message(error); }

}  // namespace vidattn
