// SPDX-License-Identifier: BSL-1.0
// Asking supervisors, and understanding their answers.
#include <troupe/actors/behaviours/supervision.hpp>
#include <troupe/actors/behaviours/supervisor_calls.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

[[noreturn]] void bad_answer(const destination& sup, const term& answer) {
  throw call_failed(term::tuple({"bad_reply"_atom, answer}), sup.to_term(), "supervisor");
}

bool is_answer(const term& t, atom tag) {
  return t.is_tuple(tag) && t.size() >= 2;
}

task<term> ask(context& self, destination sup, term what, detail::duration patience = infinity) {
  co_return co_await self.call(sup, what, patience);
}

task<term> ask(context& self, destination sup, atom what, term about) {
  const term question = term::tuple({what, std::move(about)});
  co_return co_await self.call(sup, question, infinity);
}

/// {ok, Pid}, {ok, Pid, Extra}, {ok, undefined} or {error, Reason}.
start_result started_from(const destination& sup, const term& answer) {
  start_result result;
  if (is_answer(answer, "ok"_atom)) {
    if (answer[1].is_pid())
      result.process = answer[1].as_pid();
    else
      result.what = start_result::outcome::ignored;
  } else if (is_answer(answer, "error"_atom)) {
    result.what = start_result::outcome::failed;
    result.reason = answer[1];
  } else {
    bad_answer(sup, answer);
  }
  return result;
}

child_result done_from(const destination& sup, const term& answer) {
  if (answer.is_atom("ok"_atom)) return child_result(answer);
  if (!is_answer(answer, "error"_atom)) bad_answer(sup, answer);
  return child_result(answer[1]);
}

bool is_here(context& self, const destination& sup) {
  return (sup.which() == destination::kind::process && sup.process().node() == self.pid().node()) ||
         sup.which() == destination::kind::name;
}

/// A start that this program knows nothing of but its term.
class foreign_starter final : public detail::child_starter {
 public:
  explicit foreign_starter(term start) : start_(std::move(start)) {}
  task<start_result> start(context&, const std::vector<term>&) const override {
    start_result result;
    result.what = start_result::outcome::failed;
    result.reason = term::tuple({"no_child_factory"_atom, start_.is_tuple() && start_.size() > 0 ? start_[0] : start_});
    co_return result;
  }
  term to_term() const override { return start_; }

 private:
  term start_;
};

child_spec spec_from(const destination& sup, const term& answer) {
  try {
    return detail::spec_from_term(answer[1], [](const term& start, const term*) {
      return child_start(std::make_shared<const foreign_starter>(start));
    });
  } catch (const child_spec_error&) {
    bad_answer(sup, answer);
  }
}

}  // namespace

task<start_result> start_child(context& self, destination sup, child_spec spec) {
  term answer;
  if (is_here(self, sup)) {
    const detail::add_child request{std::move(spec)};
    answer = co_await self.call(sup, request, infinity);
  } else {
    answer = co_await ask(self, sup, "start_child"_atom, spec.to_term());
  }
  co_return started_from(sup, answer);
}

task<start_result> start_child(context& self, destination sup, std::vector<term> arguments) {
  const term answer = co_await ask(self, sup, "start_child"_atom, term::list(std::move(arguments)));
  co_return started_from(sup, answer);
}

task<child_result> terminate_child(context& self, destination sup, child_id id) {
  const term answer = co_await ask(self, sup, "terminate_child"_atom, id.value());
  co_return done_from(sup, answer);
}

task<start_result> restart_child(context& self, destination sup, child_id id) {
  const term answer = co_await ask(self, sup, "restart_child"_atom, id.value());
  co_return started_from(sup, answer);
}

task<child_result> delete_child(context& self, destination sup, child_id id) {
  const term answer = co_await ask(self, sup, "delete_child"_atom, id.value());
  co_return done_from(sup, answer);
}

task<std::vector<child_info>> which_children(context& self, destination sup, detail::duration patience) {
  const term answer = co_await ask(self, sup, "which_children"_atom, patience);
  if (!answer.is_list()) bad_answer(sup, answer);
  std::vector<child_info> all;
  all.reserve(answer.size());
  for (const term& one : answer.elements()) {
    if (!one.is_tuple() || one.size() != 4) bad_answer(sup, answer);
    child_info info;
    info.id = one[0];
    if (one[1].is_pid()) {
      info.what = child_info::state::running;
      info.process = one[1].as_pid();
    } else if (one[1].is_atom("restarting"_atom)) {
      info.what = child_info::state::restarting;
    }
    info.type = one[2].is_atom("supervisor"_atom) ? child_type::supervisor : child_type::worker;
    info.modules = one[3];
    all.push_back(std::move(info));
  }
  co_return all;
}

task<child_counts> count_children(context& self, destination sup) {
  const term answer = co_await ask(self, sup, "count_children"_atom);
  if (!answer.is_list()) bad_answer(sup, answer);
  child_counts counts;
  for (const term& one : answer.elements()) {
    if (!one.is_tuple() || one.size() != 2 || !one[1].is_integer()) bad_answer(sup, answer);
    const auto number = static_cast<std::size_t>(one[1].as_unsigned());
    if (one[0].is_atom("specs"_atom)) counts.specs = number;
    if (one[0].is_atom("active"_atom)) counts.active = number;
    if (one[0].is_atom("supervisors"_atom)) counts.supervisors = number;
    if (one[0].is_atom("workers"_atom)) counts.workers = number;
  }
  co_return counts;
}

task<std::optional<child_spec>> get_childspec(context& self, destination sup, child_id id) {
  if (is_here(self, sup)) {
    const detail::find_spec request{id.value()};
    detail::found_spec found = co_await self.call(sup, request, infinity);
    co_return std::move(found.spec);
  }
  const term answer = co_await ask(self, sup, "get_childspec"_atom, id.value());
  if (!is_answer(answer, "ok"_atom)) co_return std::nullopt;
  co_return spec_from(sup, answer);
}

// --- trees ----------------------------------------------------------------------------------------------------------

task<supervised> supervisor_tree(context& self, destination sup, detail::duration patience) {
  supervised root;
  root.id = sup.to_term();
  root.type = child_type::supervisor;
  if (sup.which() == destination::kind::process) root.process = sup.process();
  if (sup.which() == destination::kind::name) root.process = self.whereis(sup.name());
  std::vector<child_info> children = co_await which_children(self, sup, patience);
  std::reverse(children.begin(), children.end());
  for (child_info& c : children) {
    supervised below;
    if (c.type == child_type::supervisor && c.running()) {
      try {
        below = co_await supervisor_tree(self, c.process, patience);
      } catch (const call_failed&) {
        // It is gone, or no supervisor: shown as it is.
      }
    }
    below.id = c.id;
    below.process = c.process;
    below.what = c.what;
    below.type = c.type;
    root.children.push_back(std::move(below));
  }
  co_return root;
}

namespace {

void draw(std::string& to, const supervised& node, const std::string& indent) {
  to += node.id.to_string();
  if (node.process && !(node.id.is_pid() && node.id.as_pid() == node.process)) to += " " + node.process.to_string();
  if (node.what == child_info::state::restarting) to += " restarting";
  if (node.what == child_info::state::undefined) to += " undefined";
  to += node.type == child_type::supervisor ? " supervisor\n" : " worker\n";
  for (const supervised& c : node.children) {
    const bool last = &c == &node.children.back();
    to += indent + (last ? "`- " : "|- ");
    draw(to, c, indent + (last ? "   " : "|  "));
  }
}

}  // namespace

std::string to_string(const supervised& tree) {
  std::string text;
  draw(text, tree, "");
  return text;
}

}  // namespace troupe
