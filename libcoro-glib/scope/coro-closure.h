/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-spawn.h"

/* CORO_DEFINE_SPAWN (KIND, gtype, name, ARGUMENTS…) makes, from an ordinary function
 *
 *     T name (A a, B b, GError **error)
 *
 * two typed ones that the compiler checks:
 *
 *     void      name_spawn (CoroTaskGroup *group, A a, B b)
 *     CoroTask *name_task  (CoroTaskGroup *group, A a, B b)
 *
 * Arguments are copied to the top of the new coroutine's stack and cleared there: no
 * allocation, no struct and no free function to write.  The function has failed when it
 * has set its error.  Up to six arguments. */

#define CORO_ARG_VALUE(T, name)              (T, T, name, _CORO_ARG_KEEP, _CORO_ARG_DROP)
#define CORO_ARG_STRING(name)                (char *, const char *, name, g_strdup, g_free)
#define CORO_ARG_OBJECT(T, name)             (T *, T *, name, _CORO_ARG_REF, _coro_arg_unref)
#define CORO_ARG_BOXED(T, name, copy, free)  (T *, T *, name, copy, free)

/*< private >*/
#ifdef __cplusplus
# define _CORO_AUTO_TYPE auto
#else
# define _CORO_AUTO_TYPE __auto_type
#endif

#define _CORO_ARG_KEEP(x) (x)
#define _CORO_ARG_DROP(x) ((void) (x))
#define _CORO_ARG_REF(x)  ((x) != NULL ? g_object_ref (x) : NULL)

static inline void
_coro_arg_unref (gpointer object)
{
  if (object != NULL)
    g_object_unref (object);
}

#define _CORO_FIELD(tuple)                       _CORO_FIELD_ tuple
#define _CORO_FIELD_(S, P, name, copy, free)     S name;
#define _CORO_PARAM(tuple)                       _CORO_PARAM_ tuple
#define _CORO_PARAM_(S, P, name, copy, free)     , P name
#define _CORO_INIT(tuple)                        _CORO_INIT_ tuple
#define _CORO_INIT_(S, P, name, copy, free)      copy (name),
#define _CORO_PASS(tuple)                        _CORO_PASS_ tuple
#define _CORO_PASS_(S, P, name, copy, free)      _args->name,
#define _CORO_CLEAR(tuple)                       _CORO_CLEAR_ tuple
#define _CORO_CLEAR_(S, P, name, copy, free)     free (_args->name);

#define _CORO_MAP_1(m, a)      m (a)
#define _CORO_MAP_2(m, a, ...) m (a) _CORO_MAP_1 (m, __VA_ARGS__)
#define _CORO_MAP_3(m, a, ...) m (a) _CORO_MAP_2 (m, __VA_ARGS__)
#define _CORO_MAP_4(m, a, ...) m (a) _CORO_MAP_3 (m, __VA_ARGS__)
#define _CORO_MAP_5(m, a, ...) m (a) _CORO_MAP_4 (m, __VA_ARGS__)
#define _CORO_MAP_6(m, a, ...) m (a) _CORO_MAP_5 (m, __VA_ARGS__)
#define _CORO_MAP_N(_1, _2, _3, _4, _5, _6, N, ...) N
#define _CORO_MAP(m, ...) \
  _CORO_MAP_N (__VA_ARGS__, _CORO_MAP_6, _CORO_MAP_5, _CORO_MAP_4, _CORO_MAP_3, _CORO_MAP_2, _CORO_MAP_1, ) (m, __VA_ARGS__)

#define _CORO_RETURN_BOOLEAN(gtype, value)  coro_return_boolean (result, (value))
#define _CORO_RETURN_INT(gtype, value)      coro_return_int (result, (value))
#define _CORO_RETURN_STRING(gtype, value)   coro_return_take_string (result, (value))
#define _CORO_RETURN_OBJECT(gtype, value)   coro_return_take_object (result, (value))
#define _CORO_RETURN_BOXED(gtype, value)    coro_return_take_boxed (result, (gtype), (value))
/*< public >*/

#define CORO_DEFINE_SPAWN(KIND, gtype, name, ...)                                                   \
  typedef struct { _CORO_MAP (_CORO_FIELD, __VA_ARGS__) } name##_CoroArgs;                          \
                                                                                                    \
  static void                                                                                       \
  name##_coro_clear (gpointer _pointer)                                                             \
  {                                                                                                 \
    name##_CoroArgs *_args = (name##_CoroArgs *) _pointer;                                          \
    _CORO_MAP (_CORO_CLEAR, __VA_ARGS__)                                                            \
  }                                                                                                 \
                                                                                                    \
  static gboolean                                                                                   \
  name##_coro_main (gpointer _pointer, GValue *result, GError **error)                              \
  {                                                                                                 \
    name##_CoroArgs *_args = (name##_CoroArgs *) _pointer;                                          \
    GError *_error = NULL;                                                                          \
    _CORO_AUTO_TYPE _value = name (_CORO_MAP (_CORO_PASS, __VA_ARGS__) &_error);                        \
                                                                                                    \
    if (_error != NULL)                                                                             \
      {                                                                                             \
        g_propagate_error (error, _error);                                                          \
        return FALSE;                                                                               \
      }                                                                                             \
    return _CORO_RETURN_##KIND (gtype, _value);                                                     \
  }                                                                                                 \
                                                                                                    \
  G_GNUC_UNUSED static void                                                                         \
  name##_spawn (CoroTaskGroup *_group _CORO_MAP (_CORO_PARAM, __VA_ARGS__))                         \
  {                                                                                                 \
    name##_CoroArgs _args = { _CORO_MAP (_CORO_INIT, __VA_ARGS__) };                                \
    coro_spawn_copy (_group, name##_coro_main, &_args, sizeof _args, name##_coro_clear, CORO_SPAWN_SITE (name)); \
  }                                                                                                 \
                                                                                                    \
  G_GNUC_UNUSED static CoroTask *                                                                   \
  name##_task (CoroTaskGroup *_group _CORO_MAP (_CORO_PARAM, __VA_ARGS__))                          \
  {                                                                                                 \
    name##_CoroArgs _args = { _CORO_MAP (_CORO_INIT, __VA_ARGS__) };                                \
    return coro_spawn_task_copy (_group, name##_coro_main, &_args, sizeof _args, name##_coro_clear, CORO_SPAWN_SITE (name)); \
  }
