/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-hash.h"

G_BEGIN_DECLS

typedef char *(*DemoHashDescribeFunc) (const DemoHashProgress *progress,
                                       double                  seconds);

char *demo_hash_describe_running (const DemoHashProgress *progress,
                                  double                  seconds);
char *demo_hash_describe_done    (const DemoHashProgress *progress,
                                  double                  seconds);
char *demo_hash_describe_stopped (const DemoHashProgress *progress,
                                  double                  seconds);

G_END_DECLS
