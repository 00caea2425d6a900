/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CORO_ERROR_STEP_MAX_FRAMES 32

typedef enum
{
  CORO_ERROR_RAISED,            /* a body has failed with it, and it came from no await */
  CORO_ERROR_AWAITED,           /* it came out of an await */
  CORO_ERROR_PASSED             /* a body has failed with what it was told */
} CoroErrorStepKind;

/* One step on the way of an error, from the body that raised it to its reader.  A
 * failed future may be awaited by several, so that ways fork: a step knows the one before
 * and is never changed. */
typedef struct _CoroErrorStep CoroErrorStep;
struct _CoroErrorStep
{
  int ref_count;                /* (atomic) */
  CoroErrorStepKind kind;
  CoroErrorStep *origin;        /* (nullable) (owned): the step before */
  char *name;                   /* (owned): of the coroutine; "" outside of any */
  const char *site;             /* (nullable): where it was spawned, a static string */
  char *raiser;                 /* (nullable) (owned): of the coroutine object that raised it */
  guint n_frames;
  gpointer frames[CORO_ERROR_STEP_MAX_FRAMES];  /* the innermost first */
};

CoroErrorStep *coro_error_step_new    (CoroErrorStepKind    kind,
                                       CoroErrorStep       *origin,
                                       const char          *name,
                                       const char          *site);
CoroErrorStep *coro_error_step_ref    (CoroErrorStep       *self);
void           coro_error_step_unref  (CoroErrorStep       *self);
void           coro_error_step_append (const CoroErrorStep *self,
                                       GString             *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CoroErrorStep, coro_error_step_unref)

G_END_DECLS
