// SPDX-License-Identifier: BSL-1.0
// A CAF program gains a supervised process, and a client in Erlang
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/actors/caf/config.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <caf/all.hpp>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using namespace troupe::literals;
using namespace std::chrono_literals;
namespace bridge = troupe::bridge;

// --- the CAF program, as it was -------------------------------------------------------------------------------------

using add_atom = caf::atom_constant<caf::atom("add")>;

caf::behavior calculator(caf::event_based_actor*) {
  return {[](add_atom, int a, int b) { return a + b; }};
}

// --- what it gains: a ledger, which its supervisor starts again when it crashes --------------------------------------

// A message of both: CAF's inspect is made from the struct itself.
struct deposit {
  std::string account;
  int amount = 0;
  using reply = int;
};

class ledger : public troupe::gen_server {
  std::map<std::string, int> accounts_;

 public:
  int put(const deposit& d) {
    if (d.amount < 0) throw std::invalid_argument("a negative deposit");
    return accounts_[d.account] += d.amount;
  }
  using handles = troupe::handlers<troupe::call<&ledger::put>>;
};

// --- a CAF actor that uses it
// -----------------------------------------------------------------------------------------

caf::behavior teller(caf::event_based_actor* self, troupe::node* here, caf::actor done) {
  const auto now = [=] { return bridge::as_caf(here->whereis("ledger")); };
  self->set_down_handler([=](caf::down_msg& d) {
    fmt::print("CAF:    the ledger is down: {}\n", bridge::to_reason(d.reason).to_string());
    // Its supervisor has started another one, or is about to.
    self->delayed_send(self, 50ms, caf::atom("again"));
  });
  self->monitor(now());
  self->request(now(), caf::infinite, deposit{"ann", 40}).then([=](int balance) {
    fmt::print("CAF:    ann has {}\n", balance);
    // The ledger does not survive that.
    self->request(now(), caf::infinite, deposit{"ann", -1}).then([](int) {}, [](caf::error&) {});
  });
  return {[=](caf::atom_constant<caf::atom("again")>) {
    self->request(now(), 5s, deposit{"ann", 2})
        .then(
            [=](int balance) {
              fmt::print("CAF:    the new ledger knows of ann only {}\n", balance);
              self->send(done, balance == 2);
              self->quit();
            },
            [=](caf::error&) { self->delayed_send(self, 50ms, caf::atom("again")); });
  }};
}

int main() {
  spdlog::set_level(spdlog::level::off);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    // The node is new. (A program that talks to no other node takes a troupe::actor_system instead.)
    troupe::node here(troupe::on_loopback("cpp"));
    caf::actor_system_config config;
    bridge::install(config, here);  // and this: CAF's actors run on the workers of the processes
    bridge::add_message<deposit>(config);
    caf::actor_system system(config);

    std::vector<troupe::child_spec> children{{.id = "ledger", .start = troupe::child_of<ledger>({.name = "ledger"})}};
    here.start<troupe::supervisor>({}, troupe::supervisor_flags{.intensity = 3}, std::move(children));
    const caf::actor adds = system.spawn(calculator);

    caf::scoped_actor self(system);
    const caf::actor t = system.spawn(teller, &here, caf::actor(self));
    bool went_well = false;
    self->receive([&](bool well) { went_well = well; });

    // A CAF actor has a pid, and so it may have a name that other nodes know.
    here.register_name("calculator", bridge::as_pid(adds));
    if (std::system("command -v escript >/dev/null") == 0) {
      troupe::peer_options options{.name = "erlang@127.0.0.1", .program = "escript"};
      options.arguments = {TROUPE_EXAMPLES_DIR "/caf_bridge.erl"};
      options.until = troupe::peer_start::connected;
      troupe::peer erlang = troupe::start_peer(here, options);
      const auto how = erlang.wait(60s);
      went_well = went_well && how == troupe::peer_exit{};
    } else {
      fmt::print("escript is missing, so there is no client in Erlang: apt-get install erlang-base\n");
    }
    caf::anon_send_exit(adds, caf::exit_reason::user_shutdown);
    return went_well ? 0 : 1;
  } catch (const std::runtime_error& e) {  // node_error, call_failed
    fmt::print(stderr, "caf_bridge: {}\n", e.what());
    return 1;
  }
}

// What it shows
//
// - install gives CAF's actors the workers of a troupe::actor_system (a node is one), and each side the other's actors.
// - as_caf makes a caf::actor of a pid: a teller of CAF's asks a gen_server, monitors it, and learns in CAF's words how
//   it ended. The supervisor has started another one, with a pid of its own, found by the name.
// - as_pid makes a pid of a caf::actor: so the calculator, which knows nothing of troupe, has a name, and an Erlang
//   program calls it with gen_server:call({calculator, Node}, {add, 40, 2}). The tuple is CAF's message (add, 40, 2).
// - deposit is described once, by its members; it is a message for CAF, for troupe and for Erlang.
