/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two certificates for test.example that sign themselves, until 2126, and the key of the
 * first.  Made by
 *   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 \
 *     -subj /CN=test.example -addext subjectAltName=DNS:test.example
 * No program should trust them: the key is public.
 */
#pragma once

static const char certificate_pem[] =
  "-----BEGIN CERTIFICATE-----\n"
  "MIIBnjCCAUSgAwIBAgIUVW+RYQwamnB8GPSM5pxIlrLCFF4wCgYIKoZIzj0EAwIw\n"
  "FzEVMBMGA1UEAwwMdGVzdC5leGFtcGxlMCAXDTI2MTEyMTE0MzU0OVoYDzIxMjYx\n"
  "MDI4MTQzNTQ5WjAXMRUwEwYDVQQDDAx0ZXN0LmV4YW1wbGUwWTATBgcqhkjOPQIB\n"
  "BggqhkjOPQMBBwNCAASbsbbbU7MQXcT1MRkXOlFne0kDoKTARv/5kUdBe76mRs5s\n"
  "hpR7eBW7gN6VPUlinAGxzW7LAOg+UPjxTFuqaXVho2wwajAdBgNVHQ4EFgQUW1N4\n"
  "OD2PmN/Dfma8LEOpUTnk5VYwHwYDVR0jBBgwFoAUW1N4OD2PmN/Dfma8LEOpUTnk\n"
  "5VYwFwYDVR0RBBAwDoIMdGVzdC5leGFtcGxlMA8GA1UdEwEB/wQFMAMBAf8wCgYI\n"
  "KoZIzj0EAwIDSAAwRQIhAIzryVGcR4nsF3qx0yJNsVq8FoOJBVzthG1Jgtr/r92f\n"
  "AiAkmJD9w6SDem1fpPoZOfUa81b4whVUo8PTkO1Nu8ZeZw==\n"
  "-----END CERTIFICATE-----\n";

static const char key_pem[] =
  "-----BEGIN PRIVATE KEY-----\n"
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQCRiG8BFu50GgIeA\n"
  "xfNIMYvUPhHuISFmuAtZshPDSHOhRANCAASbsbbbU7MQXcT1MRkXOlFne0kDoKTA\n"
  "Rv/5kUdBe76mRs5shpR7eBW7gN6VPUlinAGxzW7LAOg+UPjxTFuqaXVh\n"
  "-----END PRIVATE KEY-----\n";

static const char other_certificate_pem[] =
  "-----BEGIN CERTIFICATE-----\n"
  "MIIBnjCCAUSgAwIBAgIUTHfGM07gB9Qxk4CvBrdQVZLfwzUwCgYIKoZIzj0EAwIw\n"
  "FzEVMBMGA1UEAwwMdGVzdC5leGFtcGxlMCAXDTI2MTEyMTE0MzU0OVoYDzIxMjYx\n"
  "MDI4MTQzNTQ5WjAXMRUwEwYDVQQDDAx0ZXN0LmV4YW1wbGUwWTATBgcqhkjOPQIB\n"
  "BggqhkjOPQMBBwNCAARj0+TUWon3HHzELt9d6FHsMONunLdmWqUipZI+tad1zjG8\n"
  "LQi8KS7hIa3Z14sLxzMyQlZ91zRzNDymlqX7Io99o2wwajAdBgNVHQ4EFgQUg+w3\n"
  "NiAtgUx3P/ahfJRatl3IoLUwHwYDVR0jBBgwFoAUg+w3NiAtgUx3P/ahfJRatl3I\n"
  "oLUwDwYDVR0TAQH/BAUwAwEB/zAXBgNVHREEEDAOggx0ZXN0LmV4YW1wbGUwCgYI\n"
  "KoZIzj0EAwIDSAAwRQIhANop6pOKBevfx8nS90pKyhIeP6/M7X+DIK8vwXce10IM\n"
  "AiA2+fym3+ChM+jk6biWk73bDfh39gJbrD+uG8cZv/eW8g==\n"
  "-----END CERTIFICATE-----\n";
