#!/usr/bin/env -S gjs -m
// The shortest coroutine: a future is what `await` takes.
// SPDX-License-Identifier: CC0-1.0
import Coro from 'gi://Coro?version=1';

print('hello,');
await Coro.sleep(100);
print('world');
