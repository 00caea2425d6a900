/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A library that is called like GTK's and has nothing in it.
 */
int gtk_by_name (void);

int
gtk_by_name (void)
{
  return 0;
}
