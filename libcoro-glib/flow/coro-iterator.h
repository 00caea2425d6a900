/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

#define CORO_TYPE_ITERATOR (coro_iterator_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_INTERFACE (CoroIterator, coro_iterator, CORO, ITERATOR, GObject)

/**
 * CoroIteratorInterface:
 * @parent: the parent interface
 * @next: (skip): gives the next value; it may suspend
 * @close: (skip) (nullable): ends the iteration before its end; it may suspend
 *
 * What makes an object something that coroutines can iterate over.
 *
 * Since: 0.1
 */
struct _CoroIteratorInterface
{
  GTypeInterface parent;

  gboolean (*next)  (CoroIterator  *self,
                     GValue        *value,
                     GError       **error);
  gboolean (*close) (CoroIterator  *self,
                     GError       **error);

  /*< private >*/
  gpointer padding[4];
};

CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_next          (gpointer        self,
                                         GValue         *value,
                                         GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_next_required (gpointer        iterator,
                                         GValue         *value,
                                         GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_next_or       (gpointer        iterator,
                                         const GValue   *fallback,
                                         GValue         *value,
                                         GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_next_object   (gpointer        iterator,
                                         gpointer       *out_object,
                                         GError        **error);
CORO_AVAILABLE_IN_ALL
GArray     *coro_iterator_collect       (gpointer        iterator,
                                         GError        **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_close         (gpointer        self,
                                         GError        **error);

CORO_AVAILABLE_IN_ALL
void        coro_iterator_next_async    (CoroIterator         *self,
                                         GCancellable         *cancellable,
                                         GAsyncReadyCallback   callback,
                                         gpointer              user_data);
CORO_AVAILABLE_IN_ALL
gboolean    coro_iterator_next_finish   (CoroIterator         *self,
                                         GAsyncResult         *result,
                                         GValue               *value,
                                         GError              **error);

/**
 * CoroLoop: (skip)
 *
 * A guard: an iteration that ends at once, also in its middle, when its block
 * of C is left.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  CoroIterator *iterator;
  GError **error;
  gboolean ok;
} CoroLoop G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroLoop    coro_loop_enter             (gpointer        iterator,
                                         GError        **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_loop_next              (CoroLoop       *self,
                                         GValue         *value);
CORO_AVAILABLE_IN_ALL
gboolean    coro_loop_next_object       (CoroLoop       *self,
                                         gpointer       *out_object);
CORO_AVAILABLE_IN_ALL
gboolean    coro_loop_ok                (const CoroLoop *self);
CORO_AVAILABLE_IN_ALL
void        coro_loop_exit              (CoroLoop       *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroLoop, coro_loop_exit)

G_END_DECLS
