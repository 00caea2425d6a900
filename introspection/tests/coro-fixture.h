/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

G_BEGIN_DECLS

/* A small C library, as an application would have one, for the tests of the bindings. */

/**
 * CoroFixtureKind:
 * @CORO_FIXTURE_KIND_NONE: no value
 * @CORO_FIXTURE_KIND_BOOLEAN: %TRUE
 * @CORO_FIXTURE_KIND_INT: -42
 * @CORO_FIXTURE_KIND_INT64: 2⁴⁰
 * @CORO_FIXTURE_KIND_DOUBLE: 0.5
 * @CORO_FIXTURE_KIND_STRING: a string
 * @CORO_FIXTURE_KIND_OBJECT: a [class@Emitter]
 * @CORO_FIXTURE_KIND_BYTES: 1 MiB of it
 * @CORO_FIXTURE_KIND_VARIANT: a dictionary
 * @CORO_FIXTURE_KIND_STRV: two strings
 * @CORO_FIXTURE_KIND_ENUM: one of these
 *
 * What a coroutine returns.
 */
typedef enum
{
  CORO_FIXTURE_KIND_NONE,
  CORO_FIXTURE_KIND_BOOLEAN,
  CORO_FIXTURE_KIND_INT,
  CORO_FIXTURE_KIND_INT64,
  CORO_FIXTURE_KIND_DOUBLE,
  CORO_FIXTURE_KIND_STRING,
  CORO_FIXTURE_KIND_OBJECT,
  CORO_FIXTURE_KIND_BYTES,
  CORO_FIXTURE_KIND_VARIANT,
  CORO_FIXTURE_KIND_STRV,
  CORO_FIXTURE_KIND_ENUM
} CoroFixtureKind;

CORO_AVAILABLE_IN_ALL
GType coro_fixture_kind_get_type (void);
#define CORO_FIXTURE_TYPE_KIND (coro_fixture_kind_get_type ())

#define CORO_FIXTURE_TYPE_EMITTER (coro_fixture_emitter_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroFixtureEmitter, coro_fixture_emitter, CORO_FIXTURE, EMITTER, GObject)

CORO_AVAILABLE_IN_ALL
CoroFixtureEmitter *coro_fixture_emitter_new    (void);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_emitter_emit_on_fiber (CoroFixtureEmitter  *self,
                                                        int                  times);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_emitter_emit_on_thread_stack (CoroFixtureEmitter  *self,
                                                             int                  times);

CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_spawn_return   (CoroFixtureKind      kind,
                                                 gboolean             pending);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_spawn_fail     (GQuark               domain,
                                                 int                  code);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_spawn_cleanup  (GTimeSpan            duration);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_spawn_stubborn (void);
CORO_AVAILABLE_IN_ALL
CoroTask           *coro_fixture_spawn_describe (CoroFuture          *future);
CORO_AVAILABLE_IN_ALL
int                 coro_fixture_get_n_cleanups (void);

CORO_AVAILABLE_IN_ALL
gboolean            coro_fixture_wait           (CoroFuture          *future,
                                                 GError             **error);
CORO_AVAILABLE_IN_ALL
gboolean            coro_fixture_sleep          (GTimeSpan            duration,
                                                 GError             **error);
CORO_AVAILABLE_IN_ALL
void                coro_fixture_resolve_in_thread (CoroFuture       *future,
                                                    int               value);
CORO_AVAILABLE_IN_ALL
void                coro_fixture_count_when_gone (CoroFuture    *future);
CORO_AVAILABLE_IN_ALL
int                 coro_fixture_get_n_gone     (void);

G_END_DECLS
