/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "coro-glib.h"

/* PyGObject since 3.58 cannot print an enumeration without a type; check-gir.py checks that
 * each enumeration has one.  Types of error codes are named as in GIO: otherwise bindings would turn
 * coro_error_quark() into a method of Error. */

G_DEFINE_FLAGS_TYPE (CoroDebugFlags, coro_debug_flags,
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_SLOW, "slow"),
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_WATCHDOG, "watchdog"),
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_CHECKS, "checks"),
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_ERRORS, "errors"),
                     G_DEFINE_ENUM_VALUE (CORO_DEBUG_ALL, "all"))

G_DEFINE_ENUM_TYPE (CoroTraceEvent, coro_trace_event,
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_CREATED, "created"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_STARTED, "started"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_AWAITING, "awaiting"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_SUSPENDED, "suspended"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_RESUMED, "resumed"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_RESULT, "result"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_RETURNED, "returned"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_CANCELLED, "cancelled"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_FINISHED, "finished"),
                    G_DEFINE_ENUM_VALUE (CORO_TRACE_FREED, "freed"))

G_DEFINE_ENUM_TYPE (CoroError, coro_error_enum,
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_NOT_IN_COROUTINE, "not-in-coroutine"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_FOREIGN_FRAME, "foreign-frame"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_NESTED_LOOP, "nested-loop"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_NESTED_RUN, "nested-run"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_ALREADY_DONE, "already-done"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_NO_RESULT, "no-result"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_TYPE_MISMATCH, "type-mismatch"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_NO_STACK, "no-stack"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_PROTOCOL, "protocol"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_EXHAUSTED, "exhausted"),
                    G_DEFINE_ENUM_VALUE (CORO_ERROR_GENERATOR_EXIT, "generator-exit"))

G_DEFINE_ENUM_TYPE (CoroWaitState, coro_wait_state,
                    G_DEFINE_ENUM_VALUE (CORO_WAIT_READY, "ready"),
                    G_DEFINE_ENUM_VALUE (CORO_WAIT_PENDING, "pending"))

G_DEFINE_ENUM_TYPE (CoroAbort, coro_abort,
                    G_DEFINE_ENUM_VALUE (CORO_ABORT_DONE, "done"),
                    G_DEFINE_ENUM_VALUE (CORO_ABORT_LATER, "later"))

G_DEFINE_ENUM_TYPE (CoroCoroutineState, coro_coroutine_state,
                    G_DEFINE_ENUM_VALUE (CORO_COROUTINE_CREATED, "created"),
                    G_DEFINE_ENUM_VALUE (CORO_COROUTINE_RUNNING, "running"),
                    G_DEFINE_ENUM_VALUE (CORO_COROUTINE_SUSPENDED, "suspended"),
                    G_DEFINE_ENUM_VALUE (CORO_COROUTINE_CLOSED, "closed"))

G_DEFINE_ENUM_TYPE (CoroFutureState, coro_future_state,
                    G_DEFINE_ENUM_VALUE (CORO_FUTURE_PENDING, "pending"),
                    G_DEFINE_ENUM_VALUE (CORO_FUTURE_RESOLVED, "resolved"),
                    G_DEFINE_ENUM_VALUE (CORO_FUTURE_REJECTED, "rejected"),
                    G_DEFINE_ENUM_VALUE (CORO_FUTURE_CANCELLED, "cancelled"))

G_DEFINE_FLAGS_TYPE (CoroGatherFlags, coro_gather_flags,
                     G_DEFINE_ENUM_VALUE (CORO_GATHER_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (CORO_GATHER_RETURN_ERRORS, "return-errors"),
                     G_DEFINE_ENUM_VALUE (CORO_GATHER_CANCEL_ON_ERROR, "cancel-on-error"))

G_DEFINE_ENUM_TYPE (CoroWaitWhen, coro_wait_when,
                    G_DEFINE_ENUM_VALUE (CORO_WAIT_ALL, "all"),
                    G_DEFINE_ENUM_VALUE (CORO_WAIT_FIRST_DONE, "first-done"),
                    G_DEFINE_ENUM_VALUE (CORO_WAIT_FIRST_ERROR, "first-error"))

G_DEFINE_FLAGS_TYPE (CoroExecutorFlags, coro_executor_flags,
                     G_DEFINE_ENUM_VALUE (CORO_EXECUTOR_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (CORO_EXECUTOR_ABANDON, "abandon"))

G_DEFINE_FLAGS_TYPE (CoroFileSaveFlags, coro_file_save_flags,
                     G_DEFINE_ENUM_VALUE (CORO_FILE_SAVE_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (CORO_FILE_SAVE_DURABLE, "durable"),
                     G_DEFINE_ENUM_VALUE (CORO_FILE_SAVE_PRIVATE, "private"))

G_DEFINE_FLAGS_TYPE (CoroLocalFileFlags, coro_local_file_flags,
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_READ, "read"),
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_WRITE, "write"),
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_CREATE, "create"),
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_EXCLUSIVE, "exclusive"),
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_TRUNCATE, "truncate"),
                     G_DEFINE_ENUM_VALUE (CORO_LOCAL_FILE_APPEND, "append"))

G_DEFINE_ENUM_TYPE (CoroGroupError, coro_group_error_enum,
                    G_DEFINE_ENUM_VALUE (CORO_GROUP_ERROR_FAILED, "failed"))

G_DEFINE_ENUM_TYPE (CoroRunnerState, coro_runner_state,
                    G_DEFINE_ENUM_VALUE (CORO_RUNNER_CREATED, "created"),
                    G_DEFINE_ENUM_VALUE (CORO_RUNNER_RUNNING, "running"),
                    G_DEFINE_ENUM_VALUE (CORO_RUNNER_SHUTTING_DOWN, "shutting-down"),
                    G_DEFINE_ENUM_VALUE (CORO_RUNNER_CLOSED, "closed"))

G_DEFINE_FLAGS_TYPE (CoroTaskGroupFlags, coro_task_group_flags,
                     G_DEFINE_ENUM_VALUE (CORO_TASK_GROUP_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (CORO_TASK_GROUP_SUPERVISOR, "supervisor"),
                     G_DEFINE_ENUM_VALUE (CORO_TASK_GROUP_UNJOINED, "unjoined"),
                     G_DEFINE_ENUM_VALUE (CORO_TASK_GROUP_BACKGROUND, "background"))

G_DEFINE_FLAGS_TYPE (CoroTestCancelFlags, coro_test_cancel_flags,
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_BEFORE, "before"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_PARKED, "parked"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_WOKEN, "woken"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_TASK, "task"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_SCOPE, "scope"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_TIMEOUT, "timeout"),
                     G_DEFINE_ENUM_VALUE (CORO_TEST_CANCEL_ALL, "all"))
