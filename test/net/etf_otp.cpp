// SPDX-License-Identifier: BSL-1.0
// The external term format against Erlang/OTP itself: one `erl` that decodes ours, encodes its own, prints and
// compares.
#include "etf_bytes.hpp"
#include "etf_random.hpp"

#include <doctest/doctest.h>

#ifndef TROUPE_TEST_ERL

TEST_CASE("NOT TESTED: the external term format against Erlang, because there was no erl when this was built") {
  MESSAGE("install erlang-base and configure again");
}

#else

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace etf_test;

namespace {

/// An erl that runs etf_peer.erl. It ends when its input does, which is when this object or this process ends.
class erlang {
 public:
  erlang() {
    std::string place = (std::filesystem::temp_directory_path() / "troupe_etf_XXXXXX").string();
    if (::mkdtemp(place.data()) == nullptr) throw std::runtime_error("no directory for etf_peer");
    directory_ = place;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error("no socket for erl");
    const std::string start = "{ok,_} = compile:file(\"" TROUPE_TEST_SOURCE "/net/etf_peer\", [{outdir,\"" +
                              directory_ + "\"}]), etf_peer:main().";
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], 0);
      ::dup2(ends[1], 1);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl(TROUPE_TEST_ERL, "erl", "-noinput", "+pc", "unicode", "-boot", "start_clean", "-pa", directory_.c_str(),
              "-eval", start.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    socket_ = ends[0];
    if (child_ < 0) throw std::runtime_error("no process for erl");
  }
  ~erlang() {
    ::close(socket_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  erlang(const erlang&) = delete;
  erlang& operator=(const erlang&) = delete;

  term ask(const term& request) {
    etf::buffer out;
    out.put32(0);
    etf::write_version(out);
    etf::writer(out).put_term(request);
    out.set32(0, static_cast<std::uint32_t>(out.size() - 4));
    for (std::size_t sent = 0; sent < out.size();) {
      const ssize_t n = ::send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("erl has gone");
      sent += static_cast<std::size_t>(n);
    }
    std::vector<std::byte> size(4);
    read(size);
    std::vector<std::byte> answer(detail::load_big_endian<std::uint32_t>(size.data()));
    read(answer);
    term value = etf::from_binary(answer);
    if (value.is_tuple("failed"_atom)) throw std::runtime_error("erl: " + value.to_string());
    return value;
  }

 private:
  void read(std::vector<std::byte>& bytes) {
    for (std::size_t got = 0; got < bytes.size();) {
      const ssize_t n = ::recv(socket_, bytes.data() + got, bytes.size() - got, 0);
      if (n <= 0) throw std::runtime_error("erl has gone; is " TROUPE_TEST_ERL " an Erlang with its compiler?");
      got += static_cast<std::size_t>(n);
    }
  }

  std::string directory_;
  pid_t child_ = -1;
  int socket_ = -1;
};

erlang& erl() {
  static erlang one;
  return one;
}

term as_binary(const std::vector<std::byte>& bytes) {
  return term::binary(bytes);
}

std::vector<std::byte> bytes_of(const term& binary) {
  const auto bytes = std::as_bytes(std::span(binary.as_binary()));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("Erlang reads our terms as what they are: it writes the same ones, in every version of the format") {
  random_terms random(10);
  std::vector<term> terms;
  std::vector<term> bytes;
  for (int i = 0; i < 3000; ++i) {
    terms.push_back(random.next());
    bytes.push_back(as_binary(etf::to_binary(terms.back())));
  }
  const auto options = [](int version) { return term::list({term::tuple({"minor_version"_atom, version})}); };
  for (const term& how : {options(2), options(1), options(0), term::list({"compressed"_atom})}) {
    const term answer = erl().ask(term::tuple({"echo"_atom, term::list(bytes), how}));
    REQUIRE(answer.size() == terms.size());
    for (std::size_t i = 0; i < terms.size(); ++i) {
      CAPTURE(terms[i].to_string());
      CAPTURE(how.to_string());
      CHECK(etf::from_binary(bytes_of(answer[i])) == terms[i]);
    }
  }
}

TEST_CASE("Erlang prints our terms as we do") {
  random_terms random(11);
  random.with_identities = false;  // Erlang numbers nodes in its own way
  std::vector<term> terms;
  std::vector<term> bytes;
  for (int i = 0; i < 3000; ++i) {
    terms.push_back(random.next());
    bytes.push_back(as_binary(etf::to_binary(terms.back())));
  }
  const term answer = erl().ask(term::tuple({"print"_atom, term::list(bytes)}));
  REQUIRE(answer.size() == terms.size());
  int printed = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!answer[i].is_binary()) continue;
    ++printed;
    CHECK(answer[i].as_binary() == terms[i].to_string());
  }
  CHECK(printed > 2000);
}

TEST_CASE("we read Erlang's terms in all its forms as the same ones, print them as it does, and it knows them again") {
  const term answer = erl().ask(term::tuple({"random"_atom, 3000}));
  std::vector<term> back;
  for (const term& one : answer.elements()) {
    const term decoded_first = etf::from_binary(bytes_of(one[0][0]));
    CAPTURE(decoded_first.to_string());
    // Local funs are kept byte by byte, and the atoms in them have other tags in each form.
    if (decoded_first.to_string().find("#Fun<") == std::string::npos)
      for (const term& form : one[0].elements()) CHECK(etf::from_binary(bytes_of(form)) == decoded_first);
    if (one[1].is_binary()) CHECK(one[1].as_binary() == decoded_first.to_string());
    back.push_back(as_binary(etf::to_binary(decoded_first)));
  }
  const term same = erl().ask(term::tuple({"are_those"_atom, term::list(back)}));
  REQUIRE(same.size() == back.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    CAPTURE(etf::from_binary(bytes_of(back[i])).to_string());
    CHECK(same[i] == "true"_atom);
  }
}

TEST_CASE("Erlang orders random terms as we do") {
  random_terms random(12);
  std::vector<std::pair<term, term>> pairs;
  std::vector<term> request;
  const auto encoded = [](const term& t) { return as_binary(etf::to_binary(t)); };
  for (int i = 0; i < 8000; ++i) {
    term a = random.next(static_cast<int>(random.below(3)));
    term b = random.next(static_cast<int>(random.below(3)));
    if (i % 4 == 1) {  // the same beginning
      a = term::improper_list({1, 2}, a);
      b = term::improper_list({1, 2}, b);
    } else if (i % 4 == 2) {
      a = term::tuple({0, a, 1});
      b = term::tuple({0, b, 1});
    } else if (i % 4 == 3) {
      a = term::map({{1, 1}, {term::list({a}), 2}});
      b = term::map({{1, 1}, {term::list({b}), 2}});
    }
    request.push_back(term::tuple({encoded(a), encoded(b)}));
    pairs.emplace_back(std::move(a), std::move(b));
  }
  const term answer = erl().ask(term::tuple({"compare"_atom, term::list(request)}));
  REQUIRE(answer.size() == pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [a, b] = pairs[i];
    CAPTURE(a.to_string());
    CAPTURE(b.to_string());
    const auto order = a <=> b;
    CHECK((a == b) == (answer[i] == 0));
    if (answer[i] == "equal"_atom) continue;  // to Erlang 1 == 1.0: no order
    CHECK((order < 0 ? -1 : order > 0 ? 1 : 0) == answer[i].as_integer());
  }
}

TEST_CASE("numbers near each other are ordered as Erlang orders them") {
  std::vector<term> numbers;
  for (const double f : {0x1p53, 0x1p63, 0x1p64, 0x1p65, 0x1p100, 0x1p1023, 1.5})
    for (const double g : {f, std::nextafter(f, 0.0), -f, std::nextafter(f, 1e308)}) numbers.emplace_back(g);
  for (const int shift : {53, 63, 64, 65, 100, 1023, 1024}) {
    std::vector<std::byte> magnitude(129, std::byte{0});
    magnitude[static_cast<std::size_t>(shift / 8)] = static_cast<std::byte>(1 << (shift % 8));
    for (const int low : {0, 1}) {
      magnitude[0] = static_cast<std::byte>(low);
      numbers.push_back(term::integer(false, magnitude));
      numbers.push_back(term::integer(true, magnitude));
    }
    std::vector<std::byte> below(static_cast<std::size_t>(shift / 8), std::byte{0xff});
    below.push_back(static_cast<std::byte>((1 << (shift % 8)) - 1));
    numbers.push_back(term::integer(false, below));
  }
  std::vector<term> request;
  for (const term& a : numbers)
    for (const term& b : numbers)
      request.push_back(term::tuple({as_binary(etf::to_binary(a)), as_binary(etf::to_binary(b))}));
  const term answer = erl().ask(term::tuple({"compare"_atom, term::list(request)}));
  std::size_t i = 0;
  for (const term& a : numbers)
    for (const term& b : numbers) {
      CAPTURE(a.to_string());
      CAPTURE(b.to_string());
      const term& said = answer[i++];
      const auto order = a <=> b;
      if (said == "equal"_atom)
        CHECK((a.is_integer() && order < 0) == (a.is_integer()));
      else
        CHECK((order < 0 ? -1 : order > 0 ? 1 : 0) == said.as_integer());
    }
}

TEST_CASE("what the skim lets through, Erlang reads too") {
  random_terms random(13);
  std::vector<std::vector<std::byte>> all;
  std::vector<bool> ours;
  std::vector<term> request;
  while (all.size() < 6000) {
    auto bytes = etf::to_binary(random.next(2));
    if (bytes.size() > 300) continue;
    for (std::uint64_t n = 1 + random.below(2); n > 0; --n)
      bytes[1 + random.below(bytes.size() - 1)] = static_cast<std::byte>(random.below(256));
    bool good = true;
    try {
      etf::from_binary(bytes);
    } catch (const etf::malformed&) {
      good = false;
    }
    request.push_back(as_binary(bytes));
    ours.push_back(good);
    all.push_back(std::move(bytes));
  }
  const term answer = erl().ask(term::tuple({"accepts"_atom, term::list(request)}));
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!ours[i]) continue;
    ++accepted;
    CHECK_MESSAGE(answer[i] == "true"_atom, to_hex(all[i]));
  }
  CHECK(accepted > 500);
}

#endif
