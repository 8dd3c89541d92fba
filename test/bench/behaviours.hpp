// SPDX-License-Identifier: BSL-1.0
// What servers and supervision cost: the rows of behaviours_bench, a run each.
#pragma once

#include <cstddef>

/// ns for a call of a gen_server on the same node and worker.
double server_calls(std::size_t calls);
/// Thousands of restarts of one gen_server a second.
double supervisor_restarts(std::size_t restarts);
/// ms to start so many children of a simple_one_for_one supervisor, and to end them.
double dynamic_children_start(std::size_t children);
double dynamic_children_end(std::size_t children);
