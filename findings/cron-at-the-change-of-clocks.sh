#!/bin/sh
# croner 11.0.1, cron-parser 5.10.6 and cron 4.4.0 from npm: three readings of the same schedules in
# Europe/Berlin, on the nights when the clocks change.
#
# Guess: with a time zone given, well-kept libraries agree. They do for `0 * * * *` (each hour of the real
# time) and for `30 2 * * *` in autumn (the first of the two), but
# - `30 2 * * *` on 29 March 2026, when there is no 2:30: croner and cron run at 3:00, cron-parser at 3:30;
# - `*/30 2 * * *` on 25 October 2026, when the hour from 2 to 3 comes twice: croner runs four times, the
#   others twice, and the second hour has no run at all, though an interval was asked for.
# What helps: to choose one library for the server and for whatever shows "next run", and to write the choice down.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1 cron-parser@5.10.6 cron@4.4.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { CronTime } from 'cron'
import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'
const ZONE = 'Europe/Berlin'
const NEXT = {
  croner: (pattern, at) => new Cron(pattern, { timezone: ZONE, paused: true }).nextRun(at),
  'cron-parser': (pattern, at) => CronExpressionParser.parse(pattern, { currentDate: at, tz: ZONE }).next().toDate(),
  cron: (pattern, at) => new CronTime(pattern, ZONE).getNextDateFrom(at, ZONE).toJSDate(),
}
/** All runs of the day in that zone, as hours and minutes of UTC. */
const runs = (next, pattern, from, to) => {
  const found = []
  for (let at = next(pattern, new Date(from)); at < new Date(to); at = next(pattern, at)) found.push(at.toISOString().slice(11, 16))
  return found.join(' ')
}
const seen = {}
for (const [library, next] of Object.entries(NEXT)) {
  seen[library] = {
    spring: runs(next, '30 2 * * *', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'),
    autumn: runs(next, '*/30 2 * * *', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'),
  }
}
console.log(seen)
assert.deepEqual(seen, {
  croner: { spring: '01:00', autumn: '00:00 00:30 01:00 01:30' },
  'cron-parser': { spring: '01:30', autumn: '00:00 00:30' },
  cron: { spring: '01:00', autumn: '00:00 00:30' },
})
JS
node try.mjs
echo 'as found'
