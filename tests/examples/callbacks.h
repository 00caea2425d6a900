/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the programs of docs/callbacks.md work on: they are written twice, with callbacks and
 * with coroutines, and have to do the same.
 */
#pragma once

#include <string.h>

#include <gio/gio.h>

static GString *shown;          /* what was to be seen, in its order */
static int n_pages;

/* --- a lamp ---------------------------------------------------------------------------- */

static void
lamp_set (gboolean on)
{
  g_string_append_c (shown, on ? '1' : '0');
}

/* --- a dialog, which answers later ------------------------------------------------------- */

typedef void (*DialogFunc) (const char *answer,
                            gpointer    user_data);

typedef struct
{
  DialogFunc func;
  gpointer user_data;
} Dialog;

static gboolean
dialog_idle_cb (gpointer user_data)
{
  Dialog *self = user_data;

  self->func ("yes", self->user_data);
  return G_SOURCE_REMOVE;
}

static void
dialog_ask (const char *question,
            DialogFunc  func,
            gpointer    user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Dialog *self = g_new (Dialog, 1);

  *self = (Dialog) { func, user_data };
  g_string_append (shown, question);
  g_source_set_callback (source, dialog_idle_cb, self, g_free);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
clear_list (void)
{
  g_string_append (shown, " cleared");
}

/* --- a page, which shows a file ------------------------------------------------------------ */

typedef struct
{
  GFile *file;
  GFile *backup;
  GCancellable *cancellable;    /* (nullable) (owned) */
  gpointer task;                /* (nullable) (owned) */
} Page;

static GFile *
new_file (const char *text)
{
  g_autoptr (GFileIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  GFile *file = g_file_new_tmp ("callbacks-XXXXXX", &stream, &error);

  g_assert_no_error (error);
  g_file_replace_contents (file, text, strlen (text), NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL, &error);
  g_assert_no_error (error);
  return file;
}

static Page *
page_new (void)
{
  Page *self = g_rc_box_new0 (Page);

  self->file = new_file ("text");
  self->backup = new_file ("older");
  n_pages++;
  return self;
}

static Page *
page_ref (Page *self)
{
  return g_rc_box_acquire (self);
}

static void
page_clear (gpointer page)
{
  Page *self = page;

  g_file_delete (self->file, NULL, NULL);
  g_file_delete (self->backup, NULL, NULL);
  g_object_unref (self->file);
  g_object_unref (self->backup);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->task);
  n_pages--;
}

static void
page_unref (Page *self)
{
  g_rc_box_release_full (self, page_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Page, page_unref)

static void
page_show (Page   *self,
           GBytes *bytes)
{
  g_string_append_len (shown, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes));
}

static void
page_show_error (Page         *self,
                 const GError *error)
{
  g_string_append (shown, error->message);
}

/* --- what both have to have done ------------------------------------------------------------ */

static void
expect_shown (const char *text)
{
  g_assert_cmpstr (shown->str, ==, text);
  g_string_truncate (shown, 0);
}

static gboolean
page_is_backed_up (Page *self)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_file_load_contents (self->backup, NULL, &contents, NULL, NULL, &error);
  g_assert_no_error (error);
  return g_str_equal (contents, "text");
}

#define CHECKSUM_OF_TEXT "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
