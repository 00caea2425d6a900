/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scope/coro-spawn.h"
#include "coro-iterator.h"

G_BEGIN_DECLS

#define CORO_TYPE_GENERATOR (coro_generator_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroGenerator, coro_generator, CORO, GENERATOR, GObject)

/**
 * CoroGeneratorFunc:
 * @self: the generator
 * @user_data: what was passed along
 * @error: return location for the reason of a failure
 *
 * The body of a generator. It may suspend, and calls
 * [method@Generator.produce] for each value.
 *
 * Returns: %TRUE at the end; %FALSE with @error set on failure
 *
 * Since: 0.1
 */
typedef gboolean (*CoroGeneratorFunc) (CoroGenerator  *self,
                                       gpointer        user_data,
                                       GError        **error);

/**
 * coro_generator_new: (skip)
 * @element_type: the type of the values
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * `coro_generator_new_at()` with the name of @func and the place in the code.
 *
 * Returns: (transfer full): a generator
 *
 * Since: 0.1
 */
#define coro_generator_new(element_type, func, user_data, destroy) \
  coro_generator_new_at ((element_type), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

CORO_AVAILABLE_IN_ALL
CoroGenerator *coro_generator_new_at          (GType               element_type,
                                               CoroGeneratorFunc   func,
                                               gpointer            user_data,
                                               GDestroyNotify      destroy,
                                               const char         *site) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_produce         (CoroGenerator      *self,
                                               const GValue       *value,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_produce_int     (CoroGenerator      *self,
                                               int                 value,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_produce_string  (CoroGenerator      *self,
                                               const char         *value,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_produce_object  (CoroGenerator      *self,
                                               gpointer            object,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_delegate        (CoroGenerator      *self,
                                               CoroGenerator      *inner,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
const GValue  *coro_generator_get_sent        (CoroGenerator      *self);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_send            (CoroGenerator      *self,
                                               const GValue       *sent,
                                               GValue             *value,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_throw           (CoroGenerator      *self,
                                               const GError       *thrown,
                                               GValue             *value,
                                               GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_generator_close           (CoroGenerator      *self,
                                               GError            **error);

G_END_DECLS
