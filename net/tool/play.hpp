// SPDX-License-Identifier: BSL-1.0
// What each step does. Internal: named by the table of step_table.cpp.
#pragma once

#include <troupe/actors/task.hpp>

namespace troupe::script {

class scene;
struct step;

// In the order of the table.
task<> play_note(scene& s, const step& w);
task<> play_spawn(scene& s, const step& w);
task<> play_application(scene& s, const step& w);
task<> play_send(scene& s, const step& w);
task<> play_call(scene& s, const step& w);
task<> play_rpc(scene& s, const step& w);
task<> play_expect(scene& s, const step& w);
task<> play_expect_no(scene& s, const step& w);
task<> play_expect_down(scene& s, const step& w);
task<> play_expect_exit(scene& s, const step& w);
task<> play_register(scene& s, const step& w);
task<> play_find(scene& s, const step& w);
task<> play_link(scene& s, const step& w);
task<> play_unlink(scene& s, const step& w);
task<> play_monitor(scene& s, const step& w);
task<> play_kill(scene& s, const step& w);
task<> play_exit(scene& s, const step& w);
task<> play_stop(scene& s, const step& w);
task<> play_start_node(scene& s, const step& w);
task<> play_stop_node(scene& s, const step& w);
task<> play_crash_node(scene& s, const step& w);
task<> play_monitor_nodes(scene& s, const step& w);
task<> play_partition(scene& s, const step& w);
task<> play_heal(scene& s, const step& w);
task<> play_wait(scene& s, const step& w);
task<> play_let(scene& s, const step& w);
task<> play_repeat(scene& s, const step& w);
task<> play_parallel(scene& s, const step& w);
task<> play_measure(scene& s, const step& w);

}  // namespace troupe::script
