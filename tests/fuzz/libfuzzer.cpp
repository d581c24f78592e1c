// Entry points of libFuzzer (https://llvm.org/docs/LibFuzzer.html). The reader is named by the
// environment variable VIDATTN_READER.

#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/readers.h"

namespace {

const vidattn::fuzz::Reader& chosen() {
  const char* name = std::getenv("VIDATTN_READER");
  return vidattn::fuzz::find_reader(name == nullptr ? "" : name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const vidattn::fuzz::Reader& reader = chosen();
  vidattn::fuzz::feed(reader, bytes, size);
  return 0;
}
