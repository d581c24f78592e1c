#pragma once

#include <string>

namespace vidattn {

/// A server of this machine: "http://127.0.0.1:8000/v1".
struct LoopbackUrl {
  std::string host;  ///< 127.0.0.1 or ::1
  int port = 80;
  std::string path;  ///< "/v1", without a slash at its end
};

/// Throws InputError for anything but http:// and a name of this machine.
LoopbackUrl parse_loopback_url(const std::string& url);

/// Posts JSON and returns the answer's body. Throws InputError when there is no answer, or none
/// with status 200, and for more than a megabyte.
std::string post_json(const LoopbackUrl& url, const std::string& path, const std::string& body);

/// Throws InputError where the build has no cpp-httplib.
void require_http_client();

}  // namespace vidattn
