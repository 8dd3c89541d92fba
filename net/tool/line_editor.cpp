// SPDX-License-Identifier: BSL-1.0
// Lines from a terminal, by libedit.
#include <troupe/net/tool/line_editor.hpp>

#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/tool/shown.hpp>

#include <fcntl.h>
#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <string_view>
#include <utility>

namespace troupe::tool {

std::size_t first_word(std::string_view text) {
  const bool quoted = text.starts_with('\'');
  std::size_t at = quoted ? 1 : 0;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '\\')
      ++at;
    else if (quoted && text[at] == '\'')
      return at + 1;
    else if (!quoted && (text[at] == ' ' || text[at] == '\t'))
      return at;
  }
  return text.size();
}

namespace {

/// Where the word begins that the text ends with.
std::size_t last_word(std::string_view text) {
  std::size_t begin = 0;
  for (;;) {
    while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\t')) ++begin;
    const std::size_t end = begin + first_word(text.substr(begin));
    if (end >= text.size()) return begin;
    begin = end;
  }
}

}  // namespace

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
    const std::size_t begin = last_word(before);
    const std::string word = before.substr(begin);
    std::vector<std::string> fitting;
    for (const std::string& candidate : begin == 0 ? first : others) {
      // A name in quotes may be begun without them.
      if (candidate.starts_with(word) || (!word.starts_with('\'') && candidate.starts_with("'" + word)))
        fitting.push_back(candidate);
    }
    if (fitting.empty()) return CC_ERROR;
    std::string common = fitting.front();
    for (const std::string& f : fitting) {
      const auto [mine, theirs] = std::mismatch(common.begin(), common.end(), f.begin(), f.end());
      common.erase(mine, common.end());
    }
    // Not in the middle of a character.
    while (troupe::detail::count_code_points(common) < 0) common.pop_back();
    if (common.starts_with(word) && common.size() == word.size() && fitting.size() > 1) {
      std::fputc('\n', stdout);
      for (const std::string& f : fitting) std::printf("%s  ", f.c_str());
      std::fputc('\n', stdout);
      std::fflush(stdout);
      return CC_REDISPLAY;
    }
    if (fitting.size() == 1) common += ' ';
    ::el_deletestr(line, static_cast<int>(columns(word)));
    return ::el_insertstr(line, common.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }
  static unsigned char complete_in(EditLine* line, int) { return of(line).complete(); }

  /// Ctrl-C: this line is not wanted; the next one is.
  static unsigned char give_up(EditLine* line, int) {
    const LineInfo* now = ::el_line(line);
    const std::string_view behind(now->cursor, static_cast<std::size_t>(now->lastchar - now->cursor));
    ::el_cursor(line, static_cast<int>(columns(behind)));
    ::el_deletestr(line,
                   static_cast<int>(columns({now->buffer, static_cast<std::size_t>(now->lastchar - now->buffer)})));
    ::el_insertstr(line, "\n");
    return CC_NEWLINE;
  }

  // The file holds a line for each line. It is written when one is entered, so that none is lost however the program
  // ends, and consoles at one time keep one another's.
  static constexpr std::size_t kept_lines = 1000;

  void load_history() {
    std::deque<std::string> lines;
    std::string text;
    std::size_t all = 0;
    for (std::ifstream file(history_file); std::getline(file, text); ++all) {
      lines.push_back(text);
      if (lines.size() > kept_lines) lines.pop_front();
    }
    for (const std::string& l : lines) ::history(history, &event, H_ENTER, l.c_str());
    if (all <= 2 * kept_lines) return;
    const std::string shorter = history_file + ".new";
    std::ofstream file(shorter);
    for (const std::string& l : lines) file << l << '\n';
    file.close();
    if (file) std::rename(shorter.c_str(), history_file.c_str());
  }

  void enter(const std::string& text) {
    ::history(history, &event, H_ENTER, text.c_str());
    if (history_file.empty()) return;
    const int file = ::open(history_file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    const std::string whole = text + "\n";  // one write: others' lines are not torn
    [[maybe_unused]] const auto written = ::write(file, whole.data(), whole.size());
    ::close(file);
  }
};

line_editor::line_editor(const std::string& program, std::string history_file) : impl_(std::make_unique<impl>()) {
  if (::isatty(STDIN_FILENO) == 0) return;
  impl_->history_file = std::move(history_file);
  impl_->history = ::history_init();
  ::history(impl_->history, &impl_->event, H_SETSIZE, 1000);
  ::history(impl_->history, &impl_->event, H_SETUNIQUE, 1);
  if (!impl_->history_file.empty()) impl_->load_history();
  impl_->line = ::el_init(program.c_str(), stdin, stdout, stderr);
  ::el_set(impl_->line, EL_CLIENTDATA, static_cast<void*>(impl_.get()));
  ::el_set(impl_->line, EL_PROMPT, &impl::prompt_of);
  ::el_set(impl_->line, EL_EDITOR, "emacs");
  ::el_set(impl_->line, EL_HIST, &::history, impl_->history);
  // (The same of narrow texts would keep copies of them for ever.)
  ::el_wset(impl_->line, EL_ADDFN, L"troupe-complete", L"completes the word", &impl::complete_in);
  ::el_set(impl_->line, EL_BIND, "^I", "troupe-complete", nullptr);
  ::el_set(impl_->line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_wset(impl_->line, EL_ADDFN, L"troupe-give-up", L"a new line instead of this one", &impl::give_up);
  ::el_set(impl_->line, EL_BIND, "^C", "troupe-give-up", nullptr);
  ::el_set(impl_->line, EL_SETTY, "-d", "-isig", nullptr);  // so that Ctrl-C is a key while a line is edited
  ::el_set(impl_->line, EL_SIGNAL, 1);                      // the terminal is as it was when a signal ends the program
}

line_editor::~line_editor() {
  if (impl_->line == nullptr) return;
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
  // It would show the prompt first and then change the terminal: Ctrl-D typed in between was lost (once in 12 tests).
  ::el_set(impl_->line, EL_PREP_TERM, 1);
  const char* got = ::el_gets(impl_->line, &length);
  if (got == nullptr || length <= 0) return std::nullopt;
  text.assign(got, static_cast<std::size_t>(length));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!text.empty()) impl_->enter(text);
  return text;
}

}  // namespace troupe::tool
