/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-group-error-private.h"

#include "base/coro-drop-private.h"

/* An extended GError that holds other errors.  The inner errors are never changed, so copies share
 * them: an error that passes through a thousand groups exists once. */
typedef struct
{
  GPtrArray *errors;            /* (owned) (nullable) (element-type GError) */
} CoroGroupErrorPrivate;

static void
coro_group_error_private_init (CoroGroupErrorPrivate *priv)
{
  priv->errors = NULL;
}

static void
coro_group_error_private_copy (const CoroGroupErrorPrivate *source,
                               CoroGroupErrorPrivate       *destination)
{
  destination->errors = source->errors != NULL ? g_ptr_array_ref (source->errors) : NULL;
}

static void
coro_group_error_private_clear (CoroGroupErrorPrivate *priv)
{
  if (priv->errors != NULL)
    coro_drop (g_steal_pointer (&priv->errors), (GDestroyNotify) g_ptr_array_unref);
}

G_DEFINE_EXTENDED_ERROR (CoroGroupError, coro_group_error)

/* An error that holds `errors`, which it takes, and is named after the first of them. */
GError *
coro_group_error_new (GPtrArray *errors)
{
  const GError *first = errors->pdata[0];
  GError *self;

  if (errors->len == 1)
    self = g_error_new (CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED, "%s", first->message);
  else
    self = g_error_new (CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED, "%s (and %u more)",
                        first->message, errors->len - 1);
  coro_group_error_get_private (self)->errors = errors;
  return self;
}

/* Returns: (nullable): the errors in a group error; NULL for any other error */
static GPtrArray *
error_get_members (const GError *error)
{
  return error->domain == CORO_GROUP_ERROR ? coro_group_error_get_private (error)->errors : NULL;
}

/**
 * coro_group_error_get_size:
 * @error: an error
 *
 * Counts the errors that @error holds. One of another domain holds itself.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: how many there are, at least 1
 *
 * Since: 0.1
 */
guint
coro_group_error_get_size (const GError *error)
{
  GPtrArray *members;

  g_return_val_if_fail (error != NULL, 0);

  members = error_get_members (error);
  return members != NULL ? members->len : 1;
}

/**
 * coro_group_error_get_nth:
 * @error: an error
 * @index: which one
 *
 * Gets one of the errors that @error holds, in the order in which they came.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): an error, valid as long as @error
 *
 * Since: 0.1
 */
const GError *
coro_group_error_get_nth (const GError *error,
                          guint         index)
{
  GPtrArray *members;

  g_return_val_if_fail (error != NULL, NULL);
  g_return_val_if_fail (index < coro_group_error_get_size (error), NULL);

  members = error_get_members (error);
  return members != NULL ? members->pdata[index] : error;
}

/* A group on the way down. */
typedef struct
{
  GPtrArray *members;
  guint next;
} CoroGroupLevel;

static void
push_level (GArray     *levels,
            GHashTable *seen,
            GPtrArray  *members)
{
  CoroGroupLevel level = { members, 0 };

  if (members != NULL && g_hash_table_add (seen, members))
    g_array_append_val (levels, level);
}

/* Calls `func` for the error and for all errors in it at any depth, the members of a group right
 * after the group.  An error that several groups share is visited once.  Stops and returns FALSE
 * when `func` returns FALSE. */
gboolean
coro_group_error_foreach (const GError       *error,
                          CoroGroupErrorFunc  func,
                          gpointer            data)
{
  g_autoptr (GArray) levels = NULL;
  g_autoptr (GHashTable) seen = NULL;

  if (!func (error, 0, 0, data))
    return FALSE;
  if (error_get_members (error) == NULL)
    return TRUE;

  levels = g_array_new (FALSE, FALSE, sizeof (CoroGroupLevel));
  seen = g_hash_table_new (NULL, NULL);
  push_level (levels, seen, error_get_members (error));
  while (levels->len > 0)
    {
      CoroGroupLevel *level = &g_array_index (levels, CoroGroupLevel, levels->len - 1);
      guint index = level->next++;

      if (index == level->members->len)
        {
          g_array_set_size (levels, levels->len - 1);
          continue;
        }
      error = level->members->pdata[index];
      if (!func (error, index, level->members->len, data))
        return FALSE;
      push_level (levels, seen, error_get_members (error));
    }
  return TRUE;
}

typedef struct
{
  GQuark domain;
  int code;
} CoroErrorKind;

static gboolean
differs_cb (const GError *error,
            guint         index,
            guint         size,
            gpointer      data)
{
  CoroErrorKind *kind = data;

  return !g_error_matches (error, kind->domain, kind->code);
}

/**
 * coro_group_error_matches:
 * @error: (nullable): an error
 * @domain: an error domain
 * @code: a code of it
 *
 * Whether @error, or one of those that it holds at any depth, is the one
 * asked for. Python's `except*` asks the same.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if there is such an error
 *
 * Since: 0.1
 */
gboolean
coro_group_error_matches (const GError *error,
                          GQuark        domain,
                          int           code)
{
  CoroErrorKind kind = { domain, code };

  return error != NULL && !coro_group_error_foreach (error, differs_cb, &kind);
}

/* The two parts of a divided group: the matching errors and the others.  Each part keeps the shape
 * of the group, and is NULL if it has no errors. */
typedef struct
{
  GPtrArray *members;           /* (unowned): of the group */
  guint next;
  GPtrArray *matches;           /* (owned) (element-type GError) */
  GPtrArray *others;            /* (owned) (element-type GError) */
} CoroGroupSplit;

typedef struct
{
  GError *match;                /* (nullable) (owned) */
  GError *rest;                 /* (nullable) (owned) */
} CoroSplitError;

static void
split_error_free (gpointer data)
{
  CoroSplitError *self = data;

  g_clear_error (&self->match);
  g_clear_error (&self->rest);
  g_free (self);
}

static void
split_push (GArray    *splits,
            GPtrArray *members)
{
  CoroGroupSplit split = { members, 0, g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free),
                           g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free) };

  g_array_append_val (splits, split);
}

/* A group of `errors`, which it takes over; NULL if there are none. */
static GError *
group_unless_empty (GPtrArray *errors)
{
  if (errors->len > 0)
    return coro_group_error_new (errors);

  g_ptr_array_unref (errors);
  return NULL;
}

static CoroSplitError *
split_pop (GArray *splits)
{
  CoroGroupSplit split = g_array_index (splits, CoroGroupSplit, splits->len - 1);
  CoroSplitError *self = g_new (CoroSplitError, 1);

  g_array_set_size (splits, splits->len - 1);
  *self = (CoroSplitError) { group_unless_empty (split.matches), group_unless_empty (split.others) };
  return self;
}

static void
split_add (CoroGroupSplit *self,
           CoroSplitError *part)
{
  if (part->match != NULL)
    g_ptr_array_add (self->matches, g_error_copy (part->match));
  if (part->rest != NULL)
    g_ptr_array_add (self->others, g_error_copy (part->rest));
}

/* Divides a group and the groups in it, from the inside out.  A loop, no recursion: groups may be
 * nested deeper than the stack.  (transfer none) */
static CoroSplitError *
split_group (GPtrArray  *members,
             GQuark      domain,
             int         code,
             GHashTable *done)
{
  g_autoptr (GArray) splits = g_array_new (FALSE, FALSE, sizeof (CoroGroupSplit));

  split_push (splits, members);
  while (splits->len > 0)
    {
      CoroGroupSplit *split = &g_array_index (splits, CoroGroupSplit, splits->len - 1);
      const GError *error;

      if (split->next == split->members->len)
        {
          GPtrArray *divided = split->members;

          g_hash_table_insert (done, divided, split_pop (splits));
          continue;             /* the group around it finds it there */
        }

      error = split->members->pdata[split->next];
      if (!g_error_matches (error, domain, code) && error_get_members (error) != NULL)
        {
          CoroSplitError *part = g_hash_table_lookup (done, error_get_members (error));

          if (part == NULL)
            {
              split_push (splits, error_get_members (error));
              continue;
            }
          split_add (split, part);
        }
      else
        {
          g_ptr_array_add (g_error_matches (error, domain, code) ? split->matches : split->others, g_error_copy (error));
        }
      split->next++;
    }
  return g_hash_table_lookup (done, members);
}

/**
 * coro_group_error_split:
 * @error: an error
 * @domain: an error domain
 * @code: a code of it
 * @match: (out) (optional) (nullable) (transfer full): those that are the one asked for
 * @rest: (out) (optional) (nullable) (transfer full): the others
 *
 * Divides the errors that @error holds.
 *
 * Both parts are groups of the same shape, so that a handler can deal with
 * the one and pass on the other, as Python's `except*` does. An error that is
 * no group goes to one of them as it is.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if there is such an error
 *
 * Since: 0.1
 */
gboolean
coro_group_error_split (const GError  *error,
                        GQuark         domain,
                        int            code,
                        GError       **match,
                        GError       **rest)
{
  g_autoptr (GHashTable) done = NULL;
  CoroSplitError whole = { NULL, };
  CoroSplitError *parts = &whole;

  g_return_val_if_fail (error != NULL, FALSE);

  if (g_error_matches (error, domain, code))
    {
      whole.match = (GError *) error;
    }
  else if (error_get_members (error) == NULL)
    {
      whole.rest = (GError *) error;
    }
  else
    {
      done = g_hash_table_new_full (NULL, NULL, NULL, split_error_free);
      parts = split_group (error_get_members (error), domain, code, done);
    }

  if (match != NULL)
    *match = parts->match != NULL ? g_error_copy (parts->match) : NULL;
  if (rest != NULL)
    *rest = parts->rest != NULL ? g_error_copy (parts->rest) : NULL;
  return parts->match != NULL;
}
