// SPDX-License-Identifier: BSL-1.0
// No code: what precompiled headers belong to.
