// SPDX-License-Identifier: BSL-1.0
// Where a value is read from, part by part: a term, JSON, the external term format.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/port.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// What `build` of a type reads from. The reader pulls: each read_ and begin_ function takes the next value
/// when it is of that sort and returns true, or leaves it where it is and returns false. A mismatch is no
/// exception, because a receive that tries a pattern must be cheap; only input that is broken throws
/// decode_error. Each begin_ that returned true is followed by its elements and its end_ (which is left out
/// only before a rewind). One thread at a time.
class term_source {
 public:
  /// A place to rewind() to: valid until the value that encloses it has been left.
  struct position {
    std::size_t depth;   ///< how many values enclose it
    std::size_t offset;  ///< how far in, as the format counts
  };

  /// What max_depth() is unless set.
  static constexpr std::size_t default_max_depth = 512;

  virtual ~term_source();

  /// Kind of the next value.
  virtual term_kind peek() const = 0;

  /// An integer that 64 bits hold; larger ones are for read_unsigned and read_term.
  virtual bool read_integer(std::int64_t& value) = 0;
  /// An integer of 0 or more. Unless overridden, one that read_integer can read.
  virtual bool read_unsigned(std::uint64_t& value);
  /// A float, and no integer.
  virtual bool read_floating(double& value) = 0;
  /// An atom.
  virtual bool read_atom(atom& value) = 0;
  /// A pid.
  virtual bool read_pid(pid& value) = 0;
  /// A reference.
  virtual bool read_reference(reference& value) = 0;
  /// A port. Unless overridden, one that read_term gives.
  virtual bool read_port(port& value);
  /// The view lives until the next call.
  virtual bool read_binary(std::string_view& bytes) = 0;

  /// A list. Afterwards `size` elements.
  virtual bool begin_list(std::size_t& size) = 0;
  /// All elements have been read.
  virtual void end_list() = 0;
  /// A tuple. Afterwards `size` elements.
  virtual bool begin_tuple(std::size_t& size) = 0;
  /// All elements have been read.
  virtual void end_tuple() = 0;
  /// Afterwards `size` times a key and its value.
  virtual bool begin_map(std::size_t& size) = 0;
  /// All keys and values have been read.
  virtual void end_map() = 0;

  /// The counterparts of term_sink's: unless overridden, text is a binary, true and false are atoms, nothing
  /// is the atom undefined.
  virtual bool read_text(std::string_view& text);
  /// The atom true or false.
  virtual bool read_bool(bool& value);
  /// Takes the next value when it is the atom `name`, without making an atom.
  virtual bool read_tag(std::string_view name);
  /// The text of the next value when it is an atom; formats that have no atoms make none for it. The view lives until
  /// the next call.
  virtual bool read_name(std::string_view& name);
  /// Nothing: the atom undefined.
  bool read_undefined() { return read_tag("undefined"); }

  /// A struct with this name and so many members: unless overridden, the tuple {name, Member...}, or the atom
  /// name.
  virtual bool begin_struct(std::string_view name, std::size_t size);
  /// The next member; a source that knows members by name may jump there. Where members can be left out, one that is
  /// not there is a value that only read_missing() and read_undefined() take. False: the struct cannot be read, and
  /// fail() has been called.
  virtual bool member(std::string_view name);
  /// Takes the next value when it is a member that was left out. Unless overridden there is none.
  virtual bool read_missing();
  /// All members have been read; the same size as at the beginning.
  virtual void end_struct(std::size_t size);

  /// The whole next value.
  virtual term read_term() = 0;

  /// For values with more than one reading: mark, try, rewind, try the next.
  virtual position mark() const = 0;
  /// Goes back to where that mark was made.
  virtual void rewind(const position& place) = 0;

  /// Nothing nests deeper than this, so that no input overflows the stack.
  std::size_t max_depth() const noexcept { return max_depth_; }
  /// Sets another limit.
  void set_max_depth(std::size_t levels) noexcept { max_depth_ = levels; }

  /// Does anybody want to know why? When not, fail() and the path functions do nothing, and a mismatch costs
  /// nothing.
  bool explains() const noexcept { return explains_; }
  /// Sets whether somebody does.
  void set_explains(bool on) noexcept { explains_ = on; }

  /// While set, an integer is not taken for a float: how a variant tells its alternatives apart.
  bool is_exact() const noexcept { return exact_; }
  /// Sets whether that holds.
  void set_exact(bool on) noexcept { exact_ = on; }

  /// The next value is one of several that might stand there, and should say which: see term_sink.
  void expect_alternative() noexcept { alternative_ = true; }

  /// Notes that something else was expected than the next value (or than `got`). Returns false, for `return
  /// source.fail(...)`.
  bool fail(std::string_view expected);
  /// The same, for something that is not the next value.
  bool fail(std::string_view expected, std::string_view got);
  /// Puts a step before the path of what has failed: `.qty`, `[3]`, `order`. Called on the way out. Returns
  /// false.
  bool prepend(std::string_view step);
  /// The step [index]. Returns false.
  bool prepend_index(std::size_t index);
  /// The step {index + 1}: the element of a tuple, as Erlang counts. Returns false.
  bool prepend_position(std::size_t index);
  /// Takes over what a codec of the user's has thrown. Returns false.
  bool fail(const decode_error& error);

  /// What has failed, to be thrown.
  decode_error error() const { return decode_error(path_, expected_, got_); }

  /// The next value, printed and cut to some 100 bytes, for error texts.
  virtual std::string describe();

 protected:
  term_source() = default;
  /// For formats whose readers can be copied: at the same place, with the same settings.
  term_source(const term_source&) = default;
  /// Likewise.
  term_source& operator=(const term_source&) = default;

  /// What a format makes of a failure before it is kept; called only while explains(). `path` is empty unless a codec
  /// of the user's has thrown it, and what is added to it on the way out is lost when `whole_path` becomes true.
  struct failure {
    std::string path;         ///< the steps to the value; see prepend
    std::string expected;     ///< what should have been there
    std::string got;          ///< what was there
    bool at_next;             ///< is it about the next value, and not about the one before it?
    bool whole_path = false;  ///< is `path` the whole path, so that no step is put before it?
  };
  /// Unless overridden, leaves it as it is.
  virtual void word(failure& what);

  /// Was expect_alternative() called for the next value?
  bool is_alternative() const noexcept { return alternative_; }
  /// That has been seen to.
  void clear_alternative() noexcept { alternative_ = false; }

 private:
  bool note(failure what);

  std::size_t max_depth_ = default_max_depth;
  bool explains_ = false;
  bool exact_ = false;
  bool alternative_ = false;
  bool whole_path_ = false;
  std::string path_;
  std::string expected_;
  std::string got_;
};

}  // namespace troupe
