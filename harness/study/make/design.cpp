#include "harness/study/make/design.h"

#include <algorithm>
#include <numeric>

#include "harness/study/latin_square.h"

namespace vidattn {
namespace {

constexpr int64_t kMostPlans = 240;

/// What is shown of one prompt: every method, or every pair of two.
std::vector<std::vector<int64_t>> items_of(const DesignRequest& request) {
  std::vector<std::vector<int64_t>> items;
  for (int64_t a = 0; a < request.methods; ++a) {
    if (request.kind == StudyKind::scale) items.push_back({a});
    for (int64_t b = a + 1; request.kind == StudyKind::pairs && b < request.methods; ++b)
      items.push_back({a, b});
  }
  return items;
}

class Designer {
 public:
  Designer(const DesignRequest& request, Random& random)
      : request_(request),
        random_(random),
        items_(items_of(request)),
        rows_(balanced_latin_square(count())),
        prompt_rows_(balanced_latin_square(request.prompts)) {
    for (int64_t p = 0; p < request.prompts; ++p)
      item_order_.push_back(drawn_order(count(), random));
    add_tasks();
    add_checks();
    for (int64_t plan = 0; plan < plan_count(); ++plan) design_.plans.push_back(plan_of(plan));
    number_at_random();
  }

  Design take() { return std::move(design_); }

 private:
  int64_t count() const { return static_cast<int64_t>(items_.size()); }
  int64_t sides() const { return request_.kind == StudyKind::pairs ? 2 : 1; }
  int64_t task_of(int64_t prompt, int64_t item, int64_t side) const {
    return (prompt * count() + item) * sides() + side;
  }

  void add_tasks() {
    for (int64_t p = 0; p < request_.prompts; ++p)
      for (const std::vector<int64_t>& item : items_) {
        design_.tasks.push_back({p, item, {}});
        if (sides() == 2) design_.tasks.push_back({p, {item[1], item[0]}, {}});
      }
  }

  /// On a scale from the quarters at both ends: an answer that nobody gives throughout.
  void add_checks() {
    const AnswerRange range = answer_range(request_.kind);
    const int64_t ends = sides() == 2 ? 1 : 3;
    for (int64_t i = 0; i < request_.checks; ++i) {
      const int64_t inwards = random_.below(ends);
      DesignTask check = design_.tasks[random_.below(request_.prompts * count() * sides())];
      check.check = i % 2 == 0 ? range.least + inwards : range.most - inwards;
      design_.tasks.push_back(check);
    }
  }

  int64_t plan_count() const {
    const auto turn = static_cast<int64_t>(rows_.size()) * sides();
    const int64_t all = std::lcm(turn, static_cast<int64_t>(prompt_rows_.size()));
    return all <= kMostPlans ? all : std::max(turn, kMostPlans / turn * turn);
  }

  std::vector<int64_t> plan_of(int64_t number) {
    const auto turn = static_cast<int64_t>(rows_.size());
    const std::vector<int64_t>& prompts = prompt_rows_[number % prompt_rows_.size()];
    const int64_t seen = request_.per_rater > 0 ? request_.per_rater : request_.prompts;
    std::vector<int64_t> plan;
    for (int64_t i = 0; i < seen; ++i) {
      const int64_t prompt = prompts[i];
      for (const int64_t place : rows_[(number + prompt) % turn]) {
        const int64_t item = item_order_[prompt][place];
        const int64_t side = (number % turn + number / turn + prompt + item) % sides();
        plan.push_back(task_of(prompt, item, side));
      }
    }
    insert_checks(plan);
    return plan;
  }

  /// One in each of equal parts of the plan.
  void insert_checks(std::vector<int64_t>& plan) {
    const auto tasks = static_cast<int64_t>(plan.size());
    const auto first = static_cast<int64_t>(design_.tasks.size()) - request_.checks;
    const std::vector<int64_t> order = drawn_order(request_.checks, random_);
    for (int64_t i = request_.checks - 1; i >= 0; --i) {
      const int64_t from = tasks * i / request_.checks, to = tasks * (i + 1) / request_.checks;
      const int64_t place = from + 1 + (to > from ? random_.below(to - from) : 0);
      plan.insert(plan.begin() + std::min(place, tasks), first + order[i]);
    }
  }

  void number_at_random() {
    const std::vector<int64_t> number =
        drawn_order(static_cast<int64_t>(design_.tasks.size()), random_);
    std::vector<DesignTask> tasks(number.size());
    for (size_t i = 0; i < number.size(); ++i) tasks[number[i]] = std::move(design_.tasks[i]);
    design_.tasks = std::move(tasks);
    for (std::vector<int64_t>& plan : design_.plans)
      for (int64_t& task : plan) task = number[task];
  }

  DesignRequest request_;
  Random& random_;
  std::vector<std::vector<int64_t>> items_, rows_, prompt_rows_;
  std::vector<std::vector<int64_t>> item_order_;  ///< by prompt: which item a row's entry means
  Design design_;
};

}  // namespace

std::vector<int64_t> drawn_order(int64_t n, Random& random) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  return order;
}

Design design_study(const DesignRequest& request, Random& random) {
  return Designer(request, random).take();
}

}  // namespace vidattn
