/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-download-error.h"

#include <coro-glib/coro-glib.h>
#include <errno.h>
#include <glib/gi18n.h>
#include <libsoup/soup.h>

/* What a failed download means: whether to try again, and what its row says. */

G_DEFINE_QUARK (demo-http-error-quark, demo_http_error)

/* Whether the same request may succeed a moment later. */
gboolean
demo_download_error_is_transient (const GError *error)
{
  if (error->domain == DEMO_HTTP_ERROR)
    return error->code == SOUP_STATUS_REQUEST_TIMEOUT || error->code == 429 || SOUP_STATUS_IS_SERVER_ERROR (error->code);
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT) ||
         g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE);
}

static char *
describe_http_error (const GError *error)
{
  switch (error->code)
    {
    case SOUP_STATUS_NOT_FOUND:
    case SOUP_STATUS_GONE:
      return g_strdup_printf (_("The server has no such file (%d)"), error->code);
    case SOUP_STATUS_UNAUTHORIZED:
    case SOUP_STATUS_FORBIDDEN:
      return g_strdup_printf (_("The server does not allow it (%d)"), error->code);
    case SOUP_STATUS_SERVICE_UNAVAILABLE:
      return g_strdup_printf (_("The server is busy (%d)"), error->code);
    default:
      return g_strdup_printf (_("The server answered “%s” (%d)"), error->message, error->code);
    }
}

/* One clear sentence for the row.  @timeout: how long silence was allowed. */
char *
demo_download_error_describe (const GError *error, GTimeSpan timeout)
{
  int seconds = MAX (1, timeout / G_TIME_SPAN_SECOND);

  if (coro_error_is_cancelled (error))
    return g_strdup (_("Cancelled"));
  if (error->domain == DEMO_HTTP_ERROR)
    return describe_http_error (error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return g_strdup_printf (ngettext ("The server was silent for %d second",
                                      "The server was silent for %d seconds", seconds), seconds);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return g_strdup (_("The connection was refused"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
    return g_strdup (_("The connection broke before the end"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return g_strdup_printf (_("The disk is full: %s"), g_strerror (ENOSPC));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return g_strdup (_("No permission to write into the folder"));
  return g_strdup (error->message);
}
