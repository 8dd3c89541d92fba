// SPDX-License-Identifier: BSL-1.0
// What supervision costs: rows of bench.
#pragma once

#include <cstddef>

/// Thousands of restarts per second: a child that ends, and the next one's init done.
double supervisor_restarts(std::size_t restarts);
/// Milliseconds to start so many children of a simple_one_for_one supervisor, one call each.
double dynamic_children_start(std::size_t children);
/// Milliseconds from telling that supervisor to shut down until it and all of its children are gone.
double dynamic_children_end(std::size_t children);
