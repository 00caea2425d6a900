/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

G_BEGIN_DECLS

#define DEMO_STUDY_N_PROGRAMS 9

/* Where a program says something, a line at a time. */
typedef struct
{
  void (*print) (const char *line, gpointer data);
  gpointer data;
} DemoStudyOutput;

typedef struct
{
  const char *name;         /* as in the headings of the source */
  const char *title;        /* to be translated */
  const char *description;  /* to be translated */
  CoroFunc func;            /* takes a DemoStudyOutput */
} DemoStudyProgram;

const DemoStudyProgram *demo_study_get_programs   (void);
char                   *demo_study_extract_source (const char *text, const char *name);

G_END_DECLS
