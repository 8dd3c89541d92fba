// SPDX-License-Identifier: BSL-1.0
// observer: what a node tells those who look into it: the tool `troupe`, and Erlang by rpc.
#pragma once

#include <troupe/net/node.hpp>

namespace troupe {

/// Exports these functions, for rpc and erpc from any node that has the cookie; nothing serves them unless this is
/// called (or `--observer` is given to troupe::run, or `troupe node`). They tell and change nothing.
///
///     troupe_observer:system()            #{node, creation, processes, max_processes, spawned, registered, atoms,
///                                           max_atoms, memory, max_memory, workers}
///     troupe_observer:processes()         a list of what process/1 gives, in the order of the pids
///     troupe_observer:processes(Key, N)   the N with the most of Key: messages, message_queue_len or memory
///     troupe_observer:processes(Key, N, Ms)
///                                         the N whose Key grows the most within so many milliseconds, at most 60000;
///                                         by how much stands in their maps as growth
///     troupe_observer:process(P)          a map, or undefined; P is a pid or a registered name. Its keys, those of
///                                         erlang:process_info/2 where there is one: pid, registered_name, status,
///                                         initial_function, behaviour, where, waits_for, tasks, message_queue_len,
///                                         mailbox_limit, dropped, waiting_senders, links, monitors, monitored_by,
///                                         memory, messages, trap_exit, group_leader
///     troupe_observer:whereis(Name)       a pid, or undefined
///     troupe_observer:registered()        the names
///     troupe_observer:roots()             pids of the supervisors that no other one has started
///
/// Texts are binaries. A process that does not answer within 100 ms, since it holds its worker, is shown as running,
/// with what is known from outside. Any thread.
void serve_observer(node& here);
/// Takes them back.
void stop_observer(node& here);

}  // namespace troupe
