#include <charconv>

#include "attention/error.h"
#include "harness/curate/captions/http_post.h"
#include "harness/io/file.h"

namespace vidattn {

LoopbackUrl parse_loopback_url(const std::string& url) {
  const auto refuse = [&](const char* why) {
    throw InputError("--caption-endpoint " + in_quotes(url) + " " + why);
  };
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) refuse("does not begin with http://");
  const size_t slash = url.find('/', kScheme.size());
  std::string authority = url.substr(kScheme.size(), slash - kScheme.size());
  LoopbackUrl parsed;
  if (slash != std::string::npos) parsed.path = url.substr(slash);
  while (parsed.path.ends_with('/')) parsed.path.pop_back();
  if (parsed.path.find_first_of("?#\r\n ") != std::string::npos) refuse("has more than a path");
  const size_t colon = authority.rfind(':');
  if (colon != std::string::npos && !authority.ends_with(']')) {
    const char *from = authority.data() + colon + 1, *end = authority.data() + authority.size();
    const auto [last, error] = std::from_chars(from, end, parsed.port);
    if (error != std::errc() || last != end || parsed.port < 1 || parsed.port > 65535)
      refuse("has no port from 1 to 65535");
    authority.resize(colon);
  }
  if (authority == "127.0.0.1" || authority == "localhost")
    parsed.host = "127.0.0.1";
  else if (authority == "[::1]")
    parsed.host = "::1";
  else
    refuse("is not of this machine: 127.0.0.1, localhost or [::1] is needed");
  return parsed;
}

}  // namespace vidattn
