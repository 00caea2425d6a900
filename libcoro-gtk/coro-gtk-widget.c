/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-gtk.h"

/* GTK, Pango, librsvg and GL drivers recurse deep. */
#define STACK_SIZE ((gsize) 1024 * 1024)

/* The coroutines of one widget.  No reference is held while they run: it would keep the
 * widget from being disposed of, and so the coroutines from being cancelled. */
typedef struct
{
  CoroTaskGroup *group;         /* (owned) */
  GHashTable *latest;           /* (nullable) (owned) (element-type utf8 GPtrArray): unfinished tasks by key */
  gboolean kept;                /* disposed of with members left: a reference is held for them */
  GtkRoot *root;                /* (nullable) (weak pointer): the window that is listened to */
  gulong unrealize_id;          /* of @root */
} CoroGtkScope;

static void
scope_leave_root (CoroGtkScope *self)
{
  if (self->root != NULL)
    g_signal_handler_disconnect (self->root, self->unrealize_id);
  self->unrealize_id = 0;
  g_clear_weak_pointer (&self->root);
}

static void
scope_free (gpointer data)
{
  CoroGtkScope *self = data;

  scope_leave_root (self);
  coro_task_group_cancel (self->group);
  g_object_unref (self->group);
  g_clear_pointer (&self->latest, g_hash_table_unref);
  g_free (self);
}

static gboolean
join_cb (gpointer   group,
         GValue    *result,
         GError   **error)
{
  return coro_task_group_join (group, error);
}

/* What keeps a disposed widget until its last coroutine has ended. */
typedef struct
{
  GtkWidget *widget;            /* (owned) */
  CoroGtkScope *scope;          /* (unowned): the widget owns it */
} CoroGtkKeeper;

static gboolean
keeper_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroGtkKeeper *keeper = user_data;

  return join_cb (keeper->scope->group, result, error);
}

static void
keeper_free (gpointer data)
{
  CoroGtkKeeper *self = data;

  self->scope->kept = FALSE;
  g_object_unref (self->widget);
  g_free (self);
}

static void
widget_destroy_cb (GtkWidget    *widget,
                   CoroGtkScope *scope)
{
  CoroGtkKeeper *keeper;

  coro_task_group_cancel (scope->group);
  if (scope->kept || coro_task_group_get_n_members (scope->group) == 0)
    return;

  scope->kept = TRUE;
  keeper = g_new (CoroGtkKeeper, 1);
  keeper->widget = g_object_ref (widget);
  keeper->scope = scope;
  /* At once: an application that ends with its last window cancels what has not begun, and
   * then the widget would go before its coroutines. */
  coro_spawn_eager (keeper_cb, keeper, keeper_free);
}

/* A window that was destroyed while somebody holds a reference is not disposed of, and
 * emits no ::destroy; but it is no toplevel any more when it is unrealized.  One that is
 * only hidden still is, and goes on working.  It has to be the window: a page of a stack
 * that was never shown has not been realized, and so is not unrealized. */
static void
root_unrealize_cb (GtkRoot      *root,
                   CoroGtkScope *scope)
{
  GListModel *toplevels = gtk_window_get_toplevels ();
  guint n_toplevels = g_list_model_get_n_items (toplevels);

  for (guint i = 0; i < n_toplevels; i++)
    {
      g_autoptr (GtkRoot) toplevel = g_list_model_get_item (toplevels, i);

      if (toplevel == root)
        return;
    }

  coro_task_group_cancel (scope->group);
}

static void
widget_root_cb (GtkWidget    *widget,
                GParamSpec   *pspec,
                CoroGtkScope *scope)
{
  GtkRoot *root = gtk_widget_get_root (widget);

  scope_leave_root (scope);
  if (!GTK_IS_WINDOW (root))
    return;

  g_set_weak_pointer (&scope->root, root);
  scope->unrealize_id = g_signal_connect (root, "unrealize", G_CALLBACK (root_unrealize_cb), scope);
}

static CoroGtkScope *
widget_get_scope (GtkWidget *widget)
{
  CoroGtkScope *scope = g_object_get_data (G_OBJECT (widget), "coro-gtk-scope");

  if (scope != NULL)
    return scope;

  scope = g_new0 (CoroGtkScope, 1);
  scope->group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  coro_task_group_set_stack_size (scope->group, STACK_SIZE);
  g_object_set_data_full (G_OBJECT (widget), "coro-gtk-scope", scope, scope_free);
  g_signal_connect (widget, "destroy", G_CALLBACK (widget_destroy_cb), scope);
  g_signal_connect (widget, "notify::root", G_CALLBACK (widget_root_cb), scope);
  widget_root_cb (widget, NULL, scope);
  return scope;
}

/**
 * coro_gtk_widget_get_group: (skip)
 * @widget: (type Gtk.Widget): a widget
 *
 * Gets the group of the coroutines that belong to a widget.
 *
 * They are cancelled when the widget is disposed of, and when the window it
 * is in is destroyed; hiding a window leaves them alone. The widget itself
 * stays until the last of them has ended, cleanup included, so that
 * coroutines may use it all the time; but after a dispose its template
 * children are %NULL. Those that have not begun by then never do.
 *
 * Members fail alone, and nobody joins the group: see
 * [func@CoroGtk.widget_set_unhandled_func]. Their stacks have 1 MiB.
 *
 * Callable from the main thread; never suspends.
 *
 * Returns: (transfer none): the group
 *
 * Since: 0.1
 */
CoroTaskGroup *
coro_gtk_widget_get_group (gpointer widget)
{
  g_return_val_if_fail (GTK_IS_WIDGET (widget), NULL);

  return widget_get_scope (widget)->group;
}

/**
 * coro_gtk_widget_set_unhandled_func: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called for each coroutine of the widget that fails where nobody
 * looks.
 *
 * Callable from the main thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_gtk_widget_set_unhandled_func (gpointer           widget,
                                    CoroUnhandledFunc  func,
                                    gpointer           user_data,
                                    GDestroyNotify     destroy)
{
  g_return_if_fail (GTK_IS_WIDGET (widget));

  coro_task_group_set_unhandled_func (widget_get_scope (widget)->group, func, user_data, destroy);
}

/* One run of coro_gtk_widget_spawn_latest(). */
typedef struct
{
  GPtrArray *earlier;           /* (owned) (element-type CoroTask): to wait for */
  CoroFunc func;
  gpointer user_data;
  GDestroyNotify destroy;       /* (nullable) */
} CoroGtkLatest;

static void
latest_free (gpointer data)
{
  CoroGtkLatest *self = data;

  g_ptr_array_unref (self->earlier);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self);
}

static gboolean
latest_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroGtkLatest *self = user_data;

  /* Shielded: a still later run may cancel us, but must not overtake their cleanup. */
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    for (guint i = 0; i < self->earlier->len; i++)
      coro_join (self->earlier->pdata[i], NULL);
  }

  return coro_check_cancelled (error) && self->func (self->user_data, result, error);
}

static GPtrArray *
scope_get_tasks (CoroGtkScope *self,
                 const char   *key)
{
  GPtrArray *tasks;

  if (self->latest == NULL)
    self->latest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);

  tasks = g_hash_table_lookup (self->latest, key);
  if (tasks == NULL)
    {
      tasks = g_ptr_array_new_with_free_func (g_object_unref);
      g_hash_table_insert (self->latest, g_strdup (key), tasks);
    }

  for (guint i = tasks->len; i-- > 0;)
    if (coro_future_is_done (tasks->pdata[i]))
      g_ptr_array_remove_index (tasks, i);
  return tasks;
}

/**
 * coro_gtk_widget_spawn_latest_at: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @key: which coroutines take each other's place
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 * @site: (nullable): where this is, a static string
 *
 * Runs a coroutine of a widget in place of the one that has the same key: that
 * one is cancelled, and when its cleanup is over the new one starts. A button
 * that is clicked twice then does not do its work twice at a time.
 * [func@CoroGtk.widget_spawn_latest] is the short form.
 *
 * Callable from the main thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_gtk_widget_spawn_latest_at (gpointer        widget,
                                 const char     *key,
                                 CoroFunc        func,
                                 gpointer        user_data,
                                 GDestroyNotify  destroy,
                                 const char     *site)
{
  CoroGtkScope *scope;
  CoroGtkLatest *latest;
  GPtrArray *tasks;

  g_return_if_fail (GTK_IS_WIDGET (widget));
  g_return_if_fail (key != NULL);
  g_return_if_fail (func != NULL);

  scope = widget_get_scope (widget);
  tasks = scope_get_tasks (scope, key);

  latest = g_new0 (CoroGtkLatest, 1);
  latest->earlier = g_ptr_array_new_with_free_func (g_object_unref);
  latest->func = func;
  latest->user_data = user_data;
  latest->destroy = destroy;

  for (guint i = 0; i < tasks->len; i++)
    {
      g_ptr_array_add (latest->earlier, g_object_ref (tasks->pdata[i]));
      coro_task_cancel (tasks->pdata[i]);
    }
  g_ptr_array_add (tasks, coro_spawn_task_at (scope->group, latest_cb, latest, latest_free, site));
}
