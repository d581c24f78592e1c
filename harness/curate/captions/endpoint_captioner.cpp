#include "attention/error.h"
#include "harness/curate/captions/captioner.h"
#include "harness/curate/captions/http_post.h"
#include "harness/io/json_file.h"
#include "harness/io/text/base64.h"

namespace vidattn {
namespace {

/// Without "```json" before it and "```" behind.
std::string without_fences(const std::string& text) {
  const size_t first = text.find('{'), last = text.rfind('}');
  if (first == std::string::npos || last == std::string::npos || last < first) return text;
  return text.substr(first, last - first + 1);
}

class EndpointCaptioner : public Captioner {
 public:
  EndpointCaptioner(const std::string& url, std::string model, std::string prompt)
      : url_(parse_loopback_url(url)), model_(std::move(model)), prompt_(std::move(prompt)) {
    require_http_client();
  }

  nlohmann::json ask(const std::vector<JpegBytes>& frames) override {
    nlohmann::json content = nlohmann::json::array();
    content.push_back({{"type", "text"}, {"text", prompt_}});
    for (const JpegBytes& frame : frames)
      content.push_back({{"type", "image_url"},
                         {"image_url", {{"url", "data:image/jpeg;base64," + base64(frame)}}}});
    const nlohmann::json request{
        {"model", model_},
        {"temperature", 0},
        {"messages", nlohmann::json::array({{{"role", "user"}, {"content", content}}})}};
    return read_chat_answer(post_json(url_, "/chat/completions", json_line(request)));
  }

  std::string identity() const override {
    return "endpoint: " + model_ + ": " + url_.path + ": " + prompt_;
  }

 private:
  LoopbackUrl url_;
  std::string model_, prompt_;
};

}  // namespace

nlohmann::json read_chat_answer(const std::string& body) {
  const nlohmann::json answer = parse_json(body);
  const std::vector<JsonReader> choices =
      JsonReader(answer, "the caption server's answer").at("choices").items();
  if (choices.empty()) throw InputError("the caption server's answer has no choices");
  return parse_json(without_fences(choices.front().at("message").at("content").raw_text()));
}

std::unique_ptr<Captioner> endpoint_captioner(const std::string& url, const std::string& model,
                                              const std::string& prompt) {
  return std::make_unique<EndpointCaptioner>(url, model, prompt);
}

}  // namespace vidattn
