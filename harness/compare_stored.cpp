#include "harness/compare.h"
namespace vidattn {
ComparisonResult compare_stored_runs(const CompareOptions&) { return {}; }
ComparisonResult compare_binaries(const CompareOptions&) { return {}; }
}
