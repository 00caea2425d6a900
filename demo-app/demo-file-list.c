/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-file-list.h"

#include <glib/gi18n.h>

/* DemoFileList: what became of every file, in columns.
 *
 * Files are finished by the thousand, and a view that is told of each would do nothing but
 * listen.  So items are put aside, and demo_file_list_flush() gives them to the view in one
 * change as often as its caller wants to see news. */

/* The view makes widgets for its first two hundred rows: a few of them at once are never
 * felt.  Rows beyond cost next to nothing, so they may come in bulk. */
#define N_ROWS_WITH_WIDGETS 256
#define FIRST_BATCH 6
#define LATER_BATCH 2048

struct _DemoFileList
{
  GtkWidget parent_instance;

  GtkColumnView *view;
  GtkWidget *scrolled_window;

  GListStore *store;              /* (owned): of DemoFileItem */
  GPtrArray *pending;             /* (owned): items that the store has not got yet */
  GtkFilterListModel *filtered;   /* (owned) */
  GtkSortListModel *sorted;       /* (owned): by the column that was clicked, else as they came */
  GtkSingleSelection *selection;  /* (owned) */
};

enum
{
  PROP_SELECTED = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoFileList, demo_file_list, GTK_TYPE_WIDGET)

/* --- cells ------------------------------------------------------------------------ */

/* Inscriptions and not labels: their size does not depend on their text, so a row that is
 * used again for another file needs no new layout. */
static void
setup_cell_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, const char *property)
{
  GtkWidget *inscription = gtk_inscription_new (NULL);

  gtk_inscription_set_text_overflow (GTK_INSCRIPTION (inscription), GTK_INSCRIPTION_OVERFLOW_ELLIPSIZE_END);
  if (g_str_equal (property, "size-text"))
    gtk_inscription_set_xalign (GTK_INSCRIPTION (inscription), 1.0);
  if (g_str_equal (property, "detail"))
    gtk_widget_add_css_class (inscription, "detail");
  gtk_list_item_set_child (list_item, inscription);
}

static void
bind_cell_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, const char *property)
{
  DemoFileItem *item = gtk_list_item_get_item (list_item);
  GtkWidget *inscription = gtk_list_item_get_child (list_item);
  g_autofree char *text = NULL;

  g_object_get (item, property, &text, NULL);
  gtk_inscription_set_text (GTK_INSCRIPTION (inscription), text);
  gtk_widget_set_tooltip_text (inscription, text);
  if (demo_file_item_is_problem (item))
    gtk_widget_add_css_class (inscription, "problem");
  else
    gtk_widget_remove_css_class (inscription, "problem");
}

static int
compare_sizes (gconstpointer a, gconstpointer b, gpointer user_data)
{
  guint64 size_a = demo_file_item_get_size ((DemoFileItem *) a);
  guint64 size_b = demo_file_item_get_size ((DemoFileItem *) b);

  return (size_a > size_b) - (size_a < size_b);
}

static GtkSorter *
create_sorter (const char *property)
{
  if (g_str_equal (property, "size-text"))
    return GTK_SORTER (gtk_custom_sorter_new (compare_sizes, NULL, NULL));
  return GTK_SORTER (gtk_string_sorter_new (gtk_property_expression_new (DEMO_TYPE_FILE_ITEM, NULL, property)));
}

static void
file_list_add_column (DemoFileList *self, const char *title, const char *property, int width, gboolean expand)
{
  g_autoptr (GtkSorter) sorter = create_sorter (property);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  g_autoptr (GtkColumnViewColumn) column = gtk_column_view_column_new (title, factory);

  g_signal_connect (factory, "setup", G_CALLBACK (setup_cell_cb), (gpointer) property);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cell_cb), (gpointer) property);
  gtk_column_view_column_set_fixed_width (column, width);
  gtk_column_view_column_set_expand (column, expand);
  gtk_column_view_column_set_resizable (column, TRUE);
  gtk_column_view_column_set_sorter (column, sorter);
  gtk_column_view_append_column (self->view, column);
}

/* --- the widget ------------------------------------------------------------------- */

static void
file_list_selected_cb (DemoFileList *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

static void
demo_file_list_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_SELECTED:
      g_value_set_object (value, demo_file_list_get_selected (DEMO_FILE_LIST (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_file_list_dispose (GObject *object)
{
  DemoFileList *self = DEMO_FILE_LIST (object);

  g_clear_pointer (&self->scrolled_window, gtk_widget_unparent);

  G_OBJECT_CLASS (demo_file_list_parent_class)->dispose (object);
}

static void
demo_file_list_finalize (GObject *object)
{
  DemoFileList *self = DEMO_FILE_LIST (object);

  g_clear_object (&self->selection);
  g_clear_object (&self->sorted);
  g_clear_object (&self->filtered);
  g_clear_object (&self->store);
  g_clear_pointer (&self->pending, g_ptr_array_unref);

  G_OBJECT_CLASS (demo_file_list_parent_class)->finalize (object);
}

static void
demo_file_list_class_init (DemoFileListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = demo_file_list_get_property;
  object_class->dispose = demo_file_list_dispose;
  object_class->finalize = demo_file_list_finalize;

  properties[PROP_SELECTED] = g_param_spec_object ("selected", NULL, NULL, DEMO_TYPE_FILE_ITEM,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

/* Sorting is done in the time that is left between frames, like everything else here. */
static void
file_list_init_models (DemoFileList *self)
{
  GtkSorter *sorter = gtk_column_view_get_sorter (self->view);

  self->store = g_list_store_new (DEMO_TYPE_FILE_ITEM);
  self->pending = g_ptr_array_new_with_free_func (g_object_unref);
  self->filtered = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (self->store)), NULL);
  self->sorted = gtk_sort_list_model_new (g_object_ref (G_LIST_MODEL (self->filtered)), g_object_ref (sorter));
  gtk_sort_list_model_set_incremental (self->sorted, TRUE);
  self->selection = gtk_single_selection_new (g_object_ref (G_LIST_MODEL (self->sorted)));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  g_signal_connect_object (self->selection, "notify::selected-item",
                           G_CALLBACK (file_list_selected_cb), self, G_CONNECT_SWAPPED);
}

static void
demo_file_list_init (DemoFileList *self)
{
  self->view = GTK_COLUMN_VIEW (gtk_column_view_new (NULL));
  file_list_add_column (self, _("File"), "path", 300, TRUE);
  file_list_add_column (self, _("Size"), "size-text", 96, FALSE);
  file_list_add_column (self, _("SHA-256, or what went wrong"), "detail", 360, TRUE);
  gtk_widget_add_css_class (GTK_WIDGET (self->view), "data-table");
  file_list_init_models (self);
  gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (self->selection));

  self->scrolled_window = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scrolled_window), GTK_WIDGET (self->view));
  gtk_widget_set_parent (self->scrolled_window, GTK_WIDGET (self));
}

/* Takes over @item. */
void
demo_file_list_add (DemoFileList *self, DemoFileItem *item)
{
  g_return_if_fail (DEMO_IS_FILE_LIST (self));

  g_ptr_array_add (self->pending, item);
}

/* Shows some of what was added.  Returns whether there is more. */
gboolean
demo_file_list_flush (DemoFileList *self)
{
  guint n_rows;
  guint n;

  g_return_val_if_fail (DEMO_IS_FILE_LIST (self), FALSE);

  n_rows = g_list_model_get_n_items (G_LIST_MODEL (self->store));
  n = MIN (self->pending->len, n_rows < N_ROWS_WITH_WIDGETS ? FIRST_BATCH : LATER_BATCH);
  if (n > 0)
    {
      g_list_store_splice (self->store, n_rows, 0, self->pending->pdata, n);
      g_ptr_array_remove_range (self->pending, 0, n);
    }
  return self->pending->len > 0;
}

void
demo_file_list_clear (DemoFileList *self)
{
  g_return_if_fail (DEMO_IS_FILE_LIST (self));

  g_ptr_array_set_size (self->pending, 0);
  g_list_store_remove_all (self->store);
}

void
demo_file_list_set_only_problems (DemoFileList *self, gboolean only_problems)
{
  g_autoptr (GtkFilter) filter = NULL;

  g_return_if_fail (DEMO_IS_FILE_LIST (self));

  if (only_problems)
    filter = GTK_FILTER (gtk_bool_filter_new (gtk_property_expression_new (DEMO_TYPE_FILE_ITEM, NULL, "problem")));
  gtk_filter_list_model_set_filter (self->filtered, filter);
}

void
demo_file_list_select (DemoFileList *self, guint position)
{
  g_return_if_fail (DEMO_IS_FILE_LIST (self));

  gtk_single_selection_set_selected (self->selection, position);
}

DemoFileItem *
demo_file_list_get_selected (DemoFileList *self)
{
  g_return_val_if_fail (DEMO_IS_FILE_LIST (self), NULL);

  return gtk_single_selection_get_selected_item (self->selection);
}
