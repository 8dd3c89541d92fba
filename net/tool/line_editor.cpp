// SPDX-License-Identifier: BSL-1.0
// Lines from a terminal, by libedit.
#include <troupe/net/tool/line_editor.hpp>

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <iostream>
#include <utility>

namespace troupe::tool {

struct line_editor::impl {
  EditLine* line = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string history_file;
  std::string prompt;
  std::vector<std::string> first;
  std::vector<std::string> others;

  static impl& of(EditLine* line) {
    void* self = nullptr;
    ::el_get(line, EL_CLIENTDATA, &self);
    return *static_cast<impl*>(self);
  }
  static char* prompt_of(EditLine* line) { return of(line).prompt.data(); }

  /// Goes on with the word before the cursor as far as that is certain; shows what it may become.
  unsigned char complete() {
    const LineInfo* now = ::el_line(line);
    const std::string before(now->buffer, now->cursor);
    const auto blank = before.rfind(' ');
    const std::string word = blank == std::string::npos ? before : before.substr(blank + 1);
    std::vector<std::string> fitting;
    for (const std::string& candidate : blank == std::string::npos ? first : others)
      if (candidate.starts_with(word)) fitting.push_back(candidate);
    if (fitting.empty()) return CC_ERROR;
    std::string common = fitting.front();
    for (const std::string& f : fitting) {
      const auto [mine, theirs] = std::mismatch(common.begin(), common.end(), f.begin(), f.end());
      common.erase(mine, common.end());
    }
    std::string more = common.substr(word.size());
    if (fitting.size() == 1) more += ' ';
    if (!more.empty()) return ::el_insertstr(line, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    std::fputc('\n', stdout);
    for (const std::string& f : fitting) std::printf("%s  ", f.c_str());
    std::fputc('\n', stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
  }
  static unsigned char complete_in(EditLine* line, int) { return of(line).complete(); }
};

line_editor::line_editor(const std::string& program, std::string history_file) : impl_(std::make_unique<impl>()) {
  if (::isatty(STDIN_FILENO) == 0) return;
  std::setlocale(LC_CTYPE, "");  // libedit reads characters, not bytes
  impl_->history_file = std::move(history_file);
  impl_->history = ::history_init();
  ::history(impl_->history, &impl_->event, H_SETSIZE, 1000);
  ::history(impl_->history, &impl_->event, H_SETUNIQUE, 1);
  if (!impl_->history_file.empty()) ::history(impl_->history, &impl_->event, H_LOAD, impl_->history_file.c_str());
  impl_->line = ::el_init(program.c_str(), stdin, stdout, stderr);
  ::el_set(impl_->line, EL_CLIENTDATA, static_cast<void*>(impl_.get()));
  ::el_set(impl_->line, EL_PROMPT, &impl::prompt_of);
  ::el_set(impl_->line, EL_EDITOR, "emacs");
  ::el_set(impl_->line, EL_HIST, &::history, impl_->history);
  ::el_set(impl_->line, EL_ADDFN, "troupe-complete", "completes the word", &impl::complete_in);
  ::el_set(impl_->line, EL_BIND, "^I", "troupe-complete", nullptr);
  ::el_set(impl_->line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

line_editor::~line_editor() {
  if (impl_->line == nullptr) return;
  if (!impl_->history_file.empty()) ::history(impl_->history, &impl_->event, H_SAVE, impl_->history_file.c_str());
  ::history_end(impl_->history);
  ::el_end(impl_->line);
}

bool line_editor::is_terminal() const noexcept {
  return impl_->line != nullptr;
}

void line_editor::complete(std::vector<std::string> first, std::vector<std::string> others) {
  impl_->first = std::move(first);
  impl_->others = std::move(others);
}

std::optional<std::string> line_editor::read(const std::string& prompt) {
  std::string text;
  if (impl_->line == nullptr) {
    if (!std::getline(std::cin, text)) return std::nullopt;
    return text;
  }
  impl_->prompt = prompt;
  int length = 0;
  const char* got = ::el_gets(impl_->line, &length);
  if (got == nullptr || length <= 0) return std::nullopt;
  text.assign(got, static_cast<std::size_t>(length));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!text.empty()) ::history(impl_->history, &impl_->event, H_ENTER, text.c_str());
  return text;
}

}  // namespace troupe::tool
