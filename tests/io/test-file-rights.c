/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What saving and copying make of what was there: links, pipes, devices, and files of others. Each
 * case is played for us and for GIO, in a folder of its own, by a process that is not root, and
 * once more by root where the test is.
 */
#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL "system.posix_acl_access"
#define DEFAULT_ACL "system.posix_acl_default"
#define CAPABILITY "security.capability"
#define OTHER 65533             /* a user and a group that the player is not */

static char *root_folder;
static uid_t player;            /* is root's second self, or the only one */
static gid_t player_group;
static gboolean with_root;

/* --- what is there before --------------------------------------------------------- */

typedef struct
{
  char *folder;                 /* (owned) */
  char *path;                   /* (owned): to be saved, or copied to */
  char *source;                 /* (owned) */
  int kept[2];                  /* open while it is played, or -1 */
} Stage;

/* FALSE: this cannot be had without being root. */
typedef gboolean (* PrepareFunc) (Stage *stage);

static char *
stage_get (Stage      *self,
           const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

/* "f old 0644": a file of the player's. */
static char *
put_file (Stage      *self,
          const char *name,
          const char *text,
          mode_t      mode)
{
  char *path = stage_get (self, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  if (with_root)
    g_assert_cmpint (chown (path, player, player_group), ==, 0);
  g_assert_cmpint (chmod (path, mode), ==, 0);
  return path;
}

static void
put_link (Stage      *self,
          const char *name,
          const char *target)
{
  g_autofree char *path = stage_get (self, name);

  g_assert_cmpint (symlink (target, path), ==, 0);
  if (with_root)
    g_assert_cmpint (lchown (path, player, player_group), ==, 0);
}

static void
put_folder (Stage      *self,
            const char *name)
{
  g_autofree char *path = stage_get (self, name);

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  if (with_root)
    g_assert_cmpint (chown (path, player, player_group), ==, 0);
}

static gboolean
nothing (Stage *stage)
{
  return TRUE;
}

static gboolean
plain (Stage *stage)
{
  g_free (put_file (stage, "f", "old", 0640));
  return TRUE;
}

static gboolean
longer (Stage *stage)
{
  g_free (put_file (stage, "f", "what was there and is much longer than what comes", 0640));
  return TRUE;
}

static gboolean
read_only (Stage *stage)
{
  g_free (put_file (stage, "f", "old", 0444));
  return TRUE;
}

static gboolean
write_only (Stage *stage)
{
  g_free (put_file (stage, "f", "old", 0200));
  return TRUE;
}

static gboolean
link_to_file (Stage *stage)
{
  put_folder (stage, "d");
  g_free (put_file (stage, "d/real", "old", 0640));
  put_link (stage, "d/second", "real");
  put_link (stage, "f", "d/second");
  return TRUE;
}

static gboolean
link_dangling (Stage *stage)
{
  put_folder (stage, "d");
  put_link (stage, "d/second", "real");
  put_link (stage, "f", "d/second");
  return TRUE;
}

static gboolean
link_absolute (Stage *stage)
{
  g_autofree char *target = stage_get (stage, "real");

  put_link (stage, "f", target);
  return TRUE;
}

static gboolean
link_nowhere (Stage *stage)
{
  put_link (stage, "f", "missing/real");
  return TRUE;
}

static gboolean
link_loop (Stage *stage)
{
  put_link (stage, "f", "g");
  put_link (stage, "g", "f");
  return TRUE;
}

static gboolean
link_to_folder (Stage *stage)
{
  put_folder (stage, "d");
  put_link (stage, "f", "d");
  return TRUE;
}

static gboolean
link_to_full (Stage *stage)
{
  put_link (stage, "f", "/dev/full");
  return TRUE;
}

static gboolean
link_to_null (Stage *stage)
{
  put_link (stage, "f", "/dev/null");
  return TRUE;
}

static gboolean
link_to_read_only (Stage *stage)
{
  g_free (put_file (stage, "real", "old", 0444));
  put_link (stage, "f", "real");
  return TRUE;
}

static void
seal (Stage *self,
      mode_t mode)
{
  g_assert_cmpint (chmod (self->folder, mode), ==, 0);
}

static gboolean
sealed_folder (Stage *stage)
{
  plain (stage);
  seal (stage, 0555);
  return TRUE;
}

static gboolean
sealed_folder_longer (Stage *stage)
{
  longer (stage);
  seal (stage, 0555);
  return TRUE;
}

static gboolean
sealed_empty (Stage *stage)
{
  seal (stage, 0555);
  return TRUE;
}

static gboolean
sealed_link (Stage *stage)
{
  put_folder (stage, "d");
  g_free (put_file (stage, "d/real", "old", 0640));
  put_link (stage, "f", "d/real");
  seal (stage, 0555);
  return TRUE;
}

/* A link out of a folder that is not to be written to may still be answered for there. */
static gboolean
sealed_dangling (Stage *stage)
{
  put_folder (stage, "d");
  put_link (stage, "f", "d/real");
  seal (stage, 0555);
  return TRUE;
}

static gboolean
hard_link (Stage *stage)
{
  g_autofree char *path = put_file (stage, "f", "old", 0640);
  g_autofree char *second = stage_get (stage, "g");

  g_assert_cmpint (link (path, second), ==, 0);
  return TRUE;
}

static gboolean
give (Stage      *self,
      const char *name,
      uid_t       owner,
      gid_t       group,
      mode_t      mode)
{
  g_autofree char *path = stage_get (self, name);

  if (!with_root)
    return FALSE;
  g_assert_cmpint (lchown (path, owner, group), ==, 0);
  if (mode != 0)
    g_assert_cmpint (chmod (path, mode), ==, 0);
  return TRUE;
}

static gboolean
others_writable (Stage *stage)
{
  return plain (stage) && give (stage, "f", OTHER, OTHER, 0666);
}

static gboolean
others_readable (Stage *stage)
{
  return plain (stage) && give (stage, "f", OTHER, OTHER, 0644);
}

static gboolean
group_of_others (Stage *stage)
{
  return plain (stage) && give (stage, "f", player, OTHER, 0660);
}

static gboolean
group_of_player (Stage *stage)
{
  return plain (stage) && give (stage, "f", OTHER, player_group, 0660);
}

/* As /tmp is. */
static gboolean
sticky_folder (Stage *stage)
{
  if (!others_writable (stage))
    return FALSE;
  g_assert_cmpint (chown (stage->folder, 0, 0), ==, 0);
  seal (stage, 01777);
  return TRUE;
}

/* Whether it may be followed is up to fs.protected_symlinks. */
static gboolean
strangers_link (Stage *stage)
{
  g_free (put_file (stage, "real", "old", 0640));
  put_link (stage, "f", "real");
  if (!give (stage, "f", OTHER, OTHER, 0))
    return FALSE;
  g_assert_cmpint (chown (stage->folder, 0, 0), ==, 0);
  seal (stage, 01777);
  return TRUE;
}

static gboolean
strangers_dangling (Stage *stage)
{
  put_link (stage, "f", "real");
  if (!give (stage, "f", OTHER, OTHER, 0))
    return FALSE;
  g_assert_cmpint (chown (stage->folder, 0, 0), ==, 0);
  seal (stage, 01777);
  return TRUE;
}

/* An access control list as the kernel takes it: owner rw, one more user `permissions`, group -, mask, others -. */
static gboolean
set_list (const char *path,
          const char *name,
          guint       permissions)
{
  const struct { guint16 tag, permissions; guint32 id; } entries[] = {
    { GUINT16_TO_LE (0x01), GUINT16_TO_LE (6), GUINT32_TO_LE (0xffffffff) },
    { GUINT16_TO_LE (0x02), GUINT16_TO_LE (permissions), GUINT32_TO_LE (OTHER) },
    { GUINT16_TO_LE (0x04), 0, GUINT32_TO_LE (0xffffffff) },
    { GUINT16_TO_LE (0x10), GUINT16_TO_LE (permissions), GUINT32_TO_LE (0xffffffff) },
    { GUINT16_TO_LE (0x20), 0, GUINT32_TO_LE (0xffffffff) },
  };
  guint32 version = GUINT32_TO_LE (2);
  char value[sizeof version + sizeof entries];

  memcpy (value, &version, sizeof version);
  memcpy (value + sizeof version, entries, sizeof entries);
  return setxattr (path, name, value, sizeof value, 0) == 0;
}

static gboolean
with_list (Stage *stage)
{
  g_autofree char *path = put_file (stage, "f", "old", 0600);

  return set_list (path, ACL, 6);
}

/* A folder gives its list to all that is made in it; this file was not. */
static gboolean
list_of_folder (Stage *stage)
{
  g_free (put_file (stage, "f", "old", 0660));
  return set_list (stage->folder, DEFAULT_ACL, 6);
}

static gboolean
list_of_folder_alone (Stage *stage)
{
  return set_list (stage->folder, DEFAULT_ACL, 6);
}

static gboolean
with_attribute (Stage *stage)
{
  g_autofree char *path = put_file (stage, "f", "old", 0640);

  return setxattr (path, "user.coro-test", "a note", 6, 0) == 0;
}

/* Names that do not fit into a small buffer. */
static gboolean
with_attributes (Stage *stage)
{
  g_autofree char *path = put_file (stage, "f", "old", 0640);

  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("user.coro-test-%d%0150d", i, 0);

      if (setxattr (path, name, "a note", 6, 0) != 0)
        return FALSE;
    }
  return setxattr (path, "user.coro-test", "a note", 6, 0) == 0;
}

/* What the old contents were allowed to do, the new contents may not do: here, to bind low ports. */
static gboolean
with_capability (Stage *stage)
{
  g_autofree char *path = put_file (stage, "f", "old", 0750);
  const guint32 value[] = { GUINT32_TO_LE (0x02000001), GUINT32_TO_LE (1 << 10), 0, 0, 0 };

  return with_root && setxattr (path, CAPABILITY, value, sizeof value, 0) == 0;
}

/* Only the owner of the file can read this attribute, so the file is overwritten. */
static gboolean
attribute_unseen (Stage *stage)
{
  return with_attribute (stage) && give (stage, "f", OTHER, OTHER, 0622);
}

static gboolean
pipe_unread (Stage *stage)
{
  g_assert_cmpint (mkfifo (stage->path, 0666), ==, 0);
  g_assert_cmpint (chmod (stage->path, 0666), ==, 0);
  return TRUE;
}

static gboolean
pipe_read (Stage *stage)
{
  pipe_unread (stage);
  stage->kept[0] = open (stage->path, O_RDWR | O_CLOEXEC);
  return TRUE;
}

static gboolean
strangers_pipe (Stage *stage)
{
  if (!pipe_read (stage) || !give (stage, "f", OTHER, OTHER, 0))
    return FALSE;
  g_assert_cmpint (chown (stage->folder, 0, 0), ==, 0);
  seal (stage, 01777);
  return TRUE;
}

static gboolean
socket_there (Stage *stage)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  if (g_strlcpy (name.sun_path, stage->path, sizeof name.sun_path) >= sizeof name.sun_path)
    return FALSE;
  stage->kept[0] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (stage->kept[0], (struct sockaddr *) &name, sizeof name), ==, 0);
  g_assert_cmpint (chmod (stage->path, 0777), ==, 0);
  return TRUE;
}

static gboolean
folder_there (Stage *stage)
{
  put_folder (stage, "f");
  return TRUE;
}

/* A node of a device can be made by root alone, and lets itself be opened where the mount has them. */
static gboolean
node_there (Stage *stage)
{
  int fd;

  if (!with_root || mknod (stage->path, S_IFCHR | 0666, makedev (1, 3)) != 0 || chmod (stage->path, 0666) != 0)
    return FALSE;
  fd = open (stage->path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

/* /dev/fd/N, as a shell names it for >(command). */
static void
rename_to_fd (Stage *stage,
              int    fd)
{
  g_free (stage->path);
  stage->path = g_strdup_printf ("/dev/fd/%d", fd);
}

static gboolean
fd_of_pipe (Stage *stage)
{
  g_assert_cmpint (pipe (stage->kept), ==, 0);
  g_assert_true (!with_root || fchown (stage->kept[1], player, player_group) == 0);
  rename_to_fd (stage, stage->kept[1]);
  return TRUE;
}

static gboolean
fd_of_file (Stage *stage)
{
  g_autofree char *path = put_file (stage, "real", "old", 0640);

  stage->kept[1] = open (path, O_WRONLY);
  rename_to_fd (stage, stage->kept[1]);
  return TRUE;
}

static gboolean
fd_of_deleted (Stage *stage)
{
  g_autofree char *path = put_file (stage, "real", "old", 0640);

  stage->kept[1] = open (path, O_RDWR);
  g_assert_cmpint (unlink (path), ==, 0);
  rename_to_fd (stage, stage->kept[1]);
  return TRUE;
}

static gboolean
fd_of_nothing (Stage *stage)
{
  rename_to_fd (stage, 999);
  return TRUE;
}

/* What the kernel shows as files has no room for others. */
static gboolean
file_of_kernel (Stage *stage)
{
  g_free (stage->path);
  stage->path = g_strdup ("/proc/self/comm");
  return TRUE;
}

/* For copying. */

static gboolean
source_link (Stage *stage)
{
  put_link (stage, "link", "source");
  g_free (stage->source);
  stage->source = stage_get (stage, "link");
  return TRUE;
}

static gboolean
source_dangling (Stage *stage)
{
  g_assert_cmpint (unlink (stage->source), ==, 0);
  return source_link (stage);
}

static gboolean
source_unreadable (Stage *stage)
{
  g_assert_cmpint (chmod (stage->source, 0200), ==, 0);
  return plain (stage);
}

static gboolean
source_of_mode (Stage *stage)
{
  g_assert_cmpint (chmod (stage->source, 0751), ==, 0);
  return plain (stage);
}

static gboolean
source_with_list (Stage *stage)
{
  return set_list (stage->source, ACL, 6);
}

static gboolean
source_with_attribute (Stage *stage)
{
  return setxattr (stage->source, "user.coro-test", "a note", 6, 0) == 0;
}

static gboolean
source_of_others (Stage *stage)
{
  return give (stage, "source", OTHER, OTHER, 0664);
}

static gboolean
source_device (Stage *stage)
{
  g_free (stage->source);
  stage->source = g_strdup ("/dev/zero");
  return TRUE;
}

static gboolean
source_is_target (Stage *stage)
{
  g_free (stage->path);
  stage->path = g_strdup (stage->source);
  return TRUE;
}

/* --- what is there after ---------------------------------------------------------- */

static void
describe_attribute (GString    *out,
                    const char *path,
                    const char *name)
{
  char value[256];
  gssize size = lgetxattr (path, name, value, sizeof value);

  if (size >= 0)
    {
      g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_MD5, (guchar *) value, (gsize) size);

      g_string_append_printf (out, " %s=%.8s", name, sum);
    }
}

/* How many attributes of this test's it has besides the one that is described. */
static guint
count_attributes (const char *path)
{
  char names[4096];
  gssize size = llistxattr (path, names, sizeof names);
  guint n = 0;

  for (gssize i = 0; i < size; i += (gssize) strlen (names + i) + 1)
    n += g_str_has_prefix (names + i, "user.coro-test-");
  return n;
}

/* The kind of a file, and its access rights. */
static void
describe_rights (GString    *out,
                 const char *path)
{
  struct stat info;

  if (lstat (path, &info) != 0)
    {
      g_string_append (out, " missing");
      return;
    }
  g_string_append_printf (out, " %o %u:%u", info.st_mode, info.st_uid, info.st_gid);
  describe_attribute (out, path, ACL);
  describe_attribute (out, path, "user.coro-test");
  if (count_attributes (path) > 0)
    g_string_append_printf (out, " and %u", count_attributes (path));
}

static void
describe_contents (GString    *out,
                   const char *path)
{
  g_autofree char *text = NULL;
  g_autofree char *target = NULL;
  struct stat info;

  g_assert_cmpint (lstat (path, &info), ==, 0);
  if (S_ISREG (info.st_mode) && g_file_get_contents (path, &text, NULL, NULL))
    g_string_append_printf (out, " “%s”", text);
  if (S_ISLNK (info.st_mode) && (target = g_file_read_link (path, NULL)) != NULL)
    g_string_append_printf (out, " → %s", g_path_is_absolute (target) ? "…" : target);
}

static void
list_names (GPtrArray  *names,
            const char *folder,
            const char *below)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *full = g_strconcat (below, name, NULL);
      g_autofree char *deeper = g_strconcat (full, "/", NULL);

      g_ptr_array_add (names, g_strdup (full));
      if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK) && g_file_test (path, G_FILE_TEST_IS_DIR))
        list_names (names, path, deeper);
    }
}

/* A line for each of `names`, or of all that is there. */
static char *
describe (Stage     *self,
          GPtrArray *names,
          gboolean   contents)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
  GString *out = g_string_new (NULL);

  if (names == NULL)
    {
      list_names (all, self->folder, "");
      g_ptr_array_sort (all, compare_words);
      names = all;
    }
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = stage_get (self, g_ptr_array_index (names, i));

      g_string_append (out, g_ptr_array_index (names, i));
      describe_rights (out, path);
      if (contents)
        describe_contents (out, path);
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}

static void
remove_all (const char *folder)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  (void) !chmod (folder, 0755);
  list_names (names, folder, "");
  for (guint i = names->len; i-- > 0;)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);

      g_remove (path);
    }
  g_rmdir (folder);
}

/* --- playing ---------------------------------------------------------------------- */

typedef enum { SAVE, COPY } Deed;

/* In place of an error's code. */
#define OK (-1)
#define ANY (-2)                /* the kernel is set up to allow it, or not */

typedef struct
{
  const char *name;
  Deed deed;
  GFileCopyFlags flags;
  PrepareFunc prepare;
  int code;                     /* an error of GIO's, or -1: it succeeds */
  const char *text;             /* (nullable): what is then read under the name */
  int root_code;                /* the same for root */
  const char *root_text;        /* (nullable) */
  gboolean alone;               /* GIO does something else, which is not wanted here */
} Case;

/* What it came to, said by one process to another. */
typedef struct
{
  int code;
  char text[100];
} Outcome;

static gboolean
deed_cb (gpointer   data,
         GValue    *result,
         GError   **error)
{
  gpointer *arguments = data;
  const Case *self = arguments[0];
  Stage *stage = arguments[1];
  g_autoptr (GFile) file = g_file_new_for_path (stage->path);
  g_autoptr (GFile) source = g_file_new_for_path (stage->source);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("new", 3);

  return self->deed == SAVE ? coro_file_save_bytes (file, bytes, CORO_FILE_SAVE_NONE, error)
                            : coro_file_copy_to (source, file, self->flags, NULL, NULL, error);
}

static gboolean
gio_deed (const Case *self,
          Stage      *stage,
          GError    **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (stage->path);
  g_autoptr (GFile) source = g_file_new_for_path (stage->source);

  return self->deed == SAVE ? g_file_replace_contents (file, "new", 3, NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL, error)
                            : g_file_copy (source, file, self->flags, NULL, NULL, NULL, error);
}

/* What a file of the kernel's says is of the process that asks. */
static void
read_name (Stage   *stage,
           Outcome *outcome)
{
  g_autofree char *text = NULL;

  if (g_str_has_prefix (stage->path, "/proc/") && g_file_get_contents (stage->path, &text, NULL, NULL))
    g_strlcpy (outcome->text, g_strchomp (text), sizeof outcome->text);
}

static void
play_in_child (const Case *self,
               Stage      *stage,
               gboolean    as_root,
               gboolean    by_gio,
               int         answer)
{
  gpointer arguments[] = { (gpointer) self, stage };
  g_autoptr (GError) error = NULL;
  Outcome outcome = { .code = -1 };
  gboolean ok;

  umask (0022);
  if (with_root && !as_root)
    g_assert_true (setgroups (0, NULL) == 0 && setresgid (player_group, player_group, player_group) == 0 &&
                   setresuid (player, player, player) == 0);
  g_assert_cmpint (prctl (PR_SET_DUMPABLE, 1, 0, 0, 0), ==, 0); /* what is below /proc/self is its own */
  ok = by_gio ? gio_deed (self, stage, &error) : coro_run (deed_cb, arguments, NULL, &error);
  if (!ok)
    {
      g_assert_true (error->domain == G_IO_ERROR);
      outcome.code = error->code;
      g_strlcpy (outcome.text, error->message, sizeof outcome.text);
    }
  else
    {
      read_name (stage, &outcome);
    }
  g_assert_cmpint (write (answer, &outcome, sizeof outcome), ==, sizeof outcome);
  _exit (0);
}

static Outcome
play (const Case *self,
      Stage      *stage,
      gboolean    as_root,
      gboolean    by_gio)
{
  Outcome outcome = { 0, };
  int answers[2], status;
  pid_t child;

  g_assert_cmpint (pipe (answers), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    play_in_child (self, stage, as_root, by_gio, answers[1]);
  close (answers[1]);
  g_assert_cmpint (read (answers[0], &outcome, sizeof outcome), ==, sizeof outcome);
  close (answers[0]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));           /* valgrind looks for leaks in the child */
  return outcome;
}

static gboolean
stage_init (Stage      *self,
            const Case *example,
            gboolean    as_root)
{
  self->folder = g_build_filename (root_folder, "stage", NULL);
  self->path = stage_get (self, "f");
  self->kept[0] = self->kept[1] = -1;
  g_assert_cmpint (g_mkdir (self->folder, 0755), ==, 0);
  if (with_root)
    g_assert_cmpint (chown (self->folder, player, player_group), ==, 0);
  self->source = example->deed == COPY ? put_file (self, "source", "new", 0640) : stage_get (self, "source");
  return example->prepare (self);
}

static void
stage_clear (Stage *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->kept); i++)
    if (self->kept[i] >= 0)
      close (self->kept[i]);
  remove_all (self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->source);
}

/* What is read under the name afterwards: from a pipe, at the other end of it. */
static char *
stage_read (Stage   *self,
            Outcome *outcome)
{
  int kept = self->kept[0] >= 0 ? self->kept[0] : self->kept[1];
  char buffer[100];
  gssize n;
  char *text = NULL;

  if (g_str_has_prefix (self->path, "/proc/"))
    return g_strdup (outcome->text);
  if (kept < 0 && !g_file_test (self->path, G_FILE_TEST_IS_REGULAR))
    return NULL;
  if (kept < 0)
    return chmod (self->path, 0600) == 0 && g_file_get_contents (self->path, &text, NULL, NULL) ? text : NULL;

  n = pread (kept, buffer, sizeof buffer, 0);
  if (n < 0 && errno == ESPIPE)
    {
      g_assert_cmpint (fcntl (kept, F_SETFL, O_NONBLOCK), ==, 0);
      n = read (kept, buffer, sizeof buffer);
    }
  if (n < 0 && errno == EBADF && g_file_get_contents (self->path, &text, NULL, NULL))
    return text;                /* it was opened for writing */
  return n > 0 ? g_strndup (buffer, (gsize) n) : NULL;
}

/* Returns the state at the end; saving never changes the access rights of an old file. */
static char *
run_case (const Case *self,
          gboolean    as_root,
          gboolean    by_gio,
          Outcome    *outcome,
          gboolean   *prepared)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  char *all = NULL;
  Stage stage;

  *prepared = stage_init (&stage, self, as_root);
  if (*prepared)
    {
      list_names (names, stage.folder, "");
      before = describe (&stage, names, FALSE);
      *outcome = play (self, &stage, as_root, by_gio);
      after = describe (&stage, names, FALSE);
      all = describe (&stage, NULL, TRUE);
      if (!by_gio)
        {
          g_autofree char *text = stage_read (&stage, outcome);

          g_test_message ("%s%s: %d %s\n%s", self->name, as_root ? ", by root" : "", outcome->code, outcome->text, all);
          if (self->code != ANY)
            {
              g_assert_cmpint (outcome->code, ==, as_root ? self->root_code : self->code);
              g_assert_cmpstr (text, ==, as_root ? self->root_text : self->text);
            }
          if (self->deed == SAVE)
            g_assert_cmpstr (before, ==, after);
          if (self->prepare == with_capability)
            g_assert_cmpint (lgetxattr (stage.path, CAPABILITY, NULL, 0), <, 0);
        }
    }
  stage_clear (&stage);
  return all;
}

static void
play_case (const Case *self,
           gboolean    as_root)
{
  Outcome ours, gios;
  gboolean prepared;
  g_autofree char *our_end = run_case (self, as_root, FALSE, &ours, &prepared);
  g_autofree char *gios_end = NULL;

  if (self->alone || !prepared)
    return;
  gios_end = run_case (self, as_root, TRUE, &gios, &prepared);
  /* It may tell of its first attempt, in which it did not follow a link. */
  if (gios.code != G_IO_ERROR_TOO_MANY_LINKS || ours.code == OK)
    g_assert_cmpint (ours.code, ==, gios.code);
  g_assert_cmpstr (our_end, ==, gios_end);
}

static void
test_case (gconstpointer data)
{
  play_case (data, FALSE);
  if (with_root)
    play_case (data, TRUE);
}

/* --- the cases -------------------------------------------------------------------- */

#define DENIED G_IO_ERROR_PERMISSION_DENIED
#define NO_SPACE G_IO_ERROR_NO_SPACE
#define LINKS G_IO_ERROR_TOO_MANY_LINKS
#define MISSING G_IO_ERROR_NOT_FOUND
#define FOLDER G_IO_ERROR_IS_DIRECTORY
#define IRREGULAR G_IO_ERROR_NOT_REGULAR_FILE
#define OVERWRITE G_FILE_COPY_OVERWRITE
#define NOFOLLOW (G_FILE_COPY_OVERWRITE | G_FILE_COPY_NOFOLLOW_SYMLINKS)
#define METADATA (G_FILE_COPY_OVERWRITE | G_FILE_COPY_ALL_METADATA)

static const Case cases[] = {
  { "save/new", SAVE, 0, nothing, OK, "new", OK, "new", FALSE },
  { "save/plain", SAVE, 0, plain, OK, "new", OK, "new", FALSE },
  { "save/longer", SAVE, 0, longer, OK, "new", OK, "new", FALSE },
  { "save/read-only", SAVE, 0, read_only, DENIED, "old", OK, "new", FALSE },
  { "save/write-only", SAVE, 0, write_only, OK, "new", OK, "new", FALSE },
  { "save/link", SAVE, 0, link_to_file, OK, "new", OK, "new", FALSE },
  { "save/link-dangling", SAVE, 0, link_dangling, OK, "new", OK, "new", FALSE },
  { "save/link-dangling-absolute", SAVE, 0, link_absolute, OK, "new", OK, "new", FALSE },
  { "save/link-into-missing-folder", SAVE, 0, link_nowhere, MISSING, NULL, MISSING, NULL, FALSE },
  { "save/link-loop", SAVE, 0, link_loop, LINKS, NULL, LINKS, NULL, FALSE },
  { "save/link-to-folder", SAVE, 0, link_to_folder, FOLDER, NULL, FOLDER, NULL, FALSE },
  { "save/link-to-read-only", SAVE, 0, link_to_read_only, DENIED, "old", OK, "new", FALSE },
  { "save/link-to-full-device", SAVE, 0, link_to_full, NO_SPACE, NULL, NO_SPACE, NULL, TRUE },
  { "save/link-to-device", SAVE, 0, link_to_null, OK, NULL, OK, NULL, TRUE },
  { "save/device", SAVE, 0, node_there, OK, NULL, OK, NULL, TRUE },
  { "save/folder-sealed", SAVE, 0, sealed_folder, OK, "new", OK, "new", FALSE },
  { "save/folder-sealed-longer", SAVE, 0, sealed_folder_longer, OK, "new", OK, "new", FALSE },
  { "save/folder-sealed-new", SAVE, 0, sealed_empty, DENIED, NULL, OK, "new", FALSE },
  { "save/folder-sealed-link", SAVE, 0, sealed_link, OK, "new", OK, "new", FALSE },
  { "save/folder-sealed-dangling", SAVE, 0, sealed_dangling, OK, "new", OK, "new", FALSE },
  { "save/hard-link", SAVE, 0, hard_link, OK, "new", OK, "new", TRUE },
  { "save/other-owner-writable", SAVE, 0, others_writable, OK, "new", OK, "new", FALSE },
  { "save/other-owner", SAVE, 0, others_readable, DENIED, "old", OK, "new", FALSE },
  { "save/other-group", SAVE, 0, group_of_others, OK, "new", OK, "new", FALSE },
  { "save/by-group", SAVE, 0, group_of_player, OK, "new", OK, "new", FALSE },
  { "save/sticky-folder", SAVE, 0, sticky_folder, ANY, NULL, ANY, NULL, FALSE },
  { "save/strangers-link", SAVE, 0, strangers_link, ANY, NULL, ANY, NULL, FALSE },
  { "save/strangers-link-dangling", SAVE, 0, strangers_dangling, ANY, NULL, ANY, NULL, FALSE },
  { "save/strangers-pipe", SAVE, 0, strangers_pipe, ANY, NULL, ANY, NULL, TRUE },
  { "save/access-list", SAVE, 0, with_list, OK, "new", OK, "new", TRUE },
  { "save/access-list-of-folder", SAVE, 0, list_of_folder, OK, "new", OK, "new", TRUE },
  { "save/access-list-of-folder-new", SAVE, 0, list_of_folder_alone, OK, "new", OK, "new", FALSE },
  { "save/attribute", SAVE, 0, with_attribute, OK, "new", OK, "new", TRUE },
  { "save/attributes", SAVE, 0, with_attributes, OK, "new", OK, "new", TRUE },
  { "save/capability-goes", SAVE, 0, with_capability, OK, "new", OK, "new", TRUE },
  { "save/attribute-unseen", SAVE, 0, attribute_unseen, OK, "new", OK, "new", TRUE },
  { "save/pipe-unread", SAVE, 0, pipe_unread, IRREGULAR, NULL, IRREGULAR, NULL, TRUE },
  { "save/pipe", SAVE, 0, pipe_read, OK, "new", OK, "new", TRUE },
  { "save/socket", SAVE, 0, socket_there, IRREGULAR, NULL, IRREGULAR, NULL, FALSE },
  { "save/folder", SAVE, 0, folder_there, FOLDER, NULL, FOLDER, NULL, FALSE },
  { "save/fd-of-pipe", SAVE, 0, fd_of_pipe, OK, "new", OK, "new", TRUE },
  { "save/fd-of-file", SAVE, 0, fd_of_file, OK, "new", OK, "new", FALSE },
  { "save/fd-of-deleted", SAVE, 0, fd_of_deleted, OK, "new", OK, "new", FALSE },
  { "save/fd-of-nothing", SAVE, 0, fd_of_nothing, MISSING, NULL, MISSING, NULL, FALSE },
  { "save/file-of-kernel", SAVE, 0, file_of_kernel, OK, "new", OK, "new", TRUE },

  { "copy/new", COPY, 0, nothing, OK, "new", OK, "new", FALSE },
  { "copy/exists", COPY, 0, plain, G_IO_ERROR_EXISTS, "old", G_IO_ERROR_EXISTS, "old", FALSE },
  { "copy/exists-dangling", COPY, 0, link_dangling, G_IO_ERROR_EXISTS, NULL, G_IO_ERROR_EXISTS, NULL, FALSE },
  { "copy/plain", COPY, OVERWRITE, plain, OK, "new", OK, "new", FALSE },
  { "copy/longer", COPY, OVERWRITE, longer, OK, "new", OK, "new", FALSE },
  { "copy/read-only", COPY, OVERWRITE, read_only, DENIED, "old", OK, "new", FALSE },
  { "copy/link", COPY, OVERWRITE, link_to_file, OK, "new", OK, "new", FALSE },
  { "copy/link-dangling", COPY, OVERWRITE, link_dangling, OK, "new", OK, "new", FALSE },
  { "copy/link-loop", COPY, OVERWRITE, link_loop, OK, "new", OK, "new", FALSE },
  { "copy/link-to-folder", COPY, OVERWRITE, link_to_folder, OK, "new", OK, "new", FALSE },
  { "copy/link-to-device", COPY, OVERWRITE, link_to_null, OK, "new", OK, "new", FALSE },
  { "copy/link-to-read-only", COPY, OVERWRITE, link_to_read_only, OK, "new", OK, "new", FALSE },
  { "copy/device", COPY, OVERWRITE, node_there, IRREGULAR, NULL, IRREGULAR, NULL, FALSE },
  { "copy/folder-sealed", COPY, OVERWRITE, sealed_folder, DENIED, "old", OK, "new", FALSE },
  { "copy/folder-sealed-new", COPY, OVERWRITE, sealed_empty, DENIED, NULL, OK, "new", FALSE },
  { "copy/hard-link", COPY, OVERWRITE, hard_link, OK, "new", OK, "new", FALSE },
  { "copy/other-owner-writable", COPY, OVERWRITE, others_writable, OK, "new", OK, "new", FALSE },
  { "copy/other-owner", COPY, OVERWRITE, others_readable, DENIED, "old", OK, "new", FALSE },
  { "copy/other-group", COPY, OVERWRITE, group_of_others, OK, "new", OK, "new", FALSE },
  { "copy/sticky-folder", COPY, OVERWRITE, sticky_folder, DENIED, "old", OK, "new", FALSE },
  { "copy/access-list", COPY, OVERWRITE, with_list, OK, "new", OK, "new", FALSE },
  { "copy/pipe-unread", COPY, OVERWRITE, pipe_unread, IRREGULAR, NULL, IRREGULAR, NULL, TRUE },
  { "copy/pipe", COPY, OVERWRITE, pipe_read, IRREGULAR, NULL, IRREGULAR, NULL, FALSE },
  { "copy/socket", COPY, OVERWRITE, socket_there, IRREGULAR, NULL, IRREGULAR, NULL, FALSE },
  { "copy/folder", COPY, OVERWRITE, folder_there, FOLDER, NULL, FOLDER, NULL, FALSE },
  { "copy/source-link", COPY, OVERWRITE, source_link, OK, "new", OK, "new", FALSE },
  { "copy/source-link-itself", COPY, NOFOLLOW, source_link, OK, "new", OK, "new", FALSE },
  { "copy/source-dangling", COPY, OVERWRITE, source_dangling, MISSING, NULL, MISSING, NULL, FALSE },
  { "copy/source-dangling-itself", COPY, NOFOLLOW, source_dangling, OK, NULL, OK, NULL, FALSE },
  { "copy/source-unreadable", COPY, OVERWRITE, source_unreadable, DENIED, "old", OK, "new", FALSE },
  { "copy/source-mode", COPY, OVERWRITE, source_of_mode, OK, "new", OK, "new", FALSE },
  { "copy/source-access-list", COPY, OVERWRITE, source_with_list, OK, "new", OK, "new", FALSE },
  { "copy/source-attribute", COPY, OVERWRITE, source_with_attribute, OK, "new", OK, "new", FALSE },
  { "copy/source-of-others", COPY, OVERWRITE, source_of_others, OK, "new", OK, "new", FALSE },
  { "copy/source-of-others-with-owner", COPY, METADATA, source_of_others, OK, "new", OK, "new", FALSE },
  { "copy/source-device", COPY, OVERWRITE, source_device, G_IO_ERROR_NOT_SUPPORTED, NULL, G_IO_ERROR_NOT_SUPPORTED, NULL, FALSE },
  { "copy/source-is-target", COPY, OVERWRITE, source_is_target, OK, "new", OK, "new", FALSE },
};

static gboolean
has_attributes (const char *path)
{
  return setxattr (path, "user.coro-test", "", 0, 0) == 0;
}

/* Not every folder for temporary files has extended attributes. */
static char *
make_folder (void)
{
  char *path = g_dir_make_tmp ("coro-test-XXXXXX", NULL);

  if (!has_attributes (path))
    {
      g_autofree char *here = g_get_current_dir ();
      g_autofree char *other = g_build_filename (here, "coro-test-XXXXXX", NULL);

      if (g_mkdtemp (other) != NULL && has_attributes (other))
        {
          g_rmdir (path);
          g_free (path);
          path = g_steal_pointer (&other);
        }
      else
        {
          g_rmdir (other);
        }
    }
  g_assert_cmpint (chmod (path, 0755), ==, 0);
  return path;
}

int
main (int    argc,
      char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Saving and copying do to links, pipes and files of others what GIO does, or what is named here");
  root_folder = make_folder ();
  with_root = geteuid () == 0;
  player = with_root ? 65534 : geteuid ();
  player_group = with_root ? 65534 : getegid ();
  umask (0022);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strconcat ("/io/file-rights/", cases[i].name, NULL);

      g_test_add_data_func (name, &cases[i], test_case);
    }

  result = g_test_run ();
  remove_all (root_folder);
  g_free (root_folder);
  return result;
}
