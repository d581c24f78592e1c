#include "harness/distributed/ranks/communicator.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace vidattn {
namespace {

/// Exchanges of blocks and those that go on beside work do not meet.
constexpr int kCollectiveTag = 1, kExchangeTag = 2;

}  // namespace

Traffic& Traffic::operator+=(const Traffic& more) {
  sent += more.sent;
  received += more.received;
  seconds += more.seconds;
  waited += more.waited;
  return *this;
}

int64_t ByteBlocks::offset(int rank) const {
  return std::accumulate(bytes.begin(), bytes.begin() + rank, int64_t{0});
}

Communicator::Communicator(Transport& transport)
    : transport_(&transport), members_(transport.size()), rank_(transport.rank()) {
  std::iota(members_.begin(), members_.end(), 0);
}

Communicator::Communicator(const Communicator& of, const std::vector<int>& members)
    : transport_(of.transport_) {
  for (const int member : members) members_.push_back(of.members_.at(member));
  const auto own = std::find(members_.begin(), members_.end(), transport_->rank());
  rank_ = static_cast<int>(own - members_.begin());
}

void Communicator::all_to_all(const void* from, const ByteBlocks& sent, void* to,
                              const ByteBlocks& received) {
  const auto start = Clock::now();
  const auto* source = static_cast<const char*>(from);
  auto* target = static_cast<char*>(to);
  std::vector<std::unique_ptr<Transfer>> transfers;
  // Every rank begins with another one: no rank is sent to by all at once.
  for (int step = 1; step < size(); ++step) {
    const int next = (rank_ + step) % size(), before = (rank_ + size() - step) % size();
    if (received.bytes[before] > 0)
      transfers.push_back(transport_->receive(target + received.offset(before),
                                              received.bytes[before], members_[before],
                                              kCollectiveTag));
    if (sent.bytes[next] > 0)
      transfers.push_back(transport_->send(source + sent.offset(next), sent.bytes[next],
                                           members_[next], kCollectiveTag));
    traffic_.sent += sent.bytes[next];
    traffic_.received += received.bytes[before];
  }
  if (sent.bytes[rank_] > 0)
    std::memcpy(target + received.offset(rank_), source + sent.offset(rank_), sent.bytes[rank_]);
  for (const auto& transfer : transfers) transfer->wait();
  const double seconds = seconds_since(start);
  traffic_.seconds += seconds;
  traffic_.waited += seconds;
}

void Communicator::all_gather(const void* own, void* all, const ByteBlocks& blocks) {
  const auto start = Clock::now();
  auto* target = static_cast<char*>(all);
  const int64_t bytes = blocks.bytes[rank_];
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (int step = 1; step < size(); ++step) {
    const int next = (rank_ + step) % size(), before = (rank_ + size() - step) % size();
    if (blocks.bytes[before] > 0)
      transfers.push_back(transport_->receive(target + blocks.offset(before), blocks.bytes[before],
                                              members_[before], kCollectiveTag));
    if (bytes > 0)
      transfers.push_back(transport_->send(own, bytes, members_[next], kCollectiveTag));
    traffic_.sent += bytes;
    traffic_.received += blocks.bytes[before];
  }
  if (bytes > 0) std::memmove(target + blocks.offset(rank_), own, bytes);
  for (const auto& transfer : transfers) transfer->wait();
  const double seconds = seconds_since(start);
  traffic_.seconds += seconds;
  traffic_.waited += seconds;
}

// What ranks tell each other about the run is not part of its traffic.
std::vector<double> Communicator::all_gather(double own) {
  const Traffic before = traffic_;
  std::vector<double> all(size());
  all_gather(&own, all.data(), {std::vector<int64_t>(size(), sizeof own)});
  traffic_ = before;
  return all;
}

std::vector<int64_t> Communicator::all_gather(int64_t own) {
  const Traffic before = traffic_;
  std::vector<int64_t> all(size());
  all_gather(&own, all.data(), {std::vector<int64_t>(size(), sizeof own)});
  traffic_ = before;
  return all;
}

std::vector<std::string> Communicator::all_gather(const std::string& own) {
  const ByteBlocks blocks{all_gather(static_cast<int64_t>(own.size()))};
  const Traffic before = traffic_;
  std::string joined(blocks.total(), '\0');
  all_gather(own.data(), joined.data(), blocks);
  traffic_ = before;
  std::vector<std::string> all;
  for (int r = 0; r < size(); ++r) all.push_back(joined.substr(blocks.offset(r), blocks.bytes[r]));
  return all;
}

Communicator::Exchange Communicator::start(const void* from, int64_t sent, int to_rank, void* to,
                                           int64_t received, int from_rank) {
  Exchange exchange;
  exchange.traffic_ = &traffic_;
  exchange.start_ = Clock::now();
  exchange.received_ = transport_->receive(to, received, members_[from_rank], kExchangeTag);
  exchange.sent_ = transport_->send(from, sent, members_[to_rank], kExchangeTag);
  traffic_.sent += sent;
  traffic_.received += received;
  return exchange;
}

double Communicator::Exchange::finish() {
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  const auto asked = Clock::now();
  sent_->wait();
  received_->wait();
  const auto end = std::max(sent_->done_at(), received_->done_at());
  traffic_->seconds += seconds(end - start_);
  traffic_->waited += std::max(0.0, seconds(end - asked));
  return end <= start_ ? 1 : seconds(std::min(asked, end) - start_) / seconds(end - start_);
}

}  // namespace vidattn
