/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-group-error-private.h"

/* An extended GError that holds other errors. */
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
  destination->errors = NULL;
  if (source->errors == NULL)
    return;

  destination->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  for (guint i = 0; i < source->errors->len; i++)
    g_ptr_array_add (destination->errors, g_error_copy (source->errors->pdata[i]));
}

static void
coro_group_error_private_clear (CoroGroupErrorPrivate *priv)
{
  g_clear_pointer (&priv->errors, g_ptr_array_unref);
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
  g_return_val_if_fail (error != NULL, 0);

  if (error->domain == CORO_GROUP_ERROR && coro_group_error_get_private (error)->errors != NULL)
    return coro_group_error_get_private (error)->errors->len;
  return 1;
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
  g_return_val_if_fail (error != NULL, NULL);
  g_return_val_if_fail (index < coro_group_error_get_size (error), NULL);

  if (error->domain == CORO_GROUP_ERROR && coro_group_error_get_private (error)->errors != NULL)
    return coro_group_error_get_private (error)->errors->pdata[index];
  return error;
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
  if (error == NULL)
    return FALSE;
  if (g_error_matches (error, domain, code))
    return TRUE;
  if (error->domain != CORO_GROUP_ERROR)
    return FALSE;

  for (guint i = 0; i < coro_group_error_get_size (error); i++)
    {
      const GError *member = coro_group_error_get_nth (error, i);

      if (member != error && coro_group_error_matches (member, domain, code))
        return TRUE;
    }
  return FALSE;
}

/* Sorts `error` into one group of those that match and one of the others.  Nested groups
 * keep their shape. */
static void
split_into (const GError *error,
            GQuark        domain,
            int           code,
            GPtrArray    *matches,
            GPtrArray    *others)
{
  g_autoptr (GPtrArray) inner_matches = NULL;
  g_autoptr (GPtrArray) inner_others = NULL;

  if (g_error_matches (error, domain, code))
    {
      g_ptr_array_add (matches, g_error_copy (error));
      return;
    }
  if (error->domain != CORO_GROUP_ERROR || coro_group_error_get_private (error)->errors == NULL)
    {
      g_ptr_array_add (others, g_error_copy (error));
      return;
    }

  inner_matches = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  inner_others = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  for (guint i = 0; i < coro_group_error_get_size (error); i++)
    split_into (coro_group_error_get_nth (error, i), domain, code, inner_matches, inner_others);

  if (inner_matches->len > 0)
    g_ptr_array_add (matches, coro_group_error_new (g_steal_pointer (&inner_matches)));
  if (inner_others->len > 0)
    g_ptr_array_add (others, coro_group_error_new (g_steal_pointer (&inner_others)));
}

/* The only error of `errors`, which is taken; NULL without. */
static GError *
take_only (GPtrArray *errors)
{
  GError *error = NULL;

  if (errors->len > 0)
    error = g_error_copy (errors->pdata[0]);
  g_ptr_array_unref (errors);
  return error;
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
  GPtrArray *matches, *others;
  GError *matched, *other;
  gboolean any;

  g_return_val_if_fail (error != NULL, FALSE);

  matches = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  others = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  split_into (error, domain, code, matches, others);

  matched = take_only (matches);
  other = take_only (others);
  any = matched != NULL;
  if (match != NULL)
    *match = g_steal_pointer (&matched);
  if (rest != NULL)
    *rest = g_steal_pointer (&other);
  g_clear_error (&matched);
  g_clear_error (&other);
  return any;
}
