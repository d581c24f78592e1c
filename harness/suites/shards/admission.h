#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vidattn {

/// What a rank of a suite says of itself before it is given cases.
struct Introduction {
  std::string fault;  ///< why it cannot take part; empty = it can
  std::string machine_key, host;
  std::vector<int> cores;  ///< numbers of those that it may use
};

/// What it is told: why the run is refused on all, or the cores that are its own.
struct Admission {
  std::string fault;  ///< empty = it is not
  std::vector<int> cores;
};

/// This process's. `fault` is what it found wrong with the suite.
Introduction introduce(const std::string& host, const std::string& fault);

/// What the first rank answers, by rank. A rank that was lost before it said anything (nullopt; not
/// the first) has no say and no cores. Refused are a suite that a rank finds wrong, as agree()
/// does, ranks on several kinds of machines, since a run is of one, and more ranks on a host than
/// cores.
std::vector<Admission> admit(const std::vector<std::optional<Introduction>>& ranks);

/// As messages.
std::string to_text(const Introduction& said);
std::string to_text(const Admission& told);
Introduction introduction_from(const std::string& text);
Admission admission_from(const std::string& text);

}  // namespace vidattn
