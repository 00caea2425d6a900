/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-gtk-private.h"

/* How a widget's coroutines end.
 *
 * No reference to the widget is held while its coroutines run: the widget would never be freed, and
 * so the coroutines never be cancelled.  Once the coroutines are cancelled, a reference is held
 * until the last of them has ended.  If they are cancelled before the dispose, the widget stays
 * whole for them, template children included.  In a dispose it is too late for that, because the
 * dispose begins with the code of the widget's own class. */
typedef enum
{
  SCOPE_LIVE,
  SCOPE_WOUND_UP,               /* the window is gone, or the widget has left it for good */
  SCOPE_DISPOSED
} CoroGtkScopeState;

typedef struct _CoroGtkKeeper CoroGtkKeeper;

/* The function of coro_gtk_widget_set_unhandled_func(), for every group of a widget. */
typedef struct
{
  CoroUnhandledFunc func;
  gpointer user_data;
  GDestroyNotify destroy;       /* (nullable) */
} CoroGtkHandler;

/* The coroutines of one widget. */
typedef struct
{
  GtkWidget *widget;            /* (unowned): it owns this struct */
  CoroTaskGroup *group;         /* (owned) */
  CoroGtkScopeState state;      /* of the group */
  CoroGtkKeeper *keeper;        /* (nullable) (unowned): of the group */
  CoroGtkHandler *handler;      /* (nullable) (owned): a g_rc_box */
  GHashTable *latest;           /* (nullable) (owned) (element-type utf8 CoroGtkLatest) */
  GtkRoot *root;                /* (nullable) (weak pointer): the window that is listened to */
  gulong unrealize_id;          /* of @root */
  gboolean leaving;             /* it is in leaving_widgets */
} CoroGtkScope;

/* (owned) (element-type GtkWidget): without a window since the main loop last turned */
static GPtrArray *leaving_widgets;

static void
scope_leave_root (CoroGtkScope *self)
{
  if (self->root != NULL)
    g_signal_handler_disconnect (self->root, self->unrealize_id);
  self->unrealize_id = 0;
  g_clear_weak_pointer (&self->root);
}

/* --- errors ----------------------------------------------------------------------- */

static void
handler_clear (gpointer data)
{
  CoroGtkHandler *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

static void
handler_unref (gpointer data)
{
  g_rc_box_release_full (data, handler_clear);
}

static void
handler_call_cb (const GError  *error,
                 const char    *name,
                 const char    *spawned_at,
                 gpointer       user_data,
                 GError       **error_out)
{
  CoroGtkHandler *self = user_data;

  self->func (error, name, spawned_at, self->user_data, error_out);
}

static void
scope_apply_handler (CoroGtkScope *self)
{
  if (self->handler != NULL)
    coro_task_group_set_unhandled_func (self->group, handler_call_cb, g_rc_box_acquire (self->handler), handler_unref);
  else
    coro_task_group_set_unhandled_func (self->group, NULL, NULL, NULL);
}

/* --- the group -------------------------------------------------------------------- */

static void
scope_make_group (CoroGtkScope *self)
{
  g_clear_object (&self->group);
  self->group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED |
                                     CORO_TASK_GROUP_BACKGROUND);
  self->state = SCOPE_LIVE;
  self->keeper = NULL;
  if (self->handler != NULL)
    scope_apply_handler (self);
}

static void
scope_free (gpointer data)
{
  CoroGtkScope *self = data;

  scope_leave_root (self);
  coro_task_group_cancel (self->group);
  g_object_unref (self->group);
  g_clear_pointer (&self->handler, handler_unref);
  g_clear_pointer (&self->latest, g_hash_table_unref);
  g_free (self);
}

/* --- the end ---------------------------------------------------------------------- */

/* Keeps a widget until the last coroutine of a group has ended.  The coroutine that waits for the
 * group belongs to no widget, so it keeps the application as well. */
struct _CoroGtkKeeper
{
  GtkWidget *widget;            /* (owned) */
  CoroTaskGroup *group;         /* (owned) */
  CoroGtkScope *scope;          /* (unowned): the widget owns it */
};

static gboolean
keeper_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroGtkKeeper *self = user_data;

  return coro_task_group_join (self->group, error);
}

static void
keeper_free (gpointer data)
{
  CoroGtkKeeper *self = data;

  if (self->scope->keeper == self)
    self->scope->keeper = NULL;
  g_object_unref (self->group);
  g_object_unref (self->widget);
  g_free (self);
}

static void
scope_end (CoroGtkScope      *self,
           CoroGtkScopeState  state)
{
  if (self->state >= state)
    return;

  self->state = state;
  if (state == SCOPE_WOUND_UP)
    coro_task_group_wind_up (self->group);
  else
    coro_task_group_cancel (self->group);
  if (self->keeper != NULL || coro_task_group_get_n_members (self->group) == 0)
    return;

  self->keeper = g_new (CoroGtkKeeper, 1);
  self->keeper->widget = g_object_ref (self->widget);
  self->keeper->group = g_object_ref (self->group);
  self->keeper->scope = self;
  /* Starts at once: an application that quits may drop coroutines that have not begun, and then the
   * widget would go before its coroutines. */
  coro_spawn_eager (keeper_cb, self->keeper, keeper_free);
}

static void
widget_destroy_cb (GtkWidget    *widget,
                   CoroGtkScope *scope)
{
  scope_end (scope, SCOPE_DISPOSED);
}

/* A window that is destroyed while there are references to it is not disposed of, and emits no
 * ::destroy; but when it is unrealized it is no toplevel any more.  A window that is only hidden
 * stays a toplevel, and its coroutines go on.  The signal of the window is necessary: a stack page
 * that was never shown was never realized, and so is not unrealized. */
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

  scope_end (scope, SCOPE_WOUND_UP);
}

static CoroGtkScope *
widget_lookup_scope (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "coro-gtk-scope");
}

/* Whether only leaving_widgets holds a widget without a window, or a parent in this state. */
static gboolean
widget_is_dropped (GtkWidget *self)
{
  GtkWidget *top = self;
  CoroGtkScope *scope;

  if (gtk_widget_get_root (self) != NULL)
    return FALSE;
  while (gtk_widget_get_parent (top) != NULL)
    top = gtk_widget_get_parent (top);
  if (top == self)
    return g_atomic_int_get (&G_OBJECT (self)->ref_count) == 1;

  scope = widget_lookup_scope (top);
  return scope != NULL && scope->state == SCOPE_WOUND_UP;
}

static gboolean
leaving_widgets_cb (gpointer user_data)
{
  g_autoptr (GPtrArray) widgets = g_steal_pointer (&leaving_widgets);
  gboolean found;

  for (guint i = 0; i < widgets->len; i++)
    widget_lookup_scope (widgets->pdata[i])->leaving = FALSE;

  /* Once more, for children of the widgets that were found. */
  do
    {
      found = FALSE;
      for (guint i = 0; i < widgets->len; i++)
        {
          CoroGtkScope *scope = widget_lookup_scope (widgets->pdata[i]);

          if (scope->state == SCOPE_LIVE && widget_is_dropped (scope->widget))
            {
              scope_end (scope, SCOPE_WOUND_UP);
              found = TRUE;
            }
        }
    }
  while (found);
  return G_SOURCE_REMOVE;
}

/* A widget was removed from its window, either to move to another place or for good.  It is kept
 * until the main loop turns: then the two cases differ, and nothing of it has been disposed of. */
static void
scope_leave (CoroGtkScope *self)
{
  if (self->state != SCOPE_LIVE || self->leaving || coro_task_group_get_n_members (self->group) == 0)
    return;

  if (leaving_widgets == NULL)
    {
      leaving_widgets = g_ptr_array_new_with_free_func (g_object_unref);
      g_idle_add_full (G_PRIORITY_HIGH, leaving_widgets_cb, NULL, NULL);
    }
  self->leaving = TRUE;
  g_ptr_array_add (leaving_widgets, g_object_ref (self->widget));
}

static void
widget_root_cb (GtkWidget    *widget,
                GParamSpec   *pspec,
                CoroGtkScope *scope)
{
  GtkRoot *root = gtk_widget_get_root (widget);

  scope_leave_root (scope);
  if (root == NULL)
    scope_leave (scope);
  if (!GTK_IS_WINDOW (root))
    return;

  if (scope->state == SCOPE_WOUND_UP)
    scope_make_group (scope);   /* the widget has moved to another window */
  g_set_weak_pointer (&scope->root, root);
  scope->unrealize_id = g_signal_connect (root, "unrealize", G_CALLBACK (root_unrealize_cb), scope);
}

static CoroGtkScope *
widget_get_scope (GtkWidget *widget)
{
  CoroGtkScope *scope = widget_lookup_scope (widget);

  if (scope != NULL)
    return scope;

  coro_gtk_attach ();
  scope = g_new0 (CoroGtkScope, 1);
  scope->widget = widget;
  scope_make_group (scope);
  g_object_set_data_full (G_OBJECT (widget), "coro-gtk-scope", scope, scope_free);
  g_signal_connect (widget, "destroy", G_CALLBACK (widget_destroy_cb), scope);
  g_signal_connect (widget, "notify::root", G_CALLBACK (widget_root_cb), scope);
  widget_root_cb (widget, NULL, scope);
  if (gtk_widget_in_destruction (widget))
    scope_end (scope, SCOPE_DISPOSED);  /* ::destroy is being emitted, too early for the handler */
  return scope;
}

/**
 * coro_gtk_widget_get_group: (skip)
 * @widget: (type Gtk.Widget): a widget
 *
 * Gets the group of the coroutines that belong to a widget.
 *
 * The coroutines are cancelled
 *
 * - when the window of the widget is destroyed;
 * - when the widget is removed from its window and has no other owner at the
 *   next turn of the main loop;
 * - when the widget is disposed of in another way.
 *
 * Hiding a window, and moving a widget to another place or window, leaves the
 * coroutines alone.
 *
 * The widget stays until its last coroutine has ended, cleanup included. In the
 * first two cases it stays whole, with its children and template children, and
 * coroutines that have not begun run to their first wait, which fails. In the
 * third case ([method@GObject.Object.run_dispose], or the last reference to a
 * widget outside a window) the template children are %NULL, and coroutines that
 * have not begun never run.
 *
 * A widget that comes to another window after its own was destroyed has a new
 * group there: do not keep the group, call this function again. A coroutine that
 * is spawned for a disposed widget does not run, and a warning is logged.
 *
 * The default application is attached, see [func@Coro.application_attach]. It
 * waits for the cleanup of widgets, but not for their coroutines, because the
 * group has %CORO_TASK_GROUP_BACKGROUND.
 *
 * Members fail alone, and the group is not joined: see
 * [func@CoroGtk.widget_set_unhandled_func]. Their stacks have 8 MiB,
 * unless [method@Coro.Scheduler.set_stack_size] says otherwise.
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
  CoroGtkScope *scope;

  g_return_val_if_fail (GTK_IS_WIDGET (widget), NULL);

  scope = widget_get_scope (widget);
  if (scope->state == SCOPE_DISPOSED)
    g_warning ("A %s has been disposed of; what is spawned for it does not run", G_OBJECT_TYPE_NAME (widget));
  return scope->group;
}

/**
 * coro_gtk_widget_set_unhandled_func: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called for each coroutine of the widget whose error is not read.
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
  CoroGtkScope *scope;
  CoroGtkHandler *old;

  g_return_if_fail (GTK_IS_WIDGET (widget));

  scope = widget_get_scope (widget);
  old = g_steal_pointer (&scope->handler);
  if (func != NULL)
    {
      scope->handler = g_rc_box_new (CoroGtkHandler);
      *scope->handler = (CoroGtkHandler) { func, user_data, destroy };
    }
  scope_apply_handler (scope);
  g_clear_pointer (&old, handler_unref);
}

/* --- the latest ------------------------------------------------------------------- */

/* One call of coro_gtk_widget_spawn_latest(). */
typedef struct
{
  CoroFunc func;                /* (nullable): NULL: none */
  gpointer user_data;           /* (owned): by destroy */
  GDestroyNotify destroy;       /* (nullable) */
  const char *site;             /* (nullable) */
} CoroGtkRun;

/* The coroutine that runs under a key, as long as one runs.  The scope holds a reference, and so does
 * the task: what is spawned while the widget is finalized ends after the scope. */
typedef struct
{
  CoroGtkScope *scope;          /* (unowned) (nullable): NULL: the widget is gone */
  char *key;                    /* (owned) */
  CoroTask *task;               /* (owned) (nullable) */
  CoroGtkRun run;               /* of the task */
  CoroGtkRun next;              /* starts when `run` has ended */
  gboolean begun;               /* the body has begun */
  gboolean cancelled;
} CoroGtkLatest;

static void
run_clear_cb (gpointer data)
{
  CoroGtkRun *self = data;

  if (self->func != NULL && self->destroy != NULL)
    self->destroy (self->user_data);
}

static void
latest_clear (gpointer data)
{
  CoroGtkLatest *self = data;

  g_clear_object (&self->task);
  g_free (self->key);
}

static void
latest_unref (CoroGtkLatest *self)
{
  g_rc_box_release_full (self, latest_clear);
}

/* The scope drops it. */
static void
latest_leave (gpointer data)
{
  CoroGtkLatest *self = data;

  self->scope = NULL;
  latest_unref (self);
}

static gboolean
latest_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroGtkLatest *self = user_data;

  self->begun = TRUE;
  return self->run.func (self->run.user_data, result, error);
}

static void latest_start (CoroGtkLatest *self);

/* The task has ended.  The handle is dropped before the outcome is set: so an error counts as
 * unread, and is reported at once. */
static void
latest_ended_cb (gpointer data)
{
  CoroGtkLatest *self = data;
  CoroGtkRun ended = self->run;
  CoroGtkRun dropped = { NULL, };

  g_clear_object (&self->task);
  self->run = self->next;
  self->next = (CoroGtkRun) { NULL, };
  if (self->scope == NULL)
    dropped = self->run;
  else if (self->run.func != NULL)
    latest_start (self);
  else
    g_hash_table_remove (self->scope->latest, self->key);
  latest_unref (self);

  run_clear_cb (&ended);
  run_clear_cb (&dropped);
}

/* The name for error messages: "load_cb" of "load_cb (window.c:12)". */
static void
latest_name_task (CoroGtkLatest *self)
{
  const char *site = self->run.site;
  g_autofree char *name = NULL;

  if (site == NULL)
    return;
  name = g_strndup (site, strcspn (site, " "));
  coro_task_set_name (self->task, name);
}

static void
latest_start (CoroGtkLatest *self)
{
  self->begun = FALSE;
  self->cancelled = FALSE;
  self->task = coro_spawn_task_at (self->scope->group, latest_cb, g_rc_box_acquire (self), latest_ended_cb,
                                   self->run.site);
  latest_name_task (self);
}

static CoroGtkLatest *
scope_get_latest (CoroGtkScope *self,
                  const char   *key)
{
  CoroGtkLatest *latest;

  if (self->latest == NULL)
    self->latest = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, latest_leave);

  latest = g_hash_table_lookup (self->latest, key);
  if (latest == NULL)
    {
      latest = g_rc_box_new0 (CoroGtkLatest);
      latest->scope = self;
      latest->key = g_strdup (key);
      g_hash_table_insert (self->latest, latest->key, latest);
    }
  return latest;
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
 * Runs a coroutine of a widget in place of an older coroutine with an equal key:
 * the older one is cancelled, once, and the new one starts when this cleanup is
 * over. So a double click on a button never does the work twice at a time. If the
 * older coroutine has not begun, it never runs, and its @user_data is freed in
 * this call: after many calls in one turn of the main loop only the last coroutine
 * runs, with the context variables of the first.
 * [func@CoroGtk.widget_spawn_latest] is the short form.
 *
 * An error is reported at once, see
 * [func@CoroGtk.widget_set_unhandled_func].
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
  CoroGtkRun run = { func, user_data, destroy, site };
  CoroGtkRun replaced;
  CoroGtkLatest *latest;

  g_return_if_fail (GTK_IS_WIDGET (widget));
  g_return_if_fail (key != NULL);
  g_return_if_fail (func != NULL);

  coro_gtk_widget_get_group (widget);           /* warns if it is too late */
  latest = scope_get_latest (widget_lookup_scope (widget), key);

  if (latest->task == NULL)
    {
      latest->run = run;
      latest_start (latest);
      return;
    }

  if (!latest->begun)
    {
      replaced = latest->run;
      latest->run = run;
      latest_name_task (latest);
    }
  else
    {
      replaced = latest->next;
      latest->next = run;
      if (!latest->cancelled)
        coro_task_cancel (latest->task);
      latest->cancelled = TRUE;
    }
  coro_call_on_thread_stack (run_clear_cb, &replaced);
}
