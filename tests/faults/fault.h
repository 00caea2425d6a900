/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

/* Has the Nth system call of a kind fail, as the kernel may have it fail on a bad day: in all threads
 * that are started from here on, and counted from here on.
 *
 * A filter hands such calls to a thread of the same process, which counts them and
 * answers: go on, or this error.  It takes no privilege, no tracer, and all other calls go at full speed. */

typedef struct
{
  const char *name;             /* of the system call */
  int number;
  int errors[7];                /* the plausible errors, up to a 0 */
} FaultKind;

extern const FaultKind fault_kinds[];
extern const guint fault_n_kinds;

/* Between the process that looks on and the one to which it happens. */
typedef struct
{
  int n_calls;                  /* (atomic) */
  int n_failed;                 /* (atomic) */
  int quiet;                    /* (atomic): calls are let through and not counted */
} FaultLog;

/* The `at`th call fails with `error_number`, and with `on` all that follow it; 0: none. */
gboolean fault_arm (const FaultKind *kind,
                    int              error_number,
                    int              at,
                    gboolean         on,
                    FaultLog        *log);
