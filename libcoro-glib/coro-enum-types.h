/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

#include "coro-version-macros.h"

G_BEGIN_DECLS

#define CORO_TYPE_DEBUG_FLAGS (coro_debug_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_debug_flags_get_type (void);

#define CORO_TYPE_TRACE_EVENT (coro_trace_event_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_trace_event_get_type (void);

#define CORO_TYPE_ERROR (coro_error_enum_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_error_enum_get_type (void);

#define CORO_TYPE_WAIT_STATE (coro_wait_state_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_wait_state_get_type (void);

#define CORO_TYPE_ABORT (coro_abort_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_abort_get_type (void);

#define CORO_TYPE_COROUTINE_STATE (coro_coroutine_state_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_coroutine_state_get_type (void);

#define CORO_TYPE_FUTURE_STATE (coro_future_state_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_future_state_get_type (void);

#define CORO_TYPE_GATHER_FLAGS (coro_gather_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_gather_flags_get_type (void);

#define CORO_TYPE_WAIT_WHEN (coro_wait_when_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_wait_when_get_type (void);

#define CORO_TYPE_EXECUTOR_FLAGS (coro_executor_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_executor_flags_get_type (void);

#define CORO_TYPE_FILE_SAVE_FLAGS (coro_file_save_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_file_save_flags_get_type (void);

#define CORO_TYPE_LOCAL_FILE_FLAGS (coro_local_file_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_local_file_flags_get_type (void);

#define CORO_TYPE_GROUP_ERROR (coro_group_error_enum_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_group_error_enum_get_type (void);

#define CORO_TYPE_RUNNER_STATE (coro_runner_state_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_runner_state_get_type (void);

#define CORO_TYPE_TASK_GROUP_FLAGS (coro_task_group_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_task_group_flags_get_type (void);

#define CORO_TYPE_TEST_CANCEL_FLAGS (coro_test_cancel_flags_get_type ())
CORO_AVAILABLE_IN_ALL
GType coro_test_cancel_flags_get_type (void);

G_END_DECLS
