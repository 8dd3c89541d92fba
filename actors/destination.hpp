// SPDX-License-Identifier: BSL-1.0
// Whom a message is for: a pid, a registered name here or on another node, or an alias.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <string>
#include <string_view>

namespace troupe {

class context;

/// The name of a process, made implicitly from an atom or a string: register_name("counter"). Throws what atom's
/// constructor throws.
class process_name {
 public:
  process_name() noexcept = default;
  /// An atom.
  process_name(troupe::atom name) noexcept : name_(name) {}
  /// Text: becomes an atom. Throws std::invalid_argument for text that is none (longer than 255 characters, no UTF-8).
  process_name(std::string_view name) : name_(name) {}
  /// The same, from a C string.
  process_name(const char* name) : name_(std::string_view(name)) {}
  /// The same, from a std::string.
  process_name(const std::string& name) : name_(std::string_view(name)) {}
  /// The name; the empty atom when there is none.
  troupe::atom atom() const noexcept { return name_; }

 private:
  troupe::atom name_;
};

/// Made implicitly from a pid, a context (the process itself), an atom or string (a registered name) or a reference (an
/// alias): self.send("counter", m); or by remote(): self.send(remote("counter", "b@host"), m).
class destination {
 public:
  /// Nobody: the null pid.
  destination() noexcept = default;
  /// That process, wherever it lives.
  destination(const troupe::pid& process) noexcept : process_(process) {}
  /// The process itself.
  destination(const context& self) noexcept;
  /// Whoever has that name here when the message is sent.
  destination(atom name) noexcept : kind_(kind::name), name_(name) {}
  /// The same; the text becomes an atom.
  destination(std::string_view name) : kind_(kind::name), name_(name) {}
  /// The same, from a C string.
  destination(const char* name) : destination(std::string_view(name)) {}
  /// The same, from a std::string.
  destination(const std::string& name) : destination(std::string_view(name)) {}
  /// The process that made this alias, on whatever node, while the alias is active. Erlang: alias/1.
  destination(const reference& alias) noexcept : kind_(kind::alias), alias_(alias) {}

  /// The process with that name on that node. Erlang: {Name, Node}.
  destination(atom name, atom node) noexcept : kind_(kind::remote_name), name_(name), node_(node) {}

  /// What it is.
  enum class kind : unsigned char { process, name, alias, remote_name };
  /// What it is; which of the following says more.
  kind which() const noexcept { return kind_; }
  /// Of a process; else the null pid.
  const troupe::pid& process() const noexcept { return process_; }
  /// Of a name or a remote_name; else the empty atom.
  atom name() const noexcept { return name_; }
  /// Of a remote_name.
  atom node() const noexcept { return node_; }
  /// Of an alias; else the null reference.
  const reference& alias() const noexcept { return alias_; }
  /// For error messages: the pid, the name, {Name, Node} or the reference.
  term to_term() const;

 private:
  kind kind_ = kind::process;
  troupe::pid process_;
  atom name_;
  atom node_;
  reference alias_;
};

/// The process that is registered as `name` on the node `node`, "b@host"; it may be this one. Throws what atom's
/// constructor throws. Erlang: {Name, Node}.
inline destination remote(const process_name& name, const process_name& node) {
  return destination(name.atom(), node.atom());
}

}  // namespace troupe
