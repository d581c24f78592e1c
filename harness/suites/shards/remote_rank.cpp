#include "harness/suites/shards/remote_rank.h"

#include <fmt/format.h>

namespace vidattn {
namespace {

/// Messages of a rank to the first and back, apart from those of communicators.
constexpr int kSuiteTag = 10;

void send_number(Transport& transport, int64_t number, int to) {
  transport.send(&number, sizeof number, to, kSuiteTag)->wait();
}

void send_text(Transport& transport, const std::string& text, int to) {
  send_number(transport, std::ssize(text), to);
  if (!text.empty()) transport.send(text.data(), std::ssize(text), to, kSuiteTag)->wait();
}

}  // namespace

RemoteRank::RemoteRank(Transport& transport, int rank) : transport_(transport), rank_(rank) {
  listen();
}

std::string RemoteRank::name() const { return fmt::format("rank {} on {}", rank_, host()); }

void RemoteRank::listen() { header_ = transport_.receive(&size_, sizeof size_, rank_, kSuiteTag); }

const std::string* RemoteRank::said() {
  if (header_ && header_->done()) {
    header_.reset();
    text_.assign(size_, '\0');
    if (size_ > 0) body_ = transport_.receive(text_.data(), size_, rank_, kSuiteTag);
  }
  if (body_ && body_->done()) body_.reset();
  return header_ || body_ ? nullptr : &text_;
}

void RemoteRank::tell(const std::string& text) {
  send_text(transport_, text, rank_);
  listen();
}

void RemoteRank::give(int64_t place) {
  send_number(transport_, place, rank_);
  place_ = place;
  listen();
}

void RemoteRank::end(int64_t order) { send_number(transport_, order, rank_); }

void FirstRank::say(const std::string& text) { send_text(transport_, text, 0); }

std::string FirstRank::hear() {
  std::string text(order(), '\0');
  if (!text.empty()) transport_.receive(text.data(), std::ssize(text), 0, kSuiteTag)->wait();
  return text;
}

int64_t FirstRank::order() {
  int64_t number = 0;
  transport_.receive(&number, sizeof number, 0, kSuiteTag)->wait();
  return number;
}

}  // namespace vidattn
